/* signer.c - see signer.h */
#include "signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "static_secret.h"
#include "talk.h"

struct signer {
	struct secret_set *set;
	struct signing *signing;
	bool has_static;
	enum signer_word word;
	char static_fault[256];
};

void signer_free(struct signer *s)
{
	if (!s)
		return;
	signing_free(s->signing);
	secret_set_free(s->set);
	free(s);
}

const struct secret_set *signer_set(const struct signer *s)
{
	return s->set;
}

bool signer_has_static(const struct signer *s)
{
	return s->has_static;
}

enum signer_word signer_word(const struct signer *s)
{
	return s->word;
}

const struct signing *signer_signing(const struct signer *s)
{
	return s->signing;
}

const char *signer_static_fault(const struct signer *s)
{
	return s->static_fault;
}

/* --- files ------------------------------------------------------------------------- */

static void describe(char *out, size_t size, const char *path, int r,
		     const struct secret_error *err)
{
	const char *text = *err->text ? err->text : strerror(-r);
	const char *more = r == -EACCES ? "; use sudo" : "";

	if (err->line)
		snprintf(out, size, "%s:%u: %s", path, err->line, text);
	else
		snprintf(out, size, "%s: %s%s", path, text, more);
}

static int read_dated(struct signer *s, const struct signalctl *ctl, const char *path,
		      int64_t now_s)
{
	struct secret_error err = { .line = 0 };
	char text[512];
	int r = path ? secret_set_load(path, &s->set, &err) : 0;

	if (r) {
		describe(text, sizeof(text), path, r, &err);
		ctl_error(ctl, "%s", text);
		return SIGNALCTL_FAILED;
	}
	signing_set_secrets(s->signing, s->set, now_s);
	return SIGNALCTL_DONE;
}

/* turnserver's own file is often not ours to read, and needed only where nothing else signs. */
static int read_static(struct signer *s, const struct signalctl *ctl, const char *path)
{
	struct secret_error err = { .line = 0 };
	char *value = NULL;
	int r = path ? static_secret_load(path, &value, &err) : -ENOENT;

	if (r && r != -ENOENT)
		describe(s->static_fault, sizeof(s->static_fault), path, r, &err);
	if (r)
		return SIGNALCTL_DONE;
	s->has_static = true;
	r = signing_set_static(s->signing, value);
	static_secret_free(value);
	if (r)
		ctl_error(ctl, "out of memory");
	return r ? SIGNALCTL_FAILED : SIGNALCTL_DONE;
}

/* --- signald's word ---------------------------------------------------------------- */

bool signer_follow(struct signing *signing, const struct secret_set *set, const char *id,
		   int64_t now_s)
{
	static const char epoch[RELAY_EPOCH_LEN + 1] = "0000000000000000";
	struct relay_secret said = { .id = "" };

	if (!*id) { /* none of the file's is */
		signing_set_secrets(signing, NULL, now_s);
		return true;
	}
	for (size_t i = 0; set && i < set->n; i++) {
		if (strcmp(set->v[i].id, id) != 0 || set->v[i].users)
			continue;
		strcpy(said.id, id);
		if (turn_secret_check(said.check, set->v[i].value, epoch))
			return false;
		signing_announced(signing, epoch, &said, 1);
		return true;
	}
	return false;
}

static void ask(struct signer *s, struct signalctl *ctl, int64_t now_s)
{
	struct control_command what = { .type = CONTROL_STATUS };
	struct json_slice reply;
	struct answer_status st;
	struct talk *t;

	if (talk_open(&t, ctl, true))
		return;
	if (!talk_ask(t, &what, NULL, NULL, &reply) && !answer_status(reply, &st)) {
		if (!st.has_secret)
			s->word = SIGNER_SILENT;
		else if (signer_follow(s->signing, s->set, st.secret, now_s))
			s->word = SIGNER_SIGNALD;
	}
	talk_close(t);
}

int signer_new(struct signer **out, struct signalctl *ctl, int64_t now_s)
{
	const struct config *c = ctl_config(ctl);
	struct signer *s = c ? calloc(1, sizeof(*s)) : NULL;
	int status = SIGNALCTL_DONE;

	if (!c)
		return SIGNALCTL_USAGE;
	if (!s || signing_new(&s->signing)) {
		ctl_error(ctl, "out of memory");
		status = SIGNALCTL_FAILED;
	}
	if (!status)
		status = read_dated(s, ctl, c->auth_secret_file, now_s);
	if (!status)
		status = read_static(s, ctl, c->turnserver_conf);
	if (status) {
		signer_free(s);
		return status;
	}
	ask(s, ctl, now_s);
	*out = s;
	return SIGNALCTL_DONE;
}
