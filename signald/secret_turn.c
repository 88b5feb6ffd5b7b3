/* secret_turn.c - read, turned, replaced on a thread of its own; what came of it goes to the loop
 */
#include "secret_turn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "secret_file.h"
#include "secret_replace.h"
#include "secret_stamp.h"
#include "secret_text.h"
#include "worker.h"

struct secret_turn {
	struct worker worker;
	char *path;
	int64_t now_s, ttl_s;
	secret_turn_done_fn done;
	void *arg;

	/* the thread's, and the loop's after the news; behind the worker's mutex */
	struct secret_rotation rotation;
	struct secret_error why;
	int result;
	bool over;
};

static int rotate(struct secret_turn *t)
{
	struct secret_stamp seen;
	char *text, *turned = NULL;
	size_t n, turned_n = 0;
	int r;

	secret_stamp_take(&seen, t->path);
	r = secret_text_load(t->path, SECRET_FILE_BYTES_MAX, &text, &n, &t->why);
	if (r)
		return r;
	r = secret_rotation_make(text, n, t->now_s, t->ttl_s, &turned, &turned_n, &t->rotation,
				 &t->why);
	if (!r)
		r = secret_replace(t->path, &seen, turned, turned_n, &t->why);
	secret_text_free(turned, turned_n);
	secret_text_free(text, n);
	return r;
}

static void *work(void *arg)
{
	struct secret_turn *t = arg;
	int r = rotate(t); /* the loop looks at nothing of it before it is over */

	pthread_mutex_lock(&t->worker.mutex);
	t->result = r;
	t->over = true;
	worker_tell(&t->worker);
	pthread_mutex_unlock(&t->worker.mutex);
	return NULL;
}

static void on_news(void *arg)
{
	struct secret_turn *t = arg;
	bool over;

	pthread_mutex_lock(&t->worker.mutex);
	over = t->over;
	pthread_mutex_unlock(&t->worker.mutex);
	if (over)
		t->done(t->arg, t->result, &t->rotation, &t->why);
}

int secret_turn_start(struct secret_turn **out, struct event_base *base, const char *path,
		      int64_t now_s, int64_t ttl_s, secret_turn_done_fn done, void *arg)
{
	struct secret_turn *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->now_s = now_s;
	t->ttl_s = ttl_s;
	t->done = done;
	t->arg = arg;
	t->path = strdup(path);
	r = t->path ? worker_init(&t->worker, base, on_news, t) : -ENOMEM;
	if (!r)
		r = worker_start(&t->worker, work, t);
	if (r) {
		secret_turn_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void secret_turn_free(struct secret_turn *t)
{
	if (!t)
		return;
	worker_deinit(&t->worker);
	free(t->path);
	free(t);
}
