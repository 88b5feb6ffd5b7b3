/* check_signalctl_check.c - what signalctl check decides over facts */
#include "check_rules.h"
#include "places.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct check_facts *f;
static struct signalctl ctl;
static struct check_say said;

/* A good installation, behind a NAT. */
#define GOOD                                                                                       \
	"listening-port=3478\ntls-listening-port=5349\nrelay-ip=10.0.0.5\n"                        \
	"external-ip=93.184.216.34/10.0.0.5\nrealm=chat.net\nuse-auth-secret\n"                    \
	"auth-secret-file=/s\nuser-quota=60\nmin-port=50000\nmax-port=59999\ncert=/c\npkey=/k\n"

static void begin(const char *signald, const char *turn)
{
	struct config_error err;
	struct turnserver_conf *conf;

	f = calloc(1, sizeof(*f));
	ck_assert_ptr_nonnull(f);
	memset(&ctl, 0, sizeof(ctl));
	ck_assert_int_eq(config_init(&ctl.config), 0);
	ck_assert_msg(!config_parse(&ctl.config, signald, strlen(signald), &err), "%s", err.text);
	ck_assert_int_eq(turnserver_conf_parse(turn, strlen(turn), &conf), 0);
	ctl.config_path = "signald.conf";
	f->ctl = &ctl;
	f->config = &ctl.config;
	f->turn_path = "turnserver.conf";
	f->turn = conf;
	f->now_s = 1800000000;
	strcpy(f->local[0], "127.0.0.1");
	strcpy(f->local[1], "10.0.0.5");
	f->local_n = 2;
	f->same_secret_file = f->secret_active = true;
	f->status.relay = f->status.has_relay = f->status.has_secret = true;
	strcpy(f->status.version, PACKAGE_VERSION);
}

#define SIGNALD                                                                                    \
	"listen = 0.0.0.0:443\ncontrol-socket = /x\nrelay-socket = /r\nauth-secret-file = /s\n"    \
	"state-dir = /tmp\nauth = token\ntoken-key = HS256:a:/k\n"                                 \
	"turn-urls = turn:chat.net:3478?transport=udp, turns:chat.net:5349\n"

static void end(void)
{
	check_facts_deinit(f);
	config_deinit(&ctl.config);
	free(f);
}

static void judge(void (*rule)(struct check_facts *, struct check_say *))
{
	memset(&said, 0, sizeof(said));
	rule(f, &said);
	ck_assert_int_gt(strlen(said.why), 0);
	ck_assert(said.result != CHECK_FAIL || strlen(said.fix) > 0);
}

/* One line more in turnserver.conf, and what a rule says then. */
static const struct row {
	const char *more;
	void (*rule)(struct check_facts *, struct check_say *);
	enum check_result result;
	const char *why;
} rows[] = {
	{ "", rule_placeholder, CHECK_OK, "none" },
	{ "external-ip=YOUR_PUBLIC_IP_HERE\n", rule_placeholder, CHECK_FAIL, "external-ip" },
	{ "external-ip=192.0.2.7\n", rule_placeholder, CHECK_FAIL, "external-ip" },
	{ "realm=example.com\n", rule_placeholder, CHECK_FAIL, "realm" },
	{ "", rule_external_ip, CHECK_OK, "93.184.216.34, forwarded to 10.0.0.5" },
	{ "external-ip=93.184.216.34/10.9.9.9\n", rule_external_ip, CHECK_FAIL,
	  "no interface has" },
	{ "external-ip=rubbish\n", rule_external_ip, CHECK_FAIL, "no address" },
	{ "external-ip=10.1.2.3\n", rule_external_ip, CHECK_WARN, "public Internet" },
	{ "", rule_mechanism, CHECK_OK, "expire" },
	{ "lt-cred-mech\n", rule_mechanism, CHECK_FAIL, "lt-cred-mech beside" },
	{ "no-auth\n", rule_mechanism, CHECK_FAIL, "everybody" },
	{ "", rule_secret, CHECK_OK, "both daemons" },
	{ "", rule_realm, CHECK_OK, "chat.net" },
	{ "", rule_turn_urls, CHECK_OK, "2" },
	{ "no-tls\n", rule_turn_urls, CHECK_FAIL, "no-tls" },
	{ "no-udp\n", rule_turn_urls, CHECK_FAIL, "no-udp" },
	{ "listening-port=3500\n", rule_turn_urls, CHECK_WARN, "listens on 3500" },
	{ "", rule_quota, CHECK_OK, "10000 relay ports" },
	{ "user-quota=5\n", rule_quota, CHECK_FAIL, "user-quota=5" },
	{ "user-quota=8\n", rule_quota, CHECK_WARN, "user-quota=8" },
	{ "user-quota=0\n", rule_quota, CHECK_WARN, "no user-quota" },
	{ "total-quota=20\n", rule_quota, CHECK_FAIL, "not enough" },
	{ "total-quota=50\n", rule_quota, CHECK_WARN, "8 calls" },
	{ "total-quota=20000\n", rule_quota, CHECK_WARN, "10000 relay ports" },
	{ "max-port=50009\n", rule_quota, CHECK_WARN, "10 relay ports" },
	{ "max-port=49000\n", rule_quota, CHECK_FAIL, "below" },
	{ "", rule_options, CHECK_OK, "none" },
	{ "mobility\n", rule_options, CHECK_WARN, "mobility" },
	{ "verbose\n", rule_options, CHECK_WARN, "verbose" },
	{ "no-loopback-peers\n", rule_options, CHECK_WARN, "no option" },
	{ "no-tlsv1_2\nmobility\n", rule_options, CHECK_FAIL, "no TLS left" },
	{ "allow-loopback-peers\n", rule_options, CHECK_FAIL, "loopback" },
	{ "", rule_start, CHECK_SKIP, "systemd" },
};

START_TEST(a_setting_is_found_by_its_rule)
{
	const struct row *r = &rows[_i];
	char text[1024];

	/* Of a key that counts once the last line does. */
	snprintf(text, sizeof(text), "%s%s", GOOD, r->more);
	if (r->rule == rule_external_ip && *r->more)
		snprintf(text, sizeof(text), "relay-ip=10.0.0.5\n%s", r->more);
	begin(SIGNALD, text);
	judge(r->rule);
	ck_assert_msg(said.result == r->result, "%s: %s", r->more, said.why);
	ck_assert_msg(strstr(said.why, r->why), "%s: %s", r->more, said.why);
	end();
}
END_TEST

START_TEST(behind_a_nat_an_external_ip_is_missed)
{
	begin(SIGNALD, "use-auth-secret\n");
	judge(rule_external_ip);
	ck_assert_int_eq(said.result, CHECK_WARN);
	strcpy(f->local[1], "93.184.216.34");
	judge(rule_external_ip);
	ck_assert_int_eq(said.result, CHECK_OK);
	end();
	begin(SIGNALD, "listening-ip=127.0.0.1\n");
	judge(rule_external_ip);
	ck_assert_int_eq(said.result, CHECK_SKIP);
	end();
}
END_TEST

START_TEST(clients_sent_to_another_address_than_told_are_found)
{
	begin("listen = 0.0.0.0:443\ncontrol-socket = /x\nauth-secret-file = /s\nstate-dir = /tmp\n"
	      "auth = token\ntoken-key = HS256:a:/k\nturn-urls = turn:93.184.216.99\n",
	      GOOD);
	judge(rule_external_ip);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	ck_assert_ptr_nonnull(strstr(said.why, "93.184.216.99"));
	end();
}
END_TEST

START_TEST(secrets_that_disagree_are_found)
{
	begin(SIGNALD, GOOD);
	f->same_secret_file = false;
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	f->same_secret_file = true;
	f->secret_active = false;
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	strcpy(f->secret_fault, "/s:1: too short");
	judge(rule_secret);
	ck_assert_ptr_nonnull(strstr(said.why, "too short"));
	end();
	begin(SIGNALD, GOOD "static-auth-secret=0123456789\n");
	f->static_secret = true;
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_WARN);
	ck_assert_ptr_null(strstr(said.why, "0123456789"));
	end();
	begin(SIGNALD "turnserver-conf = /t\n", "use-auth-secret\nstatic-auth-secret=0123456789\n");
	f->static_secret = true;
	judge(rule_secret); /* the static one signs, as signald says */
	ck_assert_int_eq(said.result, CHECK_OK);
	strcpy(f->status.secret, "2027-01");
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	end();
	begin(SIGNALD, GOOD);
	f->status.has_secret = false; /* whatever the files say */
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	ck_assert_ptr_nonnull(strstr(said.why, "no credentials"));
	end();
	begin(SIGNALD, "use-auth-secret\n");
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	f->packaged = true; /* the unit names the file */
	judge(rule_secret);
	ck_assert_int_eq(said.result, CHECK_OK);
	end();
}
END_TEST

START_TEST(a_realm_that_turnserver_does_not_say_is_found)
{
	begin(SIGNALD, GOOD);
	strcpy(f->told_realm, "old.net");
	judge(rule_realm);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	strcpy(f->told_realm, "chat.net");
	judge(rule_realm);
	ck_assert_int_eq(said.result, CHECK_OK);
	end();
}
END_TEST

/* What is known of turnserver, and what the hook's rule says. */
static const struct hook_row {
	bool answers, asked, connected;
	int error;
	const char *lacks, *problem;
	enum check_result result;
	const char *why;
} hooks[] = {
	{ true, true, true, 0, "", "", CHECK_OK, "hook protocol" },
	{ true, true, true, 0, "drain", "", CHECK_WARN, "older" },
	{ true, true, false, ENOENT, "", "", CHECK_FAIL, "stock" },
	{ false, true, false, ENOENT, "", "", CHECK_FAIL, "does not run" },
	{ true, true, false, EACCES, "", "", CHECK_FAIL, "may not be opened" },
	{ true, true, false, 0, "", "protocol 2", CHECK_FAIL, "protocol 2" },
	{ true, true, false, 0, "", "", CHECK_FAIL, "not connected" },
	{ true, false, false, 0, "", "", CHECK_SKIP, "not asked" },
};

START_TEST(a_turnserver_without_the_hook_is_told_from_one_that_is_down)
{
	const struct hook_row *r = &hooks[_i];

	begin(SIGNALD, GOOD);
	f->turn_answers = r->answers;
	f->control_status = r->asked ? SIGNALCTL_DONE : SIGNALCTL_UNREACHABLE;
	f->status.relay = r->connected;
	f->relay_socket_error = r->error;
	strcpy(f->status.relay_lacks, r->lacks);
	strcpy(f->status.relay_problem, r->problem);
	judge(rule_hook);
	ck_assert_msg(said.result == r->result && strstr(said.why, r->why), "%s", said.why);
	end();
}
END_TEST

static struct check_pair *one_pair(void)
{
	struct check_pair *p = &f->pair[0];

	f->pairs_n = 1;
	strcpy(f->name, "chat.net");
	p->daemon = "turnserver";
	strcpy(p->cert, "/c");
	p->read = true;
	p->pair.not_after_s = f->now_s + 60 * 86400;
	p->pair.names_host = true;
	p->name = "chat.net";
	return p;
}

START_TEST(what_only_this_host_reaches_needs_no_rule_of_ufw)
{
	begin("listen = 127.0.0.1:449, [::1]:449\nauth = open\nauth-secret-file = /s\n"
	      "control-socket = /x\nturn-urls = turn:127.0.0.1:3478\n",
	      "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\n");
	f->ufw_enabled = f->ufw_readable = true;
	f->ufw_rules = strdup("");
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_OK);
	judge(rule_signald); /* open, but to nobody else */
	ck_assert_int_eq(said.result, CHECK_OK);
	end();
	begin("listen = 0.0.0.0:449\nauth = open\nauth-secret-file = /s\n"
	      "control-socket = /x\nturn-urls = turn:127.0.0.1:3478\n",
	      GOOD);
	f->ufw_enabled = f->ufw_readable = true;
	f->ufw_rules = strdup("");
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	f->ufw_open = true; /* its default is to let in */
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_OK);
	judge(rule_signald);
	ck_assert_int_eq(said.result, CHECK_WARN);
	ck_assert_ptr_nonnull(strstr(said.why, "anybody"));
	end();
}
END_TEST

START_TEST(a_balancer_on_this_host_is_spoken_for)
{
	char name[NET_HOST_MAX + 1];
	struct net_target to;

	begin("listen = 127.0.0.1:449\nauth = token\ntoken-key = HS256:a:/k\n"
	      "auth-secret-file = /s\nproxy-protocol-from = 127.0.0.0/8\n"
	      "turn-urls = turn:chat.net, turns:turn.chat.net\n",
	      GOOD);
	ck_assert_int_eq(place_of_signald(f->config, false, 0, name, &to), 0);
	ck_assert_str_eq(to.preamble, "PROXY UNKNOWN\r\n");
	place_turns_name(f->config, name);
	ck_assert_str_eq(name, "turn.chat.net");
	end();
	begin(SIGNALD, GOOD);
	ck_assert_int_eq(place_of_signald(f->config, false, 0, name, &to), 0);
	ck_assert_ptr_null(to.preamble);
	end();
}
END_TEST

START_TEST(a_bad_certificate_is_found)
{
	struct check_pair *p;

	begin(SIGNALD, GOOD);
	judge(rule_certificates);
	ck_assert_int_eq(said.result, CHECK_SKIP);
	p = one_pair();
	judge(rule_certificates);
	ck_assert_int_eq(said.result, CHECK_OK);
	p->pair.not_after_s = f->now_s + 3 * 86400;
	judge(rule_certificates);
	ck_assert_int_eq(said.result, CHECK_WARN);
	p->pair.names_host = false;
	judge(rule_certificates);
	ck_assert_ptr_nonnull(strstr(said.why, "not for chat.net"));
	strcpy(p->fault, "the certificate has expired");
	judge(rule_certificates);
	ck_assert_ptr_nonnull(strstr(said.why, "expired"));
	strcpy(p->unreadable, "user turnserver may not enter /var/www");
	judge(rule_certificates);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	ck_assert_ptr_nonnull(strstr(said.why, "may not enter"));
	end();
}
END_TEST

START_TEST(ports_that_nobody_listens_on_are_found)
{
	static const char *const tcp[] = { "0: 00000000:01BB 00000000:0000 0A 0",
					   "0: 00000000:0D96 00000000:0000 0A 0",
					   "0: 00000000:14E5 00000000:0000 0A 0" };

	begin(SIGNALD, GOOD);
	judge(rule_ports);
	ck_assert_int_eq(said.result, CHECK_SKIP);
	for (size_t i = 0; i < 3; i++)
		check_listeners_add(&f->listeners, tcp[i], true);
	check_listeners_add(&f->listeners, "0: 00000000:0D96 00000000:0000 07 0", false);
	judge(rule_ports);
	ck_assert_int_eq(said.result, CHECK_OK);
	f->listeners.tcp[5349 / 8] &= (uint8_t) ~(1u << 5349 % 8);
	judge(rule_ports);
	ck_assert_ptr_nonnull(strstr(said.why, "5349/tcp"));
	end();
}
END_TEST

START_TEST(the_kernels_tables_are_read)
{
	static const struct {
		const char *row;
		uint16_t port; /* 0: none */
	} udp[] = {
		{ "  sl  local_address rem_address   st tx_queue rx_queue\n", 0 },
		{ "   35: 0100007F:0D96 00000000:0000 07 00000000:00000000 00:00000000\n", 3478 },
		{ "   36: 0100007F:0D97 0100007F:1000 01 00000000:00000000 00:00000000\n", 0 },
		{ "   37: 00000000000000000000000001000000:14E5 "
		  "00000000000000000000000000000000:0000 07 0\n",
		  5349 },
		{ "   37: rubbish\n", 0 },
	};
	char row[80];

	begin(SIGNALD, GOOD);
	for (size_t i = 0; i < sizeof(udp) / sizeof(udp[0]); i++) {
		memset(&f->listeners, 0, sizeof(f->listeners));
		check_listeners_add(&f->listeners, udp[i].row, false);
		ck_assert_int_eq(f->listeners.any, udp[i].port != 0);
		ck_assert(!udp[i].port || check_listens(f, udp[i].port, false));
		check_listeners_add(&f->listeners, udp[i].row, true);
		ck_assert(!check_listens(f, 3478, true) && !check_listens(f, 5349, true));
	}
	/* Every relay is one, too: none of them hides what is looked for. */
	for (unsigned port = 65535; port >= 3478; port--) {
		snprintf(row, sizeof(row), "1: 00000000:%04X 00000000:0000 07 0", port);
		check_listeners_add(&f->listeners, row, false);
	}
	ck_assert(check_listens(f, 3478, false) && check_listens(f, 65535, false));
	ck_assert(!check_listens(f, 3477, false));
	end();
}
END_TEST

START_TEST(rules_of_ufw_are_read)
{
	static const char rules[] =
		"*filter\n### RULES ###\n"
		"### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in\n"
		"### tuple ### allow any 3478,5349 0.0.0.0/0 any 0.0.0.0/0 in\n"
		"### tuple ### allow udp 49152:65535 ::/0 any ::/0 Coturn - in\n"
		"### tuple ### deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n"
		"### tuple ### allow tcp 8443 0.0.0.0/0 any 10.0.0.0/8 in\n";

	ck_assert(check_ufw_allows(rules, 443, true));
	ck_assert(!check_ufw_allows(rules, 443, false));
	ck_assert(check_ufw_allows(rules, 3478, false));
	ck_assert(check_ufw_allows(rules, 5349, true));
	ck_assert(check_ufw_allows(rules, 65535, false));
	ck_assert(!check_ufw_allows(rules, 49151, false));
	ck_assert(!check_ufw_allows(rules, 22, true));
	ck_assert(!check_ufw_allows(rules, 8443, true)); /* not everybody */
	ck_assert(!check_ufw_allows("", 443, true));
}
END_TEST

START_TEST(a_port_that_ufw_keeps_shut_is_found)
{
	begin(SIGNALD, GOOD);
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_SKIP);
	f->ufw_enabled = f->ufw_readable = true;
	f->ufw_rules = strdup("### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in\n");
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_FAIL);
	free(f->ufw_rules);
	f->ufw_rules = strdup("### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0 in\n");
	judge(rule_firewall);
	ck_assert_int_eq(said.result, CHECK_OK);
	end();
}
END_TEST

START_TEST(who_may_read_a_file_is_judged_as_the_kernel_does)
{
	const struct check_user u = { "turnserver", true, 100, { 200, 201 }, 2 };
	const struct check_user root = { "root", true, 0, { 0 }, 1 };

	ck_assert(check_may(&u, 100, 0, 0400, R_OK));
	ck_assert(!check_may(&u, 100, 200, 0040, R_OK)); /* the owner's bits count alone */
	ck_assert(check_may(&u, 0, 201, 0640, R_OK));
	ck_assert(!check_may(&u, 0, 201, 0604, R_OK));
	ck_assert(check_may(&u, 0, 5, 0755, X_OK));
	ck_assert(!check_may(&u, 0, 5, 0750, X_OK));
	ck_assert(check_may(&root, 100, 0, 0, R_OK));
}
END_TEST

START_TEST(of_several_faults_the_worst_is_said_and_of_equals_the_first)
{
	struct check_say s = { .result = CHECK_SKIP };

	check_say(&s, CHECK_WARN, "a", "first");
	check_say(&s, CHECK_WARN, "b", "second");
	ck_assert_str_eq(s.why, "first");
	check_say(&s, CHECK_FAIL, "c", "%0500d", 7);
	ck_assert_str_eq(s.fix, "c");
	ck_assert_uint_eq(strlen(s.why), CHECK_TEXT_MAX - 1);
	check_say(&s, CHECK_OK, NULL, "good");
	ck_assert_int_eq(s.result, CHECK_FAIL);
}
END_TEST

START_TEST(every_line_of_the_old_checklist_has_its_counterpart)
{
	bool line[10] = { false };

	for (const struct check *c = checks; c->id; c++) {
		ck_assert(strlen(c->id) <= 12 && *c->title && c->checklist <= 9);
		line[c->checklist] = true;
	}
	for (size_t i = 1; i <= 9; i++)
		ck_assert(line[i]);
}
END_TEST

static const struct {
	const char *turn_urls, *origins, *name;
} named[] = {
	{ "turn:calls.chat.net:3478", "https://chat.net, https://Calls.chat.net",
	  "calls.chat.net" },
	{ "turn:relay.chat.net:3478", "https://chat.net", "chat.net" },
	{ "turn:10.0.0.5:3478, turn:relay.chat.net", "loopback", "relay.chat.net" },
	{ "turn:10.0.0.5:3478", "https://localhost", "" },
	{ "turn:10.0.0.5:3478, turns:10.0.0.5:5349", "https://chat.net", "10.0.0.5" },
	{ "turns:[2a00::7]:5349", "https://chat.net", "2a00::7" },
	{ "turns:10.0.0.5, turn:calls.chat.net", "https://calls.chat.net", "calls.chat.net" },
};

START_TEST(the_certificate_is_to_be_for_the_name_that_clients_dial)
{
	char text[512], name[NET_HOST_MAX + 1];

	snprintf(text, sizeof(text),
		 "listen = 0.0.0.0:443\nrelay-socket = /r\nauth-secret-file = /s\n"
		 "state-dir = /tmp\nturn-urls = %s\norigins = %s\n",
		 named[_i].turn_urls, named[_i].origins);
	begin(text, GOOD);
	place_name(&ctl.config, name);
	ck_assert_str_eq(name, named[_i].name);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signalctl check");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, a_setting_is_found_by_its_rule, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tc, a_turnserver_without_the_hook_is_told_from_one_that_is_down, 0,
			    sizeof(hooks) / sizeof(hooks[0]));
	tcase_add_test(tc, behind_a_nat_an_external_ip_is_missed);
	tcase_add_test(tc, clients_sent_to_another_address_than_told_are_found);
	tcase_add_test(tc, secrets_that_disagree_are_found);
	tcase_add_test(tc, a_realm_that_turnserver_does_not_say_is_found);
	tcase_add_test(tc, what_only_this_host_reaches_needs_no_rule_of_ufw);
	tcase_add_test(tc, a_balancer_on_this_host_is_spoken_for);
	tcase_add_test(tc, a_bad_certificate_is_found);
	tcase_add_test(tc, ports_that_nobody_listens_on_are_found);
	tcase_add_test(tc, the_kernels_tables_are_read);
	tcase_add_test(tc, rules_of_ufw_are_read);
	tcase_add_test(tc, a_port_that_ufw_keeps_shut_is_found);
	tcase_add_test(tc, who_may_read_a_file_is_judged_as_the_kernel_does);
	tcase_add_test(tc, of_several_faults_the_worst_is_said_and_of_equals_the_first);
	tcase_add_test(tc, every_line_of_the_old_checklist_has_its_counterpart);
	tcase_add_loop_test(tc, the_certificate_is_to_be_for_the_name_that_clients_dial, 0,
			    sizeof(named) / sizeof(*named));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
