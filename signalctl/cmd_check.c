/* cmd_check.c - is this installation as it should be? One line for each thing that may be wrong. */
#include "signalctl.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_probes.h"
#include "check_rules.h"
#include "json_text.h"
#include "talk.h"
#include "visible.h"

enum { TURNSERVER_CONF };

const struct signalctl_option options_check[] = {
	[TURNSERVER_CONF] = { "turnserver-conf", "FILE",
			      "turnserver's; without it that of signald.conf, one beside it, "
			      "or " CHECK_TURNSERVER_CONF },
	{ .name = NULL },
};

/* In this order: the realm and the hook are judged by what the allocations found. */
const struct check checks[] = {
	{ "files", "Both configurations can be read", 0, rule_configuration },
	{ "signald", "signald runs", 7, rule_signald },
	{ "version", "The programs are of one version", 6, rule_versions },
	{ "start", "Both start with the system", 3, rule_start },
	{ "placeholder", "No example was left in a configuration", 2, rule_placeholder },
	{ "external-ip", "Clients are told an address that reaches this host", 2,
	  rule_external_ip },
	{ "mechanism", "turnserver takes credentials that expire", 0, rule_mechanism },
	{ "secret", "Both daemons have the same secrets", 0, rule_secret },
	{ "turn-urls", "Clients are sent to where turnserver listens", 0, rule_turn_urls },
	{ "quota", "Quotas fit a phone, and the relay ports", 0, rule_quota },
	{ "options", "No option that does harm", 0, rule_options },
	{ "certificate", "Certificates: readable, with their keys, of the name, not expired", 5,
	  rule_certificates },
	{ "ports", "Both daemons listen", 4, rule_ports },
	{ "turn-udp", "An allocation over UDP", 8, probe_turn_udp },
	{ "turn-tcp", "An allocation over TCP", 8, probe_turn_tcp },
	{ "turn-tls", "An allocation over TLS", 8, probe_turn_tls },
	{ "hook", "turnserver is signald's own build, and connected", 1, rule_hook },
	{ "realm", "turnserver's realm is that of its file", 0, rule_realm },
	{ "rest", "REST answers", 9, probe_rest },
	{ "polling", "Socket.IO by polling", 9, probe_polling },
	{ "websocket", "Socket.IO by WebSocket", 9, probe_websocket },
	{ "firewall", "The firewall of this host lets clients in", 4, rule_firewall },
	{ .id = NULL },
};

static void show_text(const struct signalctl *ctl, const struct check *c, const struct check_say *s)
{
	fprintf(ctl->out, "%-5s %-12s ", check_result_names[s->result], c->id);
	visible_put(ctl->out, s->why, strlen(s->why));
	if (*s->fix) {
		fputs(" -- ", ctl->out);
		visible_put(ctl->out, s->fix, strlen(s->fix));
	}
	fputc('\n', ctl->out);
	fflush(ctl->out);
}

static void show_json(const struct signalctl *ctl, const struct check *c, const struct check_say *s)
{
	char text[2048], why[2 * CHECK_TEXT_MAX];
	struct json_out o;

	visible_text(why, sizeof(why), s->why, strlen(s->why));
	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "check", c->id);
	json_put_string(&o, "title", c->title);
	json_put_string(&o, "result", check_result_names[s->result]);
	json_put_string(&o, "why", why);
	json_put_string(&o, "fix", *s->fix ? s->fix : NULL);
	if (c->checklist)
		json_put_u64(&o, "checklist", c->checklist);
	json_out_close(&o, '}');
	fprintf(ctl->out, "%s%.*s", c == checks ? "[" : ",\n", (int)o.n, o.p);
}

static int run(struct signalctl *ctl, struct check_facts *f)
{
	unsigned count[4] = { 0 };

	f->deadline_ms = net_now_ms() + (uint64_t)ctl->wait_s * 1000 * PROBES_WAITS;
	f->probes_left = PROBES;
	for (const struct check *c = checks; c->id; c++) {
		struct check_say s = { .result = CHECK_SKIP };

		c->run(f, &s);
		count[s.result]++;
		(ctl->json ? show_json : show_text)(ctl, c, &s);
	}
	if (ctl->json)
		fputs("]\n", ctl->out);
	else
		fprintf(ctl->out, "%u ok, %u to look at, %u failed, %u skipped\n", count[CHECK_OK],
			count[CHECK_WARN], count[CHECK_FAIL], count[CHECK_SKIP]);
	return count[CHECK_FAIL] ? SIGNALCTL_FAILED : SIGNALCTL_DONE;
}

/* Where "setup --dir" puts it: beside a signald.conf that was named. */
static const char *conf_beside(const struct signalctl *ctl, char *out, size_t size)
{
	const char *slash = strrchr(ctl->config_path, '/');
	int dir_n = slash ? (int)(slash - ctl->config_path + 1) : 0;
	int n = snprintf(out, size, "%.*sturnserver.conf", dir_n, ctl->config_path);

	return ctl->config_given && (size_t)n < size && !access(out, F_OK) ? out : NULL;
}

int cmd_check(struct signalctl *ctl, const struct arguments *a)
{
	const struct config *c = ctl_config(ctl);
	const char *path = a->value[TURNSERVER_CONF];
	char beside[PATH_MAX];
	struct check_facts *f;
	int status = SIGNALCTL_FAILED;

	if (!c)
		return SIGNALCTL_USAGE;
	if (!path)
		path = c->turnserver_conf;
	if (!path)
		path = conf_beside(ctl, beside, sizeof(beside));
	if (!path)
		path = CHECK_TURNSERVER_CONF;
	signal(SIGPIPE, SIG_IGN);
	talk_on_trial(ctl);
	f = calloc(1, sizeof(*f));
	if (f && !check_facts_gather(f, ctl, path))
		status = run(ctl, f);
	else
		ctl_error(ctl, "out of memory");
	if (f)
		check_facts_deinit(f);
	free(f);
	return status;
}
