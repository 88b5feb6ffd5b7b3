/* main.c - arguments, configuration, run */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "app.h"
#include "config.h"
#include "log.h"
#include "relay/journal_check.h"

#define DEFAULT_CONFIG "/etc/signald/signald.conf"
#define DESCRIPTORS_KEPT 64 /* for everything that is no connection: files, the admin socket */

static const char usage_text[] =
	"signald - signaling for video calls, with the relay usage of each\n"
	"\n"
	"  signald [-c FILE]           serve, in the foreground, until SIGTERM\n"
	"  signald --open-to-network [-c FILE]\n"
	"                              the same, where auth = open, for whoever reaches it\n"
	"  signald -n [-c FILE]        check the configuration and exit\n"
	"  signald -p [-c FILE]        print the effective configuration and exit\n"
	"  signald --check-journal FILE\n"
	"                              verify a usage.journal, print its sums and exit\n"
	"  signald --help-config       print all keys of the configuration and exit\n"
	"  signald -h | --help         this text\n"
	"  signald -V | --version      the version\n"
	"\n"
	"FILE is " DEFAULT_CONFIG " by default. SIGHUP reads secrets and certificates again.\n";

/* those without a letter */
#define OPTION_JOURNAL 0x100
#define OPTION_OPEN 0x101

enum mode { MODE_SERVE, MODE_CHECK, MODE_PRINT };

/* Returns the exit status: 1 when the journal is damaged, 2 when it cannot be read. */
static int check_journal(const char *file)
{
	int r = journal_check(file, stdout);

	if (r && r != -EBADMSG)
		fprintf(stderr, "signald: %s: %s\n", file, strerror(-r));
	return !r ? 0 : r == -EBADMSG ? 1 : 2;
}

/* Returns -1 to go on, or the exit status. */
static int arguments(int argc, char **argv, const char **file, enum mode *mode, bool *open)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "print", no_argument, NULL, 'p' },
		{ "check-journal", required_argument, NULL, OPTION_JOURNAL },
		{ "open-to-network", no_argument, NULL, OPTION_OPEN },
		{ "help-config", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, "c:nphV", options, NULL)) != -1) {
		switch (o) {
		case 'c': *file = optarg; break;
		case 'n': *mode = MODE_CHECK; break;
		case 'p': *mode = MODE_PRINT; break;
		case OPTION_JOURNAL: return check_journal(optarg);
		case OPTION_OPEN: *open = true; break;
		case 'k': config_print_keys(stdout); return 0;
		case 'h': fputs(usage_text, stdout); return 0;
		case 'V': puts(PACKAGE_STRING); return 0;
		default: fputs("Try 'signald --help'.\n", stderr); return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "signald: unexpected argument '%s'\n", argv[optind]);
		return 2;
	}
	return -1;
}

/* Secrets live in this memory: not in a core file, nor for a debugger of the same user. */
static void no_core_dumps(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef WITH_SANITIZERS
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* What TLS takes for its requests, beside a descriptor for each connection; at most half of all. */
static rlim_t for_tls(const struct config *c, rlim_t all)
{
	rlim_t requests = c->cert.n ? c->tls_requests_max : 0;

	return 2 * (requests < all / 4 ? requests : all / 4);
}

/* A shell's limit of open files is often 1024, and the hard one is for us to take. Where that is
 * too little, there are fewer connections: the last descriptors are not for clients. */
static void find_descriptors(struct config *c)
{
	rlim_t wanted = (rlim_t)c->connections_max + DESCRIPTORS_KEPT + for_tls(c, RLIM_INFINITY);
	rlim_t files, room;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur >= wanted)
		return;
	lim.rlim_cur = lim.rlim_max < wanted ? lim.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &lim) && getrlimit(RLIMIT_NOFILE, &lim))
		return;
	files = lim.rlim_cur;
	if (files >= wanted)
		return;
	room = files - (files > 2 * DESCRIPTORS_KEPT ? DESCRIPTORS_KEPT : files / 2);
	room -= for_tls(c, room);
	if (room < c->connections_max)
		c->connections_max = (uint32_t)room;
	log_warn("signald", "connections-max is taken as %u: only %llu files may be open",
		 c->connections_max, (unsigned long long)files);
}

static int serve(struct config *c)
{
	struct app *a;
	int r;

	no_core_dumps();
	find_descriptors(c);
	r = app_new(&a, c);
	if (r)
		return 1;
	log_info("signald", "%s is serving", PACKAGE_STRING);
	r = app_run(a);
	app_free(a);
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *file = DEFAULT_CONFIG;
	enum mode mode = MODE_SERVE;
	struct config c;
	struct config_error err;
	enum log_level level;
	bool open = false;
	int r = arguments(argc, argv, &file, &mode, &open);

	if (r >= 0)
		return r;
	if (config_init(&c)) {
		fputs("signald: out of memory\n", stderr);
		return 1;
	}
	c.open_to_network = open;
	if (config_load(&c, file, &err)) {
		if (err.line)
			fprintf(stderr, "signald: %s:%u: %s\n", file, err.line, err.text);
		else
			fprintf(stderr, "signald: %s: %s\n", file, err.text);
		r = 2;
	} else if (log_level_parse(c.log_level, &level)) {
		fprintf(stderr, "signald: %s: log-level must be error, warn, info or debug\n",
			file);
		r = 2;
	} else if (mode == MODE_CHECK) {
		r = app_check(&c) ? 2 : 0;
		if (!r)
			printf("%s: OK\n", file);
	} else if (mode == MODE_PRINT) {
		config_print(&c, stdout);
		r = 0;
	} else {
		log_set_level(level);
		r = serve(&c);
	}
	config_deinit(&c);
	return r;
}
