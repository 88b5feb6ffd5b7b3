/* journal.c - open and read the file, append to it */
#include "journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_reader.h"
#include "log.h"
#include "write_all.h"

#define FILE_MODE 0640
#define DIR_MODE 0750
#define LINES_TOLD 8 /* of damaged ones; the rest is a number */
#define DAY_MS 86400000ULL

const struct journal_limits journal_default_limits = {
	.compact_bytes = 64 << 20,
	.keep_days = 30,
	.sums = 65536,
};

/* --- opening --------------------------------------------------------------- */

static int say(const char *dir, const char *what, int err)
{
	log_error(LOG,
		  "state-dir %s: %s: %s; make it a folder that signald's user may write, or set "
		  "state-dir to one",
		  dir, what, strerror(err));
	return -err;
}

static int open_dir(struct journal *j, const char *dir)
{
	if (mkdir(dir, DIR_MODE) && errno != EEXIST)
		return say(dir, "cannot make it", errno);
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return j->dir < 0 ? say(dir, "cannot open it", errno) : 0;
}

/* The lock goes with the process, however it ends. */
static int take_lock(struct journal *j, const char *dir)
{
	j->lock = openat(j->dir, JOURNAL_FILE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			 FILE_MODE);
	if (j->lock < 0)
		return say(dir, "cannot write " JOURNAL_FILE_LOCK, errno);
	if (flock(j->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		log_error(LOG, "state-dir %s: another signald keeps its journal there", dir);
	else
		log_error(LOG, "state-dir %s: cannot lock it: %s", dir, strerror(errno));
	return -errno;
}

static int open_file(struct journal *j, const char *dir)
{
	bool is_new = faccessat(j->dir, JOURNAL_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	struct stat st;

	unlinkat(j->dir, JOURNAL_FILE_NEW, 0); /* of a compaction that was not finished */
	j->fd = openat(j->dir, JOURNAL_FILE, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		       FILE_MODE);
	if (j->fd < 0 || fstat(j->fd, &st))
		return say(dir, "cannot write " JOURNAL_FILE, errno);
	if (!S_ISREG(st.st_mode))
		return say(dir, JOURNAL_FILE " is no file", EINVAL);
	if (is_new && (fchmod(j->fd, FILE_MODE) || fsync(j->dir)))
		return say(dir, "cannot make " JOURNAL_FILE, errno);
	j->counters.bytes = (uint64_t)st.st_size;
	return 0;
}

static void found_damaged(struct journal *j, const struct journal_item *item)
{
	if (item->more)
		return;
	journal_positions_damaged(j->positions);
	if (j->counters.damaged++ < LINES_TOLD)
		log_warn(LOG, "%s:%" PRIu64 ": the line is damaged; kept, but not counted", j->path,
			 item->line);
}

static void found_record(struct journal *j, const struct journal_record *r)
{
	journal_positions_read(j->positions, r);
	if (r->kind != JOURNAL_MARK && r->to_ms < j->oldest_ms)
		j->oldest_ms = r->to_ms;
}

/* A line without an end was never acknowledged: turnserver has it still. */
static int cut_torn(struct journal *j, const struct journal_item *item)
{
	log_warn(LOG, "%s:%" PRIu64 ": the last line is torn; cut off at byte %" PRIu64, j->path,
		 item->line, item->at);
	j->counters.torn++;
	j->counters.bytes = item->at;
	return ftruncate(j->fd, (off_t)item->at) ? -errno : 0;
}

static int read_file(struct journal *j)
{
	struct journal_reader *r = malloc(sizeof(*r));
	struct journal_item item;
	int found, ret = r ? 0 : -ENOMEM;

	if (r)
		journal_reader_init(r, j->fd, j->counters.bytes);
	while (!ret && (found = journal_reader_next(r, &item)) != JOURNAL_FOUND_END) {
		if (found == JOURNAL_FOUND_RECORD)
			found_record(j, &item.record);
		else if (found == JOURNAL_FOUND_DAMAGED)
			found_damaged(j, &item);
		else
			ret = found == JOURNAL_FOUND_TORN ? cut_torn(j, &item) : found;
	}
	free(r);
	if (ret)
		log_error(LOG, "%s: %s", j->path, strerror(-ret));
	if (j->counters.damaged > LINES_TOLD)
		log_warn(LOG, "%s: %" PRIu64 " damaged lines in all", j->path, j->counters.damaged);
	return ret;
}

int journal_open(struct journal **out, const char *dir, const struct journal_limits *limits)
{
	struct journal *j = calloc(1, sizeof(*j));
	int ret;

	if (!j)
		return -ENOMEM;
	j->dir = j->lock = j->fd = -1;
	j->limits = limits ? *limits : journal_default_limits;
	j->compact_bytes = j->limits.compact_bytes;
	j->oldest_ms = OLDEST_NONE;
	ret = journal_positions_new(&j->positions);
	if (!ret && asprintf(&j->path, "%s/%s", dir, JOURNAL_FILE) < 0) {
		j->path = NULL;
		ret = -ENOMEM;
	}
	if (!ret)
		ret = open_dir(j, dir);
	if (!ret)
		ret = take_lock(j, dir);
	if (!ret)
		ret = open_file(j, dir);
	if (!ret)
		ret = read_file(j);
	if (ret) {
		journal_free(j);
		return ret;
	}
	journal_positions_settled(j->positions);
	*out = j;
	return 0;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (j->lock >= 0)
		close(j->lock);
	if (j->dir >= 0)
		close(j->dir);
	journal_positions_free(j->positions);
	free(j->path);
	free(j);
}

struct journal_positions *journal_positions(struct journal *j)
{
	return j->positions;
}

const struct journal_counters *journal_counters(const struct journal *j)
{
	return &j->counters;
}

/* --- appending ------------------------------------------------------------- */

static int cut_back(struct journal *j)
{
	if (ftruncate(j->fd, (off_t)j->counters.bytes))
		return -errno;
	j->dirty = false;
	return 0;
}

static int sync_dir(struct journal *j)
{
	if (fsync(j->dir))
		return -errno;
	j->dir_dirty = false;
	return 0;
}

/* Somebody removed or moved the file: what is written to it would go with it. */
static int come_back(struct journal *j)
{
	struct stat ours, named;

	if (fstat(j->fd, &ours))
		return -errno;
	if (fstatat(j->dir, JOURNAL_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0) {
		if (named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
			return 0;
	} else if (errno != ENOENT) {
		return -errno;
	}
	log_warn(LOG, "%s was taken away while in use; it is written again", j->path);
	return journal_rewrite(j, false, 0);
}

int journal_append(struct journal *j, const char *lines, size_t n, uint64_t oldest_ms)
{
	int ret = j->dirty ? cut_back(j) : 0;

	if (!ret)
		ret = come_back(j);
	if (!ret && j->dir_dirty)
		ret = sync_dir(j);
	if (ret)
		return ret;
	ret = write_all(j->fd, lines, n);
	/* After a failed sync nobody knows which pages are on disk: all are written again. */
	if (!ret && fdatasync(j->fd))
		ret = -errno;
	if (ret) {
		j->counters.cut_back++;
		j->dirty = true;
		cut_back(j); /* or before the next batch */
		return ret;
	}
	j->counters.bytes += n;
	if (oldest_ms < j->oldest_ms)
		j->oldest_ms = oldest_ms;
	return 0;
}

/* --- keeping it small ------------------------------------------------------ */

int journal_tidy(struct journal *j, bool by_age, uint64_t wall_ms)
{
	uint64_t keep_ms = j->limits.keep_days * DAY_MS;
	uint64_t keep_from_ms = wall_ms > keep_ms ? wall_ms - keep_ms : 0;
	bool large = j->counters.bytes > j->compact_bytes;
	int ret;

	if (!large && !(by_age && j->oldest_ms < keep_from_ms))
		return 0;
	if (!journal_positions_complete(j->positions)) /* sums would hide what is still to come */
		return 0;
	ret = j->dirty ? cut_back(j) : 0;
	if (!ret)
		ret = journal_rewrite(j, large, keep_from_ms);
	if (ret)
		j->compact_bytes = j->counters.bytes + j->limits.compact_bytes / 8;
	return ret;
}
