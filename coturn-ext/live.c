/* live.c - see live.h */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <zlib.h>

#include "log.h"

#define TOKEN "live"
#define SLOT_ALIGN 16 /* malloc()'s */
#define CHUNK_SLOTS_MIN 8
#define PAGE_BYTES 65536u /* a multiple of every page size there is */
#define CACHE_SLOTS (2 * LIVE_CHUNK_SLOTS)
#define KEEP_CHUNKS 4 /* free ones that keep their memory; and a quarter of those in use */

/* Free memory is out of bounds, as after free(). */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

/* Slots of one chunk, by bit. A chunk is on one list: some are free, all are
 * (and the memory still reserved), or all and none reserved; or on no list. */
struct chunk {
	TAILQ_ENTRY(chunk) link;
	uint32_t free;
};
TAILQ_HEAD(chunks, chunk);

/* Cells of up to so many bytes; larger ones do not exist (see TURN_NAME_MAX). */
static const uint32_t class_bytes[] = { 384, 448, 512, 576, 640, 704, 768, 1024, 1536 };
#define CLASSES_N (sizeof(class_bytes) / sizeof(class_bytes[0]))
struct class
{
	struct live_cell *free;
	char *at, *end; /* what is left of its newest block */
};

struct live {
	int fd;
	char *path;
	dev_t dev;
	ino_t ino;
	char *base;
	uint64_t bytes;
	struct live_header *header;
	unsigned id; /* of this mapping, for the threads' caches */
	size_t session_bytes, slot_bytes, chunk_bytes, blocks_max;
	unsigned chunk_slots;
	uint32_t all_free; /* a chunk's bits, all set */
	_Atomic uint64_t heap_sessions, heap_cells, reserved_bytes;
	_Atomic bool told;
	pthread_mutex_t lock; /* for the rest, and what lies behind the lists */
	struct chunk *chunks;
	size_t chunks_max, chunks_n; /* made so far */
	size_t unused_n, bare_n;     /* of them on the lists all and bare */
	struct chunks some, all, bare;
	struct class classes[CLASSES_N];
};

/* Slots that this thread freed and may take again without a lock. */
static _Thread_local struct {
	unsigned id;
	unsigned n;
	void *slots[CACHE_SLOTS];
} cache;

static _Atomic unsigned last_id;

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* --- memory of the file system ------------------------------------------------- */

static int reserve(struct live *l, const void *p, size_t n)
{
	off_t at = (const char *)p - l->base;
	int r;

	do
		r = fallocate(l->fd, 0, at, (off_t)n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	atomic_fetch_add_explicit(&l->reserved_bytes, n, memory_order_relaxed);
	return 0;
}

static bool give_back(struct live *l, const void *p, size_t n)
{
	off_t at = (const char *)p - l->base;

	if (fallocate(l->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)n) < 0)
		return false;
	atomic_fetch_sub_explicit(&l->reserved_bytes, n, memory_order_relaxed);
	return true;
}

static void on_heap(struct live *l, _Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	if (!atomic_exchange_explicit(&l->told, true, memory_order_relaxed))
		log_warn(TOKEN,
			 "%s: no room for more; until there is, a kill loses what was relayed "
			 "since the last sample",
			 l->path);
}

/* --- sessions -------------------------------------------------------------------- */

static char *chunk_at(const struct live *l, const struct chunk *c)
{
	return l->base + l->header->sessions_at + (size_t)(c - l->chunks) * l->chunk_bytes;
}

static bool is_slot(const struct live *l, const void *p)
{
	const char *at = p;

	return at >= l->base + l->header->sessions_at && at < l->base + l->header->sessions_end;
}

/* The next chunk that never was, or one whose memory was given back. */
static struct chunk *new_chunk(struct live *l)
{
	struct chunk *c = TAILQ_FIRST(&l->bare);

	if (!c && l->chunks_n == l->chunks_max)
		return NULL;
	if (!c)
		c = &l->chunks[l->chunks_n];
	if (reserve(l, chunk_at(l, c), l->chunk_bytes) < 0)
		return NULL;
	if (c == &l->chunks[l->chunks_n]) {
		l->chunks_n++;
	} else {
		TAILQ_REMOVE(&l->bare, c, link);
		l->bare_n--;
	}
	POISON(chunk_at(l, c), l->chunk_bytes);
	c->free = l->all_free;
	TAILQ_INSERT_HEAD(&l->all, c, link);
	l->unused_n++;
	return c;
}

/* All the free slots of one chunk; chunks in use first, so that others empty. */
static void refill(struct live *l)
{
	struct chunk *c;
	unsigned i;

	pthread_mutex_lock(&l->lock);
	c = TAILQ_FIRST(&l->some);
	if (!c)
		c = TAILQ_FIRST(&l->all);
	if (!c)
		c = new_chunk(l);
	if (c) {
		TAILQ_REMOVE(c->free == l->all_free ? &l->all : &l->some, c, link);
		l->unused_n -= c->free == l->all_free;
		for (i = l->chunk_slots; i-- > 0;)
			if (c->free & 1u << i)
				cache.slots[cache.n++] = chunk_at(l, c) + i * l->slot_bytes;
		c->free = 0;
	}
	pthread_mutex_unlock(&l->lock);
}

static void put_slot(struct live *l, const void *slot)
{
	size_t at = (size_t)((const char *)slot - l->base) - l->header->sessions_at;
	struct chunk *c = &l->chunks[at / l->chunk_bytes];

	if (c->free)
		TAILQ_REMOVE(&l->some, c, link);
	c->free |= 1u << at % l->chunk_bytes / l->slot_bytes;
	TAILQ_INSERT_HEAD(c->free == l->all_free ? &l->all : &l->some, c, link);
	l->unused_n += c->free == l->all_free;
}

/* A flood of sessions is over: what it took goes back, but for a reserve. */
static void trim(struct live *l)
{
	while (l->unused_n > KEEP_CHUNKS + (l->chunks_n - l->unused_n - l->bare_n) / 4) {
		struct chunk *c = TAILQ_LAST(&l->all, chunks);

		if (!give_back(l, chunk_at(l, c), l->chunk_bytes))
			return;
		TAILQ_REMOVE(&l->all, c, link);
		TAILQ_INSERT_HEAD(&l->bare, c, link);
		l->bare_n++;
		l->unused_n--;
	}
}

/* The half that was freed first. */
static void flush(struct live *l)
{
	unsigned i;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < CACHE_SLOTS / 2; i++)
		put_slot(l, cache.slots[i]);
	trim(l);
	pthread_mutex_unlock(&l->lock);
	cache.n -= CACHE_SLOTS / 2;
	memmove(cache.slots, cache.slots + CACHE_SLOTS / 2, cache.n * sizeof(cache.slots[0]));
}

static void own_cache(const struct live *l)
{
	if (cache.id == l->id)
		return;
	cache.id = l->id;
	cache.n = 0;
}

void *live_session_new(struct live *l, size_t size)
{
	void *slot;

	if (!l || size != l->session_bytes)
		return calloc(1, size);
	own_cache(l);
	if (cache.n == 0)
		refill(l);
	if (cache.n == 0) {
		on_heap(l, &l->heap_sessions);
		return calloc(1, size);
	}
	slot = cache.slots[--cache.n];
	UNPOISON(slot, size);
	return memset(slot, 0, size);
}

void live_session_free(struct live *l, void *session)
{
	if (!l || !session || !is_slot(l, session)) {
		free(session);
		return;
	}
	own_cache(l);
	POISON(session, l->session_bytes);
	if (cache.n == CACHE_SLOTS)
		flush(l);
	cache.slots[cache.n++] = session;
}

/* --- cells ------------------------------------------------------------------------- */

static int new_block(struct live *l, struct class *k, uint32_t cell_bytes)
{
	uint32_t n = atomic_load_explicit(&l->header->blocks, memory_order_relaxed);
	char *p = l->base + l->header->cells_at + (size_t)n * LIVE_BLOCK_BYTES;
	int r;

	if (n == l->blocks_max)
		return -ENOSPC;
	r = reserve(l, p, LIVE_BLOCK_BYTES);
	if (r < 0)
		return r;
	*(struct live_block *)(void *)p = (struct live_block){ LIVE_BLOCK_MAGIC, cell_bytes };
	k->at = p + LIVE_BLOCK_FIRST;
	k->end = p + LIVE_BLOCK_BYTES;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&l->header->blocks, n + 1, memory_order_relaxed);
	return 0;
}

/* A free cell has no session: there is room for the list. */
static struct live_cell *next_free(const struct live_cell *c)
{
	return (struct live_cell *)(uintptr_t)c->session;
}

static struct live_cell *take_cell(struct live *l, struct class *k, uint32_t cell_bytes)
{
	struct live_cell *c = k->free;

	if (c) {
		k->free = next_free(c);
		UNPOISON(c, cell_bytes);
		return c;
	}
	if (k->end - k->at < (ptrdiff_t)cell_bytes && new_block(l, k, cell_bytes) < 0)
		return NULL;
	c = (struct live_cell *)(void *)k->at;
	k->at += cell_bytes;
	return c;
}

static struct class *class_of(struct live *l, size_t bytes, uint32_t *cell_bytes)
{
	size_t i;

	for (i = 0; i < CLASSES_N && class_bytes[i] < bytes; i++)
		;
	if (i == CLASSES_N)
		return NULL;
	*cell_bytes = class_bytes[i];
	return &l->classes[i];
}

void *live_cell_new(struct live *l, size_t bytes)
{
	struct live_cell *c = NULL;
	struct class *k;
	uint32_t n;

	if (!l)
		return malloc(bytes);
	k = class_of(l, bytes, &n);
	if (k) {
		pthread_mutex_lock(&l->lock);
		c = take_cell(l, k, n);
		pthread_mutex_unlock(&l->lock);
	}
	if (c)
		return c;
	on_heap(l, &l->heap_cells);
	return malloc(bytes);
}

static bool is_cell(const struct live *l, const void *p)
{
	const char *at = p;

	return at >= l->base + l->header->cells_at && at < l->base + l->header->sessions_at;
}

static struct live_block *block_of(const struct live *l, const void *p)
{
	size_t at = (size_t)((const char *)p - l->base) - l->header->cells_at;

	return (struct live_block *)(void *)(l->base + l->header->cells_at +
					     at / LIVE_BLOCK_BYTES * LIVE_BLOCK_BYTES);
}

void live_cell_free(struct live *l, void *cell)
{
	struct live_cell *c = cell;
	struct class *k;
	uint32_t n;

	if (!l || !cell || !is_cell(l, cell)) {
		free(cell);
		return;
	}
	atomic_store_explicit(&c->state, LIVE_FREE, memory_order_relaxed);
	k = class_of(l, block_of(l, cell)->cell_bytes, &n);
	pthread_mutex_lock(&l->lock);
	c->session = (uintptr_t)k->free;
	k->free = c;
	POISON(&c->totals, n - offsetof(struct live_cell, totals));
	pthread_mutex_unlock(&l->lock);
}

/* --- the file ------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void say(char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
}

/* Beyond RLIMIT_FSIZE there is a signal instead of an error. */
static bool may_be_so_long(uint64_t bytes)
{
	struct rlimit r;

	return bytes <= SIZE_MAX / 2 && (getrlimit(RLIMIT_FSIZE, &r) < 0 || bytes <= r.rlim_cur);
}

static int make_file(struct live *l, const char **failed)
{
	struct stat st;

	*failed = "make";
	l->fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return -errno;
	*failed = "lock";
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0 || fstat(l->fd, &st) < 0)
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	*failed = "size";
	if (!may_be_so_long(l->bytes))
		return -EFBIG;
	return ftruncate(l->fd, (off_t)l->bytes) < 0 ? -errno : 0;
}

static int map_file(struct live *l, const char **failed)
{
	*failed = "map";
	l->base = mmap(NULL, l->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
	if (l->base == MAP_FAILED) {
		l->base = NULL;
		return -errno;
	}
	madvise(l->base, l->bytes, MADV_DONTDUMP);
	*failed = "reserve the first page of";
	l->header = (struct live_header *)(void *)l->base;
	return reserve(l, l->base, sizeof(*l->header));
}

static void say_place(const struct live *l)
{
	struct statfs fs;

	if (fstatfs(l->fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		log_info(TOKEN,
			 "%s is not on tmpfs: its pages are written to the disk all the time; "
			 "the admin socket's directory should be on one, such as /run",
			 l->path);
}

/* As many slots as leave the least of their last page unused. */
static void measure_chunk(struct live *l)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n, best = SIZE_MAX;

	l->slot_bytes = round_up(l->session_bytes, SLOT_ALIGN);
	for (n = CHUNK_SLOTS_MIN; n <= LIVE_CHUNK_SLOTS; n++) {
		size_t bytes = round_up(n * l->slot_bytes, page);

		if (bytes / n >= best)
			continue;
		best = bytes / n;
		l->chunk_slots = (unsigned)n;
		l->chunk_bytes = bytes;
	}
	l->all_free = UINT32_MAX >> (LIVE_CHUNK_SLOTS - l->chunk_slots);
}

/* The sizes are of the file, which is sparse: they cost nothing. */
static void measure(struct live *l, const struct live_limits *limits, struct live_header *h)
{
	measure_chunk(l);
	l->chunks_max = (limits->sessions + l->chunk_slots - 1) / l->chunk_slots;
	l->blocks_max = limits->cell_blocks;
	h->cells_at = PAGE_BYTES;
	h->sessions_at = h->cells_at + (uint64_t)l->blocks_max * LIVE_BLOCK_BYTES;
	h->sessions_end = h->sessions_at + (uint64_t)l->chunks_max * l->chunk_bytes;
	h->chunk_bytes = l->chunk_bytes;
	h->slot_bytes = (uint32_t)l->slot_bytes;
	h->chunk_slots = l->chunk_slots;
	l->bytes = h->sessions_end;
}

static void write_header(struct live *l, struct live_header *h, const struct live_layout *layout,
			 const char *epoch)
{
	memcpy(h->magic, LIVE_MAGIC, sizeof(h->magic));
	h->version = LIVE_VERSION;
	h->header_bytes = sizeof(*h);
	memcpy(h->epoch, epoch, strnlen(epoch, LIVE_EPOCH_MAX));
	h->base = (uintptr_t)l->base;
	h->layout = *layout;
	h->check = live_header_check(h);
	memcpy(l->header, h, sizeof(*h));
}

static int prepare(struct live *l, const char *path)
{
	l->path = strdup(path);
	l->chunks = calloc(l->chunks_max ? l->chunks_max : 1, sizeof(*l->chunks));
	return l->path && l->chunks ? 0 : -ENOMEM;
}

int live_open(struct live **out, const char *path, const struct live_layout *layout,
	      const char *epoch, const struct live_limits *limits, char *err, size_t err_size)
{
	static const struct live_limits usual = LIVE_LIMITS_DEFAULT;
	struct live_header h = { .version = 0 };
	struct live *l = calloc(1, sizeof(*l));
	const char *failed = "prepare";
	int r = -ENOMEM;

	if (!l)
		goto fail;
	l->fd = -1;
	l->session_bytes = layout->session_bytes;
	l->id = 1 + atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed);
	pthread_mutex_init(&l->lock, NULL);
	TAILQ_INIT(&l->some);
	TAILQ_INIT(&l->all);
	TAILQ_INIT(&l->bare);
	measure(l, limits ? limits : &usual, &h);
	r = prepare(l, path);
	if (r == 0)
		r = make_file(l, &failed);
	if (r == 0)
		r = map_file(l, &failed);
	if (r < 0)
		goto fail;
	write_header(l, &h, layout, epoch);
	say_place(l);
	*out = l;
	return 0;
fail:
	say(err, err_size, "cannot %s %s: %s", failed, path, strerror(-r));
	if (l && l->ino)
		live_unlink(l);
	live_free(l);
	return r;
}

void live_unlink(const struct live *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
}

bool live_unused(const struct live *l)
{
	return atomic_load_explicit(&l->header->blocks, memory_order_relaxed) == 0;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	if (l->base) {
		/* else whatever is mapped there next is poisoned */
		UNPOISON(l->base + l->header->cells_at,
			 (size_t)l->header->blocks * LIVE_BLOCK_BYTES);
		UNPOISON(l->base + l->header->sessions_at, l->chunks_n * l->chunk_bytes);
		munmap(l->base, l->bytes);
	}
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
	free(l->chunks);
	free(l->path);
	free(l);
}

void live_stats(struct live *l, struct live_stats *out)
{
	out->heap_sessions = atomic_load_explicit(&l->heap_sessions, memory_order_relaxed);
	out->heap_cells = atomic_load_explicit(&l->heap_cells, memory_order_relaxed);
	out->bytes = atomic_load_explicit(&l->reserved_bytes, memory_order_relaxed);
}

void live_set_seq(struct live *l, uint64_t seq)
{
	atomic_store_explicit(&l->header->seq, seq, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

void live_set_now(struct live *l, uint64_t now_ms, uint64_t wall_ms)
{
	atomic_store_explicit(&l->header->wall_offset_ms, wall_ms - now_ms, memory_order_relaxed);
	atomic_store_explicit(&l->header->alive_ms, now_ms, memory_order_relaxed);
}
