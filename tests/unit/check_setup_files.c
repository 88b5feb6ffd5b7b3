/* check_setup_files.c - files are replaced together or not at all, and certificates as a pair */
#include "pem_pair.h"
#include "setup_files.h"
#include "setup_text.h"
#include "sync_folder.h"
#include "tls_folder.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* --- a folder of its own ----------------------------------------------------------- */

static char dir[] = "/tmp/check_setup.XXXXXX";
static char one[64], two[64];

static void setup(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(one, sizeof(one), "%s/one", dir);
	snprintf(two, sizeof(two), "%s/two", dir);
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void holds(const char *path, const char *text)
{
	char is[256] = "";
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	is[fread(is, 1, sizeof(is) - 1, f)] = '\0';
	fclose(f);
	ck_assert_str_eq(is, text);
}

/* How many files are in the folder whose names begin so. */
static unsigned count(const char *pattern)
{
	char command[128];
	unsigned n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "ls -d %s/%s 2>/dev/null | wc -l", dir, pattern);
	f = popen(command, "r");
	ck_assert_int_eq(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

/* --- files ------------------------------------------------------------------------- */

static int written(struct setup_file f[2], const struct setup_file **failed, bool *half)
{
	int r = setup_files_write(f, 2, "now", failed, half);

	setup_file_forget(&f[0]);
	setup_file_forget(&f[1]);
	return r;
}

START_TEST(what_changes_is_replaced_and_kept_and_the_rest_is_left_alone)
{
	struct setup_file f[2] = { { .path = one, .text = "new\n" },
				   { .path = two, .text = "t\n" } };
	const struct setup_file *failed;
	bool half;
	struct stat st;

	put(one, "old\n");
	put(two, "t\n");
	ck_assert_int_eq(setup_file_read(&f[0]), 0);
	ck_assert_int_eq(setup_file_read(&f[1]), 0);
	ck_assert(setup_file_changes(&f[0]) && !setup_file_changes(&f[1]));
	ck_assert_int_eq(written(f, &failed, &half), 0);
	holds(one, "new\n");
	holds(f[0].backup, "old\n");
	ck_assert_str_eq(f[1].backup, "");
	ck_assert_int_eq(stat(one, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq(count("*"), 3);
}
END_TEST

/* The second cannot be put: a folder came into its place meanwhile. */
START_TEST(what_fails_in_the_middle_is_taken_back)
{
	struct setup_file f[2] = { { .path = one, .text = "new\n" },
				   { .path = two, .text = "t\n" } };
	const struct setup_file *failed;
	bool half;

	if (_i) {
		put(one, "old\n");
		ck_assert_int_eq(setup_file_read(&f[0]), 0);
	}
	ck_assert_int_eq(mkdir(two, 0700), 0);
	ck_assert_int_eq(written(f, &failed, &half), -EISDIR);
	ck_assert_ptr_eq(failed, &f[1]);
	ck_assert(!half);
	if (_i)
		holds(one, "old\n");
	ck_assert_uint_eq(count("one*"), (unsigned)_i);
	ck_assert_uint_eq(count("two*"), 1);
}
END_TEST

START_TEST(two_backups_of_one_second_have_two_names)
{
	struct setup_file f[2] = { { .path = one, .text = "2\n" }, { .path = two, .text = "t\n" } };
	const struct setup_file *failed;
	bool half;

	put(one, "1\n");
	ck_assert_int_eq(setup_file_read(&f[0]), 0);
	ck_assert_int_eq(written(f, &failed, &half), 0);
	f[0].text = "3\n";
	ck_assert_int_eq(setup_file_read(&f[0]), 0);
	ck_assert_int_eq(setup_file_read(&f[1]), 0);
	ck_assert_int_eq(written(f, &failed, &half), 0);
	holds(f[0].backup, "2\n");
	ck_assert_uint_eq(count("one.bak-now*"), 2);
}
END_TEST

START_TEST(a_secret_is_made_once)
{
	struct setup_file f = { .path = one, .text = "first\n" };

	ck_assert_int_eq(setup_file_make(&f), 1);
	f.text = "second\n";
	ck_assert_int_eq(setup_file_make(&f), 0);
	holds(one, "first\n");
	ck_assert_uint_eq(count("*"), 1);
}
END_TEST

START_TEST(a_file_that_stays_is_for_its_group_to_read)
{
	struct setup_file f = { .path = one };
	const struct group *ours = getgrgid(getgid());
	struct stat st;

	put(one, "t\n");
	ck_assert_int_eq(chmod(one, 0604), 0);
	ck_assert_int_eq(setup_file_right(&f), 0);
	ck_assert_ptr_nonnull(ours);
	f.group = ours->gr_name;
	ck_assert_int_eq(setup_file_right(&f), 1);
	ck_assert_int_eq(stat(one, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	ck_assert_int_eq(setup_file_right(&f), 0);
}
END_TEST

START_TEST(a_folder_is_made_or_put_right_and_nothing_else_is)
{
	struct stat st;

	ck_assert_int_eq(setup_folder_make(one, NULL, NULL), 0);
	ck_assert_int_eq(chmod(one, 0777), 0);
	ck_assert_int_eq(setup_folder_make(one, NULL, NULL), 0);
	ck_assert_int_eq(stat(one, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	put(two, "t\n");
	ck_assert_int_eq(chmod(two, 0604), 0);
	ck_assert_int_eq(setup_folder_make(two, NULL, NULL), -ENOTDIR);
	ck_assert_int_eq(stat(two, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0604);
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
	struct setup_file f = { .path = one };
	FILE *out = fopen(one, "w");

	fwrite("a\0b", 1, 3, out);
	fclose(out);
	ck_assert_int_eq(setup_file_read(&f), -EINVAL);
	ck_assert_ptr_null(f.old);
	f.path = dir;
	ck_assert_int_eq(setup_file_read(&f), -ENOTSUP);
	f.path = two;
	ck_assert_int_eq(setup_file_read(&f), 0);
	ck_assert_ptr_null(f.old);
	ck_assert_int_eq(mkfifo(two, 0600), 0);
	ck_assert_int_eq(setup_file_read(&f), -ENOTSUP);
	ck_assert_ptr_null(f.old);
	put(one, "");
	ck_assert_int_eq(truncate(one, SETUP_FILE_BYTES_MAX + 1), 0);
	f.path = one;
	ck_assert_int_eq(setup_file_read(&f), -EFBIG);
}
END_TEST

START_TEST(a_difference_is_shown_without_secrets)
{
	char old[] = "realm=a\nuser=me:s3cret\n";
	const struct setup_file f = { .path = one, .text = "realm=b\n", .old = old };
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_int_eq(setup_file_show(&f, out), 0);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "-realm=a\n-user=...\n+realm=b\n"));
	ck_assert_ptr_null(strstr(text, "s3cret"));
	free(text);
}
END_TEST

static struct stat synced;
static unsigned syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	syncs++;
	return fstat(fd, &synced) ? -1 : __real_fsync(fd);
}

static void ck_synced(const char *path, const char *folder)
{
	struct stat st;

	syncs = 0;
	sync_folder_of(path);
	ck_assert_uint_eq(syncs, 1);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert(st.st_dev == synced.st_dev && st.st_ino == synced.st_ino);
}

START_TEST(the_folder_that_a_path_is_in_is_synced)
{
	char deep[PATH_MAX + 64];

	ck_synced(one, dir);
	ck_synced("/etc", "/");
	ck_synced("one", ".");
	syncs = 0;
	snprintf(deep, sizeof(deep), "%s/none/one", dir);
	sync_folder_of(deep);
	memset(deep, 'a', sizeof(deep));
	strcpy(deep + sizeof(deep) - 3, "/b");
	deep[0] = '/';
	sync_folder_of(deep);
	ck_assert_uint_eq(syncs, 0);
}
END_TEST

/* --- certificates ------------------------------------------------------------------ */

#define DAY_S 86400
#define NOW_S 1800000000

struct pem {
	char cert[4096], key[4096];
};

static void to_text(BIO *b, char *out, size_t size)
{
	int n = BIO_read(b, out, (int)size - 1);

	ck_assert_int_gt(n, 0);
	out[n] = '\0';
	BIO_free(b);
}

/* A key, and a certificate of its own for this name and a day. */
static void make_pem(struct pem *p, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	time_t now = NOW_S;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &now);
	X509_time_adj_ex(X509_getm_notAfter(x), 1, 0, &now);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(c, x);
	PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
	to_text(c, p->cert, sizeof(p->cert));
	to_text(k, p->key, sizeof(p->key));
	X509_free(x);
	EVP_PKEY_free(key);
}

static int checked(const char *cert, const char *key, int64_t now_s, struct pem_pair *out,
		   char *err)
{
	return pem_pair_check(cert, strlen(cert), key, strlen(key), "calls.test", now_s, out, err,
			      128);
}

START_TEST(a_pair_matches_and_is_valid_now)
{
	struct pem a, b;
	struct pem_pair p;
	char err[128];

	make_pem(&a, "calls.test");
	make_pem(&b, "other.test");
	ck_assert_int_eq(checked(a.cert, a.key, NOW_S + 1, &p, err), 0);
	ck_assert(p.names_host && p.self_signed && p.chain_n == 1);
	ck_assert_int_eq(p.not_after_s, NOW_S + DAY_S);
	ck_assert_int_eq(checked(b.cert, b.key, NOW_S + 1, &p, err), 0);
	ck_assert(!p.names_host);
	ck_assert_int_eq(checked(a.cert, b.key, NOW_S + 1, &p, err), -EINVAL);
	ck_assert_str_eq(err, "the key is not the one of the certificate");
	ck_assert_int_eq(checked(a.cert, a.key, NOW_S + DAY_S, &p, err), -EINVAL);
	ck_assert_str_eq(err, "the certificate has expired");
	ck_assert_int_eq(checked(a.cert, a.key, NOW_S - 1, &p, err), -EINVAL);
	ck_assert_int_eq(checked("", a.key, NOW_S, &p, err), -EINVAL);
	ck_assert_int_eq(checked(a.cert, "", NOW_S, &p, err), -EINVAL);
	ck_assert_int_eq(checked(a.key, a.cert, NOW_S, &p, err), -EINVAL);
}
END_TEST

static int put_pair(const char *path, const char *cert, const char *key)
{
	return tls_folder_put(path, NULL, cert, strlen(cert), key, strlen(key));
}

START_TEST(copies_come_into_force_together_and_the_one_before_stays)
{
	char current[128], before[160], chain[128], link[64];
	ssize_t n;

	snprintf(current, sizeof(current), "%s/current", one);
	snprintf(chain, sizeof(chain), "%s/current/fullchain.pem", one);
	ck_assert_int_eq(put_pair(one, "c1", "k1"), 1);
	n = readlink(current, link, sizeof(link) - 1);
	ck_assert_int_gt(n, 0);
	link[n] = '\0';
	ck_assert_int_eq(put_pair(one, "c1", "k1"), 0);
	ck_assert_int_eq(put_pair(one, "c2", "k2"), 1);
	holds(chain, "c2");
	snprintf(before, sizeof(before), "%s/%s/privkey.pem", one, link);
	holds(before, "k1");
	ck_assert_int_eq(put_pair(one, "c2", "k3"), 1);
	ck_assert_uint_eq(count("one/copy-*"), 2);
	ck_assert_int_ne(access(before, F_OK), 0);
}
END_TEST

static bool clock_stands;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!clock_stands || clock != CLOCK_REALTIME)
		return __real_clock_gettime(clock, now);
	*now = (struct timespec){ NOW_S, 5 };
	return 0;
}

/* Of a clock that stands still; up to so many of its names are taken. */
static int put_when_taken(unsigned names, const char *cert)
{
	char copy[128];
	int r;

	for (unsigned i = 0; i < names; i++) {
		snprintf(copy, sizeof(copy), "%s/copy-%d.000000005.%u", one, NOW_S, i);
		ck_assert(!mkdir(copy, 0700) || errno == EEXIST);
	}
	clock_stands = true;
	r = put_pair(one, cert, "k");
	clock_stands = false;
	return r;
}

START_TEST(a_copy_has_a_name_of_its_own_or_is_not_made)
{
	char chain[128];

	ck_assert_int_eq(put_pair(one, "c1", "k"), 1);
	ck_assert_int_eq(put_when_taken(99, "c2"), 1);
	ck_assert_int_eq(put_when_taken(100, "c3"), -EBUSY);
	snprintf(chain, sizeof(chain), "%s/current/fullchain.pem", one);
	holds(chain, "c2");
	ck_assert_int_eq(put_pair(one, "c3", "k"), 1);
	holds(chain, "c3");
}
END_TEST

START_TEST(a_copy_that_cannot_come_into_force_is_removed)
{
	char chain[128], staged[128];

	ck_assert_int_eq(put_pair(one, "c1", "k1"), 1);
	snprintf(staged, sizeof(staged), "%s/current.new", one);
	ck_assert_int_eq(mkdir(staged, 0700), 0);
	ck_assert_int_eq(put_pair(one, "c2", "k2"), -EEXIST);
	ck_assert_uint_eq(count("one/copy-*"), 1);
	snprintf(chain, sizeof(chain), "%s/current/fullchain.pem", one);
	holds(chain, "c1");
}
END_TEST

START_TEST(the_source_is_remembered)
{
	struct tls_source s = { .cert = "/a b/c.pem", .pkey = "/k.pem", .host = "calls.test" }, is;

	ck_assert_int_eq(tls_source_read(dir, &is), -ENOENT);
	ck_assert_int_eq(tls_source_write(dir, &s), 0);
	ck_assert_int_eq(tls_source_write(dir, &s), 0);
	strcpy(s.host, "b.test");
	ck_assert_int_eq(tls_source_write(dir, &s), 0);
	ck_assert_int_eq(tls_source_read(dir, &is), 0);
	ck_assert_str_eq(is.cert, s.cert);
	ck_assert_str_eq(is.pkey, s.pkey);
	ck_assert_str_eq(is.host, "b.test");
	ck_assert_uint_eq(count("*"), 1);
	snprintf(one, sizeof(one), "%s/source", dir);
	put(one, "cert=/c.pem\n");
	ck_assert_int_eq(tls_source_read(dir, &is), -EINVAL);
}
END_TEST

START_TEST(a_host_is_among_renewed_names)
{
	ck_assert(tls_names_host("a.test calls.test", "calls.test"));
	ck_assert(tls_names_host("CALLS.test", "calls.TEST"));
	ck_assert(tls_names_host("*.test", "calls.test"));
	ck_assert(!tls_names_host("*.test", "a.calls.test"));
	ck_assert(!tls_names_host("*.test", "test"));
	ck_assert(!tls_names_host("calls.test.org xcalls.test", "calls.test"));
	ck_assert(!tls_names_host("", "calls.test"));
	ck_assert(!tls_names_host("*. *", "calls.test"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("setup_files");
	TCase *t = tcase_create("setup_files");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_changes_is_replaced_and_kept_and_the_rest_is_left_alone);
	tcase_add_loop_test(t, what_fails_in_the_middle_is_taken_back, 0, 2);
	tcase_add_test(t, two_backups_of_one_second_have_two_names);
	tcase_add_test(t, a_secret_is_made_once);
	tcase_add_test(t, a_file_that_stays_is_for_its_group_to_read);
	tcase_add_test(t, a_folder_is_made_or_put_right_and_nothing_else_is);
	tcase_add_test(t, what_is_no_text_is_refused);
	tcase_add_test(t, a_difference_is_shown_without_secrets);
	tcase_add_test(t, the_folder_that_a_path_is_in_is_synced);
	tcase_add_test(t, a_pair_matches_and_is_valid_now);
	tcase_add_test(t, copies_come_into_force_together_and_the_one_before_stays);
	tcase_add_test(t, a_copy_has_a_name_of_its_own_or_is_not_made);
	tcase_add_test(t, a_copy_that_cannot_come_into_force_is_removed);
	tcase_add_test(t, the_source_is_remembered);
	tcase_add_test(t, a_host_is_among_renewed_names);
	suite_add_tcase(s, t);
	return run_suite(s);
}
