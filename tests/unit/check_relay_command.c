/* check_relay_command.c - the lines of the admin socket's clients, there and back */
#include "relay_command.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL "AbCdEfGhIjKlMnOpQr-_09"

static char line[RELAY_LINE_MAX];

START_TEST(commands_are_read_as_written)
{
	static const struct relay_command commands[] = {
		{ .type = RELAY_SUB },
		{ .type = RELAY_STATS, .id = 1 },
		{ .type = RELAY_LIST, .id = UINT64_MAX, .user = "7" },
		{ .type = RELAY_KILL,
		  .id = 2,
		  .alloc = "000000000000000042",
		  .reason = "call ended" },
		{ .type = RELAY_KILL, .id = 3, .call = CALL, .user = "a.b@c" },
		{ .type = RELAY_LIST, .client = "2001:db8::1", .secret = "k1" },
		{ .type = RELAY_SUB, .ledger = true },
		{ .type = RELAY_SUB, .ledger = true, .epoch = "0123456789abcdef", .seq = 9 },
		{ .type = RELAY_ACK, .epoch = "0123456789abcdef", .seq = UINT64_MAX },
		{ .type = RELAY_REVOKE,
		  .id = 4,
		  .call = CALL,
		  .until_s = 1795436036,
		  .reason = "call ended" },
		{ .type = RELAY_REVOKE, .user = "alice", .until_s = 0 },
		{ .type = RELAY_UNREVOKE, .user = "alice" },
		{ .type = RELAY_REVOKE, .user = "~7", .until_s = 1 },
		{ .type = RELAY_LIMIT, .user = "alice", .allocations = { true, 3 } },
		{ .type = RELAY_LIMIT,
		  .call = CALL,
		  .allocations = { .set = true, .to_default = true } },
		{ .type = RELAY_LIMIT,
		  .each = RELAY_EACH_TAG,
		  .allocations = { true, 3 },
		  .bytes_per_s = { .set = true, .to_default = true } },
		{ .type = RELAY_LIMIT,
		  .each = RELAY_EACH_CLIENT,
		  .allocations = { true, 0 },
		  .bytes_per_s = { true, RELAY_TOTAL_MAX } },
		{ .type = RELAY_LIMIT, .each = RELAY_EACH_USER, .bytes_per_s = { true, 1 } },
		{ .type = RELAY_LIMIT, .each = RELAY_EACH_CALL, .bytes_per_s = { true, 1 } },
		{ .type = RELAY_LIMIT, .each = RELAY_EACH_TAG, .bytes_per_s = { true, 1 } },
		{ .type = RELAY_DRAIN_NEW },
		{ .type = RELAY_DRAIN_NEW, .off = true },
		{ .type = RELAY_RELOAD, .id = 5 },
	};

	for (size_t i = 0; i < COUNT(commands); i++) {
		int n = relay_command_write(line, sizeof(line), &commands[i]);
		struct relay_command c;
		const char *err;

		ck_assert_int_gt(n, 1);
		ck_assert_int_eq(line[n - 1], '\n');
		ck_assert_int_eq(relay_command_parse(line, (size_t)n - 1, &c, &err), 0);
		ck_assert_mem_eq(&c, &commands[i], sizeof(c));
		for (int cut = 0; cut < n - 1; cut++)
			ck_assert_int_eq(relay_command_parse(line, (size_t)cut, &c, &err), -EINVAL);
		ck_assert_int_eq(relay_command_write(line, (size_t)n - 1, &commands[i]), -ENOBUFS);
	}
}
END_TEST

static const struct {
	const char *text;
	uint64_t id;
	const char *err; /* NULL: fine */
} typed[] = {
	{ "{\"c\":\"list\",\"user\":7}", 0, NULL },
	{ "{\"c\":\"list\",\"user\":-7}", 0, NULL },
	{ "{\"c\":\"kill\",\"id\":1,\"user\":\"7\",\"reason\":\"\"}", 1, NULL },
	{ "{\"c\":\"sub\",\"role\":\"watch\"}", 0, NULL },
	{ "{\"c\":\"drain\",\"off\":false}", 0, NULL },
	{ "{\"c\":\"limit\",\"user\":7,\"allocations\":0}", 0, NULL },
	{ "", 0, "not a JSON object with \"c\"" },
	{ "kill", 0, "not a JSON object with \"c\"" },
	{ "[\"c\"]", 0, "not a JSON object with \"c\"" },
	{ "{\"c\":null}", 0, "not a JSON object with \"c\"" },
	{ "{\"c\":\"Kill\",\"id\":4}", 4, "unknown command" },
	{ "{\"c\":\"a name longer than all of ours\",\"id\":4}", 4, "unknown command" },
	{ "{\"c\":\"\"}", 0, "unknown command" },
	{ "{\"c\":\"kill\",\"id\":4}", 4, "kill needs alloc, call or user" },
	{ "{\"c\":\"kill\",\"id\":4,\"reason\":\"x\"}", 4, "kill needs alloc, call or user" },
	{ "{\"c\":\"kill\",\"id\":\"4\"}", 0, "id is not a whole number" },
	{ "{\"c\":\"kill\",\"user\":\"\",\"id\":4}", 4, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":\"a:b\",\"id\":4}", 4, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":1.5}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":1e3}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":null}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":\"a\",\"call\":\"\"}", 0, "call is not a call id" },
	{ "{\"c\":\"kill\",\"call\":\"x\"}", 0, "call is not a call id" },
	{ "{\"c\":\"kill\",\"alloc\":\"\"}", 0, "alloc is not an allocation id" },
	{ "{\"c\":\"kill\",\"alloc\":7}", 0, "alloc is not an allocation id" },
	{ "{\"c\":\"kill\",\"alloc\":\"7\",\"reason\":"
	  "\"0123456789012345678901234567890123456789012345678901234567890123\"}",
	  0, "reason is not a text of up to 63 bytes" },
	{ "{\"c\":\"kill\",\"user\":\"a\",\"client\":\"192.0.2.1\"}", 0,
	  "this command does not take one of its members" },
	{ "{\"c\":\"stats\",\"user\":\"a\"}", 0, "this command does not take one of its members" },
	{ "{\"c\":\"reload\",\"off\":true}", 0, "this command does not take one of its members" },
	{ "{\"c\":\"kill\",\"user\":\"a\",\"cal\":\"0123456789012345678901\"}", 0,
	  "this command does not take one of its members" },
	{ "{\"c\":\"drain\",\"of\":true}", 0, "this command does not take one of its members" },
	{ "{\"c\":\"list\",\"user\":7,\"more\":{},\"id\":4}", 4,
	  "this command does not take one of its members" },
	{ "{\"c\":\"kill\",\"user\":\"a\",\"user\":\"a\"}", 0, "a member comes twice" },
	{ "{\"c\":\"stats\",\"c\":\"drain\"}", 0, "a member comes twice" },
	{ "{\"c\":\"list\",\"client\":\"192.0.2\"}", 0, "client is not an IP address" },
	{ "{\"c\":\"list\",\"client\":\"192.0.2.1:5\"}", 0, "client is not an IP address" },
	{ "{\"c\":\"list\",\"secret\":\"\"}", 0, "secret is not the id of a secret" },
	{ "{\"c\":\"sub\",\"role\":\"admin\"}", 0, "role is neither watch nor ledger" },
	{ "{\"c\":\"sub\",\"role\":true}", 0, "role is neither watch nor ledger" },
	{ "{\"c\":\"sub\",\"from\":{\"epoch\":\"0\",\"seq\":1}}", 0, "from is for a ledger" },
	{ "{\"c\":\"sub\",\"role\":\"ledger\",\"from\":[]}", 0,
	  "from is not an object with epoch and seq" },
	{ "{\"c\":\"sub\",\"role\":\"ledger\",\"from\":{\"seq\":1}}", 0,
	  "from is not an object with epoch and seq" },
	{ "{\"c\":\"sub\",\"role\":\"ledger\",\"epoch\":\"0\",\"seq\":1}", 0,
	  "this command does not take one of its members" },
	{ "{\"c\":\"ack\"}", 0, "ack needs epoch and seq" },
	{ "{\"c\":\"ack\",\"epoch\":\"0\"}", 0, "ack needs epoch and seq" },
	{ "{\"c\":\"ack\",\"epoch\":\"0123456789abcdef0\",\"seq\":1}", 0, "epoch is not an epoch" },
	{ "{\"c\":\"ack\",\"epoch\":\"0\",\"seq\":-1}", 0, "seq is not a whole number" },
	{ "{\"c\":\"revoke\",\"until\":1}", 0, "revoke needs either call or user" },
	{ "{\"c\":\"revoke\",\"user\":\"a\",\"call\":\"0123456789012345678901\",\"until\":1}", 0,
	  "revoke needs either call or user" },
	{ "{\"c\":\"revoke\",\"user\":\"a\"}", 0, "revoke needs until" },
	{ "{\"c\":\"revoke\",\"user\":\"a\",\"until\":\"tomorrow\"}", 0,
	  "until is not a time in seconds since 1970" },
	{ "{\"c\":\"revoke\",\"user\":\"a\",\"until\":9007199254740992}", 0,
	  "until is not a time in seconds since 1970" },
	{ "{\"c\":\"unrevoke\"}", 0, "unrevoke needs either call or user" },
	{ "{\"c\":\"limit\",\"allocations\":1}", 0, "limit needs one of call, user, each" },
	{ "{\"c\":\"limit\",\"each\":\"user\",\"user\":\"a\",\"allocations\":1}", 0,
	  "limit needs one of call, user, each" },
	{ "{\"c\":\"limit\",\"each\":\"user\"}", 0, "limit needs allocations or bytes_per_s" },
	{ "{\"c\":\"limit\",\"each\":\"\",\"allocations\":1}", 0,
	  "each is none of user, call, tag, client" },
	{ "{\"c\":\"limit\",\"each\":\"user\",\"allocations\":-1}", 0,
	  "allocations is neither a whole number nor null" },
	{ "{\"c\":\"limit\",\"each\":\"user\",\"bytes_per_s\":1.5}", 0,
	  "bytes_per_s is neither a whole number nor null" },
	{ "{\"c\":\"drain\",\"off\":1}", 0, "off is neither true nor false" },
};

START_TEST(typed_commands_are_taken_or_explained)
{
	struct relay_command c;
	const char *err = NULL;
	int r = relay_command_parse(typed[_i].text, strlen(typed[_i].text), &c, &err);

	ck_assert_int_eq(r, typed[_i].err ? -EINVAL : 0);
	ck_assert_uint_eq(c.id, typed[_i].id);
	if (typed[_i].err)
		ck_assert_str_eq(err, typed[_i].err);
}
END_TEST

START_TEST(a_typed_number_is_a_user_id)
{
	struct relay_command c;
	const char *err, *text = "{\"c\":\"list\",\"user\":7}";

	ck_assert_int_eq(relay_command_parse(text, strlen(text), &c, &err), 0);
	ck_assert_str_eq(c.user, "7");
}
END_TEST

START_TEST(an_address_is_read_in_any_spelling)
{
	struct relay_command c;
	const char *err, *text = "{\"c\":\"list\",\"client\":\"2001:DB8:0:0::1\"}";

	ck_assert_int_eq(relay_command_parse(text, strlen(text), &c, &err), 0);
	ck_assert_str_eq(c.client, "2001:db8::1");
}
END_TEST

START_TEST(a_limit_not_given_is_left_alone)
{
	struct relay_command c;
	const char *err, *text = "{\"c\":\"limit\",\"each\":\"tag\",\"allocations\":0}";

	ck_assert_int_eq(relay_command_parse(text, strlen(text), &c, &err), 0);
	ck_assert(c.allocations.set && c.allocations.v == 0);
	ck_assert(!c.bytes_per_s.set);
}
END_TEST

START_TEST(no_limit_is_not_the_default)
{
	struct relay_command c;
	const char *err,
		*text = "{\"c\":\"limit\",\"user\":\"a\",\"allocations\":null,\"bytes_per_s\":0}";

	ck_assert_int_eq(relay_command_parse(text, strlen(text), &c, &err), 0);
	ck_assert(c.allocations.set && c.allocations.to_default);
	ck_assert(c.bytes_per_s.set && !c.bytes_per_s.to_default);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_command");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_test(t, commands_are_read_as_written);
	tcase_add_loop_test(t, typed_commands_are_taken_or_explained, 0, (int)COUNT(typed));
	tcase_add_test(t, a_typed_number_is_a_user_id);
	tcase_add_test(t, an_address_is_read_in_any_spelling);
	tcase_add_test(t, a_limit_not_given_is_left_alone);
	tcase_add_test(t, no_limit_is_not_the_default);
	suite_add_tcase(s, t);
	return run_suite(s);
}
