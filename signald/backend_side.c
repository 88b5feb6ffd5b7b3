/* backend_side.c - backend to http_client and back, and the token between them */
#include "backend_side.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/http_client.h"
#include "log.h"
#include "loop.h"
#include "secret_stamp.h"
#include "secret_text.h"

#define LOG "backend"
#define TOKEN_MIN 16  /* bytes */
#define TOKEN_MAX 512 /* bytes */
#define TOKEN_FILE_BYTES_MAX 4096
#define SCHEME "Bearer "

/* An Authorization header's value; "": there is none. */
struct bearer {
	char text[sizeof(SCHEME) + TOKEN_MAX];
};

struct backend_side {
	struct backend_side_config cfg;
	struct backend *backend;
	struct backend_calls *calls;
	struct http_client *http;
	struct loop_timer *run;
	struct bearer bearer;
	struct secret_stamp seen;
};

/* --- the token ------------------------------------------------------------ */

static int bearer_load(struct bearer *out, const char *path)
{
	struct secret_error err;
	size_t n, length;
	char *text;
	int r = secret_text_load(path, TOKEN_FILE_BYTES_MAX, &text, &n, &err);

	if (!r)
		r = secret_text_token(text, n, TOKEN_MIN, TOKEN_MAX, &length);
	if (!r)
		snprintf(out->text, sizeof(out->text), SCHEME "%.*s", (int)length, text);
	secret_text_free(text, n);
	return r;
}

static int bearer_load_logged(struct bearer *out, const char *path)
{
	int r = bearer_load(out, path);

	if (r)
		log_error("config", "backend-token-file %s: %s", path,
			  r == -EPERM	 ? "others may read or write it"
			  : r == -EINVAL ? "its first line is no token of 16 to 512 characters"
					 : strerror(-r));
	return r;
}

/* --- the certificates ------------------------------------------------------- */

/* libcurl reads the file with each connection: a wrong one would be noticed then. */
static int find_certificate(const char *path)
{
	char line[LINE_MAX];
	FILE *f = fopen(path, "re");
	int r = f ? -EINVAL : -errno;

	while (r == -EINVAL && fgets(line, sizeof(line), f))
		if (strstr(line, "-----BEGIN CERTIFICATE-----"))
			r = 0;
	if (f)
		fclose(f);
	return r;
}

static int check_certificates(const char *path)
{
	int r = find_certificate(path);

	if (r)
		log_error("config", "backend-ca %s: %s", path,
			  r == -EINVAL ? "there is no certificate in PEM in it" : strerror(-r));
	return r;
}

int backend_side_check(const char *url, const char *token_file, const char *ca_file)
{
	struct bearer b;
	int r;

	if (url && !http_client_url_valid(url)) {
		log_error("config", "backend-url: '%s' is no URL of a server", url);
		return -EINVAL;
	}
	r = token_file ? bearer_load_logged(&b, token_file) : 0;
	explicit_bzero(&b, sizeof(b));
	return !r && ca_file ? check_certificates(ca_file) : r;
}

/* A broken file leaves the token it had. */
static int read_token(struct backend_side *s)
{
	struct bearer b = { "" };
	int r;

	if (!s->cfg.token_file)
		return 0;
	secret_stamp_take(&s->seen, s->cfg.token_file);
	r = bearer_load_logged(&b, s->cfg.token_file);
	if (!r)
		s->bearer = b;
	explicit_bzero(&b, sizeof(b));
	return r;
}

void backend_side_read(struct backend_side *s)
{
	read_token(s);
}

void backend_side_read_if_changed(struct backend_side *s)
{
	struct secret_stamp now;

	if (!s->cfg.token_file)
		return;
	secret_stamp_take(&now, s->cfg.token_file);
	if (!secret_stamp_equal(&now, &s->seen))
		read_token(s);
}

/* --- questions out, answers in -------------------------------------------- */

struct flight {
	struct backend_side *s;
	struct backend_request *r;
	struct http_exchange *x;
};

static void on_done(const struct http_answer *a, void *ctx)
{
	struct flight *f = ctx;
	struct backend_side *s = f->s;

	backend_answered(f->r, a->error, a->why, a->status, a->body, a->n, s->cfg.now(s->cfg.ctx));
	free(f);
}

static int on_post(struct backend_request *r, const char *text, size_t n, void **handle, void *ctx)
{
	struct backend_side *s = ctx;
	struct flight *f = calloc(1, sizeof(*f));
	struct http_post p = { .url = s->cfg.url,
			       .authorization = *s->bearer.text ? s->bearer.text : NULL,
			       .body = text,
			       .body_n = n,
			       .timeout_ms = s->cfg.timeout_ms,
			       .done = on_done,
			       .ctx = f };
	int rc;

	if (!f)
		return -ENOMEM;
	*f = (struct flight){ .s = s, .r = r };
	rc = http_client_post(s->http, &p, &f->x);
	if (rc) {
		free(f);
		return rc;
	}
	*handle = f;
	return 0;
}

static void on_cancel(void *handle, void *ctx)
{
	struct flight *f = handle;

	(void)ctx;
	http_client_cancel(f->x);
	free(f);
}

static void on_wake(void *ctx)
{
	struct backend_side *s = ctx;

	loop_timer_set(s->run, 0);
}

static void on_run(void *ctx)
{
	struct backend_side *s = ctx;

	if (backend_run(s->backend))
		loop_timer_set(s->run, 0);
}

/* --- made, ended ---------------------------------------------------------- */

static int make_http(struct backend_side *s)
{
	struct http_client_config hc;

	http_client_config_defaults(&hc);
	hc.ca_file = s->cfg.ca_file;
	hc.body_bytes_max = BACKEND_QUESTION_BYTES_MAX;
	return http_client_new(&s->http, loop_base(s->cfg.loop), &hc);
}

static int make_backend(struct backend_side *s)
{
	const struct backend_ops ops = { on_post, on_cancel, on_wake, s };
	struct backend_config bc;

	backend_config_defaults(&bc);
	bc.keep_ms = s->cfg.keep_s * 1000ULL;
	return backend_new(&s->backend, &bc, &ops);
}

static int make_calls(struct backend_side *s)
{
	const struct backend_calls_config cc = { .backend = s->backend,
						 .now = s->cfg.now,
						 .tokens_per_client_max = s->cfg.per_client,
						 .resume = s->cfg.resume,
						 .ctx = s->cfg.ctx };

	return backend_calls_new(&s->calls, &cc);
}

int backend_side_new(struct backend_side **out, const struct backend_side_config *cfg)
{
	struct backend_side *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	r = loop_timer_new(&s->run, cfg->loop, on_run, s);
	if (!r)
		r = read_token(s);
	if (!r && cfg->ca_file)
		r = check_certificates(cfg->ca_file);
	if (!r)
		r = make_http(s);
	if (!r)
		r = make_backend(s);
	if (!r)
		r = make_calls(s);
	if (r) {
		backend_side_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void backend_side_free(struct backend_side *s)
{
	if (!s)
		return;
	backend_calls_free(s->calls);
	backend_free(s->backend); /* cancels what http still has */
	http_client_free(s->http);
	loop_timer_free(s->run);
	explicit_bzero(&s->bearer, sizeof(s->bearer));
	free(s);
}

struct backend *backend_side_backend(const struct backend_side *s)
{
	return s->backend;
}

struct backend_calls *backend_side_calls(const struct backend_side *s)
{
	return s->calls;
}

const struct http_client_counters *backend_side_http_counters(const struct backend_side *s)
{
	return http_client_counters(s->http);
}
