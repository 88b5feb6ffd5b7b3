/* check_static_files.c - files from memory: what is served, and what is not */
#include "http_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "log.h"
#include "run_suite.h"
#include "transport/static_files.h"

static char dir[] = "/tmp/check_static_XXXXXX";
static struct static_files *files;
static struct client c;
static bool served;

static void no_log(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	log_set_sink(no_log);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	files = NULL;
	served = false;
	c.text = NULL;
}

static void teardown(void)
{
	char command[128];

	if (c.text)
		client_close(&c);
	if (served)
		fixture_stop();
	static_files_free(files);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void serve(const struct http_route *routes, size_t n)
{
	struct http_config config = { 0 };

	fixture_start(&config, routes, n, files);
	served = true;
}

static struct answer get(const char *method, const char *target, const char *more)
{
	char request[512];

	if (c.text)
		client_close(&c);
	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, target,
		 more);
	return ask(&c, request);
}

static void serve_bundle(void)
{
	put("socket.io.min.js", "/* small */");
	put("socket.io.min.js.map", "{}");
	put("package.json", "{\"secret\":1}");
	ck_assert_int_eq(static_files_new_bundle(&files, dir), 0);
	serve(static_files_bundle_routes, static_files_bundle_routes_n);
}

START_TEST(the_bundle_is_what_is_there_of_it_and_nothing_else)
{
	static const char *const absent[] = {
		"/socket.io/socket.io.js",	    "/socket.io/package.json",
		"/socket.io/../package.json",	    "/socket.io/%2e%2e/package.json",
		"/socket.io/..%2fpackage.json",	    "/socket.io//etc/passwd",
		"/socket.io/./socket.io.min.js",    "/socket.io/socket.io.min.js/",
		"/socket.io/SOCKET.IO.MIN.JS",	    "/socket.io/",
		"/socket.io/socket.io.min.js%2f..",
	};
	struct answer a;

	serve_bundle();
	a = get("GET", "/socket.io/socket.io.min.js?v=4", "");
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.body, "/* small */");
	ck_assert_str_eq(header_of(a.head, "Content-Type"), "text/javascript; charset=utf-8");
	ck_assert_str_eq(header_of(a.head, "Content-Length"), "11");
	ck_assert_str_eq(header_of(a.head, "X-Content-Type-Options"), "nosniff");
	a = get("GET", "/socket.io/socket.io.min.js.map", "");
	ck_assert_str_eq(header_of(a.head, "Content-Type"), "application/json; charset=utf-8");
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert_msg(get("GET", absent[i], "").status == 404, "%s", absent[i]);
	ck_assert_int_eq(get("POST", "/socket.io/socket.io.min.js", "").status, 405);
}
END_TEST

START_TEST(who_has_a_file_is_told_so)
{
	char etag[64], more[256];
	struct answer a;

	serve_bundle();
	a = get("GET", "/socket.io/socket.io.min.js", "");
	strcpy(etag, header_of(a.head, "ETag"));
	ck_assert_int_eq(etag[0], '"');
	snprintf(more, sizeof(more), "If-None-Match: \"x\", W/%s\r\n", etag);
	a = get("GET", "/socket.io/socket.io.min.js", more);
	ck_assert_int_eq(a.status, 304);
	ck_assert_str_eq(header_of(a.head, "ETag"), etag);
	ck_assert_str_eq(header_of(a.head, "Cache-Control"), "no-cache");
	ck_assert_int_eq(get("HEAD", "/socket.io/socket.io.min.js", more).status, 304);
	ck_assert_int_eq(get("GET", "/socket.io/socket.io.min.js", "If-None-Match: *\r\n").status,
			 304);
	a = get("GET", "/socket.io/socket.io.min.js", "If-None-Match: \"x\"\r\n");
	ck_assert_int_eq(a.status, 200);
	a = get("GET", "/socket.io/socket.io.min.js.map", more);
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_ne(header_of(a.head, "ETag"), etag);
}
END_TEST

START_TEST(a_head_has_no_body)
{
	struct answer a;

	serve_bundle();
	a = get("HEAD", "/socket.io/socket.io.min.js", "");
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(header_of(a.head, "Content-Length"), "11");
	ck_assert_uint_eq(a.body_n, 0);
}
END_TEST

START_TEST(a_folder_is_served_with_its_index_and_policy)
{
	static const struct http_route routes[] = { { HTTP_GET, "/demo/*", static_files_get } };
	struct answer a;

	put("index.html", "<!doctype html>");
	put("empty.css", "");
	put(".hidden.js", "no");
	put("notes.txt", "no");
	ck_assert_int_eq(static_files_new(&files, "default-src 'self'"), 0);
	ck_assert_int_eq(static_files_add_folder(files, dir), 0);
	serve(routes, 1);
	a = get("GET", "/demo/", "");
	ck_assert_str_eq(a.body, "<!doctype html>");
	ck_assert_str_eq(header_of(a.head, "Content-Security-Policy"), "default-src 'self'");
	ck_assert_str_eq(header_of(a.head, "X-Frame-Options"), "DENY");
	a = get("GET", "/demo/empty.css", "");
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(header_of(a.head, "Content-Length"), "0");
	ck_assert_int_eq(get("GET", "/demo/.hidden.js", "").status, 404);
	ck_assert_int_eq(get("GET", "/demo/notes.txt", "").status, 404);
}
END_TEST

START_TEST(what_cannot_be_served_is_an_error_at_the_start)
{
	char path[128], name[80];
	int fd;

	ck_assert_int_eq(static_files_new_bundle(&files, dir), -ENOENT);
	ck_assert_int_eq(static_files_new_bundle(&files, "/nowhere/at/all"), -ENOENT);
	ck_assert_int_eq(static_files_new(&files, NULL), 0);
	ck_assert_int_eq(static_files_add(files, dir, "a.js", "a.js"), -ENOENT);
	ck_assert_int_eq(static_files_add(files, "/nowhere", "a.js", "a.js"), -ENOENT);
	put("a.txt", "x");
	ck_assert_int_eq(static_files_add(files, dir, "a.txt", "a.txt"), -EINVAL);
	put("a.js", "x");
	memset(name, 'a', sizeof(name));
	strcpy(name + sizeof(name) - 4, ".js");
	ck_assert_int_eq(static_files_add(files, dir, name, "a.js"), -ENAMETOOLONG);
	snprintf(path, sizeof(path), "%s/fifo.js", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(static_files_add(files, dir, "fifo.js", "fifo.js"), -EINVAL);
	snprintf(path, sizeof(path), "%s/big.js", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(ftruncate(fd, STATIC_FILE_BYTES_MAX + 1), 0);
	close(fd);
	ck_assert_int_eq(static_files_add(files, dir, "big.js", "big.js"), -EFBIG);
	for (int i = 0; i < STATIC_FILES_MAX; i++)
		ck_assert_int_eq(static_files_add(files, dir, "a.js", "a.js"), 0);
	ck_assert_int_eq(static_files_add(files, dir, "a.js", "a.js"), -ENFILE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("static_files");
	TCase *t = tcase_create("static_files");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, the_bundle_is_what_is_there_of_it_and_nothing_else);
	tcase_add_test(t, who_has_a_file_is_told_so);
	tcase_add_test(t, a_head_has_no_body);
	tcase_add_test(t, a_folder_is_served_with_its_index_and_policy);
	tcase_add_test(t, what_cannot_be_served_is_an_error_at_the_start);
	return run_suite(s);
}
