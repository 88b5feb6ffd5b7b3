/* check_signalctl.c - what the admin's tool decides: arguments, text for people, answers, ids,
 * tokens, which secret signs */
#include "signalctl.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "arguments.h"
#include "auth/token.h"
#include "auth/token_keys.h"
#include "calls/signing.h"
#include "columns.h"
#include "completion.h"
#include "find_call.h"
#include "help.h"
#include "json_show.h"
#include "line_fields.h"
#include "log.h"
#include "mint.h"
#include "run_suite.h"
#include "signer.h"
#include "units.h"
#include "visible.h"

#define CALL_A "AbCdEfGhIjKlMnOpQrStUv"
#define CALL_DASH "-bCdEfGhIjKlMnOpQrStUv"
#define NOW_S 1769860800

/* What a function writes to a stream; the caller's to free. */
#define WRITTEN(text, out, ...)                                                                    \
	do {                                                                                       \
		size_t size_;                                                                      \
		FILE *out = open_memstream(&(text), &size_);                                       \
		__VA_ARGS__;                                                                       \
		fclose(out);                                                                       \
	} while (0)

/* --- arguments --- */

static struct arguments_global global;
static const struct signalctl_command *command;
static struct arguments given;
static char error[256];

/* words: separated by spaces. */
static int read_words(const char *words)
{
	static char text[512];
	char *argv[32] = { (char[]){ "signalctl" } };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", words);
	for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	return arguments_read(argc, argv, &global, &command, &given, error, sizeof(error));
}

START_TEST(global_options_stand_before_and_behind_the_command)
{
	static const char *const lines[] = { "-c F --json calls", "calls -c F --json",
					     "--json calls --config=F", "-cF calls --json" };

	for (size_t i = 0; i < COUNT(lines); i++) {
		ck_assert_int_eq(read_words(lines[i]), 0);
		ck_assert_str_eq(global.config, "F");
		ck_assert(global.json);
		ck_assert_str_eq(command->name, "calls");
		ck_assert_int_eq(global.ask, ARGUMENTS_RUN);
	}
}
END_TEST

START_TEST(options_go_to_their_place_in_the_table)
{
	ck_assert_int_eq(read_words("calls --user 7 --user 8 --ended"), 0);
	ck_assert_str_eq(given.value[0], "");
	ck_assert_str_eq(given.value[1], "8");
	ck_assert_int_eq(read_words("calls"), 0);
	ck_assert_ptr_null(given.value[0]);
	ck_assert_ptr_null(given.value[1]);
}
END_TEST

START_TEST(wrong_arguments_are_told_in_one_line)
{
	static const struct {
		const char *words, *error;
	} rows[] = {
		{ "", "which command? --help shows them" },
		{ "nonsense", "nonsense: no such command; --help shows them" },
		{ "calls 7", "calls: unexpected argument '7'" },
		{ "call", "call needs CALL" },
		{ "call a b", "call: unexpected argument 'b'" },
		{ "calls --user", "--user needs a value" },
		{ "calls --ended=1", "--ended=1: takes no value" },
		{ "calls --reason x", "--reason: no such option" },
		{ "--user 7 calls", "--user: no such option" },
		{ "calls -x", "-x: no such option" },
		{ "-x calls", "-x: no such option" },
		{ "-c", "-c needs a value" },
		{ "secrets show", "secrets takes one of list|rotate" },
		{ "secrets lis", "secrets takes one of list|rotate" },
		{ "--completion fish", "--completion takes one of bash" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_assert_int_eq(read_words(rows[i].words), -EINVAL);
		ck_assert_str_eq(error, rows[i].error);
	}
}
END_TEST

START_TEST(help_and_version_need_no_command_and_no_operands)
{
	ck_assert_int_eq(read_words("--help"), 0);
	ck_assert_int_eq(global.ask, ARGUMENTS_HELP);
	ck_assert_ptr_null(command);
	ck_assert_int_eq(read_words("call -h"), 0);
	ck_assert_int_eq(global.ask, ARGUMENTS_HELP);
	ck_assert_str_eq(command->name, "call");
	ck_assert_int_eq(read_words("-V"), 0);
	ck_assert_int_eq(global.ask, ARGUMENTS_VERSION);
	ck_assert_int_eq(read_words("--completion bash"), 0);
	ck_assert_int_eq(global.ask, ARGUMENTS_COMPLETION);
}
END_TEST

START_TEST(a_call_whose_id_begins_with_a_dash_is_no_option)
{
	static const char *const lines[] = {
		"call " CALL_DASH,	"call " CALL_DASH " --json",	"call --json " CALL_DASH,
		"call -c F " CALL_DASH, "end " CALL_DASH " --reason x", "end --reason x " CALL_DASH,
		"call -- " CALL_DASH
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		ck_assert_int_eq(read_words(lines[i]), 0);
		ck_assert_uint_eq(given.operands_n, 1);
		ck_assert_str_eq(given.operand[0], CALL_DASH);
	}
	ck_assert_int_eq(read_words("end --reason " CALL_DASH " " CALL_A), 0);
	ck_assert_str_eq(given.value[0], CALL_DASH);
	ck_assert_str_eq(given.operand[0], CALL_A);
	ck_assert_int_eq(read_words("credentials --call " CALL_DASH " 7"), 0);
	ck_assert_str_eq(given.value[1], CALL_DASH);
}
END_TEST

START_TEST(words_in_capitals_mean_any_text_and_others_themselves)
{
	size_t min, max;

	ck_assert(arguments_choice("FILE", "x"));
	ck_assert(arguments_choice("IP|auto", "192.0.2.1"));
	ck_assert(arguments_choice("udp|tcp", "tcp"));
	ck_assert(!arguments_choice("udp|tcp", "tc"));
	ck_assert(!arguments_choice("udp|tcp", "udp|tcp"));
	ck_assert(!arguments_choice("udp|tcp", ""));
	arguments_count("", &min, &max);
	ck_assert(min == 0 && max == 0);
	arguments_count("CALL [USER]", &min, &max);
	ck_assert(min == 1 && max == 2);
}
END_TEST

START_TEST(the_table_is_as_its_readers_expect)
{
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++) {
		size_t n = 0, min, max;

		ck_assert_ptr_eq(signalctl_command_find(c->name), c);
		ck_assert_ptr_nonnull(c->run);
		arguments_count(c->operands, &min, &max);
		ck_assert_uint_le(max, SIGNALCTL_OPERANDS_MAX);
		for (; c->options && c->options[n].name; n++)
			ck_assert_msg(c->options[n].help[strlen(c->options[n].help) - 1] != '.',
				      "%s --%s", c->name, c->options[n].name);
		ck_assert_uint_le(n, SIGNALCTL_OPTIONS_MAX);
	}
}
END_TEST

START_TEST(help_and_completion_have_every_command_and_option)
{
	char *all, *bash;

	WRITTEN(all, out, help_put(out, NULL));
	WRITTEN(bash, out, completion_put_bash(out));
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++) {
		char *one, word[64];

		WRITTEN(one, out, help_put(out, c));
		snprintf(word, sizeof(word), "\n  %s ", c->name);
		ck_assert_ptr_nonnull(strstr(all, word));
		for (const struct signalctl_option *o = c->options; o && o->name; o++) {
			snprintf(word, sizeof(word), "  --%s", o->name);
			ck_assert_ptr_nonnull(strstr(one, word));
			ck_assert_ptr_nonnull(strstr(bash, word + 1));
		}
		free(one);
	}
	free(all);
	free(bash);
}
END_TEST

/* --- text --- */

static void assert_visible(const char *text, size_t n, const char *wanted)
{
	char out[256], *written;

	ck_assert_uint_eq(visible_text(out, sizeof(out), text, n), strlen(wanted));
	ck_assert_str_eq(out, wanted);
	WRITTEN(written, f, visible_put(f, text, n));
	ck_assert_str_eq(written, wanted);
	free(written);
}

START_TEST(what_a_terminal_would_obey_is_made_visible)
{
	assert_visible("plain", 5, "plain");
	assert_visible("\x1b[31m\r\n\t\x7f", 9, "\\x1b[31m\\x0d\\x0a\\x09\\x7f");
	assert_visible("Zo\xc3\xab \xf0\x9f\x93\x9e", 9, "Zo\xc3\xab \xf0\x9f\x93\x9e");
	assert_visible("\xc2\x9b"
		       "2J",
		       4, "\\x9b2J"); /* CSI of Latin-1 */
	assert_visible("a\xe2\x80\xae"
		       "b",
		       5, "a\\u202eb"); /* right to left */
	assert_visible("\xe2\x81\xa6\xe2\x80\xa8", 6, "\\u2066\\u2028");
	assert_visible("\xff\xc3", 2, "\\xff\\xc3");	      /* no UTF-8 */
	assert_visible("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* a surrogate */
	assert_visible("a\0b", 3, "a\\x00b");
}
END_TEST

START_TEST(visible_text_is_cut_at_a_character)
{
	char out[8];

	ck_assert_uint_eq(visible_text(out, sizeof(out), "123456\xc3\xab", 8), 8);
	ck_assert_str_eq(out, "123456");
	ck_assert_uint_eq(visible_text(out, 5,
				       "ab\x1b"
				       "cd",
				       5),
			  8);
	ck_assert_str_eq(out, "ab");
	ck_assert_uint_eq(visible_text(NULL, 0, "abc", 3), 3);
}
END_TEST

START_TEST(bytes_and_durations_are_short)
{
	static const struct {
		uint64_t v;
		const char *bytes, *duration;
	} rows[] = {
		{ 0, "0 B", "0s" },
		{ 59, "59 B", "59s" },
		{ 95, "95 B", "1m35s" },
		{ 1023, "1023 B", "17m03s" },
		{ 1024, "1.0 KiB", "17m04s" },
		{ 7380, "7.2 KiB", "2h03m" },
		{ 10240, "10 KiB", "2h50m" },
		{ 273600, "267 KiB", "3d04h" },
		{ 1048575, "1023 KiB", "12d03h" },
		{ UINT64_MAX, "15 EiB", "213503982334601d07h" },
	};
	char out[UNITS_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_assert_str_eq(units_bytes(out, rows[i].v), rows[i].bytes);
		ck_assert_str_eq(units_duration(out, rows[i].v), rows[i].duration);
	}
	ck_assert_str_eq(units_time(out, NOW_S), "2026-01-31T12:00:00Z");
	ck_assert_str_eq(units_time(out, INT64_MAX), "9223372036854775807");
	ck_assert_str_eq(units_time(out, -1), "-1");
}
END_TEST

START_TEST(numbers_are_right_aligned_and_names_count_by_character)
{
	static const struct column columns[] = { { "N", 4, true },
						 { "NAME", 5, false },
						 { "LAST", 0, false } };
	char *text;

	WRITTEN(text, out, {
		columns_head(out, columns, 3);
		columns_row(out, columns, 3, (const char *const[]){ "7", "Zo\xc3\xab", "x" });
		columns_row(out, columns, 3, (const char *const[]){ "12345", "a\nb", "y" });
	});
	ck_assert_str_eq(text, "   N  NAME   LAST\n"
			       "   7  Zo\xc3\xab    x\n"
			       "12345  a\\x0ab  y\n");
	free(text);
}
END_TEST

START_TEST(json_is_shown_without_what_belongs_to_the_socket)
{
	const char line[] = "{\"e\":\"call\",\"a\":\"\xc2\x9b\x7f\\u001b\" "
			    ",\"id\":3,\t\"b\":{\"id\":1,\t\"ok\":[] },"
			    "\"ok\":true}";
	struct json_list l;
	char *text;

	WRITTEN(text, out, json_show(out, (struct json_slice){ line, strlen(line) }));
	ck_assert_str_eq(text, "{\"a\":\"\\u009b\\u007f\\u001b\",\"b\":{\"id\":1, \"ok\":[] }}\n");
	ck_assert_int_eq(json_check(text, strlen(text), 8), 0);
	free(text);
	WRITTEN(text, out, {
		json_list_begin(&l, out);
		json_list_add(&l, (struct json_slice){ "{\"a\":1}", 7 });
		json_list_add(&l, (struct json_slice){ "{\"e\":2}", 7 });
		json_list_end(&l);
	});
	ck_assert_str_eq(text, "[\n{\"a\":1},\n{}\n]\n");
	free(text);
	WRITTEN(text, out, (json_list_begin(&l, out), json_list_end(&l)));
	ck_assert_str_eq(text, "[]\n");
	free(text);
}
END_TEST

/* --- answers --- */

#define CALL_LINE(more)                                                                            \
	"{\"e\":\"call\",\"call\":\"" CALL_A "\",\"room\":\"r\",\"kind\":\"direct\",\"type\":"     \
	"\"video\",\"state\":\"active\",\"duration_ms\":95000,\"members\":[{\"user\":\"7\","       \
	"\"state\":\"in\",\"socket\":12,\"address\":\"192.0.2.1\"}]" more "}"
#define RELAY                                                                                      \
	",\"relay\":{\"allocations\":2,\"live\":1,\"sent_bytes\":3,\"received_bytes\":4,"          \
	"\"wire_bytes\":5,\"dropped_bytes\":6,\"exact\":true}"

static struct json_slice slice(const char *text)
{
	return (struct json_slice){ text, strlen(text) };
}

START_TEST(a_call_is_read_whole_and_what_is_newer_passed_over)
{
	struct answer_call c;
	struct answer_member m;
	struct json_iter it;
	struct json_slice v;

	ck_assert_int_eq(answer_call(slice(CALL_LINE(RELAY ",\"new\":[1]")), &c), 0);
	ck_assert_str_eq(c.id, CALL_A);
	ck_assert_uint_eq(c.duration_ms, 95000);
	ck_assert(c.has_relay && c.relay.exact);
	ck_assert_uint_eq(c.relay.dropped_bytes, 6);
	it = json_iter(c.members);
	ck_assert(json_next(&it, NULL, &v));
	ck_assert_int_eq(answer_member(v, &m), 0);
	ck_assert_str_eq(m.user, "7");
	ck_assert_uint_eq(m.socket, 12);
	ck_assert(!json_next(&it, NULL, &v));
	ck_assert_int_eq(answer_call(slice(CALL_LINE("")), &c), 0);
	ck_assert(!c.has_relay);
}
END_TEST

START_TEST(an_answer_that_lacks_or_twists_something_is_refused)
{
	static const char *const calls[] = {
		"{}",
		"{\"call\":\"short\"}",
		CALL_LINE(",\"relay\":{}"),
		CALL_LINE(",\"relay\":7"),
		CALL_LINE(",\"room\":\"twice\""),
		CALL_LINE(",\"start_ms\":-1"),
		CALL_LINE(",\"code\":\"a code that is longer than every code there is\""),
	};
	struct answer_call c;
	struct answer_user u;
	struct answer_status st;
	struct answer_rotation r;
	struct answer_member m;
	uint64_t n;

	for (size_t i = 0; i < COUNT(calls); i++)
		ck_assert_int_eq(answer_call(slice(calls[i]), &c), -EINVAL);
	ck_assert_int_eq(answer_user(slice("{\"user\":\"7\"}"), &u), -EINVAL);
	ck_assert_int_eq(answer_status(slice("{\"relay\":1}"), &st), -EINVAL);
	ck_assert_int_eq(answer_rotation(slice("{\"secret\":\"x\"}"), &r), -EINVAL);
	ck_assert_int_eq(answer_member(slice("[]"), &m), -EINVAL);
	ck_assert_int_eq(answer_count(slice("{\"count\":\"1\"}"), &n), -EINVAL);
	ck_assert_int_eq(answer_count(slice("{}"), &n), -EINVAL);
}
END_TEST

START_TEST(a_status_tells_no_secret_from_the_static_one)
{
	struct answer_status st;
#define STATUS(more)                                                                               \
	slice("{\"version\":\"1\",\"auth\":\"open\",\"uptime_ms\":1,\"sessions\":2,\"sockets\":3," \
	      "\"users\":4,\"calls\":5" more "}")

	ck_assert_int_eq(answer_status(STATUS(""), &st), 0);
	ck_assert(!st.has_secret && !st.has_relay);
	ck_assert_int_eq(answer_status(STATUS(",\"secret\":\"\",\"relay\":false"), &st), 0);
	ck_assert(st.has_secret && !st.secret[0] && st.has_relay && !st.relay);
	ck_assert_int_eq(answer_status(STATUS(",\"secret\":\"s\",\"next\":\"go\""), &st), 0);
	ck_assert_str_eq(st.secret, "s");
	ck_assert_str_eq(st.next, "go");
}
END_TEST

/* --- ids --- */

/* What judging says, and its line in error. */
static int judge(const struct find_call *f)
{
	struct signalctl ctl = { .out = stdout };
	char *text;
	int status;

	WRITTEN(text, out, (ctl.err = out, status = find_call_judge(f, &ctl)));
	snprintf(error, sizeof(error), "%s", text);
	free(text);
	return status;
}

START_TEST(the_beginning_of_an_id_is_enough_when_it_is_the_only_one)
{
	struct find_call f = { .prefix = "Ab" };
	char id[TURN_CALL_ID_LEN + 1];

	ck_assert_int_eq(judge(&f), SIGNALCTL_NOT_FOUND);
	ck_assert_str_eq(error, "signalctl: no call whose id begins with Ab\n");
	find_call_see(&f, CALL_A);
	find_call_see(&f, "bb");
	ck_assert_int_eq(judge(&f), SIGNALCTL_DONE);
	ck_assert_str_eq(f.ids[0], CALL_A);
	find_call_see(&f, "Abc");
	ck_assert_int_eq(judge(&f), SIGNALCTL_USAGE);
	ck_assert_str_eq(error, "signalctl: 2 calls begin with Ab: " CALL_A ", Abc\n");
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "Ab%020d", i);
		find_call_see(&f, id);
	}
	ck_assert_int_eq(judge(&f), SIGNALCTL_USAGE);
	ck_assert(strncmp(error, "signalctl: 102 calls begin with Ab: ", 36) == 0);
	ck_assert_str_eq(error + strlen(error) - 6, ", ...\n");
}
END_TEST

/* --- tokens --- */

#define KEY "0123456789abcdef0123456789abcdef"

static struct token_keys *keys_of(const char *kid)
{
	char path[] = "/tmp/check_signalctl.XXXXXX", line[128];
	const char *lines[] = { line };
	struct token_keys *keys = NULL;
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, KEY "\n", sizeof(KEY)), sizeof(KEY));
	close(fd);
	snprintf(line, sizeof(line), "HS256:%s:%s", kid, path);
	ck_assert_int_eq(token_keys_new(&keys, lines, 1), 0);
	unlink(path);
	return keys;
}

START_TEST(a_minted_token_is_what_signald_accepts)
{
	static const char *const kids[] = { "", "one" };
	const struct token_rules rules = { "me", "you", "sub", "name", "picture", 0 };
	struct mint m = { .issuer = "me",
			  .audience = "you",
			  .claim_id = "sub",
			  .user = "alice",
			  .claim_name = "name",
			  .name = "Zo\xc3\xab \"quoted\"\n",
			  .now_s = NOW_S,
			  .ttl_s = 60,
			  .key = KEY,
			  .key_n = strlen(KEY) };
	char token[TOKEN_BYTES_MAX + 1];

	for (size_t i = 0; i < COUNT(kids); i++) {
		struct token_keys *keys = keys_of(kids[i]);
		struct calls_identity who;
		enum token_fault why;

		m.kid = kids[i];
		ck_assert_int_eq(mint_token(token, sizeof(token), &m), 0);
		ck_assert_int_eq(
			token_verify(&rules, keys, token, strlen(token), NOW_S + 59, &who, &why),
			0);
		ck_assert_str_eq(who.id.text, "alice");
		ck_assert_str_eq(who.name, m.name);
		ck_assert_int_eq(who.expires_s, NOW_S + 60);
		ck_assert_int_eq(
			token_verify(&rules, keys, token, strlen(token), NOW_S + 60, &who, &why),
			-EKEYEXPIRED);
		token_keys_free(keys);
	}
}
END_TEST

START_TEST(a_token_that_cannot_be_is_not_made)
{
	struct mint m = { .claim_id = "sub", .user = "7", .key = KEY, .key_n = strlen(KEY) };
	char token[TOKEN_BYTES_MAX + 1], name[TOKEN_BYTES_MAX];
	int r = -ENOBUFS;
	size_t size = 0;

	while (r == -ENOBUFS)
		r = mint_token(token, size++, &m);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(strlen(token), size - 2);
	m.claim_name = "name";
	m.name = "\xff";
	ck_assert_int_eq(mint_token(token, sizeof(token), &m), -EILSEQ);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	m.name = name;
	ck_assert_int_eq(mint_token(token, sizeof(token), &m), -ENOBUFS);
}
END_TEST

START_TEST(a_claim_may_have_any_name)
{
	const struct token_rules rules = { NULL, NULL, "who \"is\"", NULL, NULL, 0 };
	struct mint m = { .claim_id = "who \"is\"",
			  .user = "7",
			  .now_s = NOW_S,
			  .ttl_s = 9,
			  .key = KEY,
			  .key_n = strlen(KEY) };
	struct token_rules with_names = rules;
	struct token_keys *keys = keys_of("");
	struct calls_identity who;
	enum token_fault why;
	char token[1024];

	with_names.claim_name = "name";
	with_names.claim_avatar = "picture";
	ck_assert_int_eq(mint_token(token, sizeof(token), &m), 0);
	ck_assert_int_eq(token_verify(&with_names, keys, token, strlen(token), NOW_S, &who, &why),
			 0);
	ck_assert_str_eq(who.id.text, "7");
	token_keys_free(keys);
}
END_TEST

/* --- which secret signs --- */

START_TEST(signalds_word_decides_which_secret_signs)
{
	static const char text[] = "old aaaaaaaaaaaaaaaa\nnew bbbbbbbbbbbbbbbb 2026-01-30\n"
				   "apk cccccccccccccccc users=a\n";
	struct secret_error err;
	struct secret_set *set;
	struct signing *signing;

	ck_assert_int_eq(secret_set_parse(text, strlen(text), &set, &err), 0);
	ck_assert_int_eq(signing_new(&signing), 0);
	signing_set_secrets(signing, set, NOW_S);
	ck_assert_int_eq(signing_set_static(signing, "dddddddddddddddd"), 0);
	ck_assert_str_eq(signing_secret(signing, NOW_S, NULL)->id, "new");
	ck_assert(!signer_follow(signing, set, "gone", NOW_S));
	ck_assert(!signer_follow(signing, set, "apk", NOW_S));
	ck_assert_str_eq(signing_secret(signing, NOW_S, NULL)->id, "new");
	ck_assert(signer_follow(signing, set, "old", NOW_S));
	ck_assert_str_eq(signing_secret(signing, NOW_S, NULL)->id, "old");
	ck_assert(signer_follow(signing, set, "", NOW_S));
	ck_assert_str_eq(signing_secret(signing, NOW_S, NULL)->value, "dddddddddddddddd");
	signing_free(signing);
	secret_set_free(set);
}
END_TEST

/* --- what all commands share --- */

static bool answers_yes(const char *typed)
{
	struct signalctl ctl = { .in = fmemopen((void *)typed, strlen(typed), "r") };
	char *text;
	bool yes;

	WRITTEN(text, out, (ctl.out = out, yes = ctl_yes(&ctl, "Go on?")));
	ck_assert_str_eq(text, "Go on? [y/N] ");
	free(text);
	fclose(ctl.in);
	return yes;
}

START_TEST(only_yes_is_yes)
{
	ck_assert(answers_yes("y\n"));
	ck_assert(answers_yes("YES\n"));
	ck_assert(!answers_yes("\n"));
	ck_assert(!answers_yes("n\ny\n"));
	ck_assert(!answers_yes("yesterday, all my troubles\n"));
	ck_assert(!answers_yes("\x04"));
}
END_TEST

START_TEST(numbers_are_whole_and_within_bounds)
{
	static const char *const wrong[] = { "",   "x",	 "1x",
					     "-1", " 1", "+1",
					     "0",  "11", "99999999999999999999999" };
	struct signalctl ctl = { .out = stdout };
	uint64_t v = 7;
	char *text;
	int r;

	ck_assert_int_eq(ctl_number(&ctl, "--n", NULL, 1, 10, &v), 0);
	ck_assert_uint_eq(v, 7);
	ck_assert_int_eq(ctl_number(&ctl, "--n", "10", 1, 10, &v), 0);
	ck_assert_uint_eq(v, 10);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		WRITTEN(text, out,
			(ctl.err = out, r = ctl_number(&ctl, "--n", wrong[i], 1, 10, &v)));
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_str_eq(text, "signalctl: --n must be a whole number from 1 to 10\n");
		free(text);
	}
	ck_assert_uint_eq(v, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signalctl");
	TCase *c = tcase_create("arguments");

	log_set_level(LOG_LEVEL_ERROR);
	tcase_add_test(c, global_options_stand_before_and_behind_the_command);
	tcase_add_test(c, options_go_to_their_place_in_the_table);
	tcase_add_test(c, wrong_arguments_are_told_in_one_line);
	tcase_add_test(c, help_and_version_need_no_command_and_no_operands);
	tcase_add_test(c, a_call_whose_id_begins_with_a_dash_is_no_option);
	tcase_add_test(c, words_in_capitals_mean_any_text_and_others_themselves);
	tcase_add_test(c, the_table_is_as_its_readers_expect);
	tcase_add_test(c, help_and_completion_have_every_command_and_option);
	suite_add_tcase(s, c);
	c = tcase_create("text");
	tcase_add_test(c, what_a_terminal_would_obey_is_made_visible);
	tcase_add_test(c, visible_text_is_cut_at_a_character);
	tcase_add_test(c, bytes_and_durations_are_short);
	tcase_add_test(c, numbers_are_right_aligned_and_names_count_by_character);
	tcase_add_test(c, json_is_shown_without_what_belongs_to_the_socket);
	suite_add_tcase(s, c);
	c = tcase_create("answers");
	tcase_add_test(c, a_call_is_read_whole_and_what_is_newer_passed_over);
	tcase_add_test(c, an_answer_that_lacks_or_twists_something_is_refused);
	tcase_add_test(c, a_status_tells_no_secret_from_the_static_one);
	tcase_add_test(c, the_beginning_of_an_id_is_enough_when_it_is_the_only_one);
	suite_add_tcase(s, c);
	c = tcase_create("credentials");
	tcase_add_test(c, a_minted_token_is_what_signald_accepts);
	tcase_add_test(c, a_token_that_cannot_be_is_not_made);
	tcase_add_test(c, a_claim_may_have_any_name);
	tcase_add_test(c, signalds_word_decides_which_secret_signs);
	suite_add_tcase(s, c);
	c = tcase_create("shared");
	tcase_add_test(c, only_yes_is_yes);
	tcase_add_test(c, numbers_are_whole_and_within_bounds);
	suite_add_tcase(s, c);
	return run_suite(s);
}
