/* check_ext_admin.c - the admin socket, seen from the other end
 *
 * The watch runs in a real libevent loop over a real socket; the test plays
 * the relay threads (cells) and the readers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "admin_users.h"
#include "ext_admin.h"
#include "run_suite.h"
#include "socket_path.h"

/* --- tests -------------------------------------------------------------------------------- */

START_TEST(hello_comes_first)
{
	struct reader r = { .n = 0 };

	r.fd = connect_fd();
	expect(&r, "hello");
	ck_assert(strstr(r.line, "4.6.1-test"));
	ck_assert(strstr(r.line, "\"v\":1,\"minor\":1,"));
	ck_assert(strstr(r.line, "\"base\":\"4.6.1-0\",\"ledger_checked\":\"4.99.1\","
				 "\"ledger_date\":\"2026-01-31\""));
	close(r.fd);
}
END_TEST

START_TEST(the_socket_is_for_owner_and_group_only)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(the_socket_of_a_successor_is_not_removed)
{
	char err[256] = "";
	int fd;

	ck_assert_int_eq(unlink(path), 0); /* an admin's hand, then another server's start */
	fd = socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err));
	ck_assert_int_ge(fd, 0);
	watch_unlink(watch);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_subscriber_sees_birth_and_end)
{
	struct reader r = { .n = 0 };
	struct cell *c;

	subscribe(&r);
	c = allocate(1, "9:alice:" CALL_A);
	expect(&r, "\"new\"");
	ck_assert(strstr(r.line, "000000000000000001"));
	ck_assert(strstr(r.line, CALL_A));
	ck_assert(strstr(r.line, "192.0.2.9:40000"));
	end(c, 34000, "allocation timeout");
	expect(&r, "\"end\"");
	ck_assert(strstr(r.line, "34000"));
	ck_assert(strstr(r.line, "timeout"));
	close(r.fd);
}
END_TEST

/* coturn gives an id once; this stands for whatever keeps one from being registered. */
START_TEST(what_is_not_reported_takes_no_number)
{
	struct reader r = { .n = 0 };
	struct cell *cells[3];

	subscribe(&r);
	cells[0] = allocate(1, "9:alice:" CALL_A);
	expect(&r, "\"seq\":1,");
	cells[1] = allocate(1, "9:alice:" CALL_A);
	cells[2] = allocate(2, "9:bob");
	expect(&r, "\"seq\":2,");
	ck_assert(strstr(r.line, "\"new\"") && strstr(r.line, "bob"));
	for (size_t i = 0; i < 3; i++)
		end(cells[i], 1, "general");
	close(r.fd);
}
END_TEST

START_TEST(the_snapshot_shows_what_lives)
{
	struct reader r = { .n = 0 };
	struct cell *a = allocate(1, "9:alice"), *b = allocate(2, "9:bob"),
		    *c = allocate(3, "9:carol");
	struct relay_totals t = { .peer_sent_bytes = 777 };

	end(b, 0, "");
	cell_publish(c, &t);
	turn();
	greet(&r);
	say(&r, "{\"c\":\"sub\"}\n");
	expect(&r, "alice");
	ck_assert(strstr(r.line, "\"snap\""));
	expect(&r, "carol");
	ck_assert(strstr(r.line, "777"));
	expect(&r, "synced");
	expect(&r, "\"secrets\"");
	say(&r, "{\"c\":\"sub\",\"id\":5}\n");
	expect(&r, "subscribed already");
	end(a, 0, "");
	end(c, 0, "");
	expect(&r, "\"end\"");
	expect(&r, "\"end\"");
	close(r.fd);
}
END_TEST

START_TEST(usage_comes_by_time_also_of_what_is_muted)
{
	struct relay_totals t = { .peer_sent_packets = 3, .peer_sent_bytes = 510 };
	struct cell *a = allocate(1, "9:alice"), *b = allocate(2, "9:bob");
	struct reader r = { .n = 0 };

	subscribe(&r);
	cell_publish(a, &t);
	expect(&r, "\"usage\"");
	ck_assert(strstr(r.line, "000000000000000001"));
	ck_assert(strstr(r.line, "510"));
	ck_assert(strstr(r.line, "000000000000000002"));
	t.peer_sent_bytes = 999;
	cell_publish(b, &t);
	expect(&r, "\"usage\"");
	ck_assert(strstr(r.line, "999"));
	ck_assert(strstr(r.line, "000000000000000001"));
	end(a, 510, "");
	end(b, 999, "");
	close(r.fd);
	turn();
}
END_TEST

START_TEST(kill_cancels_and_names_itself_as_the_reason)
{
	struct cell *a = allocate(1, "9:alice:" CALL_A), *b = allocate(2, "9:bob:" CALL_A);
	struct cell *c = allocate(3, "9:carol");
	struct reader r = { .n = 0 };

	subscribe(&r);
	say(&r, "{\"c\":\"kill\",\"id\":7,\"call\":\"" CALL_A "\",\"reason\":\"call ended\"}\n");
	expect(&r, "\"reply\"");
	ck_assert(strstr(r.line, "7"));
	ck_assert(strstr(r.line, "\"count\":2"));
	ck_assert_uint_eq(cancelled_n, 2);
	ck_assert_uint_eq(cancelled[0], 1);
	ck_assert_uint_eq(cancelled[1], 2);
	end(a, 1, "Forceful shutdown");
	expect(&r, "kill: call ended");
	end(b, 1, "Forceful shutdown");
	expect(&r, "kill: call ended");
	say(&r, "{\"c\":\"kill\",\"user\":\"carol\"}\n");
	expect(&r, "\"count\":1");
	end(c, 1, "Forceful shutdown");
	expect(&r, "\"kill\"");
	say(&r, "{\"c\":\"kill\",\"alloc\":\"000000000000000003\"}\n");
	expect(&r, "\"count\":0");
	say(&r, "{\"c\":\"kill\"}\n");
	expect(&r, "\"ok\":false");
	close(r.fd);
}
END_TEST

START_TEST(list_selects_and_stats_count)
{
	struct cell *a = allocate(1, "9:alice:" CALL_A), *b = allocate(2, "9:bob");
	struct reader r = { .n = 0 };

	turn();
	greet(&r);
	say(&r, "{\"c\":\"list\",\"id\":1,\"user\":\"bob\"}\n{\"c\":\"list\",\"id\":2}\n{\"c\":"
		"\"stats\",\"id\":3}\n");
	expect(&r, "bob");
	expect(&r, "\"count\":1");
	expect(&r, "alice");
	expect(&r, "bob");
	expect(&r, "\"count\":2");
	expect(&r, "\"live\":2");
	ck_assert(strstr(r.line, "\"accepted\":1"));
	end(a, 0, "");
	end(b, 0, "");
	close(r.fd);
	turn();
}
END_TEST

START_TEST(bad_lines_are_answered_and_the_eighth_closes)
{
	struct reader r = { .n = 0 };
	int i;

	greet(&r);
	for (i = 0; i < ADMIN_ERRORS_MAX; i++) {
		say(&r, i % 2 ? "{\"c\":\"dance\"}\n" : "not json\n");
		expect(&r, "\"ok\":false");
	}
	expect_end_of_connection(&r);
}
END_TEST

START_TEST(an_error_reply_says_which_command_it_is_about)
{
	struct reader r = { .n = 0 };

	greet(&r);
	say(&r, "{\"c\":\"kill\",\"id\":41}\n{\"c\":\"list\",\"call\":7,\"id\":42}\n");
	expect(&r, "\"id\":41,\"ok\":false");
	expect(&r, "\"id\":42,\"ok\":false");
	close(r.fd);
}
END_TEST

START_TEST(an_endless_line_is_answered_once_and_skipped)
{
	struct reader r = { .n = 0 };
	char *text = malloc(100000);
	int i;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 99999);
	text[99999] = '\0';
	greet(&r);
	for (i = 0; i < 3; i++)
		say(&r, text);
	say(&r, "\n{\"c\":\"stats\",\"id\":3}\n");
	expect(&r, "too long");
	expect(&r, "\"malformed\":1");
	/* One that is just too long, in one piece with its end. */
	text[RELAY_LINE_MAX] = '\0';
	text[RELAY_LINE_MAX - 1] = 'x';
	say(&r, text);
	say(&r, "\n");
	expect(&r, "too long");
	free(text);
	close(r.fd);
}
END_TEST

START_TEST(one_client_too_many_is_told_and_closed)
{
	struct reader r[ADMIN_CLIENTS_MAX + 1], extra = { .n = 0 };
	int i;

	for (i = 0; i <= ADMIN_CLIENTS_MAX; i++)
		greet(&r[i]); /* all of them could be the ledger */
	extra.fd = connect_fd();
	expect(&extra, "too many");
	expect_end_of_connection(&extra);
	close(r[0].fd);
	turn();
	turn();
	greet(&extra);
	say(&extra, "{\"c\":\"stats\"}\n");
	expect(&extra, "\"turnedAway\":1");
	close(extra.fd);
	for (i = 1; i <= ADMIN_CLIENTS_MAX; i++)
		close(r[i].fd);
}
END_TEST

/* Connects as nobody and waits for its first line. */
static void come_as_a_stranger(const char *first_line)
{
	struct reader r = { .n = 0 };
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct pollfd p = { .events = POLLIN };

		if (setuid(65534) < 0)
			_exit(10);
		p.fd = connect_fd();
		if (poll(&p, 1, LINE_WAIT_MS) != 1 || read(p.fd, r.buf, sizeof(r.buf) - 1) <= 0)
			_exit(11);
		_exit(strstr(r.buf, first_line) ? 0 : 12);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		turn();
		usleep(1000);
	}
	ck_assert_int_eq(status, 0);
}

START_TEST(watchers_do_not_take_the_place_of_the_ledger)
{
	struct reader r[ADMIN_CLIENTS_MAX], ledger = { .n = 0 }, watcher = { .n = 0 };
	int i;

	for (i = 0; i < ADMIN_CLIENTS_MAX; i++)
		greet(&r[i]);
	if (geteuid() == 0) { /* only root can become a stranger */
		ck_assert_int_eq(chmod(dir, 0711), 0);
		ck_assert_int_eq(chmod(path, 0666), 0);
		come_as_a_stranger("too many");
	}
	greet(&ledger);
	say(&ledger, "{\"c\":\"sub\",\"role\":\"ledger\"}\n");
	expect(&ledger, "synced");
	close(r[0].fd);
	turn();
	turn();
	greet(&watcher);
	close(watcher.fd);
	close(ledger.fd);
	for (i = 1; i < ADMIN_CLIENTS_MAX; i++)
		close(r[i].fd);
}
END_TEST

enum { MANY = 12000 };
static struct cell *many[MANY];

static void allocate_many(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		many[i] = allocate((uint64_t)i + 1, "9:somebody:" CALL_A);
	for (i = 0; i < MANY / 256 + 2; i++)
		turn();
}

static void end_many(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		end(many[i], 0, "");
	for (i = 0; i < MANY / 256 + 2; i++)
		turn();
}

static unsigned long number_after(const char *line, const char *key)
{
	const char *p = strstr(line, key);

	ck_assert_ptr_nonnull(p);
	return strtoul(p + strlen(key), NULL, 10);
}

static void ask_for_stats(evutil_socket_t fd, short what, void *arg)
{
	static const char line[] = "{\"c\":\"stats\"}\n";

	(void)fd;
	(void)what;
	ck_assert_int_gt(write(((struct reader *)arg)->fd, line, sizeof(line) - 1), 0);
}

START_TEST(others_get_their_turn_while_there_is_much_to_do)
{
	struct reader r = { .n = 0 };
	struct event *asks;
	int i;

	greet(&r);
	for (i = 0; i < MANY; i++)
		many[i] = allocate((uint64_t)i + 1, "9:somebody:" CALL_A);
	/* The question comes when the first allocations have been looked at. */
	asks = event_new(base, -1, 0, ask_for_stats, &r);
	event_active(asks, 0, 0);
	expect(&r, "\"live\"");
	ck_assert_uint_lt(number_after(r.line, "\"live\":"), MANY);
	event_free(asks);
	close(r.fd);
	end_many();
}
END_TEST

START_TEST(a_list_under_way_is_finished_before_a_snapshot_can_begin)
{
	struct reader r = { .n = 0 };

	allocate_many();
	greet(&r);
	say(&r, "{\"c\":\"list\",\"id\":1}\n{\"c\":\"sub\",\"id\":2}\n");
	while (!strstr(next_line(&r), "\"id\":2"))
		ck_assert(strstr(r.line, "\"snap\""));
	ck_assert(strstr(r.line, "busy"));
	while (!strstr(next_line(&r), "\"reply\""))
		ck_assert(strstr(r.line, "\"snap\""));
	ck_assert_uint_eq(number_after(r.line, "\"count\":"), MANY);
	say(&r, "{\"c\":\"sub\"}\n");
	while (!strstr(next_line(&r), "synced"))
		;
	close(r.fd);
	end_many();
}
END_TEST

START_TEST(whoever_stops_writing_still_gets_the_whole_answer)
{
	struct reader r = { .n = 0 };
	int snaps = 0;

	allocate_many();
	greet(&r);
	say(&r, "{\"c\":\"list\"}\n");
	ck_assert_int_eq(shutdown(r.fd, SHUT_WR), 0);
	while (next_line(&r) && strstr(r.line, "\"snap\""))
		snaps++;
	ck_assert_int_eq(snaps, MANY);
	ck_assert(strstr(r.line, "\"count\":12000"));
	expect_end_of_connection(&r);
	end_many();
}
END_TEST

/* More lines than are looked at in one turn, of which most want no answer: all that was said has
 * been read, and is waiting for nothing. */
START_TEST(whoever_stops_writing_is_answered_to_the_last_line)
{
	static const char list[] = "{\"c\":\"list\"}\n";
	struct reader r = { .n = 0 };
	char lines[4000];
	int answers = 0;

	memset(lines, '\n', sizeof(lines));
	memcpy(lines, list, sizeof(list) - 1);
	memcpy(lines + sizeof(lines) - (sizeof(list) - 1), list, sizeof(list) - 1);
	greet(&r);
	ck_assert_int_eq(write(r.fd, lines, sizeof(lines)), sizeof(lines));
	ck_assert_int_eq(shutdown(r.fd, SHUT_WR), 0);
	while (next_line(&r))
		answers++;
	ck_assert_int_eq(answers, 2);
	close(r.fd);
}
END_TEST

START_TEST(whoever_stops_writing_and_reading_is_closed)
{
	struct reader mute = { .n = 0 }, r = { .n = 0 };
	struct pollfd p;
	uint64_t until;

	allocate_many();
	greet(&mute);
	say(&mute, "{\"c\":\"list\"}\n");
	ck_assert_int_eq(shutdown(mute.fd, SHUT_WR), 0);
	p = (struct pollfd){ .fd = mute.fd }; /* POLLHUP, whatever is unread */
	for (until = admin_now_ms() + LINE_WAIT_MS; poll(&p, 1, 0) == 0; usleep(10000)) {
		ck_assert(admin_now_ms() < until);
		turn();
	}
	greet(&r);
	say(&r, "{\"c\":\"stats\"}\n");
	expect(&r, "\"clients\":1,");
	close(mute.fd);
	close(r.fd);
	end_many();
}
END_TEST

START_TEST(the_end_comes_after_the_samples)
{
	struct relay_totals t = { .peer_sent_packets = 1, .peer_sent_bytes = 170 };
	struct reader r = { .n = 0 };

	allocate_many();
	subscribe(&r);
	turn();
	cell_publish(many[1], &t);
	event_base_loop(base, EVLOOP_ONCE); /* waits for the round, and begins it */
	end(many[1], 340, "");
	expect(&r, "\"usage\"");
	ck_assert(strstr(r.line, "000000000000000002"));
	while (!strstr(next_line(&r), "\"end\""))
		ck_assert(strstr(r.line, "\"usage\""));
	ck_assert(strstr(r.line, "340"));
	close(r.fd);
	many[1] = allocate(MANY + 1, "9:somebody:" CALL_A);
	end_many();
}
END_TEST

START_TEST(a_large_snapshot_is_whole_and_ordered_while_life_goes_on)
{
	static char seen[MANY + 2];
	struct reader r = { .n = 0 };
	struct cell *late;
	const char *line;
	int snaps = 0, ends = 0;

	allocate_many();
	greet(&r);
	say(&r, "{\"c\":\"sub\"}\n");
	expect(&r, "\"snap\"");
	seen[1] = 1;
	end(many[MANY - 1], 5, "allocation timeout"); /* not shown yet */
	end(many[0], 5, "allocation timeout");	      /* shown */
	late = allocate(MANY + 1, "9:late");
	for (snaps = 1; (line = next_line(&r)) && strstr(line, "\"snap\""); snaps++) {
		unsigned long id = strtoul(strstr(line, "0000000000000"), NULL, 10);

		ck_assert_uint_le(id, MANY);
		ck_assert(!seen[id]);
		seen[id] = 1;
	}
	ck_assert_int_eq(snaps, MANY);
	ck_assert(strstr(line, "synced"));
	expect(&r, "\"secrets\"");
	expect(&r, "\"end\"");
	expect(&r, "\"end\"");
	expect(&r, "9:late");
	ck_assert(strstr(r.line, "\"new\""));
	for (ends = 1; ends < MANY - 1; ends++)
		end(many[ends], 5, "");
	end(late, 5, "");
	for (ends = 0; ends < MANY - 1; ends++)
		expect(&r, "\"end\"");
	close(r.fd);
	turn();
}
END_TEST

START_TEST(a_slow_reader_misses_samples_and_catches_up)
{
	struct relay_totals t = { .peer_sent_bytes = 0 };
	struct reader slow = { .n = 0 }, r = { .n = 0 };
	unsigned round, skipped = 0;
	bool caught_up = false;
	int i;

	allocate_many();
	greet(&slow);
	say(&slow, "{\"c\":\"sub\"}\n");
	while (!strstr(next_line(&slow), "synced"))
		;
	greet(&r);
	for (round = 1; round < 8 && !skipped; round++) {
		uint64_t until = admin_now_ms() + 1100;

		t.peer_sent_bytes = 1000 + round;
		for (i = 0; i < MANY; i++)
			cell_publish(many[i], &t);
		while (admin_now_ms() < until)
			turn();
		say(&r, "{\"c\":\"stats\"}\n");
		expect(&r, "\"usageSkipped\"");
		skipped = (unsigned)number_after(r.line, "\"usageSkipped\":");
	}
	ck_assert_uint_gt(skipped, 0);
	/* Now it reads again, and gets the last totals of everybody. */
	for (i = 0; i < 4 * MANY / RELAY_USAGE_ROWS * 8 && !caught_up; i++) {
		char last[32], total[32];

		snprintf(last, sizeof(last), "%018d", MANY);
		snprintf(total, sizeof(total), "%llu", (unsigned long long)t.peer_sent_bytes);
		next_line(&slow);
		caught_up = strstr(slow.line, last) && strstr(slow.line, total) &&
			    number_after(slow.line, "\"skipped\":") > 0;
	}
	ck_assert(caught_up);
	for (i = 0; i < MANY; i++)
		end(many[i], 0, "");
	close(slow.fd);
	close(r.fd);
	for (i = 0; i < MANY / 256 + 2; i++)
		turn();
}
END_TEST

START_TEST(a_dead_reader_is_closed_at_the_hard_mark)
{
	struct reader dead = { .n = 0 }, r = { .n = 0 };
	uint64_t sid = 0;
	int i;

	subscribe(&dead);
	greet(&r);
	for (i = 0; i < 40; i++) {
		struct cell *c[1000];
		int j;

		for (j = 0; j < 1000; j++)
			c[j] = allocate(++sid, "9:somebody:" CALL_A);
		for (j = 0; j < 1000; j++)
			end(c[j], 0, "");
		for (j = 0; j < 10; j++)
			turn();
	}
	say(&r, "{\"c\":\"stats\"}\n");
	expect(&r, "\"closedSlow\":1");
	ck_assert(strstr(r.line, "\"clients\":1"));
	close(dead.fd);
	close(r.fd);
}
END_TEST

START_TEST(a_stranger_may_watch_but_not_kill)
{
	struct cell *c = allocate(1, "9:alice");
	struct reader r = { .n = 0 };
	int status, i;
	pid_t pid;

	if (geteuid() != 0)
		return; /* only root can become a stranger */
	turn();
	ck_assert_int_eq(chmod(dir, 0711), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		static const char kill_line[] = "{\"c\":\"kill\",\"id\":1,\"user\":\"alice\"}\n";
		char buf[4096];
		ssize_t n = 0, got;
		int fd;

		if (setuid(65534) < 0)
			_exit(10);
		fd = connect_fd();
		if (write(fd, kill_line, sizeof(kill_line) - 1) < 0)
			_exit(11);
		for (i = 0; i < 500; i++) {
			got = read(fd, buf + n, sizeof(buf) - 1 - (size_t)n);
			if (got > 0)
				n += got;
			buf[n] = '\0';
			if (strstr(buf, "not permitted"))
				_exit(0);
			usleep(10000);
		}
		_exit(12);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		turn();
		usleep(1000);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(cancelled_n, 0);
	greet(&r);
	say(&r, "{\"c\":\"stats\"}\n");
	expect(&r, "\"commandsRefused\":1");
	close(r.fd);
	end(c, 0, "");
	turn();
}
END_TEST

/* --- users that come later ------------------------------------------------------------------ */

static int late_answer, late_takes_ms; /* of find_late() */
static uid_t late_uid;
static unsigned asked_for_late;

static int find_late(const char *name, uid_t *out)
{
	if (strcmp(name, "early") == 0) {
		*out = 100;
		return 0;
	}
	asked_for_late++;
	if (late_takes_ms)
		usleep((useconds_t)late_takes_ms * 1000);
	if (late_answer == 0)
		*out = late_uid;
	return late_answer;
}

static const char *const late_names[] = { "early", "late" };

static void init_late(struct admin_users *u)
{
	late_answer = -ENOENT;
	late_takes_ms = 0;
	late_uid = 200;
	asked_for_late = 0;
	log_set_sink(quiet);
	admin_users_init(u, late_names, 2, find_late);
	ck_assert_uint_eq(asked_for_late, 1);
}

START_TEST(a_user_that_is_made_later_may_command_then)
{
	struct admin_users u;

	init_late(&u);
	ck_assert(admin_users_permit(&u, 100, 1));
	ck_assert(!admin_users_permit(&u, 200, 1));
	ck_assert(!admin_users_permit(&u, 300, 1));
	late_answer = 0;
	ck_assert(admin_users_permit(&u, 200, 2));
	ck_assert(!admin_users_permit(&u, 300, 2));
}
END_TEST

START_TEST(a_user_that_is_made_anew_may_command_and_his_old_number_not)
{
	struct admin_users u;

	init_late(&u);
	late_answer = 0;
	ck_assert(admin_users_permit(&u, 200, 1));
	late_answer = -ENOENT; /* purged; the number may be somebody else's */
	ck_assert(!admin_users_permit(&u, 200, 2));
	late_answer = 0;
	late_uid = 201;
	ck_assert(admin_users_permit(&u, 201, 3));
	ck_assert(!admin_users_permit(&u, 200, 3));
}
END_TEST

START_TEST(users_whom_nobody_can_look_up_stay)
{
	struct admin_users u;

	init_late(&u);
	late_answer = 0;
	ck_assert(admin_users_permit(&u, 200, 1));
	late_answer = -EIO;
	ck_assert(admin_users_permit(&u, 200, 2));
}
END_TEST

START_TEST(how_often_a_user_is_looked_up_is_bounded)
{
	struct admin_users u;
	unsigned i;

	init_late(&u);
	for (i = 0; i < 1000; i++)
		ck_assert(!admin_users_permit(&u, 200, 5));
	ck_assert_uint_eq(asked_for_late, 1 + ADMIN_USERS_LOOKS);
	late_answer = 0;
	ck_assert(!admin_users_permit(&u, 200, 5));
	ck_assert(admin_users_permit(&u, 100, 5));
	ck_assert(admin_users_permit(&u, 200, 5 + ADMIN_USERS_LOOKS_MS));
}
END_TEST

START_TEST(a_slow_answer_is_not_asked_for_again_soon)
{
	struct admin_users u;
	uint64_t ms;

	init_late(&u);
	late_takes_ms = ADMIN_USERS_SLOW_MS;
	for (ms = 1; ms <= ADMIN_USERS_REST * ADMIN_USERS_SLOW_MS; ms += 10)
		ck_assert(!admin_users_permit(&u, 200, ms));
	ck_assert_uint_eq(asked_for_late, 2);
	ck_assert(!admin_users_permit(&u, 200, 60000));
	ck_assert_uint_eq(asked_for_late, 3);
}
END_TEST

START_TEST(without_names_nobody_is_permitted)
{
	struct admin_users u;

	admin_users_init(&u, NULL, 0, find_late);
	ck_assert(!admin_users_permit(&u, 0, 1));
	ck_assert(!admin_users_permit(&u, 100, 1));
}
END_TEST

START_TEST(a_user_that_does_not_exist_does_not_keep_the_socket_from_serving)
{
	struct reader r;

	greet(&r);
	say(&r, "{\"c\":\"stats\"}\n");
	expect(&r, "\"ok\":true");
	close(r.fd);
}
END_TEST

static void setup_late(void)
{
	options_set(&options, OPTION_USER, "no-such-user-here");
	setup();
}

/* --- the path -------------------------------------------------------------------------------- */

static void make_dir(void)
{
	strcpy(dir, "/tmp/check_ext.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/admin.sock", dir);
}

static void remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

START_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
	char err[256] = "";
	int fd = socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err));

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err)),
			 -EADDRINUSE);
	ck_assert(strstr(err, "in use"));
	close(fd);
	fd = socket_path_listen("admin-socket", path, getgid(), err, sizeof(err));
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(two_servers_do_not_start_at_the_same_path_at_once)
{
	char err[256] = "";
	int fd, folder = open(dir, O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(flock(folder, LOCK_EX), 0);
	ck_assert_int_eq(socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err)),
			 -EADDRINUSE);
	ck_assert(strstr(err, "starting"));
	close(folder);
	fd = socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err));
	ck_assert_int_ge(fd, 0);
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(folder, LOCK_EX | LOCK_NB), 0); /* only while starting */
	close(folder);
	close(fd);
}
END_TEST

START_TEST(the_mode_is_there_from_the_first_moment_on)
{
	mode_t old = umask(0);
	char err[256] = "";
	struct stat st;
	int fd = socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err));

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(umask(old), 0); /* as it was */
	close(fd);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	char err[256] = "";
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(socket_path_listen("admin-socket", path, (gid_t)-1, err, sizeof(err)),
			 -EEXIST);
	ck_assert(strstr(err, "no socket"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_refused)
{
	char err[256] = "", longer[300];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(socket_path_listen("admin-socket", longer, (gid_t)-1, err, sizeof(err)),
			 -ENAMETOOLONG);
	snprintf(longer, sizeof(longer), "%s/none/admin.sock", dir);
	ck_assert_int_eq(socket_path_listen("admin-socket", longer, (gid_t)-1, err, sizeof(err)),
			 -ENOENT);
	ck_assert(strstr(err, "none/admin.sock"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext admin socket");
	TCase *admin = tcase_create("admin"), *place = tcase_create("path");
	TCase *late = tcase_create("late users"), *serves = tcase_create("serves");

	signal(SIGPIPE, SIG_IGN); /* as turnserver does */
	tcase_add_checked_fixture(admin, setup, teardown);
	tcase_set_timeout(admin, 60);
	tcase_add_test(admin, hello_comes_first);
	tcase_add_test(admin, the_socket_is_for_owner_and_group_only);
	tcase_add_test(admin, the_socket_of_a_successor_is_not_removed);
	tcase_add_test(admin, a_subscriber_sees_birth_and_end);
	tcase_add_test(admin, what_is_not_reported_takes_no_number);
	tcase_add_test(admin, the_snapshot_shows_what_lives);
	tcase_add_test(admin, usage_comes_by_time_also_of_what_is_muted);
	tcase_add_test(admin, kill_cancels_and_names_itself_as_the_reason);
	tcase_add_test(admin, list_selects_and_stats_count);
	tcase_add_test(admin, bad_lines_are_answered_and_the_eighth_closes);
	tcase_add_test(admin, an_error_reply_says_which_command_it_is_about);
	tcase_add_test(admin, an_endless_line_is_answered_once_and_skipped);
	tcase_add_test(admin, one_client_too_many_is_told_and_closed);
	tcase_add_test(admin, watchers_do_not_take_the_place_of_the_ledger);
	tcase_add_test(admin, others_get_their_turn_while_there_is_much_to_do);
	tcase_add_test(admin, a_list_under_way_is_finished_before_a_snapshot_can_begin);
	tcase_add_test(admin, whoever_stops_writing_still_gets_the_whole_answer);
	tcase_add_test(admin, whoever_stops_writing_is_answered_to_the_last_line);
	tcase_add_test(admin, whoever_stops_writing_and_reading_is_closed);
	tcase_add_test(admin, the_end_comes_after_the_samples);
	tcase_add_test(admin, a_large_snapshot_is_whole_and_ordered_while_life_goes_on);
	tcase_add_test(admin, a_slow_reader_misses_samples_and_catches_up);
	tcase_add_test(admin, a_dead_reader_is_closed_at_the_hard_mark);
	tcase_add_test(admin, a_stranger_may_watch_but_not_kill);
	suite_add_tcase(s, admin);
	tcase_add_checked_fixture(place, make_dir, remove_dir);
	tcase_add_test(place, a_stale_socket_is_replaced_and_a_live_one_is_not);
	tcase_add_test(place, two_servers_do_not_start_at_the_same_path_at_once);
	tcase_add_test(place, the_mode_is_there_from_the_first_moment_on);
	tcase_add_test(place, what_is_no_socket_is_left_alone);
	tcase_add_test(place, a_path_that_cannot_be_is_refused);
	tcase_add_test(late, a_user_that_is_made_later_may_command_then);
	tcase_add_test(late, how_often_a_user_is_looked_up_is_bounded);
	tcase_add_test(late, a_user_that_is_made_anew_may_command_and_his_old_number_not);
	tcase_add_test(late, users_whom_nobody_can_look_up_stay);
	tcase_add_test(late, a_slow_answer_is_not_asked_for_again_soon);
	tcase_add_test(late, without_names_nobody_is_permitted);
	suite_add_tcase(s, late);
	tcase_add_checked_fixture(serves, setup_late, teardown);
	tcase_add_test(serves, a_user_that_does_not_exist_does_not_keep_the_socket_from_serving);
	suite_add_tcase(s, serves);
	suite_add_tcase(s, place);
	return run_suite(s);
}
