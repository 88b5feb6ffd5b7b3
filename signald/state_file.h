/* state_file.h - the last text of each of many things, in a file that outlives the process
 *
 * A line of record_line.h for each change: "+KEY TEXT" sets what is kept under a key, "-KEY" ends
 * it. A worker appends them; the loop never waits. Without a sync: what was written is there for
 * whoever comes after a killed process, whose host goes on. A last line that is torn is cut off, a
 * damaged one is left out, and its thing keeps what an earlier line says.
 *
 * Beyond compact_bytes (and twice what is kept) the file is written anew beside the old one and
 * renamed over it. It is 0600, and the folder's NAME.lock keeps a second process out. All functions
 * are for the loop thread, on_change is called there; nothing but state_file_new() and
 * state_file_free() waits. */
#ifndef STATE_FILE_H
#define STATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_KEY_MAX 64
#define STATE_TEXT_MAX (1 << 20) /* bytes */
#define STATE_QUEUE_MAX 8192	 /* changes that wait for the disk */
#define STATE_QUEUE_BYTES_MAX (32 << 20)
#define STATE_KEYS_MAX 65536 /* of a file that is read */

struct event_base;
struct state_file;

/* As of the last on_change(). */
struct state_file_counters {
	uint64_t written;     /* changes, since the start */
	uint64_t refused;     /* the queue was full, or the text too long */
	uint64_t io_errors;   /* attempts to write that failed */
	uint64_t damaged;     /* lines found at the start that are none */
	uint64_t torn;	      /* last line cut off at the start: 0 or 1 */
	uint64_t compactions; /* files rewritten */
	uint64_t bytes, keys; /* in the file; these go up and down */
	bool failing;	      /* the disk refuses */
};

struct state_file_config {
	const char *dir, *name;		     /* NAME and NAME.lock in it are ours */
	uint64_t compact_bytes;		     /* 0: 4 MiB */
	uint32_t retry_min_ms, retry_max_ms; /* after an error; 0: 100, 10000 */

	/* What was kept, in the order of its last change, before state_file_new() returns. */
	void (*on_entry)(void *arg, const char *key, const char *text, size_t n);
	void (*on_change)(void *arg); /* the counters changed, there is room; may be NULL */
	void *arg;
};

/* Open or make the file, read it, start the worker. The strings are loans for its life.
 * Returns 0, -EWOULDBLOCK (another process has it), other -errno; each is logged. */
int state_file_new(struct state_file **out, struct event_base *base,
		   const struct state_file_config *config);

/* Write what is queued, with one attempt, and end. NULL is fine. */
void state_file_free(struct state_file *f);

/* Keep this text under the key; text NULL: nothing any more. key: 1 to STATE_KEY_MAX bytes without
 * a space; text: not empty, no line feed. Both are copied.
 * Returns 0, -ENOBUFS (the queue is full: later), -EMSGSIZE (too long), -ENOMEM. */
int state_file_put(struct state_file *f, const char *key, const char *text, size_t n);

const struct state_file_counters *state_file_counters(const struct state_file *f);

#endif
