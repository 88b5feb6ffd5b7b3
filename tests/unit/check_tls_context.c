/* check_tls_context.c - certificates, protocol versions, tickets */
#include <signal.h>

#include "run_suite.h"
#include "tls_fixture.h"
#include "transport/tls_tickets.h"

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	tls_setup();
	tls_make_pair("rsa", "RSA", NULL);
	tls_make_pair("ec", "EC", NULL);
}

static int open_lists(struct tls_context **t, const char *const *certs, const char *const *keys)
{
	const struct tls_config cfg = { certs, keys, tls_dir };

	return tls_context_new(t, &cfg, T0);
}

static int open_pair(struct tls_context **t, const char *cert, const char *key)
{
	const char *certs[] = { tls_path(cert), NULL }, *keys[] = { tls_path(key), NULL };

	return open_lists(t, certs, keys);
}

static unsigned lines_with(const char *text)
{
	const char *p = tls_log;
	unsigned n = 0;

	while ((p = strstr(p, text))) {
		p++;
		n++;
	}
	return n;
}

static void replace(const char *from, const char *to)
{
	char a[128], b[128];

	strcpy(a, tls_path(from));
	strcpy(b, tls_path(to));
	ck_assert_int_eq(rename(a, b), 0);
}

/* --- files --- */

static const struct bad_pair {
	const char *cert, *key;
	int rc;
	const char *file, *why; /* what the log says */
} bad_pairs[] = {
	{ "ec.crt", "open.key", -EPERM, "open.key", "others may read or write this key" },
	{ "ec.crt", "rsa.key", -EBADMSG, "rsa.key", "not the key of its certificate" },
	{ "ec.crt", "ec2.key", -EBADMSG, "ec2.key", "not the key of its certificate" },
	{ "ec.crt", "locked.key", -EBADMSG, "locked.key", "no key without a passphrase" },
	{ "ec.crt", "missing.key", -ENOENT, "missing.key", "No such file" },
	{ "missing.crt", "ec.key", -ENOENT, "missing.crt", "No such file" },
	{ "ec.key", "ec.key", -EBADMSG, "ec.key", "no certificate in it" },
	{ "ec.crt", "ec.crt", -EPERM, "ec.crt", "others may read" },
	{ "ec.crt", "empty", -EBADMSG, "empty", "no key" },
	{ "empty", "ec.key", -EBADMSG, "empty", "no certificate in it" },
	{ "ec.crt", ".", -EPERM, ".", "not a file" },
	{ "ec.crt", "fifo", -EPERM, "fifo", "not a file" },
};

START_TEST(a_pair_that_cannot_be_used_is_refused_by_name)
{
	const struct bad_pair *b = &bad_pairs[_i];
	struct tls_context *t;

	tls_make_pair("ec2", "EC", NULL);
	tls_make_pair("open", "EC", NULL);
	tls_make_pair("locked", "EC", "pass");
	ck_assert_int_eq(chmod(tls_path("open.key"), 0604), 0);
	ck_assert_int_eq(chmod(tls_path("ec.crt"), 0644), 0);
	ck_assert_int_eq(close(open(tls_path("empty"), O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(mkfifo(tls_path("fifo"), 0600), 0);
	ck_assert_int_eq(open_pair(&t, b->cert, b->key), b->rc);
	ck_assert_ptr_null(t);
	ck_assert_uint_eq(lines_with(tls_path(b->file)), 1);
	ck_assert_uint_eq(lines_with(b->why), 1);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(lists_must_be_pairs)
{
	const char *two[] = { tls_path("ec.crt"), tls_path("rsa.crt"), NULL };
	const char *one[] = { tls_path("ec.key"), NULL }, *none[] = { NULL };
	const char *many[TLS_PAIRS_MAX + 2] = { NULL };
	struct tls_context *t;
	size_t i;

	for (i = 0; i <= TLS_PAIRS_MAX; i++)
		many[i] = one[0];
	ck_assert_int_eq(open_lists(&t, two, one), -EINVAL);
	ck_assert_int_eq(open_lists(&t, one, two), -EINVAL);
	ck_assert_int_eq(open_lists(&t, none, none), -EINVAL);
	ck_assert_int_eq(open_lists(&t, many, many), -E2BIG);
}
END_TEST

START_TEST(two_keys_of_a_kind_are_refused)
{
	const char *certs[] = { tls_path("ec.crt"), tls_path("x.crt"), NULL };
	const char *keys[] = { tls_path("ec.key"), tls_path("x.key"), NULL };
	struct tls_context *t;

	tls_make_pair("x", "EC", NULL);
	ck_assert_int_eq(open_lists(&t, certs, keys), -EBADMSG);
	ck_assert_uint_eq(lines_with("a second key of the same kind"), 1);
}
END_TEST

/* --- handshakes --- */

static void common_name(SSL *client, char out[32])
{
	X509 *x = SSL_get1_peer_certificate(client);

	ck_assert_ptr_nonnull(x);
	ck_assert_int_gt(
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 32), 0);
	X509_free(x);
}

START_TEST(each_client_gets_the_certificate_it_understands)
{
	const char *certs[] = { tls_path("rsa.crt"), tls_path("ec.crt"), NULL };
	const char *keys[] = { tls_path("rsa.key"), tls_path("ec.key"), NULL };
	static const char *const kinds[][2] = {
		{ "rsa_pss_rsae_sha256:rsa_pkcs1_sha256", "rsa" },
		{ "ecdsa_secp256r1_sha256", "ec" },
		{ "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256", "ec" },
	};
	struct tls_context *t;
	struct tls_link l;
	char cn[32];
	size_t i;

	ck_assert_int_eq(open_lists(&t, certs, keys), 0);
	ck_assert_uint_eq(lines_with("certificate, valid until"), 2);
	for (i = 0; i < 6; i++) {
		tls_link_open(&l, t);
		SSL_set1_sigalgs_list(l.client, kinds[i / 2][0]);
		SSL_set_max_proto_version(l.client, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
		ck_assert_int_eq(tls_link_shake(&l, NULL), 0);
		common_name(l.client, cn);
		ck_assert_str_eq(cn, kinds[i / 2][1]);
		tls_link_close(&l);
	}
	tls_context_free(t);
}
END_TEST

static const struct offer {
	int min, max;
	const char *suites; /* of TLS 1.2; NULL: the client's usual */
	bool ok;
} offers[] = {
	{ TLS1_VERSION, TLS1_1_VERSION, NULL, false },
	{ TLS1_1_VERSION, TLS1_1_VERSION, NULL, false },
	{ TLS1_2_VERSION, TLS1_2_VERSION, NULL, true },
	{ TLS1_3_VERSION, TLS1_3_VERSION, NULL, true },
	{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", true },
	{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", true },
	{ TLS1_2_VERSION, TLS1_2_VERSION, "AES128-GCM-SHA256", false },	   /* no forward secrecy */
	{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", false }, /* no AEAD */
	{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", false },
	{ TLS1_2_VERSION, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", false },
	{ TLS1_2_VERSION, TLS1_2_VERSION, "AECDH-AES128-SHA:@SECLEVEL=0", false },
};

START_TEST(old_versions_and_weak_suites_are_refused)
{
	const struct offer *o = &offers[_i];
	struct tls_context *t = tls_context_of("rsa.crt", "rsa.key");
	struct tls_link l;

	tls_link_open(&l, t);
	SSL_set_security_level(l.client, 0);
	SSL_set_min_proto_version(l.client, o->min);
	SSL_set_max_proto_version(l.client, o->max);
	if (o->suites)
		ck_assert_int_eq(SSL_set_cipher_list(l.client, o->suites), 1);
	ck_assert_int_eq(tls_link_shake(&l, NULL), o->ok ? 0 : -EPROTO);
	tls_link_close(&l);
	tls_context_free(t);
}
END_TEST

static const struct protocols {
	const char *wire;
	bool ok;
	const char *chosen;
} protocols[] = {
	{ "", true, "" },
	{ "\x08http/1.1", true, "http/1.1" },
	{ "\x02h2\x08http/1.1", true, "http/1.1" },
	{ "\x02h2", false, "" },
	{ "\x04imap", false, "" },
};

START_TEST(http_1_1_is_all_we_agree_on)
{
	const struct protocols *p = &protocols[_i];
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	const unsigned char *chosen;
	struct tls_link l;
	unsigned n;

	tls_link_open(&l, t);
	SSL_set_alpn_protos(l.client, (const unsigned char *)p->wire, (unsigned)strlen(p->wire));
	ck_assert_int_eq(tls_link_shake(&l, NULL), p->ok ? 0 : -EPROTO);
	SSL_get0_alpn_selected(l.client, &chosen, &n);
	ck_assert_uint_eq(n, strlen(p->chosen));
	if (n)
		ck_assert_mem_eq(chosen, p->chosen, n);
	tls_link_close(&l);
	tls_context_free(t);
}
END_TEST

START_TEST(nobody_renegotiates)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	struct tls_link l;
	char c;

	tls_link_open(&l, t);
	SSL_set_max_proto_version(l.client, TLS1_2_VERSION);
	ck_assert_int_eq(tls_link_shake(&l, NULL), 0);
	ck_assert_int_eq(SSL_renegotiate(l.client), 1);
	SSL_do_handshake(l.client);
	ck_assert_int_eq(stream_read(&l.server, &c, 1), -EAGAIN); /* a warning went out */
	ck_assert_int_ne(SSL_do_handshake(l.client), 1);
	ck_assert_int_eq(SSL_get_error(l.client, -1), SSL_ERROR_SSL);
	tls_link_close(&l);
	tls_context_free(t);
}
END_TEST

/* --- reload --- */

static void served(struct tls_context *t, const char *expected)
{
	struct tls_link l;
	char cn[32];

	tls_link_open(&l, t);
	ck_assert_int_eq(tls_link_shake(&l, NULL), 0);
	common_name(l.client, cn);
	ck_assert_str_eq(cn, expected);
	tls_link_close(&l);
}

START_TEST(new_files_serve_new_connections_and_leave_the_others)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	struct iovec iov = { (void *)"hello", 5 };
	struct tls_link old;
	char buf[8];

	tls_link_open(&old, t);
	ck_assert_int_eq(tls_link_shake(&old, NULL), 0);
	tls_make_pair("new", "EC", NULL);
	replace("new.crt", "ec.crt");
	tls_context_reload_if_changed(t, T0); /* between the two */
	ck_assert_uint_eq(tls_context_counters(t)->reloads_refused, 1);
	served(t, "ec");
	replace("new.key", "ec.key");
	tls_context_reload_if_changed(t, T0);
	served(t, "new");
	ck_assert_int_eq(stream_writev(&old.server, &iov, 1), 5);
	ck_assert_int_eq(SSL_read(old.client, buf, sizeof(buf)), 5);
	ck_assert_uint_eq(tls_context_counters(t)->reloads, 1);
	tls_context_reload_if_changed(t, T0);
	ck_assert_uint_eq(tls_context_counters(t)->reloads, 1);
	tls_context_reload(t, T0);
	ck_assert_uint_eq(tls_context_counters(t)->reloads, 2);
	tls_link_close(&old);
	tls_context_free(t);
}
END_TEST

START_TEST(broken_files_leave_what_is_in_force_and_are_told_once)
{
	const char *certs[] = { tls_path("rsa.crt"), tls_path("ec.crt"), NULL };
	const char *keys[] = { tls_path("rsa.key"), tls_path("ec.key"), NULL };
	struct tls_context *t;
	int i;

	ck_assert_int_eq(open_lists(&t, certs, keys), 0);
	ck_assert_int_eq(unlink(tls_path("rsa.key")), 0);
	ck_assert_int_eq(unlink(tls_path("ec.key")), 0);
	for (i = 0; i < 3; i++)
		tls_context_reload_if_changed(t, T0);
	ck_assert_uint_eq(lines_with("stay in force"), 1);
	ck_assert_uint_eq(lines_with("No such file"), 1);
	served(t, "ec");
	tls_context_reload(t, T0); /* asked for: tried, and told again */
	ck_assert_uint_eq(lines_with("stay in force"), 2);
	tls_context_free(t);
}
END_TEST

START_TEST(a_mode_put_right_is_a_change)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");

	chmod(tls_path("ec.key"), 0644);
	tls_context_reload_if_changed(t, T0);
	ck_assert_uint_eq(tls_context_counters(t)->reloads_refused, 1);
	chmod(tls_path("ec.key"), 0640);
	tls_context_reload_if_changed(t, T0);
	ck_assert_uint_eq(tls_context_counters(t)->reloads, 1);
	tls_context_free(t);
}
END_TEST

/* --- tickets --- */

static SSL_SESSION *session;

static int on_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

/* Connect with the session of last time. Returns whether it was resumed. */
static bool connects(struct tls_context *t, int version)
{
	struct tls_link l;
	bool resumed;
	char c;

	tls_link_open(&l, t);
	SSL_CTX_sess_set_new_cb(l.client_ctx, on_session);
	SSL_set_max_proto_version(l.client, version);
	if (session)
		ck_assert_int_eq(SSL_set_session(l.client, session), 1);
	ck_assert_int_eq(tls_link_shake(&l, NULL), 0);
	resumed = SSL_session_reused(l.client);
	SSL_read(l.client, &c, 1); /* the tickets of TLS 1.3 */
	SSL_shutdown(l.client);
	tls_link_close(&l);
	return resumed;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void teardown(void)
{
	SSL_SESSION_free(session);
	session = NULL;
	tls_teardown();
}

START_TEST(sessions_are_resumed_across_a_restart)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	struct stat st;

	ck_assert(!connects(t, versions[_i]));
	ck_assert_ptr_nonnull(session);
	ck_assert(connects(t, versions[_i]));
	tls_context_free(t);
	ck_assert_int_eq(stat(tls_path("tls-tickets"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	t = tls_context_of("ec.crt", "ec.key");
	ck_assert(connects(t, versions[_i]));
	ck_assert_uint_eq(tls_context_counters(t)->resumed, 1);
	ck_assert_uint_eq(tls_context_counters(t)->handshakes, 1);
	tls_context_reload(t, T0);
	ck_assert(connects(t, versions[_i]));
	tls_context_free(t);
	ck_assert_int_eq(unlink(tls_path("tls-tickets")), 0);
	t = tls_context_of("ec.crt", "ec.key");
	ck_assert(!connects(t, versions[_i]));
	tls_context_free(t);
}
END_TEST

START_TEST(a_key_seals_and_then_only_opens_and_then_is_forgotten)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	SSL_SESSION *first;

	ck_assert(!connects(t, TLS1_3_VERSION));
	first = session;
	SSL_SESSION_up_ref(first);
	tls_context_reload_if_changed(t, T0 + TLS_TICKET_SEAL_S + 1);
	ck_assert(connects(t, TLS1_3_VERSION)); /* and gets a newer ticket */
	tls_context_reload_if_changed(t, T0 + TLS_TICKET_LIFE_S);
	ck_assert(connects(t, TLS1_3_VERSION));
	SSL_SESSION_free(session);
	session = first;
	ck_assert(!connects(t, TLS1_3_VERSION));
	tls_context_free(t);
}
END_TEST

static unsigned lines_of_keys(void)
{
	FILE *f = fopen(tls_path("tls-tickets"), "r");
	unsigned n = 0;
	int c;

	ck_assert_ptr_nonnull(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

START_TEST(keys_are_few_however_the_clock_jumps)
{
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	int64_t now_s = T0;
	unsigned i;

	for (i = 0; i < 100; i++) {
		now_s += TLS_TICKET_SEAL_S;
		tls_context_reload_if_changed(t, now_s);
		ck_assert_uint_le(lines_of_keys(), TLS_TICKET_LIFE_S / TLS_TICKET_SEAL_S);
	}
	tls_context_reload_if_changed(t, T0); /* back: keys from the future are nobody's */
	ck_assert_uint_eq(lines_of_keys(), 1);
	tls_context_reload_if_changed(t, T0 - 60);
	ck_assert_uint_eq(lines_of_keys(), 1);
	tls_context_free(t);
}
END_TEST

static const struct bad_file {
	const char *text;
	mode_t mode;
	const char *why;
} bad_files[] = {
	{ NULL, 0640, "others may read or write it" },
	{ NULL, 0602, "others may read or write it" },
	{ "hello\n", 0600, "not one of ours" },
	{ "1800000000 00ff\n", 0600, "not one of ours" },
	{ "\n\n", 0600, "not one of ours" },
	{ "99999999999999999999999999999999999999999999999999999999999999999999999", 0600,
	  "not one of ours" },
};

START_TEST(a_file_of_keys_that_cannot_be_trusted_is_replaced)
{
	const struct bad_file *b = &bad_files[_i];
	struct tls_context *t = tls_context_of("ec.crt", "ec.key");
	struct stat st;
	FILE *f;

	ck_assert(!connects(t, TLS1_3_VERSION));
	tls_context_free(t);
	if (b->text) {
		f = fopen(tls_path("tls-tickets"), "w");
		fputs(b->text, f);
		fclose(f);
	}
	ck_assert_int_eq(chmod(tls_path("tls-tickets"), b->mode), 0);
	t = tls_context_of("ec.crt", "ec.key");
	ck_assert_uint_eq(lines_with(b->why), 1);
	ck_assert(!connects(t, TLS1_3_VERSION));
	ck_assert_uint_eq(lines_of_keys(), 1);
	ck_assert_int_eq(stat(tls_path("tls-tickets"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	tls_context_free(t);
}
END_TEST

START_TEST(without_a_place_for_keys_tickets_still_work)
{
	const char *certs[] = { tls_path("ec.crt"), NULL }, *keys[] = { tls_path("ec.key"), NULL };
	const struct tls_config cfg = { certs, keys, _i ? "/nonexistent" : NULL };
	struct tls_context *t;

	ck_assert_int_eq(tls_context_new(&t, &cfg, T0), 0);
	ck_assert_uint_eq(lines_with("cannot be resumed after a restart"), (unsigned)_i);
	ck_assert(!connects(t, TLS1_3_VERSION));
	ck_assert(connects(t, TLS1_3_VERSION));
	tls_context_free(t);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("tls_context");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_pair_that_cannot_be_used_is_refused_by_name, 0, N(bad_pairs));
	tcase_add_test(c, lists_must_be_pairs);
	tcase_add_test(c, two_keys_of_a_kind_are_refused);
	tcase_add_test(c, each_client_gets_the_certificate_it_understands);
	tcase_add_loop_test(c, old_versions_and_weak_suites_are_refused, 0, N(offers));
	tcase_add_loop_test(c, http_1_1_is_all_we_agree_on, 0, N(protocols));
	tcase_add_test(c, nobody_renegotiates);
	tcase_add_test(c, new_files_serve_new_connections_and_leave_the_others);
	tcase_add_test(c, broken_files_leave_what_is_in_force_and_are_told_once);
	tcase_add_test(c, a_mode_put_right_is_a_change);
	tcase_add_loop_test(c, sessions_are_resumed_across_a_restart, 0, N(versions));
	tcase_add_test(c, a_key_seals_and_then_only_opens_and_then_is_forgotten);
	tcase_add_test(c, keys_are_few_however_the_clock_jumps);
	tcase_add_loop_test(c, a_file_of_keys_that_cannot_be_trusted_is_replaced, 0, N(bad_files));
	tcase_add_loop_test(c, without_a_place_for_keys_tickets_still_work, 0, 2);
	suite_add_tcase(s, c);
	return run_suite(s);
}
