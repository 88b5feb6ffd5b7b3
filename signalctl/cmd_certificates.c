/* cmd_certificates.c - a certificate, or a renewed one, to both daemons */
#include "signalctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certificates.h"
#include "setup_place.h"
#include "setup_word.h"
#include "unbroken.h"

enum { O_CERT, O_PKEY, O_HOST, O_RENEWED, O_DIR, O_ROOT };

const struct signalctl_option options_certificates[] = {
	[O_CERT] = { "cert", "FILE",
		     "Certificate chain in PEM; without it the one of the last time" },
	[O_PKEY] = { "pkey", "FILE", "Its private key" },
	[O_HOST] = { "host", "NAME", "What clients call this host; without it as setup was told" },
	[O_RENEWED] = { "renewed", "NAMES",
			"Do nothing unless the host is among these; for hooks of ACME clients" },
	[O_DIR] = { "dir", "DIR", "Of an instance that setup made with --dir" },
	[O_ROOT] = { "root", "DIR", "Of a system that lies below this folder" },
	{ .name = NULL },
};

/* What was given over what is remembered. */
static int decide_source(const struct signalctl *ctl, const struct arguments *a,
			 struct tls_source *s)
{
	const char *given[] = { a->value[O_CERT], a->value[O_PKEY], a->value[O_HOST] };

	if (!given[0] != !given[1]) {
		ctl_error(ctl, "--cert and --pkey go together");
		return SIGNALCTL_USAGE;
	}
	if (given[0] && setup_place_source(ctl, s, given[0], given[1]))
		return SIGNALCTL_USAGE;
	if (given[2])
		snprintf(s->host, sizeof(s->host), "%s", given[2]);
	if (!*s->cert) {
		ctl_error(ctl, "no certificate is known yet: give --cert and --pkey");
		return SIGNALCTL_USAGE;
	}
	if (!*s->host || setup_host_wrong(s->host)) {
		ctl_error(ctl, "which name is it for? give --host");
		return SIGNALCTL_USAGE;
	}
	return SIGNALCTL_DONE;
}

static int run(const struct signalctl *ctl, const struct arguments *a, bool *changed)
{
	struct setup_place place;
	struct certificates c;
	struct tls_source s;
	int r, status;

	status = setup_place_init(&place, ctl, a->value[O_DIR], NULL, a->value[O_ROOT]);
	if (status)
		return status;
	r = tls_source_read(place.path[SETUP_TLS_DIR], &s);
	if (r && r != -ENOENT) {
		ctl_error(ctl, "%s/source: %s", place.path[SETUP_TLS_DIR],
			  r == -EINVAL ? "not as it was written" : strerror(-r));
		return SIGNALCTL_USAGE;
	}
	if (a->value[O_RENEWED] && (r || !tls_names_host(a->value[O_RENEWED], s.host)))
		return SIGNALCTL_DONE;
	status = decide_source(ctl, a, &s);
	if (!status)
		status = certificates_load(ctl, &s, &c);
	if (status)
		return status;
	unbroken_begin();
	status = certificates_put(ctl, place.path[SETUP_TLS_DIR], place.turnserver_group, &c,
				  changed);
	unbroken_end();
	certificates_free(&c);
	if (!status && !*changed)
		fputs("nothing to change\n", ctl->out);
	if (!status && *changed)
		status = certificates_reload(ctl, place.path[SETUP_ADMIN_SOCKET],
					     place.path[SETUP_CONTROL_SOCKET]);
	return status;
}

/* For scripts it is one word; those for people go to the other stream. */
int cmd_certificates(struct signalctl *ctl, const struct arguments *a)
{
	FILE *out = ctl->out;
	bool changed = false;
	int status;

	if (ctl->json)
		ctl->out = ctl->err;
	status = run(ctl, a, &changed);
	ctl->out = out;
	if (!status && ctl->json)
		fprintf(out, "{\"changed\":%s}\n", changed ? "true" : "false");
	return status;
}
