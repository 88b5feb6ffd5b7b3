/* check_setup.c - what setup decides, before it touches anything */
#include "setup_plan.h"
#include "setup_templates.h"
#include "setup_word.h"
#include "config.h"
#include "run_suite.h"
#include "turnserver_conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words ------------------------------------------------------------------------- */

static const struct {
	const char *word;
	bool placeholder;
} examples[] = {
	{ "YOUR_PUBLIC_IP_HERE", true },
	{ "your-domain.net", true },
	{ "<ip>", true },
	{ "example.com", true },
	{ "turn.example.org", true },
	{ "turn.EXAMPLE.org.", true },
	{ "chat.example", true },
	{ "192.0.2.7", true },
	{ "198.51.100.1", true },
	{ "203.0.113.255", true },
	{ "2001:db8::1", true },
	{ "myexample.com", false },
	{ "static.4.3.2.1.clients.your-server.de", false },
	{ "your-domain.net", true },
	{ "example.com.ua", false },
	{ "worldmates.club", false },
	{ "192.0.3.7", false },
	{ "2001:db9::1", false },
	{ "10.0.0.1", false },
	{ "localhost", false },
};

START_TEST(an_example_is_told_from_a_name)
{
	ck_assert_msg(setup_is_placeholder(examples[_i].word) == examples[_i].placeholder, "%s",
		      examples[_i].word);
}
END_TEST

static const struct {
	const char *address;
	enum setup_reach reach;
} addresses[] = {
	{ "8.8.4.4", SETUP_PUBLIC },	   { "10.1.2.3", SETUP_PRIVATE },
	{ "172.31.0.1", SETUP_PRIVATE },   { "172.32.0.1", SETUP_PUBLIC },
	{ "100.64.0.1", SETUP_PRIVATE },   { "100.128.0.1", SETUP_PUBLIC },
	{ "127.3.2.1", SETUP_LOOPBACK },   { "::1", SETUP_LOOPBACK },
	{ "0.0.0.0", SETUP_NO_ADDRESS },   { "224.0.0.1", SETUP_NO_ADDRESS },
	{ "::", SETUP_NO_ADDRESS },	   { "255.255.255.255", SETUP_NO_ADDRESS },
	{ "2a00::1", SETUP_PUBLIC },	   { "fd00::1", SETUP_PRIVATE },
	{ "ff02::1", SETUP_NO_ADDRESS },   { "::ffff:8.8.8.8", SETUP_NO_ADDRESS },
	{ "1.2.3", SETUP_NO_ADDRESS },	   { "1.2.3.4:5", SETUP_NO_ADDRESS },
	{ "[2a00::1]", SETUP_NO_ADDRESS }, { "", SETUP_NO_ADDRESS },
};

START_TEST(an_address_is_as_far_known_as_its_network)
{
	ck_assert_msg(setup_reach(addresses[_i].address) == addresses[_i].reach, "%s",
		      addresses[_i].address);
}
END_TEST

START_TEST(a_host_is_a_name_or_an_address)
{
	static const char *const right[] = {
		"turn.worldmates.club", "localhost", "a-b.c", "1a.de", "8.8.8.8", "2a00::1"
	};
	static const char *const wrong[] = {
		"",	   ".",		  "a..b",      "-a.b", "a_b.c",
		"a.b:443", "https://a.b", "8.8.8.256", "a b",  "a.b."
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
		ck_assert_msg(!setup_host_wrong(right[i]), "%s", right[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_msg(setup_host_wrong(wrong[i]) != NULL, "%s", wrong[i]);
}
END_TEST

START_TEST(a_realm_and_a_path_end_no_line_and_no_list)
{
	char longest[129];

	memset(longest, 'r', sizeof(longest));
	longest[127] = '\0';
	ck_assert_ptr_null(setup_realm_wrong(longest));
	longest[127] = 'r';
	longest[128] = '\0';
	ck_assert_ptr_nonnull(setup_realm_wrong(longest));
	ck_assert_ptr_nonnull(setup_realm_wrong("a\nno-auth"));
	ck_assert_ptr_nonnull(setup_realm_wrong("a b"));
	ck_assert_ptr_nonnull(setup_realm_wrong("o'neil"));
	ck_assert_ptr_nonnull(setup_realm_wrong(""));
	ck_assert_ptr_null(setup_path_wrong("/home/\xd1\x8f/state one"));
	ck_assert_ptr_nonnull(setup_path_wrong("state"));
	ck_assert_ptr_nonnull(setup_path_wrong("/a\nlisten = x"));
	ck_assert_ptr_nonnull(setup_path_wrong("/a,b"));
}
END_TEST

START_TEST(a_port_is_a_number_and_a_range_has_two)
{
	uint16_t a = 0, b = 0;

	ck_assert(setup_port("65535", &a) && a == 65535);
	ck_assert(!setup_port("0", &a) && !setup_port("65536", &a) && !setup_port("", &a) &&
		  !setup_port("-1", &a) && !setup_port("80 ", &a) && !setup_port("100000", &a));
	ck_assert(setup_port_range("100-200", &a, &b) && a == 100 && b == 200);
	ck_assert(!setup_port_range("200-100", &a, &b) && !setup_port_range("100", &a, &b) &&
		  !setup_port_range("100-", &a, &b) && !setup_port_range("5-5", &a, &b));
}
END_TEST

/* --- texts ------------------------------------------------------------------------- */

static char *filled(const char *text, const char *yours)
{
	const struct setup_value values[] = {
		{ .name = "ONE", .example = "1", .v = { (char[]){ "x" } }, .n = 1 },
		{ .name = "TWO",
		  .example = "2",
		  .v = { (char[]){ "a" }, (char[]){ "b" } },
		  .n = 2 },
		{ .name = "NONE", .example = "3" },
		{ .name = NULL },
	};
	char *out;

	ck_assert_int_eq(setup_text_fill(text, values, yours, &out), 0);
	return out;
}

#define LAST "\n" SETUP_YOURS ": signalctl setup keeps what stands below this line ---\n"

START_TEST(a_line_is_written_for_each_value_and_is_a_comment_without)
{
	char *out = filled("# @ is no name, nor is @this@\nk=@ONE@;\nl = @TWO@\nm=@NONE@\n@NONE@\n",
			   "");

	ck_assert_str_eq(out, "# @ is no name, nor is @this@\nk=x;\nl = a\nl = b\n#m=3\n#3\n" LAST);
	free(out);
}
END_TEST

START_TEST(a_name_that_is_not_known_is_refused)
{
	const struct setup_value none[] = { { .name = NULL } };
	char *out;

	ck_assert_int_eq(setup_text_fill("a=@WHAT@\n", none, "", &out), -EINVAL);
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(what_is_below_the_line_is_kept_and_wins)
{
	char *first = filled("a=1\nb=@ONE@\nc=@TWO@\nd\n", ""), *again, *third;
	char old[512];

	snprintf(old, sizeof(old), "%s# mine\nb = 7\nc=z\nnew\n", first);
	again = filled("a=1\nb=@ONE@\nc=@TWO@\nd\n", setup_text_yours(old));
	ck_assert_str_eq(again, "a=1\n#b=x\n#c=a\n#c=b\nd\n" LAST "# mine\nb = 7\nc=z\nnew\n");
	third = filled("a=1\nb=@ONE@\nc=@TWO@\nd\n", setup_text_yours(again));
	ck_assert_str_eq(third, again);
	ck_assert_str_eq(setup_text_yours("a=1\n"), "");
	ck_assert_str_eq(setup_text_yours(NULL), "");
	free(first);
	free(again);
	free(third);
}
END_TEST

START_TEST(settings_that_get_lost_are_named_once)
{
	char *lost;

	ck_assert_int_eq(setup_text_lost("a=1\nsyslog\nb=2\n#c\nsyslog\nd\n", "a=3\n#b=2\n", &lost),
			 0);
	ck_assert_str_eq(lost, "syslog, b, d");
	free(lost);
}
END_TEST

START_TEST(secrets_are_not_shown)
{
	char *seen = setup_text_masked("realm=r\n static-auth-secret = s3cret\n#cli-password=p\n"
				       "user=a:b\nredis-userdb=\"password=x\"\nuser-quota=6\n"
				       "\xef\xbb\xbf"
				       "user=a:b\n\fuser=a:b\n--user=a:b\n");

	ck_assert_str_eq(seen, "realm=r\n static-auth-secret=...\n#cli-password=...\nuser=...\n"
			       "redis-userdb=...\nuser-quota=6\n"
			       "\xef\xbb\xbf"
			       "user=...\n\fuser=...\n--user=...\n");
	free(seen);
}
END_TEST

/* --- plans ------------------------------------------------------------------------- */

static const struct setup_facts vps = { .local = { "127.0.0.1", "::1", "8.8.4.4", "172.17.0.1" },
					.local_n = 4,
					.route = "8.8.4.4" };
static const struct setup_facts cloud = { .local = { "127.0.0.1", "10.0.0.5", "172.17.0.1" },
					  .local_n = 3,
					  .route = "10.0.0.5" };

#define BASIC .realm = "worldmates.club", .host = "turn.worldmates.club"

static struct setup_plan planned(struct setup_options o, const struct setup_facts *facts)
{
	struct setup_plan p;
	int r = setup_plan_init(&p, &o, facts);

	ck_assert_msg(!r, "%s", p.error);
	return p;
}

/* The one value of a name; NULL without. */
static const char *one(const struct setup_plan *p, enum setup_name name)
{
	ck_assert_uint_le(p->value[name].n, 1);
	return p->value[name].n ? p->value[name].v[0] : NULL;
}

START_TEST(a_host_with_a_public_address_and_a_certificate_serves_everybody)
{
	struct setup_plan p = planned((struct setup_options){ BASIC, .tls = true }, &vps);

	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "8.8.4.4");
	ck_assert_ptr_null(one(&p, NAME_EXTERNAL_IP));
	ck_assert_ptr_null(one(&p, NAME_LISTENING_IP));
	ck_assert_pstr_eq(one(&p, NAME_LISTEN), "0.0.0.0:449, [::]:449");
	ck_assert_pstr_eq(one(&p, NAME_TURN_URLS), "turn:turn.worldmates.club:3478?transport=udp, "
						   "turn:turn.worldmates.club:3478?transport=tcp, "
						   "turns:turn.worldmates.club:5349?transport=tcp");
	ck_assert_pstr_eq(one(&p, NAME_ORIGINS),
			  "https://worldmates.club, https://turn.worldmates.club");
	ck_assert_pstr_eq(one(&p, NAME_AUTH), "token");
	ck_assert_pstr_eq(one(&p, NAME_TOKEN_KEY), "HS256::/etc/signald/token-key");
	ck_assert_pstr_eq(one(&p, NAME_CERT), "/etc/coturn/tls/current/fullchain.pem");
	ck_assert_ptr_null(one(&p, NAME_NO_TLS));
	ck_assert_pstr_eq(one(&p, NAME_TOTAL_QUOTA), "10000");
	ck_assert_str_eq(p.note, "");
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(behind_a_nat_both_addresses_are_said)
{
	struct setup_plan p =
		planned((struct setup_options){ BASIC, .external_ip = "8.8.8.8" }, &cloud);

	ck_assert_pstr_eq(one(&p, NAME_EXTERNAL_IP), "8.8.8.8/10.0.0.5");
	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "10.0.0.5");
	ck_assert_pstr_eq(one(&p, NAME_LISTEN), "127.0.0.1:449");
	ck_assert_pstr_eq(one(&p, NAME_NO_TLS), "no-tls");
	ck_assert_ptr_null(one(&p, NAME_TLS_PORT));
	ck_assert_ptr_nonnull(strstr(p.note, "loopback alone"));
	ck_assert(!p.signald_open && !p.loopback);
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(a_stun_server_tells_auto_what_no_interface_knows)
{
	struct setup_facts facts = cloud;
	struct setup_options o = { BASIC, .external_ip = "auto" };
	struct setup_plan p;

	strcpy(facts.seen, "8.8.8.8");
	p = planned(o, &facts);
	ck_assert_pstr_eq(one(&p, NAME_EXTERNAL_IP), "8.8.8.8/10.0.0.5");
	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "10.0.0.5");
	setup_plan_deinit(&p);
	strcpy(facts.seen, "10.0.0.5");
	ck_assert_int_eq(setup_plan_init(&p, &o, &facts), -EINVAL);
	ck_assert_ptr_nonnull(strstr(p.error, "same side of the NAT"));
}
END_TEST

START_TEST(several_public_addresses_each_have_one_of_this_host_behind_them)
{
	struct setup_plan p =
		planned((struct setup_options){ BASIC, .external_ip = "8.8.8.8,8.8.8.9",
						.listen = "10.0.0.5,172.17.0.1" },
			&cloud);

	ck_assert_uint_eq(p.value[NAME_EXTERNAL_IP].n, 2);
	ck_assert_str_eq(p.value[NAME_EXTERNAL_IP].v[0], "8.8.8.8/10.0.0.5");
	ck_assert_str_eq(p.value[NAME_EXTERNAL_IP].v[1], "8.8.8.9/172.17.0.1");
	ck_assert_uint_eq(p.value[NAME_RELAY_IP].n, 2);
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(a_host_of_ipv6_alone_has_its_address_taken)
{
	static const struct setup_facts six = {
		.local = { "127.0.0.1", "::1", "fd00::2", "2a00::7" }, .local_n = 4
	};
	struct setup_plan p = planned((struct setup_options){ BASIC }, &six);

	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "2a00::7");
	ck_assert_pstr_eq(one(&p, NAME_RELAY_FAMILY), "ipv6");
	ck_assert_ptr_null(one(&p, NAME_EXTERNAL_IP));
	setup_plan_deinit(&p);
	p = planned((struct setup_options){ BASIC, .external_ip = "2A00:0:0::7" }, &six);
	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "2a00::7");
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(it_relays_only_where_clients_reach_it)
{
	struct setup_plan p = planned(
		(struct setup_options){ BASIC, .listen = "172.17.0.1,8.8.4.4,8.8.4.4" }, &vps);

	ck_assert_uint_eq(p.value[NAME_LISTENING_IP].n, 2);
	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "8.8.4.4");
	ck_assert_str_eq(p.note, "");
	setup_plan_deinit(&p);
	p = planned((struct setup_options){ BASIC, .listen = "8.8.4.5,8.8.4.4" }, &vps);
	ck_assert_ptr_nonnull(strstr(p.note, "No interface of this host has 8.8.4.5"));
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(an_instance_of_its_own_is_on_loopback)
{
	struct setup_plan p = planned((struct setup_options){ .realm = "localhost",
							      .host = "::1",
							      .dir = "/d",
							      .socket_dir = "/s",
							      .relay_ports = "10000-10749" },
				      &vps);

	ck_assert_uint_eq(p.value[NAME_RELAY_IP].n, 2);
	ck_assert_ptr_null(one(&p, NAME_RELAY_FAMILY));
	ck_assert_pstr_eq(one(&p, NAME_LISTEN), "127.0.0.1:449, [::1]:449");
	ck_assert_pstr_eq(one(&p, NAME_TURN_URLS),
			  "turn:[::1]:3478?transport=udp, turn:[::1]:3478?transport=tcp");
	ck_assert_pstr_eq(one(&p, NAME_ORIGINS), "loopback");
	ck_assert_pstr_eq(one(&p, NAME_AUTH), "open");
	ck_assert_pstr_eq(one(&p, NAME_RELAY_SOCKET), "/s/turn-admin.sock");
	ck_assert_pstr_eq(one(&p, NAME_STATE_DIR), "/d");
	ck_assert_pstr_eq(one(&p, NAME_TOTAL_QUOTA), "750");
	ck_assert_ptr_null(one(&p, NAME_ADMIN_SOCKET_USER));
	ck_assert(p.loopback);
	setup_plan_deinit(&p);
}
END_TEST

static const struct {
	struct setup_options o;
	const char *says;
} refused[] = {
	{ { .host = "turn.worldmates.club" }, "--realm is missing" },
	{ { .realm = "worldmates.club" }, "--host is missing" },
	{ { .realm = "example.org", .host = "a.b" }, "is an example" },
	{ { .realm = "a.b", .host = "YOUR_HOST" }, "is an example" },
	{ { .realm = "a.b", .host = "a b" }, "--host" },
	{ { BASIC, .external_ip = "203.0.113.1" }, "is an example" },
	{ { BASIC, .external_ip = "0.0.0.0" }, "not the address of a host" },
	{ { BASIC, .external_ip = "auto" }, "a NAT is in front" },
	{ { BASIC, .external_ip = "" }, "--external-ip is empty" },
	{ { BASIC, .external_ip = "8.8.8.8,8.8.8.9" }, "behind it cannot be told" },
	{ { BASIC, .external_ip = "8.8.8.8", .listen = "192.0.2.9" },
	  "--listen: '192.0.2.9' is an ex" },
	{ { BASIC, .external_ip = "2a00::1" }, "no interface of this host has 2a00::1" },
	{ { BASIC, .external_ip = "8.8.8.8", .listen = "::" }, "--listen: '::'" },
	{ { BASIC, .external_ip = "8.8.8.8", .listen = "::1" }, "cannot be told" },
	{ { BASIC, .external_ip = "8.8.8.8", .port = "65536" }, "--port: '65536' is not a port" },
	{ { BASIC, .external_ip = "8.8.8.8", .port = "3478" }, "--port and --turn-port" },
	{ { BASIC, .external_ip = "8.8.8.8", .turn_port = "50000" }, "among the relay ports" },
	{ { BASIC, .external_ip = "8.8.8.8", .relay_ports = "9-8" }, "is not MIN-MAX" },
	{ { BASIC, .external_ip = "8.8.8.8", .auth = "open" }, "only with --dir" },
	{ { BASIC, .dir = "/a\"b" }, "--dir: the path" },
	{ { BASIC, .listen = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.7,10.0."
			     "0.8,10.0.0.9" },
	  "more than 8 addresses" },
};

START_TEST(what_cannot_be_is_one_line)
{
	struct setup_plan p;

	ck_assert_int_eq(setup_plan_init(&p, &refused[_i].o, &cloud), -EINVAL);
	ck_assert_msg(strstr(p.error, refused[_i].says) != NULL, "%s", p.error);
	ck_assert_ptr_null(strchr(p.error, '\n'));
}
END_TEST

START_TEST(an_address_of_this_host_is_no_example)
{
	static const struct setup_facts lab = { .local = { "192.0.2.2" }, .local_n = 1 };
	struct setup_plan p =
		planned((struct setup_options){ .realm = "192.0.2.2", .host = "192.0.2.2" }, &lab);

	ck_assert_pstr_eq(one(&p, NAME_RELAY_IP), "192.0.2.2");
	ck_assert_ptr_nonnull(strstr(p.note, "private network"));
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(the_firewall_opens_what_is_served_and_relays_over_udp_alone)
{
	struct setup_plan p = planned((struct setup_options){ BASIC, .tls = true }, &vps);
	struct setup_opening openings[SETUP_OPENINGS_MAX];
	char *out;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	setup_plan_firewall(&p, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(out, "ufw allow 449/tcp\nufw allow 3478/udp\nufw allow "
					  "3478/tcp\nufw allow 5349/tcp\n"
					  "ufw allow 49152:59151/udp\n"));
	ck_assert_ptr_nonnull(
		strstr(out, "nft add rule inet filter input udp dport 49152-59151 accept\n"));
	ck_assert_ptr_nonnull(
		strstr(out, "iptables -I INPUT -p udp --dport 49152:59151 -j ACCEPT\n"));
	ck_assert_ptr_null(strstr(out, "59151/tcp"));
	ck_assert_ptr_null(strstr(out, "-p tcp --dport 49152"));
	free(out);
	setup_plan_deinit(&p);
	p = planned((struct setup_options){ .realm = "a", .host = "localhost", .dir = "/d" }, &vps);
	ck_assert_uint_eq(setup_plan_openings(&p, openings), 0);
	setup_plan_deinit(&p);
}
END_TEST

/* --- both together ----------------------------------------------------------------- */

/* The files of a plan agree, and their readers take them. */
START_TEST(the_two_configurations_agree)
{
	struct setup_plan p = planned((struct setup_options){ BASIC, .tls = _i != 0 }, &vps);
	struct turnserver_conf *t;
	struct config_error err;
	struct config c;
	char *turn, *signald;

	ck_assert_int_eq(setup_text_fill(setup_turnserver_conf, p.value, "", &turn), 0);
	ck_assert_int_eq(setup_text_fill(setup_signald_conf, p.value, "", &signald), 0);
	ck_assert_int_eq(turnserver_conf_parse(turn, strlen(turn), &t), 0);
	ck_assert_int_eq(config_init(&c), 0);
	ck_assert_msg(!config_parse(&c, signald, strlen(signald), &err), "%u: %s", err.line,
		      err.text);
	ck_assert_str_eq(turnserver_conf_get(t, "auth-secret-file"), c.auth_secret_file);
	ck_assert_str_eq(turnserver_conf_get(t, "admin-socket"), c.relay_socket);
	ck_assert_uint_eq(c.turn_urls.n, _i ? 3 : 2);
	ck_assert(turnserver_conf_flag(t, "no-tls") == !_i);
	ck_assert_uint_eq(c.cert.n, (size_t)_i);
	ck_assert_pstr_eq(turnserver_conf_get(t, "cert"), c.cert.v[0]);
	ck_assert_pstr_eq(turnserver_conf_get(t, "pkey"), c.pkey.v[0]);
	turnserver_conf_free(t);
	config_deinit(&c);
	free(turn);
	free(signald);
	setup_plan_deinit(&p);
}
END_TEST

START_TEST(the_shipped_turnserver_conf_is_a_safe_one)
{
	static const char *const on[] = { "use-auth-secret",
					  "no-cli",
					  "no-tcp-relay",
					  "no-rfc5780",
					  "no-dtls",
					  "no-multicast-peers",
					  "no-tlsv1",
					  "no-tlsv1_1",
					  "no-software-attribute",
					  "no-stun-backward-compatibility" };
	static const char *const absent[] = {
		"lt-cred-mech",		"mobility",    "no-tlsv1_2",
		"static-auth-secret",	"verbose",     "no-loopback-peers",
		"allow-loopback-peers", "allow-peers", "user"
	};
	struct setup_plan p = planned((struct setup_options){ BASIC, .tls = true }, &vps);
	struct turnserver_conf *t;
	const char *ciphers;
	char *turn;

	ck_assert_int_eq(setup_text_fill(setup_turnserver_conf, p.value, "", &turn), 0);
	ck_assert_int_eq(turnserver_conf_parse(turn, strlen(turn), &t), 0);
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		ck_assert_msg(turnserver_conf_flag(t, on[i]), "%s", on[i]);
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		ck_assert_msg(!turnserver_conf_get(t, absent[i]), "%s", absent[i]);
	ciphers = turnserver_conf_get(t, "cipher-list");
	ck_assert(strstr(ciphers, "ECDHE-ECDSA-") && strstr(ciphers, "ECDHE-RSA-"));
	ck_assert_int_eq(turnserver_conf_number(t, "max-bps", 0), 500000);
	turnserver_conf_free(t);
	free(turn);
	setup_plan_deinit(&p);
}
END_TEST

#define N(table) sizeof(table) / sizeof(*(table))

int main(void)
{
	Suite *s = suite_create("setup");
	TCase *t = tcase_create("setup");

	tcase_add_loop_test(t, an_example_is_told_from_a_name, 0, N(examples));
	tcase_add_loop_test(t, an_address_is_as_far_known_as_its_network, 0, N(addresses));
	tcase_add_test(t, a_host_is_a_name_or_an_address);
	tcase_add_test(t, a_realm_and_a_path_end_no_line_and_no_list);
	tcase_add_test(t, a_port_is_a_number_and_a_range_has_two);
	tcase_add_test(t, a_line_is_written_for_each_value_and_is_a_comment_without);
	tcase_add_test(t, a_name_that_is_not_known_is_refused);
	tcase_add_test(t, what_is_below_the_line_is_kept_and_wins);
	tcase_add_test(t, settings_that_get_lost_are_named_once);
	tcase_add_test(t, secrets_are_not_shown);
	tcase_add_test(t, a_host_with_a_public_address_and_a_certificate_serves_everybody);
	tcase_add_test(t, behind_a_nat_both_addresses_are_said);
	tcase_add_test(t, a_stun_server_tells_auto_what_no_interface_knows);
	tcase_add_test(t, several_public_addresses_each_have_one_of_this_host_behind_them);
	tcase_add_test(t, a_host_of_ipv6_alone_has_its_address_taken);
	tcase_add_test(t, it_relays_only_where_clients_reach_it);
	tcase_add_test(t, an_instance_of_its_own_is_on_loopback);
	tcase_add_loop_test(t, what_cannot_be_is_one_line, 0, N(refused));
	tcase_add_test(t, an_address_of_this_host_is_no_example);
	tcase_add_test(t, the_firewall_opens_what_is_served_and_relays_over_udp_alone);
	tcase_add_loop_test(t, the_two_configurations_agree, 0, 2);
	tcase_add_test(t, the_shipped_turnserver_conf_is_a_safe_one);
	suite_add_tcase(s, t);
	return run_suite(s);
}
