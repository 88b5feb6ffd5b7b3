/* http_client.c - libcurl asks for sockets and a timer, libevent has them
 *
 * What libcurl calls us for (on_socket, on_timer) only notes what it wants to
 * know about; transfers move in on_ready and on_timeout, from the loop. */
#include "http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "loop.h"
#include "timeq.h"

/* A name with two addresses, and the pipe of the thread that looks it up. */
#define SOCKETS_PER_REQUEST 4

#define HEADERS_BYTES_MAX 65536 /* of an answer */

struct watched {
	struct http_client *c;
	struct event *ev; /* NULL: free */
	curl_socket_t fd;
};

struct http_exchange {
	struct http_client *c;
	CURL *easy; /* NULL: in line */
	struct curl_slist *headers;
	char *url, *authorization, *body;
	size_t body_n;
	char *answer;
	size_t answer_n, answer_size;
	size_t headers_n; /* bytes of the answer's headers */
	bool too_big;
	void (*done)(const struct http_answer *a, void *ctx);
	void *ctx;
	uint64_t until_ms;
	struct timeq_node deadline; /* while in line */
	struct http_exchange *prev, *next;
};

struct http_client {
	struct http_client_config cfg;
	char *ca_file;
	CURLM *multi;
	struct event_base *base;
	struct event *timer;	  /* libcurl's */
	struct event *line_timer; /* the first deadline in line */
	struct watched *watched;
	size_t watched_n;
	struct http_exchange *running, *line;
	size_t running_n, line_n;
	size_t line_bytes; /* of bodies */
	struct timeq deadlines;
	struct http_client_counters counters;
};

void http_client_config_defaults(struct http_client_config *cfg)
{
	*cfg = (struct http_client_config){ .parallel_max = 16,
					    .waiting_max = 2048,
					    .waiting_bytes_max = 16 << 20,
					    .body_bytes_max = 16384,
					    .answer_bytes_max = 65536 };
}

/* --- ends ----------------------------------------------------------------- */

static const struct {
	CURLcode code;
	int error;
} errors[] = {
	{ CURLE_OPERATION_TIMEDOUT, ETIMEDOUT },
	{ CURLE_COULDNT_CONNECT, ECONNREFUSED },
	{ CURLE_COULDNT_RESOLVE_HOST, EHOSTUNREACH },
	{ CURLE_PEER_FAILED_VERIFICATION, EKEYREJECTED },
	{ CURLE_FILESIZE_EXCEEDED, EFBIG },
	{ CURLE_OUT_OF_MEMORY, ENOMEM },
};

static int error_of(const struct http_exchange *x, CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	if (x->too_big)
		return -EFBIG;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return -errors[i].error;
	return -EPROTO;
}

static void wipe(char *text, size_t n)
{
	if (text)
		explicit_bzero(text, n);
	free(text);
}

static void wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

/* Take it out of wherever it is. */
static void leave(struct http_exchange *x)
{
	struct http_client *c = x->c;

	timeq_remove(&x->deadline);
	if (x->easy) {
		curl_multi_remove_handle(c->multi, x->easy);
		DL_DELETE(c->running, x);
		c->running_n--;
	} else {
		DL_DELETE(c->line, x);
		c->line_n--;
		c->line_bytes -= x->body_n;
	}
}

static void exchange_free(struct http_exchange *x)
{
	if (x->easy)
		curl_easy_cleanup(x->easy);
	wipe_headers(x->headers);
	free(x->url);
	wipe(x->authorization, x->authorization ? strlen(x->authorization) : 0);
	wipe(x->body, x->body_n);
	wipe(x->answer, x->answer_n);
	free(x);
}

static void count_end(struct http_client *c, int error)
{
	c->counters.failed += error != 0;
	c->counters.overdue += error == -EBUSY;
	c->counters.oversize += error == -EFBIG;
	c->counters.timeouts += error == -ETIMEDOUT;
}

static void finish(struct http_exchange *x, int error, const char *why)
{
	struct http_answer a = { .error = error, .why = error ? why : NULL };

	count_end(x->c, error);
	if (x->easy)
		curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &a.status);
	if (!error) {
		a.body = x->answer ? x->answer : "";
		a.n = x->answer_n;
	}
	leave(x);
	x->done(&a, x->ctx);
	exchange_free(x);
}

/* --- one request ---------------------------------------------------------- */

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct http_exchange *x = arg;

	(void)one;
	if (n > x->c->cfg.answer_bytes_max - x->answer_n) {
		x->too_big = true;
		return 0;
	}
	if (x->answer_n + n > x->answer_size) {
		size_t size = 2 * (x->answer_n + n);
		char *more = realloc(x->answer, size);

		if (!more)
			return 0;
		x->answer = more;
		x->answer_size = size;
	}
	memcpy(x->answer + x->answer_n, p, n);
	x->answer_n += n;
	return n;
}

/* libcurl keeps them all. */
static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
	struct http_exchange *x = arg;

	(void)p;
	(void)one;
	x->headers_n += n;
	x->too_big |= x->headers_n > HEADERS_BYTES_MAX;
	return x->too_big ? 0 : n;
}

static int add_header(struct http_exchange *x, const char *line)
{
	struct curl_slist *more = curl_slist_append(x->headers, line);

	if (!more)
		return -ENOMEM;
	x->headers = more;
	return 0;
}

static int make_headers(struct http_exchange *x)
{
	char *line = NULL;
	int r = add_header(x, "Content-Type: application/json");

	if (!r)
		r = add_header(x, "Accept: application/json");
	if (!r)
		r = add_header(x, "Expect:"); /* no asking first */
	if (r || !x->authorization)
		return r;
	if (asprintf(&line, "Authorization: %s", x->authorization) < 0)
		return -ENOMEM;
	r = add_header(x, line);
	wipe(line, strlen(line));
	return r;
}

/* The same for all. */
static const struct {
	CURLoption option;
	long value;
} options[] = {
	{ CURLOPT_POST, 1 },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 }, /* or later */
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_QUICK_EXIT, 1 }, /* a thread that looks up a name is not waited for */
};

static bool set_options(CURL *easy)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (curl_easy_setopt(easy, options[i].option, options[i].value) != CURLE_OK)
			return false;
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
}

static bool set_limits(const struct http_exchange *x, uint64_t left_ms)
{
	const struct http_client *c = x->c;
	const curl_off_t most = (curl_off_t)c->cfg.answer_bytes_max;

	return curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_MAXFILESIZE_LARGE, most) == CURLE_OK;
}

/* Nobody is trusted beside those of the file, where there is one. */
static bool set_trust(const struct http_exchange *x)
{
	return !x->c->ca_file ||
	       (curl_easy_setopt(x->easy, CURLOPT_CAINFO, x->c->ca_file) == CURLE_OK &&
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

/* The body is a loan. */
static bool set_request(struct http_exchange *x)
{
	const curl_off_t n = (curl_off_t)x->body_n;

	return curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_URL, x->url) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, n) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x) == CURLE_OK;
}

static int set_up(struct http_exchange *x, uint64_t left_ms)
{
	int r = make_headers(x);

	if (r)
		return r;
	return set_options(x->easy) && set_limits(x, left_ms) && set_trust(x) && set_request(x)
		       ? 0
		       : -EINVAL;
}

/* From the line to libcurl. What cannot be begun is finished. */
static void begin(struct http_exchange *x)
{
	struct http_client *c = x->c;
	CURL *easy = curl_easy_init();
	uint64_t now_ms = loop_now_ms();
	int r = -ENOMEM;

	if (easy) {
		leave(x);
		x->easy = easy;
		DL_APPEND(c->running, x);
		c->running_n++;
		r = set_up(x, x->until_ms > now_ms ? x->until_ms - now_ms : 1);
	}
	if (!r && curl_multi_add_handle(c->multi, easy) != CURLM_OK)
		r = -ENOMEM;
	if (r)
		finish(x, r, "the request could not be made");
}

static void begin_some(struct http_client *c)
{
	while (c->line && c->running_n < c->cfg.parallel_max)
		begin(c->line);
}

/* --- the loop ------------------------------------------------------------- */

static void look_at_line(struct http_client *c)
{
	uint64_t first_ms = timeq_next(&c->deadlines), now_ms = loop_now_ms();
	uint64_t wait_ms = first_ms > now_ms ? first_ms - now_ms : 0;
	struct timeval tv = { (time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000) };

	if (!c->line)
		event_del(c->line_timer);
	else if (c->running_n < c->cfg.parallel_max)
		event_active(c->line_timer, EV_TIMEOUT, 0);
	else
		event_add(c->line_timer, &tv);
}

/* What libcurl has finished. */
static void collect(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		const CURLcode code = m->data.result;
		struct http_exchange *x = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		finish(x, error_of(x, code), curl_easy_strerror(code));
	}
	begin_some(c);
	look_at_line(c);
}

static void on_line(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *c = arg;
	struct timeq_node *n;

	(void)fd;
	(void)what;
	while ((n = timeq_take(&c->deadlines, loop_now_ms())))
		finish(timeq_owner(n, struct http_exchange, deadline), -EBUSY,
		       "too many requests before it");
	begin_some(c);
	look_at_line(c);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watched *w = arg;
	struct http_client *c = w->c;
	int flags =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(c->multi, fd, flags, &running);
	collect(c);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *c = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
}

static int on_timer(CURLM *multi, long after_ms, void *arg)
{
	struct http_client *c = arg;
	struct timeval tv = { after_ms / 1000, after_ms % 1000 * 1000 };

	(void)multi;
	if (after_ms < 0)
		event_del(c->timer);
	else
		event_add(c->timer, &tv);
	return 0;
}

static void unwatch(struct watched *w)
{
	if (w->ev)
		event_free(w->ev);
	w->ev = NULL;
}

static struct watched *free_place(struct http_client *c)
{
	for (size_t i = 0; i < c->watched_n; i++)
		if (!c->watched[i].ev)
			return &c->watched[i];
	return NULL;
}

/* What finds no place or memory here is not watched, and ends by its deadline: an error would take
 * all transfers with it. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *place)
{
	struct http_client *c = arg;
	struct watched *w = place;
	short events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (w)
		unwatch(w);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (!w)
		w = free_place(c);
	if (!w)
		return 0;
	w->fd = fd;
	w->ev = event_new(c->base, fd, events | EV_PERSIST, on_ready, w);
	if (w->ev)
		event_add(w->ev, NULL);
	curl_multi_assign(c->multi, fd, w->ev ? w : NULL);
	return 0;
}

/* --- made, ended ---------------------------------------------------------- */

static int make_multi(struct http_client *c)
{
	const long sockets = (long)c->cfg.parallel_max;

	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, sockets);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return 0;
}

static int make_events(struct http_client *c)
{
	c->watched_n = SOCKETS_PER_REQUEST * c->cfg.parallel_max;
	c->watched = calloc(c->watched_n, sizeof(c->watched[0]));
	c->timer = evtimer_new(c->base, on_timeout, c);
	c->line_timer = evtimer_new(c->base, on_line, c);
	if (!c->watched || !c->timer || !c->line_timer)
		return -ENOMEM;
	for (size_t i = 0; i < c->watched_n; i++)
		c->watched[i].c = c;
	return 0;
}

int http_client_new(struct http_client **out, struct event_base *base,
		    const struct http_client_config *cfg)
{
	struct http_client *c;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	c->cfg = *cfg;
	c->base = base;
	timeq_init(&c->deadlines);
	r = make_events(c);
	if (!r)
		r = make_multi(c);
	if (!r && cfg->ca_file) {
		c->ca_file = strdup(cfg->ca_file);
		r = c->ca_file ? 0 : -ENOMEM;
	}
	if (r) {
		http_client_free(c);
		return r;
	}
	*out = c;
	return 0;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	while (c->running)
		http_client_cancel(c->running);
	while (c->line)
		http_client_cancel(c->line);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	for (size_t i = 0; c->watched && i < c->watched_n; i++)
		unwatch(&c->watched[i]);
	free(c->watched);
	if (c->timer)
		event_free(c->timer);
	if (c->line_timer)
		event_free(c->line_timer);
	free(c->ca_file);
	free(c);
	curl_global_cleanup();
}

bool http_client_url_valid(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL;
	bool valid = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		     curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		     (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	curl_url_cleanup(u);
	return valid;
}

/* --- asking --------------------------------------------------------------- */

static char *copy(const char *text, size_t n)
{
	char *to = malloc(n + 1);

	if (!to)
		return NULL;
	memcpy(to, text, n);
	to[n] = '\0';
	return to;
}

static int fill(struct http_exchange *x, const struct http_post *p)
{
	x->url = copy(p->url, strlen(p->url));
	x->body = copy(p->body, p->body_n);
	x->body_n = x->body ? p->body_n : 0;
	if (p->authorization)
		x->authorization = copy(p->authorization, strlen(p->authorization));
	x->done = p->done;
	x->ctx = p->ctx;
	x->until_ms = loop_now_ms() + p->timeout_ms;
	return x->url && x->body && (x->authorization || !p->authorization) ? 0 : -ENOMEM;
}

static int admit(struct http_client *c, const struct http_post *p)
{
	if (p->body_n > c->cfg.body_bytes_max)
		return -E2BIG;
	if (c->line_n >= c->cfg.waiting_max || p->body_n > c->cfg.waiting_bytes_max - c->line_bytes)
		return -ENOSPC;
	if (p->authorization && strpbrk(p->authorization, "\r\n"))
		return -EINVAL;
	return 0;
}

int http_client_post(struct http_client *c, const struct http_post *p, struct http_exchange **out)
{
	struct http_exchange *x;
	int r = admit(c, p);

	if (r) {
		c->counters.refused++;
		return r;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->c = c;
	r = fill(x, p);
	if (r) {
		exchange_free(x);
		return r;
	}
	DL_APPEND(c->line, x);
	c->line_n++;
	c->line_bytes += x->body_n;
	timeq_add(&c->deadlines, &x->deadline, x->until_ms - p->timeout_ms / 2);
	c->counters.posted++;
	look_at_line(c);
	*out = x;
	return 0;
}

void http_client_cancel(struct http_exchange *x)
{
	struct http_client *c = x->c;

	leave(x);
	exchange_free(x);
	look_at_line(c);
}

const struct http_client_counters *http_client_counters(const struct http_client *c)
{
	return &c->counters;
}
