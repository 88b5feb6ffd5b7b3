/* state_file.c - an index of the last line of each key, and a worker that appends
 *
 * The file and the index belong to the worker from state_file_new() on; what both threads touch is
 * behind the worker's mutex. */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "record_line.h"
#include "table.h"
#include "worker.h"
#include "write_all.h"

#define LOG "state"
#define FILE_MODE 0600
#define DIR_MODE 0750
#define BATCH_BYTES (1 << 20)
#define COMPACT_BYTES (4 << 20)
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
#define LINE_MAX_BYTES (STATE_TEXT_MAX + STATE_KEY_MAX + 2 + RECORD_LINE_EXTRA)

/* From the loop to the worker, which frees it. */
struct change {
	struct change *next;
	char key[STATE_KEY_MAX + 1];
	bool keeps; /* false: nothing is kept under the key any more */
	size_t n;
	char line[];
};

/* Where the last line of a key is. */
struct place {
	char key[STATE_KEY_MAX + 1];
	uint64_t at;
	size_t n;
	UT_hash_handle hh;
};

struct shared {
	struct worker worker;
	struct change *first, **end;
	size_t queued_n, queued_bytes; /* with those the worker is writing */
	struct state_file_counters counters;
};

struct state_file {
	struct state_file_config config;
	char new_name[NAME_MAX + 1], lock_name[NAME_MAX + 1];
	struct shared shared;

	/* the worker's */
	int dir, lock, fd;
	struct place *places;
	uint64_t bytes;	     /* of the file, as far as it is good */
	uint64_t kept_bytes; /* of the lines in places */
	uint64_t compact_at; /* bytes */
	char *batch;

	/* the loop's */
	struct state_file_counters counters;
};

/* --- the index -------------------------------------------------------------- */

static void forget_key(struct state_file *f, const char *key)
{
	struct place *p;

	HASH_FIND_STR(f->places, key, p);
	if (!p)
		return;
	f->kept_bytes -= p->n;
	HASH_DEL(f->places, p);
	free(p);
}

static int note(struct state_file *f, const char *key, uint64_t at, size_t n)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	forget_key(f, key); /* and not moved: the order is that of the last change */
	strcpy(p->key, key);
	p->at = at;
	p->n = n;
	HASH_ADD_STR(f->places, key, p);
	if (!p->hh.tbl) {
		free(p);
		return -ENOMEM;
	}
	f->kept_bytes += n;
	return 0;
}

static void forget_all(struct state_file *f)
{
	struct place *p, *next;

	HASH_ITER (hh, f->places, p, next) {
		HASH_DEL(f->places, p);
		free(p);
	}
	f->kept_bytes = 0;
}

/* --- writing ---------------------------------------------------------------- */

static int copy_line(int to, int from, const struct place *p)
{
	char buf[16384];

	for (size_t done = 0; done < p->n;) {
		size_t n = p->n - done < sizeof(buf) ? p->n - done : sizeof(buf);
		ssize_t r = pread(from, buf, n, (off_t)(p->at + done));
		int ret;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		ret = write_all(to, buf, (size_t)r);
		if (ret)
			return ret;
		done += (size_t)r;
	}
	return 0;
}

static int copy_kept(const struct state_file *f, int to)
{
	int ret = 0;

	for (const struct place *p = f->places; !ret && p; p = p->hh.next)
		ret = copy_line(to, f->fd, p);
	return ret;
}

/* A new file with nothing but what is kept takes the old one's place. */
static int rewrite_file(struct state_file *f)
{
	int fd = openat(f->dir, f->new_name,
			O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	uint64_t at = 0;
	int ret;

	if (fd < 0)
		return -errno;
	ret = copy_kept(f, fd);
	if (!ret && renameat(f->dir, f->new_name, f->dir, f->config.name))
		ret = -errno;
	if (ret) {
		close(fd);
		unlinkat(f->dir, f->new_name, 0);
		return ret;
	}
	close(f->fd);
	f->fd = fd;
	for (struct place *p = f->places; p; p = p->hh.next) {
		p->at = at;
		at += p->n;
	}
	f->bytes = at;
	f->compact_at = f->config.compact_bytes > 2 * at ? f->config.compact_bytes : 2 * at;
	return 0;
}

/* Somebody removed the file: what is written to it would go with it. */
static int come_back(struct state_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st))
		return -errno;
	return st.st_nlink ? 0 : rewrite_file(f);
}

static int append(struct state_file *f, size_t n)
{
	int ret = come_back(f);

	/* What an attempt that failed has left behind. */
	if (!ret && ftruncate(f->fd, (off_t)f->bytes))
		ret = -errno;
	return ret ? ret : write_all(f->fd, f->batch, n);
}

/* --- the worker -------------------------------------------------------------- */

/* With the mutex. */
static void publish(struct state_file *f)
{
	f->shared.counters.bytes = f->bytes;
	f->shared.counters.keys = HASH_COUNT(f->places);
	worker_tell(&f->shared.worker);
}

/* Copy the first lines of the queue; with the mutex. Returns how many. */
static size_t fill_batch(struct state_file *f, size_t *bytes)
{
	const struct change *c = f->shared.first;
	size_t n = 0;

	for (*bytes = 0; c && (n == 0 || *bytes + c->n <= BATCH_BYTES); c = c->next, n++) {
		memcpy(f->batch + *bytes, c->line, c->n);
		*bytes += c->n;
	}
	return n;
}

static void failed(struct state_file *f, int err)
{
	struct state_file_counters *c = &f->shared.counters;

	if (!c->failing)
		log_error(LOG, "%s/%s cannot be written: %s; what changes now would not outlive us",
			  f->config.dir, f->config.name, strerror(-err));
	c->io_errors++;
	c->failing = true;
	publish(f);
}

/* With the mutex, which is not held while the disk works. False: stopped before it succeeded. */
static bool write_batch(struct state_file *f, size_t bytes)
{
	struct worker *w = &f->shared.worker;
	uint32_t wait_ms = f->config.retry_min_ms;

	for (;;) {
		int ret;

		pthread_mutex_unlock(&w->mutex);
		ret = append(f, bytes);
		pthread_mutex_lock(&w->mutex);
		if (!ret)
			break;
		failed(f, ret);
		if (w->stop)
			return false;
		worker_back_off(w, wait_ms);
		if (wait_ms < f->config.retry_max_ms)
			wait_ms *= 2;
	}
	if (f->shared.counters.failing)
		log_info(LOG, "%s/%s can be written again", f->config.dir, f->config.name);
	f->shared.counters.failing = false;
	return true;
}

/* The lines are in the file: the index knows them, and the queue forgets them. With the mutex. */
static void settle(struct state_file *f, size_t n)
{
	struct shared *s = &f->shared;

	while (n--) {
		struct change *c = s->first;

		if (!c->keeps)
			forget_key(f, c->key);
		else if (note(f, c->key, f->bytes, c->n))
			s->counters.io_errors++; /* no memory: a compaction will lose it */
		f->bytes += c->n;
		s->counters.written++;
		s->queued_n--;
		s->queued_bytes -= c->n;
		s->first = c->next;
		free(c);
	}
	if (!s->first)
		s->end = &s->first;
}

/* With the mutex, which is not held while the disk works. */
static void compact(struct state_file *f)
{
	struct worker *w = &f->shared.worker;
	int ret;

	if (f->bytes <= f->compact_at)
		return;
	pthread_mutex_unlock(&w->mutex);
	ret = rewrite_file(f);
	pthread_mutex_lock(&w->mutex);
	if (!ret) {
		f->shared.counters.compactions++;
		return;
	}
	f->compact_at = f->bytes + f->config.compact_bytes;
	f->shared.counters.io_errors++;
	log_error(LOG, "%s/%s cannot be written anew: %s; it goes on growing", f->config.dir,
		  f->config.name, strerror(-ret));
}

static void *work(void *arg)
{
	struct state_file *f = arg;
	struct worker *w = &f->shared.worker;
	size_t n, bytes;

	pthread_mutex_lock(&w->mutex);
	while (f->shared.first || !w->stop) {
		if (!f->shared.first) {
			worker_wait_until(w, worker_now_ms() + 60000);
			continue;
		}
		n = fill_batch(f, &bytes);
		if (!write_batch(f, bytes))
			break;
		settle(f, n);
		compact(f);
		publish(f);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* --- the loop ----------------------------------------------------------------- */

static void on_news(void *arg)
{
	struct state_file *f = arg;
	uint64_t refused = f->counters.refused;

	pthread_mutex_lock(&f->shared.worker.mutex);
	f->counters = f->shared.counters;
	pthread_mutex_unlock(&f->shared.worker.mutex);
	f->counters.refused = refused;
	if (f->config.on_change)
		f->config.on_change(f->config.arg);
}

static int make_change(struct change **out, const char *key, const char *text, size_t n)
{
	const size_t key_n = strlen(key);
	const size_t size = key_n + n + 2 + RECORD_LINE_EXTRA;
	char *plain = malloc(size);
	struct change *c = malloc(sizeof(*c) + size);
	int len = -ENOMEM;

	if (plain && c) {
		plain[0] = text ? '+' : '-';
		memcpy(plain + 1, key, key_n);
		plain[1 + key_n] = ' ';
		if (n)
			memcpy(plain + 2 + key_n, text, n);
		len = record_line_write(c->line, size, plain, text ? key_n + 2 + n : key_n + 1);
	}
	free(plain);
	if (len < 0) {
		free(c);
		return len;
	}
	c->next = NULL;
	memcpy(c->key, key, key_n + 1);
	c->keeps = text != NULL;
	c->n = (size_t)len;
	*out = c;
	return 0;
}

static int push(struct state_file *f, struct change *c)
{
	struct shared *s = &f->shared;
	int ret = -ENOBUFS;

	pthread_mutex_lock(&s->worker.mutex);
	if (s->queued_n < STATE_QUEUE_MAX && c->n <= STATE_QUEUE_BYTES_MAX - s->queued_bytes) {
		*s->end = c;
		s->end = &c->next;
		s->queued_bytes += c->n;
		if (s->queued_n++ == 0)
			pthread_cond_signal(&s->worker.wake);
		ret = 0;
	}
	pthread_mutex_unlock(&s->worker.mutex);
	return ret;
}

int state_file_put(struct state_file *f, const char *key, const char *text, size_t n)
{
	struct change *c;
	int ret = text && n > STATE_TEXT_MAX ? -EMSGSIZE : make_change(&c, key, text, text ? n : 0);

	if (!ret) {
		ret = push(f, c);
		if (ret)
			free(c);
	}
	if (ret)
		f->counters.refused++;
	return ret;
}

const struct state_file_counters *state_file_counters(const struct state_file *f)
{
	return &f->counters;
}

/* --- opening ------------------------------------------------------------------ */

static int say(const struct state_file *f, const char *what, int err)
{
	if (err == EWOULDBLOCK)
		log_error(LOG, "state-dir %s: another signald keeps its %s there", f->config.dir,
			  f->config.name);
	else
		log_error(LOG, "state-dir %s: %s %s: %s", f->config.dir, what, f->config.name,
			  strerror(err));
	return -err;
}

static int open_files(struct state_file *f)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	struct stat st;

	if (mkdir(f->config.dir, DIR_MODE) && errno != EEXIST)
		return say(f, "cannot make it for", errno);
	f->dir = open(f->config.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return say(f, "cannot open it for", errno);
	f->lock = openat(f->dir, f->lock_name, flags, FILE_MODE);
	if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB))
		return say(f, "cannot lock", errno);
	unlinkat(f->dir, f->new_name, 0); /* of a compaction that was not finished */
	f->fd = openat(f->dir, f->config.name, flags | O_APPEND, FILE_MODE);
	if (f->fd < 0 || fstat(f->fd, &st))
		return say(f, "cannot open", errno);
	if (!S_ISREG(st.st_mode))
		return say(f, "no plain file:", EINVAL);
	if (fchmod(f->fd, FILE_MODE))
		return say(f, "cannot protect", errno);
	f->bytes = (uint64_t)st.st_size;
	return 0;
}

/* "+KEY TEXT" or "-KEY". Returns 0 with what is kept, text NULL for nothing, -EINVAL. */
static int parse_change(const char *p, size_t n, char key[STATE_KEY_MAX + 1], const char **text,
			size_t *text_n)
{
	const char *space = memchr(p, ' ', n);
	const size_t key_n = (space ? (size_t)(space - p) : n) - 1;

	if (n < 2 || key_n < 1 || key_n > STATE_KEY_MAX || memchr(p, '\0', key_n + 1))
		return -EINVAL;
	memcpy(key, p + 1, key_n);
	key[key_n] = '\0';
	*text = p[0] == '+' && space ? space + 1 : NULL;
	*text_n = *text ? n - key_n - 2 : 0;
	return (p[0] == '+' && *text_n > 0) || (p[0] == '-' && !space) ? 0 : -EINVAL;
}

static int read_line(struct state_file *f, const char *line, uint64_t at, size_t n)
{
	char key[STATE_KEY_MAX + 1];
	const char *p, *text;
	size_t p_n, text_n;

	if (n > LINE_MAX_BYTES || record_line_parse(line, n - 1, &p, &p_n) ||
	    parse_change(p, p_n, key, &text, &text_n)) {
		f->shared.counters.damaged++;
		return 0;
	}
	if (!text) {
		forget_key(f, key);
		return 0;
	}
	if (HASH_COUNT(f->places) >= STATE_KEYS_MAX) {
		f->shared.counters.refused++;
		return 0;
	}
	return note(f, key, at, n);
}

static int read_lines(struct state_file *f, const char *all)
{
	uint64_t at = 0;
	int ret = 0;

	while (!ret && at < f->bytes) {
		const char *end = memchr(all + at, '\n', f->bytes - at);
		size_t n = end ? (size_t)(end + 1 - (all + at)) : 0;

		if (!end) {
			f->shared.counters.torn++;
			f->bytes = at;
			return ftruncate(f->fd, (off_t)at) ? -errno : 0;
		}
		ret = read_line(f, all + at, at, n);
		at += n;
	}
	return ret;
}

static void hand_over(const struct state_file *f, const char *all)
{
	const char *p, *text;
	size_t p_n, text_n;
	char key[STATE_KEY_MAX + 1];

	for (const struct place *x = f->places; x; x = x->hh.next)
		if (!record_line_parse(all + x->at, x->n - 1, &p, &p_n) &&
		    !parse_change(p, p_n, key, &text, &text_n))
			f->config.on_entry(f->config.arg, x->key, text, text_n);
}

static int read_file(struct state_file *f)
{
	const size_t size = (size_t)f->bytes;
	char *all;
	int ret;

	if (!size)
		return 0;
	all = mmap(NULL, size, PROT_READ, MAP_PRIVATE, f->fd, 0);
	if (all == MAP_FAILED)
		return say(f, "cannot read", errno);
	ret = read_lines(f, all);
	if (!ret)
		hand_over(f, all);
	munmap(all, size);
	if (f->shared.counters.damaged || f->shared.counters.torn)
		log_warn(LOG, "%s/%s: %" PRIu64 " damaged lines%s", f->config.dir, f->config.name,
			 f->shared.counters.damaged,
			 f->shared.counters.torn ? ", and the last one was torn" : "");
	return ret ? say(f, "cannot read", -ret) : 0;
}

static int set_names(struct state_file *f)
{
	const size_t size = sizeof(f->new_name);
	struct state_file_config *c = &f->config;

	if (!c->compact_bytes)
		c->compact_bytes = COMPACT_BYTES;
	if (!c->retry_min_ms)
		c->retry_min_ms = RETRY_MIN_MS;
	if (!c->retry_max_ms)
		c->retry_max_ms = RETRY_MAX_MS;
	f->compact_at = c->compact_bytes;
	if (snprintf(f->new_name, size, "%s.new", c->name) >= (int)size ||
	    snprintf(f->lock_name, size, "%s.lock", c->name) >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

int state_file_new(struct state_file **out, struct event_base *base,
		   const struct state_file_config *config)
{
	struct state_file *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->dir = f->lock = f->fd = -1;
	f->shared.end = &f->shared.first;
	ret = set_names(f);
	if (!ret)
		ret = worker_init(&f->shared.worker, base, on_news, f);
	if (!ret) {
		f->batch = malloc(BATCH_BYTES + LINE_MAX_BYTES);
		ret = f->batch ? open_files(f) : -ENOMEM;
	}
	if (!ret)
		ret = read_file(f);
	if (!ret) {
		f->shared.counters.bytes = f->bytes;
		f->shared.counters.keys = HASH_COUNT(f->places);
		f->counters = f->shared.counters;
		ret = worker_start(&f->shared.worker, work, f);
	}
	if (ret) {
		state_file_free(f);
		return ret;
	}
	*out = f;
	return 0;
}

void state_file_free(struct state_file *f)
{
	struct change *c;

	if (!f)
		return;
	worker_deinit(&f->shared.worker);
	while ((c = f->shared.first)) {
		f->shared.first = c->next;
		free(c);
	}
	forget_all(f);
	if (f->fd >= 0)
		close(f->fd);
	if (f->lock >= 0)
		close(f->lock);
	if (f->dir >= 0)
		close(f->dir);
	free(f->batch);
	free(f);
}
