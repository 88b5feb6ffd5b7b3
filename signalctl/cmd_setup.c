/* cmd_setup.c - two configurations that agree: decided, shown, asked about, written */
#include "signalctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certificates.h"
#include "json_text.h"
#include "setup_ask.h"
#include "setup_certbot.h"
#include "setup_files.h"
#include "setup_host.h"
#include "setup_place.h"
#include "setup_secrets.h"
#include "setup_stun.h"
#include "setup_templates.h"
#include "setup_word.h"
#include "turnserver_conf.h"
#include "unbroken.h"
#include "visible.h"

enum {
	O_REALM,
	O_HOST,
	O_EXTERNAL_IP,
	O_STUN_SERVER,
	O_CERT,
	O_PKEY,
	O_PORT,
	O_TURN_PORT,
	O_TURNS_PORT,
	O_RELAY_PORTS,
	O_LISTEN,
	O_AUTH,
	O_ASK,
	O_DRY_RUN,
	O_YES,
	O_DIR,
	O_SOCKET_DIR,
	O_DEMO_DIR,
	O_ROOT
};

const struct signalctl_option options_setup[] = {
	[O_REALM] = { "realm", "NAME", "Realm of TURN credentials: your domain" },
	[O_HOST] = { "host", "NAME", "What clients call this host, in addresses they are given" },
	[O_EXTERNAL_IP] = { "external-ip", "IP",
			    "Address that clients reach it at, or auto; one IPv4 and one IPv6, "
			    "with a comma" },
	[O_STUN_SERVER] = { "stun-server", "HOST[:PORT]",
			    "For auto behind a NAT: ask this STUN server, of somebody else" },
	[O_CERT] = { "cert", "FILE",
		     "Certificate chain in PEM, copied for both daemons; without it that of the "
		     "last time" },
	[O_PKEY] = { "pkey", "FILE", "Its private key" },
	[O_PORT] = { "port", "N", "Port of signald: 449" },
	[O_TURN_PORT] = { "turn-port", "N", "Port of turnserver, UDP and TCP: 3478" },
	[O_TURNS_PORT] = { "turns-port", "N", "Port of turnserver with TLS: 5349" },
	[O_RELAY_PORTS] = { "relay-ports", "MIN-MAX",
			    "Ports of relayed addresses, UDP, one each: 49152-59151" },
	[O_LISTEN] = { "listen", "IP,...",
		       "Addresses of this host to serve on; all of them without" },
	[O_AUTH] = { "auth", "open|token", "How users prove who they are; open with --dir alone" },
	[O_ASK] = { "ask", NULL, "Ask for what is not given" },
	[O_DRY_RUN] = { "dry-run", NULL, "Show what would change, and change nothing" },
	[O_YES] = { "yes", NULL,
		    "Replace files without asking; what was there is kept beside them" },
	[O_DIR] = { "dir", "DIR",
		    "Make an instance of its own below DIR, on loopback unless told" },
	[O_SOCKET_DIR] = { "socket-dir", "DIR", "With --dir: where its sockets go" },
	[O_DEMO_DIR] = { "demo-dir", "DIR", "With --dir: the folder of the demo page" },
	[O_ROOT] = { "root", "DIR", "Set up a system that lies below DIR" },
	{ .name = NULL },
};

enum { FILE_TURNSERVER, FILE_SIGNALD, FILES_N };

struct setup {
	struct signalctl *ctl;
	const struct arguments *a;
	struct setup_place place;
	struct setup_options options;
	struct setup_facts facts;
	struct setup_plan plan;
	struct tls_source source;
	struct certificates certificates;
	bool planned, has_certificates, certificates_changed;
	struct setup_file file[FILES_N];
	char *text[FILES_N];
};

/* --- what is wanted ---------------------------------------------------------------- */

#define EXTERNAL_BYTES (2 * SETUP_ADDRESS_BYTES)

/* The public address of the only "PUBLIC/PRIVATE" or "PUBLIC"; "" when there is none. */
static void external_of(const struct turnserver_conf *c, char *out, size_t size)
{
	const struct turnserver_setting *s = turnserver_conf_next(c, "external-ip", NULL);

	*out = '\0';
	if (!s || turnserver_conf_next(c, "external-ip", s))
		return;
	snprintf(out, size, "%.*s", (int)strcspn(s->value, "/"), s->value);
	if (setup_address_wrong(out) || setup_is_placeholder(out))
		*out = '\0';
}

/* What an earlier run decided, as presets. */
static void remembered(const struct setup *s, char *realm, size_t size, char *external,
		       size_t external_size)
{
	struct turnserver_conf *c;
	struct secret_error err;
	const char *v;

	*realm = *external = '\0';
	if (turnserver_conf_load(s->place.path[SETUP_TURNSERVER_CONF], &c, &err))
		return;
	v = turnserver_conf_get(c, "realm");
	if (v && !setup_is_placeholder(v))
		snprintf(realm, size, "%s", v);
	external_of(c, external, external_size);
	turnserver_conf_free(c);
}

/* "auto", or addresses with commas between; which of them fit this host is the plan's to say. */
static const char *external_wrong(const char *word)
{
	char address[SETUP_ADDRESS_BYTES];
	const char *why = NULL;

	while (!why && *(word += strspn(word, ", "))) {
		size_t n = strcspn(word, ", ");

		snprintf(address, sizeof(address), "%.*s", (int)n, word);
		if (strcmp(address, "auto"))
			why = n < sizeof(address) ? setup_address_wrong(address) : "is too long";
		word += n;
	}
	return why;
}

/* The answers live as long as the program. */
static int ask_all(struct setup *s, const char **cert, const char **pkey)
{
	static char realm[128], external[EXTERNAL_BYTES];
	static struct setup_question q[5];
	struct setup_options *o = &s->options;
	bool knows = s->a->value[O_STUN_SERVER] || setup_knows_address(&s->facts);

	if (!isatty(fileno(s->ctl->in))) {
		ctl_error(s->ctl, "--ask needs a terminal");
		return SIGNALCTL_USAGE;
	}
	remembered(s, realm, sizeof(realm), external, sizeof(external));
	q[0] = (struct setup_question){ .text = "Your domain, the realm of TURN credentials",
					.preset = realm,
					.wrong = setup_realm_wrong,
					.value = &o->realm };
	q[1] = (struct setup_question){ .text = "The name clients reach this host by",
					.preset = *s->source.host ? s->source.host : realm,
					.wrong = setup_host_wrong,
					.value = &o->host };
	q[2] = (struct setup_question){ .text = "Its public IP address, or auto",
					.preset = *external ? external
						  : knows   ? "auto"
							    : NULL,
					.wrong = external_wrong,
					.value = &o->external_ip };
	q[3] = (struct setup_question){ .text = "The certificate chain, a file; empty: no TLS",
					.preset = s->source.cert,
					.may_lack = true,
					.value = cert };
	q[4] = (struct setup_question){ .text = "Its private key, a file",
					.preset = s->source.pkey,
					.may_lack = true,
					.value = pkey };
	return setup_ask(s->ctl, q, sizeof(q) / sizeof(*q));
}

static int take_options(struct setup *s)
{
	const char *const *v = s->a->value;
	const char *cert = v[O_CERT], *pkey = v[O_PKEY];
	int r, status;

	s->options = (struct setup_options){
		.realm = v[O_REALM],
		.host = v[O_HOST],
		.external_ip = v[O_EXTERNAL_IP],
		.listen = v[O_LISTEN],
		.port = v[O_PORT],
		.turn_port = v[O_TURN_PORT],
		.turns_port = v[O_TURNS_PORT],
		.relay_ports = v[O_RELAY_PORTS],
		.auth = v[O_AUTH],
		.dir = *s->place.dir ? s->place.dir : NULL,
		.socket_dir = *s->place.socket_dir ? s->place.socket_dir : NULL,
		.demo_dir = v[O_DEMO_DIR],
	};
	r = tls_source_read(s->place.path[SETUP_TLS_DIR], &s->source);
	if (r && r != -ENOENT && r != -EACCES)
		memset(&s->source, 0, sizeof(s->source));
	status = v[O_ASK] ? ask_all(s, &cert, &pkey) : SIGNALCTL_DONE;
	if (status)
		return status;
	if (!cert != !pkey) {
		ctl_error(s->ctl, "--cert and --pkey go together");
		return SIGNALCTL_USAGE;
	}
	if (cert && setup_place_source(s->ctl, &s->source, cert, pkey))
		return SIGNALCTL_USAGE;
	s->options.tls = *s->source.cert;
	return SIGNALCTL_DONE;
}

/* What this host does not know, when a server was named that may: only for auto. */
static int ask_stun(struct setup *s)
{
	const char *server = s->a->value[O_STUN_SERVER];
	struct client_error err;

	if (!server)
		return SIGNALCTL_DONE;
	if (!s->options.external_ip)
		s->options.external_ip = "auto";
	if (strcmp(s->options.external_ip, "auto")) {
		ctl_error(s->ctl, "--stun-server is for --external-ip auto");
		return SIGNALCTL_USAGE;
	}
	if (setup_stun_ask(server, SETUP_STUN_PATIENCE_MS, s->facts.seen, &err)) {
		ctl_error(s->ctl, "--stun-server %s: %s", server, err.text);
		return SIGNALCTL_USAGE;
	}
	fprintf(s->ctl->out, "%s sees this host as %s\n", server, s->facts.seen);
	return SIGNALCTL_DONE;
}

/* --- what follows ------------------------------------------------------------------ */

static int decide(struct setup *s)
{
	int r;

	r = ask_stun(s);
	if (r)
		return r;
	r = setup_plan_init(&s->plan, &s->options, &s->facts);
	if (r) {
		ctl_error(s->ctl, "%s", r == -ENOMEM ? "out of memory" : s->plan.error);
		return SIGNALCTL_USAGE;
	}
	s->planned = true;
	if (!s->options.tls)
		return SIGNALCTL_DONE;
	snprintf(s->source.host, sizeof(s->source.host), "%s", s->options.host);
	r = certificates_load(s->ctl, &s->source, &s->certificates);
	s->has_certificates = !r;
	return r;
}

/* What signald itself would say of the text. */
static int judge_signald(const struct setup *s)
{
	const char *text = s->text[FILE_SIGNALD];
	struct config_error err = { .line = 0 };
	struct config c;
	int r = config_init(&c);

	if (!r)
		r = config_parse(&c, text, strlen(text), &err);
	config_deinit(&c);
	if (!r)
		return SIGNALCTL_DONE;
	ctl_error(s->ctl, "%s, line %u as it would be: %s", s->place.path[SETUP_SIGNALD_CONF],
		  err.line, r == -ENOMEM ? "out of memory" : err.text);
	return SIGNALCTL_USAGE;
}

static int make_text(struct setup *s, int i, const char *template)
{
	struct setup_file *f = &s->file[i];
	int r = setup_file_read(f);

	if (!r)
		r = setup_text_fill(template, s->plan.value, setup_text_yours(f->old), &s->text[i]);
	f->text = s->text[i];
	if (!r)
		return SIGNALCTL_DONE;
	ctl_error(s->ctl, "%s: %s%s", f->path,
		  r == -EINVAL	  ? "it is no text"
		  : r == -ENOTSUP ? "it is no file"
		  : r == -E2BIG	  ? "it has too many settings below the last line"
				  : strerror(-r),
		  r == -EACCES ? "; use sudo" : "");
	return SIGNALCTL_USAGE;
}

static int make_texts(struct setup *s)
{
	int status;

	s->file[FILE_TURNSERVER] =
		(struct setup_file){ .path = s->place.path[SETUP_TURNSERVER_CONF],
				     .group = s->place.turnserver_group };
	s->file[FILE_SIGNALD] = (struct setup_file){ .path = s->place.path[SETUP_SIGNALD_CONF],
						     .group = s->place.signald_group };
	status = make_text(s, FILE_TURNSERVER, setup_turnserver_conf);
	if (!status)
		status = make_text(s, FILE_SIGNALD, setup_signald_conf);
	return status ? status : judge_signald(s);
}

/* --- what is shown, and asked ------------------------------------------------------ */

static int show_file(const struct setup *s, const struct setup_file *f)
{
	FILE *out = s->ctl->out;
	char *lost = NULL;
	int r = setup_file_show(f, out);

	if (!r && f->old)
		r = setup_text_lost(f->old, f->text, &lost);
	if (r)
		ctl_error(s->ctl, "%s: cannot show what would change: %s", f->path, strerror(-r));
	else if (lost && *lost)
		fprintf(out,
			"Settings of %s that are not in the new one: %s.\n"
			"What you need of them goes below its last line, where setup leaves it.\n",
			f->path, lost);
	free(lost);
	return r ? SIGNALCTL_FAILED : SIGNALCTL_DONE;
}

/* Show what changes; *replaces tells whether a file that is there does. */
static int show(const struct setup *s, bool *changes, bool *replaces)
{
	int status = SIGNALCTL_DONE;

	*changes = *replaces = false;
	for (int i = 0; i < FILES_N && !status; i++) {
		if (!setup_file_changes(&s->file[i]))
			continue;
		*changes = true;
		*replaces |= s->file[i].old != NULL;
		status = show_file(s, &s->file[i]);
	}
	return status;
}

/* Whether to write. Returns an exit status: SIGNALCTL_USAGE is no. */
static int agree(const struct setup *s, bool replaces)
{
	if (!replaces || s->a->value[O_YES])
		return SIGNALCTL_DONE;
	if (!isatty(fileno(s->ctl->in))) {
		ctl_error(s->ctl, "nothing was written: this is no terminal to ask on; add --yes");
		return SIGNALCTL_USAGE;
	}
	if (ctl_yes(s->ctl, "Replace, and keep what was there beside it?"))
		return SIGNALCTL_DONE;
	ctl_error(s->ctl, "nothing was written");
	return SIGNALCTL_USAGE;
}

/* --- what is done ------------------------------------------------------------------ */

static int write_files(struct setup *s)
{
	const struct setup_file *failed;
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	bool half;
	int r;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	r = setup_files_write(s->file, FILES_N, stamp, &failed, &half);
	if (r) {
		ctl_error(s->ctl, "%s: %s; %s", failed->path,
			  r == -ENOENT ? "its group is missing: is the package installed?"
				       : strerror(-r),
			  half ? "the other file is new already, and could not be taken back"
			       : "neither file was changed");
		return SIGNALCTL_FAILED;
	}
	for (int i = 0; i < FILES_N; i++)
		if (*s->file[i].backup)
			fprintf(s->ctl->out, "%s is now what %s was\n", s->file[i].backup,
				s->file[i].path);
	return SIGNALCTL_DONE;
}

/* A file that stays must be one that its daemon can read, and others cannot. */
static int right_files(const struct setup *s)
{
	for (int i = 0; i < FILES_N; i++) {
		int r = setup_file_right(&s->file[i]);

		if (r > 0)
			fprintf(s->ctl->out, "%s: for group %s to read now, and nobody else\n",
				s->file[i].path, s->file[i].group);
		if (r >= 0)
			continue;
		ctl_error(s->ctl, "%s: %s", s->file[i].path, strerror(-r));
		return SIGNALCTL_FAILED;
	}
	return SIGNALCTL_DONE;
}

static int put_certificates(struct setup *s, bool *changed)
{
	*changed = false;
	if (!s->has_certificates)
		return SIGNALCTL_DONE;
	return certificates_put(s->ctl, s->place.path[SETUP_TLS_DIR], s->place.turnserver_group,
				&s->certificates, changed);
}

/* What is left to do, in an installation that the system starts. */
static void tell_next(const struct setup *s)
{
	FILE *out = s->ctl->out;

	if (!s->plan.loopback) {
		fputs("\nIn the firewall, one of:\n", out);
		setup_plan_firewall(&s->plan, out);
	}
	fputs("\nThen, as a restart puts it in force (calls that are relayed now end):\n"
	      "systemctl restart coturn signald\nsignalctl check\n",
	      out);
}

static int apply(struct setup *s, bool changes)
{
	bool renewed = false;
	int status;

	unbroken_begin();
	status = setup_place_make(&s->place, s->ctl);
	if (!status)
		status = setup_secrets_make(&s->place, s->ctl, s->plan.value[NAME_TOKEN_KEY].n);
	if (!status)
		status = put_certificates(s, &renewed);
	if (!status && s->has_certificates && !*s->place.dir)
		status = setup_certbot_make(s->ctl, s->place.root);
	if (!status && changes)
		status = write_files(s);
	if (!status)
		status = right_files(s);
	unbroken_end();
	s->certificates_changed = renewed;
	if (status)
		return status;
	if (renewed && !changes)
		return certificates_reload(s->ctl, s->place.path[SETUP_ADMIN_SOCKET],
					   s->place.path[SETUP_CONTROL_SOCKET]);
	if (!changes && !renewed)
		fputs("nothing to change\n", s->ctl->out);
	else if (!*s->place.dir)
		tell_next(s);
	return SIGNALCTL_DONE;
}

static int run(struct setup *s)
{
	bool changes, replaces;
	int status;

	setup_host_facts(&s->facts);
	status = take_options(s);
	if (!status)
		status = decide(s);
	if (!status)
		status = make_texts(s);
	if (!status)
		status = show(s, &changes, &replaces);
	if (status)
		return status;
	fputs(s->plan.note, s->ctl->out);
	if (s->a->value[O_DRY_RUN]) {
		fputs("nothing was written\n", s->ctl->out);
		return SIGNALCTL_DONE;
	}
	status = agree(s, replaces);
	return status ? status : apply(s, changes);
}

/* --- for scripts ------------------------------------------------------------------- */

static void put_path(struct json_out *o, const char *key, const char *path)
{
	char text[2 * SETUP_PATH_BYTES];

	visible_text(text, sizeof(text), path, strlen(path));
	json_put_string(o, key, *path ? text : NULL);
}

static void put_file(struct json_out *o, const struct setup_file *f)
{
	json_out_open(o, '{');
	put_path(o, "path", f->path);
	json_put_bool(o, "changed", setup_file_changes(f));
	put_path(o, "backup", f->backup);
	json_out_close(o, '}');
}

static void put_opening(struct json_out *o, const struct setup_opening *w)
{
	json_out_open(o, '{');
	json_put_string(o, "protocol", w->protocol);
	json_put_u64(o, "first", w->first);
	json_put_u64(o, "last", w->last);
	json_out_close(o, '}');
}

/* What was done, or would be; words for people went to the other stream. */
static void report(const struct setup *s, FILE *out)
{
	struct setup_opening openings[SETUP_OPENINGS_MAX];
	size_t n = setup_plan_openings(&s->plan, openings);
	char text[16384];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_bool(&o, "written", !s->a->value[O_DRY_RUN]);
	json_out_key(&o, "files");
	json_out_open(&o, '[');
	for (int i = 0; i < FILES_N; i++)
		put_file(&o, &s->file[i]);
	json_out_close(&o, ']');
	json_put_bool(&o, "certificatesChanged", s->certificates_changed);
	json_out_key(&o, "open");
	json_out_open(&o, '[');
	for (size_t i = 0; i < n; i++)
		put_opening(&o, &openings[i]);
	json_out_close(&o, ']');
	json_out_close(&o, '}');
	fprintf(out, "%.*s\n", (int)o.n, o.p);
}

int cmd_setup(struct signalctl *ctl, const struct arguments *a)
{
	FILE *out = ctl->out;
	struct setup s = { .ctl = ctl, .a = a };
	int status = setup_place_init(&s.place, ctl, a->value[O_DIR], a->value[O_SOCKET_DIR],
				      a->value[O_ROOT]);

	if (ctl->json)
		ctl->out = ctl->err;
	if (!status)
		status = run(&s);
	ctl->out = out;
	if (!status && ctl->json)
		report(&s, out);
	if (s.planned)
		setup_plan_deinit(&s.plan);
	if (s.has_certificates)
		certificates_free(&s.certificates);
	for (int i = 0; i < FILES_N; i++) {
		setup_file_forget(&s.file[i]);
		free(s.text[i]);
	}
	return status;
}
