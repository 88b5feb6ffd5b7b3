/* check_stream.c - bytes of a connection, plain and over TLS */
#include <signal.h>

#include "run_suite.h"
#include "tls_fixture.h"

#define BIG (1 << 20)

static struct tls_context *context;
static struct tls_link tl; /* over TLS */
static uint8_t big[BIG], got[BIG];

static void setup(void)
{
	size_t i;

	signal(SIGPIPE, SIG_DFL); /* a write to nobody must not kill us */
	tls_setup();
	tls_make_pair("a", "EC", NULL);
	context = tls_context_of("a.crt", "a.key");
	tls_link_open(&tl, context);
	ck_assert_int_eq(tls_link_shake(&tl, NULL), 0);
	for (i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
}

static void teardown(void)
{
	tls_link_close(&tl);
	tls_context_free(context);
	tls_teardown();
}

/* What the client can read now. */
static size_t client_reads(uint8_t *p, size_t n)
{
	size_t at = 0, step;

	while (at < n && SSL_read_ex(tl.client, p + at, n - at, &step) == 1)
		at += step;
	return at;
}

START_TEST(a_plain_stream_is_its_socket)
{
	struct iovec iov[2] = { { (void *)"ab", 2 }, { (void *)"cd", 2 } };
	struct stream s;
	char buf[8];
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	stream_init(&s, fd[0]);
	ck_assert_int_eq(stream_handshake(&s), 0);
	ck_assert_int_eq(stream_read(&s, buf, sizeof(buf)), -EAGAIN);
	ck_assert_int_eq(stream_writev(&s, iov, 2), 4);
	ck_assert_int_eq(stream_writev(&s, NULL, 0), 0);
	ck_assert_int_eq(read(fd[1], buf, sizeof(buf)), 4);
	ck_assert(!stream_pending(&s) && !stream_wants(&s));
	stream_shutdown(&s);
	ck_assert_int_eq(read(fd[1], buf, sizeof(buf)), 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_int_eq(stream_read(&s, buf, sizeof(buf)), 1);
	close(fd[1]);
	ck_assert_int_eq(stream_read(&s, buf, sizeof(buf)), 0);
	stream_close(&s);
	stream_close(&s);
	ck_assert_int_eq(s.fd, -1);
}
END_TEST

START_TEST(a_plain_write_to_nobody_is_an_error)
{
	struct iovec iov = { (void *)"ab", 2 };
	struct stream s;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	stream_init(&s, fd[0]);
	close(fd[1]);
	ck_assert_int_eq(stream_writev(&s, &iov, 1), -EPIPE);
	stream_close(&s);
}
END_TEST

START_TEST(small_pieces_share_a_record)
{
	struct iovec iov[40];
	size_t i, n;

	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){ big + i * 100, 100 };
	ck_assert_int_eq(stream_writev(&tl.server, iov, 40), 4000);
	ck_assert_int_eq(SSL_read_ex(tl.client, got, BIG, &n), 1);
	ck_assert_uint_eq(n, 4000);
	ck_assert_mem_eq(got, big, 4000);
}
END_TEST

START_TEST(empty_pieces_do_not_hurt)
{
	struct iovec iov[] = { { big, 0 }, { big, 10 }, { NULL, 0 }, { big + 10, 5 }, { big, 0 } };

	ck_assert_int_eq(stream_writev(&tl.server, iov, 5), 15);
	ck_assert_uint_eq(client_reads(got, BIG), 15);
	ck_assert_mem_eq(got, big, 15);
	ck_assert_int_eq(stream_writev(&tl.server, iov, 1), 0);
}
END_TEST

/* Odd sizes around the length of a record; every byte that was taken is overwritten at once. */
START_TEST(what_was_taken_may_be_overwritten)
{
	static const size_t sizes[] = { 1, 16384, 16383, 3, 20000, 16385, 50000, 7 };
	size_t at = 0, seen = 0, turn = 0;
	bool was_full = false;

	while (seen < BIG) {
		size_t step = sizes[turn++ % 8];
		struct iovec iov[2];
		uint8_t *copy;
		ssize_t n;

		step = step > BIG - at ? BIG - at : step;
		copy = malloc(step + 1);
		memcpy(copy, big + at, step);
		iov[0] = (struct iovec){ copy, step / 3 };
		iov[1] = (struct iovec){ copy + step / 3, step - step / 3 };
		n = stream_writev(&tl.server, iov, step ? 2 : 0);
		memset(copy, 0xee, step);
		free(copy);
		if (n == -EAGAIN) {
			was_full = true;
			ck_assert_uint_eq(stream_wants(&tl.server), STREAM_WRITE);
			seen += client_reads(got + seen, BIG - seen);
			continue;
		}
		ck_assert_int_ge(n, 0);
		at += (size_t)n;
		if (at == BIG)
			seen += client_reads(got + seen, BIG - seen);
	}
	ck_assert(was_full);
	ck_assert_mem_eq(got, big, BIG);
	ck_assert_uint_eq(stream_wants(&tl.server), 0);
}
END_TEST

/* The client asks for new keys and reads nothing: our KeyUpdate must go out before anything that
 * is encrypted with them. */
START_TEST(new_keys_come_between_while_the_socket_is_full)
{
	struct iovec iov = { big, 10000 };
	size_t taken = 0, i, seen;
	uint8_t none[1];
	ssize_t n;

	while ((n = stream_writev(&tl.server, &iov, 1)) > 0)
		taken += (size_t)n;
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert_int_eq(SSL_key_update(tl.client, SSL_KEY_UPDATE_REQUESTED), 1);
	ck_assert_int_eq(SSL_do_handshake(tl.client), 1);
	ck_assert_int_eq(stream_read(&tl.server, none, 1), -EAGAIN);
	for (i = 0; i < 200; i++) { /* a little room at a time */
		seen = client_reads(got, 3000);
		if (seen < 3000)
			break;
		while ((n = stream_writev(&tl.server, &iov, 1)) > 0)
			taken += (size_t)n;
		ck_assert_int_eq(n, -EAGAIN);
		ck_assert_int_ne(SSL_get_error(tl.client, -1), SSL_ERROR_SSL);
	}
	ck_assert_uint_eq(i, 200);
	taken -= 200 * 3000;
	while (taken) {
		seen = client_reads(got, BIG);
		ck_assert_uint_ge(taken, seen);
		taken -= seen;
		ck_assert(seen || stream_writev(&tl.server, NULL, 0) >= -EAGAIN);
	}
	ck_assert_int_eq(stream_writev(&tl.server, NULL, 0), 0);
}
END_TEST

/* No room for the KeyUpdate itself: the bytes have not been encrypted, so they are not taken. */
START_TEST(nothing_is_taken_while_new_keys_wait)
{
	struct iovec iov = { big, 100 }, other = { big + 100, 200 };
	ssize_t filled = 0, drained = 0, n;

	ck_assert_uint_eq(client_reads(got, 1), 0); /* its ticket */
	ck_assert_int_eq(SSL_key_update(tl.client, SSL_KEY_UPDATE_REQUESTED), 1);
	ck_assert_int_eq(SSL_do_handshake(tl.client), 1);
	ck_assert_int_eq(stream_read(&tl.server, got, 1), -EAGAIN);
	while ((n = send(tl.server.fd, big, 1, 0)) > 0)
		filled += n;
	ck_assert_int_eq(stream_writev(&tl.server, &iov, 1), -EAGAIN);
	ck_assert_int_eq(stream_writev(&tl.server, &iov, 1), -EAGAIN);
	while (drained < filled && (n = recv(tl.client_fd, got, (size_t)(filled - drained), 0)) > 0)
		drained += n;
	ck_assert_int_eq(stream_writev(&tl.server, &other, 1), 200);
	ck_assert_uint_eq(client_reads(got, BIG), 200);
	ck_assert_mem_eq(got, big + 100, 200);
}
END_TEST

/* What the client writes from here on, in one piece. */
static BIO *client_saves(void)
{
	BIO *out = BIO_new(BIO_s_mem());

	BIO_up_ref(out);
	SSL_set0_wbio(tl.client, out);
	return out;
}

static void client_asks_for_new_keys(int times)
{
	while (times--) {
		ck_assert_int_eq(SSL_key_update(tl.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(tl.client), 1);
	}
}

static void send_saved(BIO *out)
{
	char *p;
	long n = BIO_get_mem_data(out, &p);

	ck_assert_int_eq(send(tl.client_fd, p, (size_t)n, 0), n);
	BIO_free(out);
}

/* OpenSSL would go on for as long as they come, and each costs it a thousand times its bytes. */
START_TEST(a_flood_of_new_keys_is_an_end)
{
	BIO *out = client_saves();

	client_asks_for_new_keys(2000);
	send_saved(out);
	ck_assert_int_eq(stream_read(&tl.server, got, 1), 0);
	ck_assert(stream_pending(&tl.server));
}
END_TEST

START_TEST(a_flood_with_words_between_is_one_too)
{
	BIO *out = client_saves();
	size_t i, n;

	for (i = 0; i < 500; i++) {
		client_asks_for_new_keys(4);
		ck_assert_int_eq(SSL_write_ex(tl.client, "x", 1, &n), 1);
	}
	send_saved(out);
	ck_assert_int_lt(stream_read(&tl.server, got, BIG), 4);
	ck_assert_int_eq(stream_read(&tl.server, got, BIG), 0);
}
END_TEST

START_TEST(a_few_new_keys_are_none)
{
	BIO *out = client_saves();
	size_t n;

	client_asks_for_new_keys(3);
	ck_assert_int_eq(SSL_write_ex(tl.client, "x", 1, &n), 1);
	send_saved(out);
	ck_assert_int_eq(stream_read(&tl.server, got, 10), 1);
}
END_TEST

START_TEST(what_the_client_says_is_read_whole)
{
	size_t at = 0, sent = 0, n;
	ssize_t r;

	SSL_set_mode(tl.client, SSL_MODE_ENABLE_PARTIAL_WRITE);
	while (at < BIG) {
		if (sent < BIG && SSL_write_ex(tl.client, big + sent, BIG - sent, &n) == 1)
			sent += n;
		do {
			r = stream_read(&tl.server, got + at, BIG - at > 5000 ? 5000 : BIG - at);
			at += r > 0 ? (size_t)r : 0;
		} while (r > 0 && stream_pending(&tl.server));
		ck_assert(r >= 0 || r == -EAGAIN);
	}
	ck_assert_mem_eq(got, big, BIG);
	ck_assert(!stream_pending(&tl.server));
}
END_TEST

START_TEST(a_clients_end_is_an_end_with_or_without_notice)
{
	struct iovec iov = { big, 10 };
	char c;

	if (_i)
		SSL_shutdown(tl.client);
	else
		shutdown(tl.client_fd, SHUT_WR);
	ck_assert_int_eq(stream_read(&tl.server, &c, 1), 0);
	ck_assert_int_eq(stream_read(&tl.server, &c, 1), 0);
	ck_assert(
		stream_pending(&tl.server)); /* whoever takes it over learns it without an event */
	ck_assert_int_eq(stream_writev(&tl.server, &iov, 1), 10); /* half closed */
	ck_assert_uint_eq(client_reads(got, BIG), 10);
}
END_TEST

START_TEST(closing_says_so_without_waiting)
{
	stream_close(&tl.server);
	ck_assert_int_eq(SSL_read(tl.client, got, 1), 0);
	ck_assert_int_eq(SSL_get_error(tl.client, 0), SSL_ERROR_ZERO_RETURN);
}
END_TEST

START_TEST(closing_in_the_middle_of_a_record_says_nothing)
{
	struct iovec iov = { big, 16000 };

	signal(SIGPIPE, SIG_IGN); /* the client's complaint */
	while (stream_writev(&tl.server, &iov, 1) > 0)
		;
	ck_assert(tl.server.owed);
	stream_close(&tl.server);
	while (client_reads(got, BIG))
		;
	ck_assert_int_ne(SSL_get_error(tl.client, 0), SSL_ERROR_ZERO_RETURN);
}
END_TEST

START_TEST(after_our_end_reading_goes_on)
{
	char c;

	stream_shutdown(&tl.server);
	ck_assert_int_eq(SSL_read(tl.client, got, 1), 0);
	ck_assert_int_eq(SSL_get_error(tl.client, 0), SSL_ERROR_ZERO_RETURN);
	ck_assert_int_eq(SSL_write(tl.client, "x", 1), 1);
	ck_assert_int_eq(stream_read(&tl.server, &c, 1), 1);
	ck_assert_int_eq(c, 'x');
}
END_TEST

/* One broken connection must not spoil the next: OpenSSL's errors are a queue for all. */
START_TEST(garbage_ends_one_connection_and_no_other)
{
	struct tls_link other;
	struct iovec iov = { big, 10 };
	char c;

	tls_link_open(&other, context);
	ck_assert_int_eq(tls_link_shake(&other, NULL), 0);
	ck_assert_int_eq(write(tl.client_fd, "\x17\x03\x03\x00\x05hello", 10), 10);
	ck_assert_int_eq(stream_read(&tl.server, &c, 1), -EPROTO);
	ck_assert_int_eq(stream_read(&tl.server, &c, 1), -EPROTO);
	ck_assert_int_eq(stream_writev(&tl.server, &iov, 1), -EPROTO);
	ck_assert_int_eq(stream_read(&other.server, &c, 1), -EAGAIN);
	ck_assert_int_eq(stream_writev(&other.server, &iov, 1), 10);
	ck_assert_int_eq(SSL_read(other.client, got, 20), 10);
	tls_link_close(&other);
}
END_TEST

START_TEST(no_tls_at_all_fails_the_handshake)
{
	struct tls_link other;

	tls_link_open(&other, context);
	ck_assert_int_eq(stream_handshake(&other.server), -EAGAIN);
	ck_assert_uint_eq(stream_wants(&other.server), STREAM_READ);
	ck_assert_int_eq(write(other.client_fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	ck_assert_int_eq(stream_handshake(&other.server), -EPROTO);
	ck_assert_int_eq(stream_handshake(&other.server), -EPROTO);
	tls_link_close(&other);
}
END_TEST

START_TEST(a_client_that_leaves_in_the_handshake_is_noticed)
{
	struct tls_link other;

	tls_link_open(&other, context);
	SSL_connect(other.client);
	ck_assert_int_eq(stream_handshake(&other.server), -EAGAIN);
	close(other.client_fd);
	other.client_fd = -1;
	ck_assert_int_lt(stream_handshake(&other.server), 0);
	ck_assert_int_ne(stream_handshake(&other.server), -EAGAIN);
	tls_link_close(&other);
}
END_TEST

START_TEST(a_handshake_may_come_byte_by_byte)
{
	struct tls_link other;
	BIO *out = BIO_new(BIO_s_mem());
	char *p;
	long i, n;

	tls_link_open(&other, context);
	BIO_up_ref(out);
	SSL_set0_wbio(other.client, out);
	SSL_connect(other.client);
	n = BIO_get_mem_data(out, &p);
	ck_assert_int_gt(n, 100);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(write(other.client_fd, p + i, 1), 1);
		ck_assert_int_eq(stream_handshake(&other.server), -EAGAIN);
	}
	SSL_set_fd(other.client, other.client_fd);
	BIO_free(out);
	ck_assert_int_eq(tls_link_shake(&other, NULL), 0);
	tls_link_close(&other);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, a_plain_stream_is_its_socket);
	tcase_add_test(c, a_plain_write_to_nobody_is_an_error);
	tcase_add_test(c, small_pieces_share_a_record);
	tcase_add_test(c, empty_pieces_do_not_hurt);
	tcase_add_test(c, what_was_taken_may_be_overwritten);
	tcase_add_test(c, new_keys_come_between_while_the_socket_is_full);
	tcase_add_test(c, nothing_is_taken_while_new_keys_wait);
	tcase_add_test(c, a_flood_of_new_keys_is_an_end);
	tcase_add_test(c, a_flood_with_words_between_is_one_too);
	tcase_add_test(c, a_few_new_keys_are_none);
	tcase_add_test(c, what_the_client_says_is_read_whole);
	tcase_add_loop_test(c, a_clients_end_is_an_end_with_or_without_notice, 0, 2);
	tcase_add_test(c, closing_says_so_without_waiting);
	tcase_add_test(c, closing_in_the_middle_of_a_record_says_nothing);
	tcase_add_test(c, after_our_end_reading_goes_on);
	tcase_add_test(c, garbage_ends_one_connection_and_no_other);
	tcase_add_test(c, no_tls_at_all_fails_the_handshake);
	tcase_add_test(c, a_client_that_leaves_in_the_handshake_is_noticed);
	tcase_add_test(c, a_handshake_may_come_byte_by_byte);
	suite_add_tcase(s, c);
	return run_suite(s);
}
