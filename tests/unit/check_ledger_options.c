/* check_ledger_options.c - faults of coturn that take an option, by row of SECURITY.md
 *
 * Linked as check_ledger_parsers.c is. */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "acme.h"
#include "apputils.h"
#include "constant_time.h"
#include "http_server.h"
#include "libtelnet.h"
#include "mainrelay.h"
#include "ns_turn_msg.h"
#include "run_suite.h"

static const uint8_t *const server_name = (const uint8_t *)"turn.example.org";

/* The end of so many bytes, whole pages of them, with a page before and one
 * behind that may be neither read nor written. */
static char *room_between_guards(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (bytes + page - 1) / page * page;
	char *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(map + page, room, PROT_READ | PROT_WRITE), 0);
	return map + page + room;
}

/* --- oauth ---------------------------------------------------------------------------- */
#define NONCE_BYTES 12

static oauth_key an_oauth_key(void)
{
	oauth_key_data data = { .kid = "key", .ikm_key_size = 32 };
	oauth_key key = { 0 };
	char error[200];

	memset(data.ikm_key, 'k', 32);
	strcpy(data.as_rs_alg, "A256GCM");
	ck_assert_int_eq(convert_oauth_key_data(&data, &key, error, sizeof(error)), 0);
	return key;
}

/* What follows the returned token in memory may be neither read nor written. */
static oauth_token *token_before_a_guard(void)
{
	return (oauth_token *)(void *)(room_between_guards(sizeof(oauth_token)) -
				       sizeof(oauth_token));
}

/* A token as who holds the key makes it, with this inside. */
static encoded_oauth_token sealed(const oauth_key *key, const uint8_t *inside, size_t n)
{
	encoded_oauth_token t = { .size = 2 + NONCE_BYTES + n + OAUTH_GCM_TAG_SIZE };
	uint8_t *out = (uint8_t *)t.token;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int written;

	out[1] = NONCE_BYTES;
	memset(out + 2, 'n', NONCE_BYTES);
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
					    (const uint8_t *)key->as_rs_key, out + 2),
			 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, NULL, &written, server_name,
					   (int)strlen((const char *)server_name)),
			 1);
	out += 2 + NONCE_BYTES;
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &written, inside, (int)n), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, out + n, &written), 1);
	ck_assert_int_eq(
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, OAUTH_GCM_TAG_SIZE, out + n), 1);
	EVP_CIPHER_CTX_free(ctx);
	return t;
}

START_TEST(row_a_nonce_of_a_token_is_bounded)
{
	oauth_key key = an_oauth_key();
	encoded_oauth_token t = { .size = sizeof(t.token) };
	oauth_token *out = token_before_a_guard();
	const uint16_t nonce_bytes = 900;

	t.token[0] = (char)(nonce_bytes >> 8);
	t.token[1] = (char)(nonce_bytes & 0xff);
	ck_assert_int_lt(decode_oauth_token(server_name, &t, &key, out), 0);
	for (size_t i = 0; i < sizeof(out->enc_block.nonce); i++)
		ck_assert_uint_eq(out->enc_block.nonce[i], 0);
}
END_TEST

START_TEST(row_a_key_of_a_token_is_bounded)
{
	static const uint16_t wrong[] = { 129, 300, 60000, UINT16_MAX };
	uint8_t inside[400] = { (uint8_t)(wrong[_i] >> 8), (uint8_t)wrong[_i] };
	oauth_key key = an_oauth_key();
	encoded_oauth_token t = sealed(&key, inside, sizeof(inside));

	ck_assert_int_lt(decode_oauth_token(server_name, &t, &key, token_before_a_guard()), 0);
}
END_TEST

START_TEST(row_a_token_ends_where_it_ends)
{
	/* The key would be within bounds, but the token is not that long. */
	const uint8_t inside[2 + 20] = { 0, 100 };
	oauth_key key = an_oauth_key();
	encoded_oauth_token t = sealed(&key, inside, sizeof(inside));

	ck_assert_int_lt(decode_oauth_token(server_name, &t, &key, token_before_a_guard()), 0);
}
END_TEST

START_TEST(a_good_token_is_read)
{
	oauth_key key = an_oauth_key();
	oauth_token in = { .enc_block = { .key_length = 20, .lifetime = 600 } };
	encoded_oauth_token t;
	oauth_token *out = token_before_a_guard();
	uint8_t nonce[NONCE_BYTES] = "0123456789a";

	memset(in.enc_block.mac_key, 'm', 20);
	in.enc_block.nonce_length = NONCE_BYTES;
	in.enc_block.timestamp = UINT64_C(1700000000) << 16;
	ck_assert_int_ge(encode_oauth_token(server_name, &t, &key, &in, nonce), 0);
	ck_assert_int_ge(decode_oauth_token(server_name, &t, &key, out), 0);
	ck_assert_uint_eq(out->enc_block.key_length, 20);
	ck_assert_mem_eq(out->enc_block.mac_key, in.enc_block.mac_key, 20);
	ck_assert_uint_eq(out->enc_block.timestamp, in.enc_block.timestamp);
	ck_assert_uint_eq(out->enc_block.lifetime, 600);
}
END_TEST

/* --- acme-redirect -------------------------------------------------------------------- */
START_TEST(row_what_is_no_challenge_is_not_redirected)
{
	static const char *const targets[] = {
		"/a/path/that/is/as/long/as/that/of/a/challenge/or/so",
		"/.well-known/acme-challenge/short",
		"/.well-known/acme-challenge/with+a+sign+in+it",
	};
	/* A request at the very beginning of what there is: a byte before it was written. */
	char *request = room_between_guards(1) - sysconf(_SC_PAGESIZE);
	int n = sprintf(request,
			"GET %s HTTP/1.1\r\nHost: turn.example.org\r\nUser-Agent: a client\r\n\r\n",
			targets[_i]);
	struct {
		char bytes[4096];
	} socket = { { 0 } };

	ck_assert_int_eq(
		try_acme_redirect(request, (size_t)n, "http://challenge/", (void *)&socket), 2);
}
END_TEST

/* --- mobility's tickets ----------------------------------------------------------------- */
START_TEST(row_letters_of_a_ticket_have_no_sign)
{
	size_t n = 0;
	unsigned char *out = base64_decode("\xf8\xf8\xf8\xf8", 4, &n);

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(out, "\0\0\0", 3);
	free(out);
}
END_TEST

START_TEST(row_a_ticket_may_be_empty)
{
	size_t n = 0;

	ck_assert_ptr_null(base64_decode(room_between_guards(1) - sysconf(_SC_PAGESIZE), 0, &n));
}
END_TEST

/* --- web admin ------------------------------------------------------------------------ */
static const char *const quoting[] = {
	"/x?realm=a%27%20or%20%271", "/x?realm=a%22b", "/x?realm=a%5Cb", "/x?realm=a;b",
	"/x?realm=%3Cscript%3E",     "/x?realm=a%0Ab",
};

static void ck_parameter(const char *target, const char *expected)
{
	char request[200];
	struct http_request *r;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: turn\r\n\r\n", target);
	r = parse_http_request(request);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(get_http_header_value(r, "realm", "none"), expected);
	free_http_request(r);
}

START_TEST(row_a_parameter_that_ends_a_text_is_none)
{
	ck_parameter(quoting[_i], "none");
}
END_TEST

START_TEST(other_parameters_are_as_they_came)
{
	ck_parameter("/x?realm=turn.example.org", "turn.example.org");
	ck_parameter("/x?realm=a%20b", "a b");
}
END_TEST

START_TEST(row_passwords_are_compared_in_constant_time)
{
	ck_assert_int_ne(check_password("prain", "plain"), 0);
	ck_assert_uint_eq(constant_time_bytes, 5);
}
END_TEST

START_TEST(passwords_are_compared_whole)
{
	char encrypted[300];

	generate_new_enc_password("correct", encrypted);
	ck_assert_int_eq(check_password("correct", encrypted), 0);
	ck_assert_int_ne(check_password("wrong", encrypted), 0);
	ck_assert_int_eq(check_password("plain", "plain"), 0);
	ck_assert_int_ne(check_password("plai", "plain"), 0);
	ck_assert_int_ne(check_password("plainer", "plain"), 0);
	ck_assert_int_ne(check_password("", "plain"), 0);
}
END_TEST

/* --- encrypted passwords of databases --------------------------------------------------- */
static const unsigned char database_key[16] = "0123456789abcdef";

/* Longer than all that lies behind the buffer: stock's stack is broken wherever the compiler put it. */
#define LONG_BASE64 4000

static const char *long_base64(char out[LONG_BASE64 + 1])
{
	memset(out, 'A', LONG_BASE64);
	out[LONG_BASE64] = 0;
	return out;
}

START_TEST(row_a_long_encrypted_password_is_refused)
{
	char text[LONG_BASE64 + 1];

	decrypt_aes_128((char *)long_base64(text), database_key);
#ifndef TURN_NO_MYSQL
	char *out = decryptPassword(text, database_key);

	ck_assert_str_eq(out, "");
	free(out);
#endif
}
END_TEST

START_TEST(row_a_long_password_is_not_encrypted)
{
	char text[4001];

	memset(text, 'p', 4000);
	text[4000] = 0;
	encrypt_aes_128((unsigned char *)text, database_key);
}
END_TEST

START_TEST(row_a_made_key_is_for_its_owner)
{
	char dir[] = "check-ledger-XXXXXX",
	     path[64]; /* of the current folder: stock leaves it behind */
	char *room = room_between_guards(1);
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	umask(022);
	generate_aes_128_key(path, (unsigned char *)room - sizeof(database_key));
	ck_assert_int_eq(stat(path, &st), 0);
	unlink(path);
	rmdir(dir);
	ck_assert_int_eq(st.st_size, 16);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* --- the CLI's parser ----------------------------------------------------------------- */
#define IAC "\xff"
#define SB "\xfa"
#define SE "\xf0"

struct heard {
	unsigned parsed; /* events that take a parser of their own */
	char data[64];
};

static void hear(telnet_t *telnet, telnet_event_t *event, void *arg)
{
	struct heard *h = arg;

	(void)telnet;
	switch (event->type) {
	case TELNET_EV_TTYPE:
	case TELNET_EV_ENVIRON:
	case TELNET_EV_ZMP:
	case TELNET_EV_MSSP: h->parsed++; break;
	case TELNET_EV_DATA: strncat(h->data, event->data.buffer, event->data.size); break;
	default: break;
	}
}

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t n;
} subnegotiations[] = {
	{ BYTES(IAC SB "\x18\x01" IAC SE) },		      /* TERMINAL-TYPE SEND */
	{ BYTES(IAC SB "\x27\x00\x00name\x01value" IAC SE) }, /* NEW-ENVIRON IS */
	{ BYTES(IAC SB "\x24\x00" IAC SE) },		      /* ENVIRON IS, of nothing */
	{ BYTES(IAC SB "\x5d"
		       "cmd\0" IAC SE) }, /* ZMP */
	{ BYTES(IAC SB "\x46\x01"
		       "A\x02"
		       "B" IAC SE) }, /* MSSP */
};

START_TEST(row_the_cli_parses_no_subnegotiation)
{
	struct heard h = { 0 };
	static const telnet_telopt_t none[] = { { -1, 0, 0 } };
	telnet_t *telnet = telnet_init(none, hear, 0, &h);

	telnet_recv(telnet, subnegotiations[_i].bytes, subnegotiations[_i].n);
	telnet_recv(telnet, BYTES("ps\r\n"));
	telnet_free(telnet);
	ck_assert_uint_eq(h.parsed, 0);
	ck_assert_str_eq(h.data, "ps\r\n");
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *s = suite_create("ledger_options");
	TCase *t = tcase_create("options");

	tcase_add_test(t, row_a_nonce_of_a_token_is_bounded);
	tcase_add_loop_test(t, row_a_key_of_a_token_is_bounded, 0, 4);
	tcase_add_test(t, row_a_token_ends_where_it_ends);
	tcase_add_test(t, a_good_token_is_read);
	tcase_add_loop_test(t, row_what_is_no_challenge_is_not_redirected, 0, 3);
	tcase_add_test(t, row_letters_of_a_ticket_have_no_sign);
	tcase_add_test(t, row_a_ticket_may_be_empty);
	tcase_add_loop_test(t, row_a_parameter_that_ends_a_text_is_none, 0, N(quoting));
	tcase_add_test(t, other_parameters_are_as_they_came);
	tcase_add_test(t, row_passwords_are_compared_in_constant_time);
	tcase_add_test(t, passwords_are_compared_whole);
	tcase_add_test(t, row_a_long_encrypted_password_is_refused);
	tcase_add_test(t, row_a_long_password_is_not_encrypted);
	tcase_add_test(t, row_a_made_key_is_for_its_owner);
	tcase_add_loop_test(t, row_the_cli_parses_no_subnegotiation, 0, N(subnegotiations));
	suite_add_tcase(s, t);
	set_logfile("stdout"); /* not a file of its own below /var/log */
	return run_suite(s);
}
