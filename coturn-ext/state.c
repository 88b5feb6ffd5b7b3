/* state.c - see state.h */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "admin_socket.h"
#include "live_recover.h"
#include "log.h"
#include "own_file.h"

#define TOKEN "admin-socket"

static int new_epoch(char out[RELAY_EPOCH_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char random[RELAY_EPOCH_LEN / 2];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (i = 0; i < sizeof(random); i++) {
		out[2 * i] = hex[random[i] >> 4];
		out[2 * i + 1] = hex[random[i] & 15];
	}
	out[RELAY_EPOCH_LEN] = '\0';
	return 0;
}

/* --- the spool ----------------------------------------------------------------------- */

static int open_spool(struct state *st, const struct options *o, char *err, size_t err_size)
{
	char path[OPTIONS_PATH_MAX];
	int r = options_state_path(o, "ends.spool", path, sizeof(path));

	if (r == 0)
		r = spool_open(&st->spool, path, NULL);
	if (r < 0)
		snprintf(err, err_size, "admin-state-dir: %s: %s",
			 r == -ENAMETOOLONG ? "ends.spool" : path, own_file_error(r));
	return r;
}

/* --- what was left ---------------------------------------------------------------------- */

/* Where ends of a killed server go. */
struct keeper {
	struct spool *spool;
	uint64_t kept;
	int error; /* the spool's: the mapping is read no further, and stays */
};

static int keep(void *arg, const struct live_record *rec)
{
	struct keeper *k = arg;
	char line[RELAY_LINE_MAX];
	int n = relay_write_end(line, sizeof(line),
				&(struct relay_end){ .epoch = rec->epoch,
						     .seq = rec->seq,
						     .alloc = &rec->alloc,
						     .totals = &rec->totals,
						     .ended_ms = rec->ended_ms,
						     .exact = rec->exact,
						     .reason = rec->reason });

	k->error = n > 0 ? spool_offer(k->spool, line, (size_t)n, rec->epoch, rec->seq) : 0;
	if (k->error == 0)
		k->kept++;
	return k->error;
}

/* A disk that is full must keep nobody from serving. What it has no room for stays
 * in the mapping, under its numbers, until the next start; this server has none then. */
static int recover(struct state *st, const char *path, bool *left, char *err, size_t err_size)
{
	struct keeper k = { .spool = st->spool };
	long n = live_recover(path, admin_wall_ms(), keep, &k, err, err_size);

	st->recovered = k.kept;
	*left = k.error < 0;
	if (*left)
		log_error(TOKEN,
			  "ends of a killed server do not fit into the spool (%s): they stay in %s "
			  "until the next start; until then a kill will lose what is live",
			  strerror(-k.error), path);
	else if (n == -EBADMSG) /* and gone: it must not keep this server from starting */
		log_error(TOKEN, "%s; what its server had not told is lost", err);
	else if (n < 0)
		return (int)n;
	if (k.kept > 0)
		log_warn(TOKEN, "%" PRIu64 " allocations of a server that was killed have ended",
			 k.kept);
	return 0;
}

/* Without a mapping the server can serve; only a kill costs more then. */
static void open_live(struct state *st, const char *path, const struct live_layout *layout)
{
	char err[256] = "";

	if (live_open(&st->live, path, layout, st->epoch, NULL, err, sizeof(err)) < 0)
		log_error(TOKEN, "%s; a kill will lose what is live then", err);
}

int state_open(struct state *st, const struct options *o, const struct live_layout *layout,
	       char *err, size_t err_size)
{
	char *path = NULL;
	bool left = false;
	int r = -ENOMEM;

	snprintf(err, err_size, "admin-socket: %s", strerror(ENOMEM));
	if (asprintf(&path, "%s.live", o->socket_path) < 0)
		return r;
	r = new_epoch(st->epoch);
	if (r == 0)
		r = open_spool(st, o, err, err_size);
	if (r == 0)
		r = recover(st, path, &left, err, err_size);
	if (r == 0 && layout && !left)
		open_live(st, path, layout);
	if (r == 0)
		state_alive(st);
	free(path);
	return r;
}

void state_alive(struct state *st)
{
	spool_tidy(st->spool);
	if (st->live)
		live_set_now(st->live, admin_now_ms(), admin_wall_ms());
}

void state_finish(struct state *st)
{
	int r = spool_sync(st->spool);

	if (r < 0)
		log_error(TOKEN, "the spool could not be synced: %s", strerror(-r));
	if (st->live)
		live_unlink(st->live);
}

void state_abandon(const struct state *st)
{
	if (st->live && live_unused(st->live))
		live_unlink(st->live);
}

void state_close(struct state *st)
{
	spool_free(st->spool);
	live_free(st->live);
	memset(st, 0, sizeof(*st));
}
