/* setup_secrets.c - see setup_secrets.h */
#include "setup_secrets.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/crypto.h>

#include "setup_files.h"

#define RANDOM_BYTES 32

static int random_hex(char out[2 * RANDOM_BYTES + 1])
{
	unsigned char v[RANDOM_BYTES];

	if (getentropy(v, sizeof(v)))
		return -errno;
	for (size_t i = 0; i < sizeof(v); i++)
		snprintf(out + 2 * i, 3, "%02x", v[i]);
	OPENSSL_cleanse(v, sizeof(v));
	return 0;
}

/* What stands in front of a secret: a name, or, for NULL, the month of today. */
static void put_name(char *out, size_t size, const char *name)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	if (name)
		snprintf(out, size, "%s", name);
	else
		strftime(out, size, "%Y-%m ", &tm);
}

/* Returns 1 (made), 0 (there already), -errno. */
static int make(struct setup_file *f, const char *name)
{
	char text[16 + 2 * RANDOM_BYTES + 2] = "", hex[2 * RANDOM_BYTES + 1];
	int r = random_hex(hex);

	put_name(text, sizeof(text), name);
	if (!r) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", hex);
		f->text = text;
		r = setup_file_make(f);
		f->text = NULL;
	}
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(hex, sizeof(hex));
	return r;
}

int setup_secrets_make(const struct setup_place *p, const struct signalctl *ctl, bool token_key)
{
	const struct {
		enum setup_path path;
		const char *owner, *group;
		const char *name; /* NULL: a month */
	} secrets[] = {
		{ SETUP_AUTH_SECRETS, p->signald_user, p->turnserver_group, NULL },
		{ SETUP_ADMIN_TOKEN, NULL, p->signald_group, "admin " },
		{ SETUP_TOKEN_KEY, NULL, p->signald_group, "" },
	};

	for (size_t i = 0; i < (token_key ? 3 : 2); i++) {
		struct setup_file f = { .path = p->path[secrets[i].path],
					.owner = secrets[i].owner,
					.group = secrets[i].group };
		int r = make(&f, secrets[i].name);

		if (r < 0) {
			ctl_error(ctl, "cannot make %s: %s", f.path, strerror(-r));
			return SIGNALCTL_FAILED;
		}
		if (r)
			fprintf(ctl->out, "%s: made\n", f.path);
	}
	return SIGNALCTL_DONE;
}
