/* secrets.c - see secrets.h
 *
 * A set never changes once it is published. The replaced one stays until
 * nobody can be looking at it, as "previous", which secrets_match() searches as
 * well: a credential checked against the old set an instant ago must still be
 * known. */
#include "secrets.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "published.h"
#include "secret_stamp.h"
#include "turn_credential.h"

struct dated_set {
	struct secret_set *set;
	const struct secret *newest_first[]; /* set->n of them */
};

struct kept {
	struct secret_match match; /* first: who keeps it has a pointer to it */
	LIST_ENTRY(kept) link;
	size_t keepers;
};

struct secrets {
	struct published current;
	_Atomic(struct dated_set *) previous;
	char *path;
	struct secret_stamp seen; /* of the file last tried */
	bool fresh;		  /* a reload replaced the set since the last poll */
	pthread_mutex_t lock;	  /* for kept */
	LIST_HEAD(, kept) kept;	  /* in no order: about as many as a file has lines */
};

static int newer(const void *a, const void *b)
{
	const struct secret *x = *(const struct secret *const *)a;
	const struct secret *y = *(const struct secret *const *)b;

	if (x->not_before_s != y->not_before_s)
		return x->not_before_s > y->not_before_s ? -1 : 1;
	return x < y ? 1 : -1; /* the later line */
}

static void dated_free(struct dated_set *d)
{
	if (!d)
		return;
	secret_set_free(d->set);
	free(d);
}

static int dated_load(struct dated_set **out, const char *path, struct secret_error *err)
{
	struct secret_set *set;
	struct dated_set *d;
	size_t i;
	int r = secret_set_load(path, &set, err);

	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d) + set->n * sizeof(d->newest_first[0]));
	if (!d) {
		secret_set_free(set);
		return -ENOMEM;
	}
	d->set = set;
	for (i = 0; i < set->n; i++)
		d->newest_first[i] = &set->v[i];
	qsort(d->newest_first, set->n, sizeof(d->newest_first[0]), newer);
	*out = d;
	return 0;
}

int secrets_open(struct secrets **out, const char *path, struct secret_error *err)
{
	struct secrets *s = calloc(1, sizeof(*s));
	struct dated_set *d;
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->path = strdup(path);
	if (!s->path)
		goto fail;
	secret_stamp_take(&s->seen, path);
	r = dated_load(&d, path, err);
	if (r < 0)
		goto fail;
	published_replace(&s->current, d);
	*out = s;
	return 0;
fail:
	secrets_free(s);
	return r;
}

void secrets_free(struct secrets *s)
{
	if (!s)
		return;
	dated_free(atomic_load(&s->previous));
	dated_free(published_get(&s->current));
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

/* Free the replaced set if nobody can be looking at it. */
static bool retire(struct secrets *s)
{
	struct dated_set *old = atomic_load(&s->previous);

	if (!old)
		return true;
	if (!published_quiet(&s->current))
		return false;
	/* A reader may come in right now and pick up "previous": take it away
	 * first, and free it only if still nobody came. */
	atomic_store(&s->previous, NULL);
	if (!published_quiet(&s->current)) {
		atomic_store(&s->previous, old);
		return false;
	}
	dated_free(old);
	return true;
}

/* With the replaced set retired. now: the file's stamp, from before it is read. */
static int replace(struct secrets *s, const struct secret_stamp *now, struct secret_error *err)
{
	struct dated_set *d;
	int r = dated_load(&d, s->path, err);

	if (!secret_error_passes(r))
		s->seen = *now;
	if (r < 0)
		return r;
	atomic_store(&s->previous, published_get(&s->current));
	published_replace(&s->current, d);
	return 1;
}

/* What a reload replaced a moment ago stays for one more round. */
int secrets_poll(struct secrets *s, struct secret_error *err)
{
	struct secret_stamp now;
	bool fresh = s->fresh, same;

	secret_stamp_take(&now, s->path);
	same = secret_stamp_equal(&now, &s->seen);
	s->fresh = false;
	if ((fresh && same) || !retire(s) || same)
		return 0;
	return replace(s, &now, err);
}

int secrets_reload(struct secrets *s, struct secret_error *err)
{
	struct secret_stamp now;
	int r;

	if (!retire(s))
		return -EAGAIN;
	secret_stamp_take(&now, s->path);
	r = replace(s, &now, err);
	s->fresh |= r > 0;
	return r;
}

static void user_of(const char *name, struct turn_name *out)
{
	if (turn_name_parse(name, strlen(name), out) < 0)
		memset(out, 0, sizeof(*out)); /* not our grammar: no secret with users= */
}

size_t secrets_each(struct secrets *s, const char *name, int64_t now_s, secrets_fn fn, void *arg)
{
	struct turn_name parsed;
	struct dated_set *d;
	size_t i, found = 0;

	user_of(name, &parsed);
	d = published_enter(&s->current);
	for (i = 0; i < d->set->n && found < SECRETS_ACTIVE_MAX; i++) {
		const struct secret *secret = d->newest_first[i];

		if (!secret_active(secret, now_s) || !secret_allows(secret, parsed.user))
			continue;
		fn(arg, secret->value);
		found++;
	}
	published_leave(&s->current);
	return found;
}

/* The file has it with users=, on lines none of which names this user. */
static bool restricted(const struct secret_set *set, const char *user, const char *value)
{
	bool found = false;
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct secret *secret = &set->v[i];

		if (!secret->users || strcmp(secret->value, value) != 0)
			continue;
		if (secret_allows(secret, user))
			return false;
		found = true;
	}
	return found;
}

bool secrets_permit(struct secrets *s, const char *name, const char *value)
{
	const struct dated_set *d;
	struct turn_name parsed;
	bool permitted;

	user_of(name, &parsed);
	d = published_enter(&s->current);
	permitted = !restricted(d->set, parsed.user, value);
	published_leave(&s->current);
	return permitted;
}

/* Which secret is looked for: that of a value, or the one a key was made with. */
struct sought {
	const char *value; /* NULL: by the key */
	const uint8_t *key;
	const char *name, *realm;
};

static bool is_sought(const struct sought *w, const char *value)
{
	return w->value ? strcmp(w->value, value) == 0
			: turn_key_matches(w->key, w->name, w->realm, value);
}

static bool match_in(const struct dated_set *d, const struct sought *w, struct secret_match *out)
{
	size_t i;

	for (i = 0; d && i < d->set->n; i++) {
		const struct secret *secret = d->newest_first[i];

		if (!is_sought(w, secret->value))
			continue;
		memcpy(out->id, secret->id, sizeof(secret->id));
		memcpy(out->tag, secret->tag, sizeof(secret->tag));
		out->shared = secret->users != NULL;
		return true;
	}
	return false;
}

static bool is_shared_in(const struct dated_set *d, const char *user)
{
	return d && secret_set_is_shared_user(d->set, user);
}

static bool match(struct secrets *s, const struct sought *w, struct secret_match *out)
{
	const struct dated_set *current, *previous;
	struct turn_name parsed;
	bool found;

	user_of(w->name, &parsed);
	*out = (struct secret_match){ .shared = false };
	current = published_enter(&s->current);
	previous = atomic_load(&s->previous);
	found = match_in(current, w, out) || match_in(previous, w, out);
	if (!found)
		out->shared =
			is_shared_in(current, parsed.user) || is_shared_in(previous, parsed.user);
	published_leave(&s->current);
	return found;
}

bool secrets_match(struct secrets *s, const uint8_t key[16], const char *name, const char *realm,
		   struct secret_match *out)
{
	return match(s, &(struct sought){ .key = key, .name = name, .realm = realm }, out);
}

bool secrets_match_value(struct secrets *s, const char *value, const char *name,
			 struct secret_match *out)
{
	return match(s, &(struct sought){ .value = value, .name = name }, out);
}

static bool same_match(const struct secret_match *a, const struct secret_match *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->tag, b->tag) && a->shared == b->shared;
}

/* With the lock. Returns NULL: out of memory. */
static struct kept *find_or_make(struct secrets *s, const struct secret_match *m)
{
	struct kept *k;

	LIST_FOREACH(k, &s->kept, link)
	if (same_match(&k->match, m))
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->match = *m;
	LIST_INSERT_HEAD(&s->kept, k, link);
	return k;
}

const struct secret_match *secrets_keep(struct secrets *s, const struct secret_match *m)
{
	static const struct secret_match nameless[] = { { .shared = false }, { .shared = true } };
	struct kept *k = NULL;

	if (m->id[0]) {
		pthread_mutex_lock(&s->lock);
		k = find_or_make(s, m);
		if (k)
			k->keepers++;
		pthread_mutex_unlock(&s->lock);
	}
	return k ? &k->match : &nameless[m->shared];
}

void secrets_let_go(struct secrets *s, const struct secret_match *kept)
{
	struct kept *k = (struct kept *)(uintptr_t)kept;

	if (!kept || !kept->id[0])
		return;
	pthread_mutex_lock(&s->lock);
	if (--k->keepers == 0) {
		LIST_REMOVE(k, link);
		free(k);
	}
	pthread_mutex_unlock(&s->lock);
}

size_t secrets_count(const struct secrets *s)
{
	const struct dated_set *d = published_get(&s->current);

	return d->set->n;
}

size_t secrets_active_count(const struct secrets *s, int64_t now_s)
{
	const struct dated_set *d = published_get(&s->current);
	const struct secret_set *set = d->set;
	size_t i, n = 0;

	for (i = 0; i < set->n; i++)
		n += secret_active(&set->v[i], now_s) && !set->v[i].users;
	return n;
}

int secrets_announce(const struct secrets *s, int64_t now_s, const char *epoch,
		     struct relay_secret out[SECRETS_MAX])
{
	const struct dated_set *d = published_get(&s->current);
	const struct secret_set *set = d->set;
	int n = 0;
	size_t i;

	memset(out, 0, SECRETS_MAX * sizeof(*out));
	for (i = 0; i < set->n; i++) {
		const struct secret *secret = &set->v[i];

		if (secret->not_after_s < now_s)
			continue;
		memcpy(out[n].id, secret->id, sizeof(out[n].id));
		if (turn_secret_check(out[n++].check, secret->value, epoch) < 0)
			return -EIO;
	}
	return n;
}
