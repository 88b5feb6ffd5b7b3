/* check_coturn_allocation.c - permissions and channels of one allocation
 *
 * Through coturn's own interface, so that what is asked here holds of its maps and of ours; memory
 * that runs out, and that all of it comes back, of ours alone. */
#include <check.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ns_ioalib_impl.h"
#include "ns_turn_allocation.h"
#include "run_suite.h"

enum { LONG_S = 3600, PEERS = 2000, FIRST_CHANNEL = 0x4000, PORTS = 3000 };

static ioa_engine engine; /* with an event base: permissions and channels have timers */
static allocation a;

/* --- memory that runs out: --wrap in local.mk ------------------------------------------ */

static long allocations_left = -1; /* until one fails, and all after it; below 0: none fails */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return __real_calloc(n, size);
}

static void setup(void)
{
	allocations_left = -1;
	engine.event_base = event_base_new();
	init_allocation(NULL, &a, NULL);
}

static void teardown(void)
{
	clear_allocation(&a);
	event_base_free(engine.event_base);
}

static void never(ioa_engine_handle e, void *ctx)
{
	(void)e;
	(void)ctx;
	ck_abort_msg("a timer of an hour fired");
}

static ioa_timer_handle timer(void *ctx)
{
	return set_ioa_timer(&engine, LONG_S, 0, never, ctx, 0, "never");
}

/* 10.0.0.0 and up, or 2001:db8:: and up. */
static ioa_addr peer(int family, uint32_t n, uint16_t port)
{
	ioa_addr addr = { .ss = { .sa_family = (sa_family_t)family } };

	if (family == AF_INET) {
		addr.s4.sin_addr.s_addr = htonl(0x0a000000 + n);
	} else {
		addr.s6.sin6_addr.s6_addr[0] = 0x20;
		addr.s6.sin6_addr.s6_addr[1] = 0x01;
		memcpy(&addr.s6.sin6_addr.s6_addr[12], &n, sizeof(n));
	}
	addr_set_port(&addr, port);
	return addr;
}

static turn_permission_info *permit(int family, uint32_t n)
{
	ioa_addr addr = peer(family, n, 0);
	turn_permission_info *p = allocation_add_permission(&a, &addr);

	if (p)
		p->lifetime_ev = timer(p);
	return p;
}

/* A new permission has no timer yet. */
static ch_info *bind_channel(uint16_t number, ioa_addr addr)
{
	ch_info *c = allocation_get_new_ch_info(&a, number, &addr);
	turn_permission_info *p = c ? c->owner : NULL;

	if (!c)
		return NULL;
	if (!p->lifetime_ev)
		p->lifetime_ev = timer(p);
	c->lifetime_ev = timer(c);
	return c;
}

static turn_permission_info *permission_of(int family, uint32_t n)
{
	ioa_addr addr = peer(family, n, 9); /* the port does not matter */

	return allocation_get_permission(&a, &addr);
}

static uint16_t channel_of(uint32_t n, uint16_t port)
{
	ioa_addr addr = peer(AF_INET, n, port);

	return get_turn_channel_number(allocation_get_permission(&a, &addr), &addr);
}

START_TEST(nothing_is_permitted_at_first)
{
	ck_assert_ptr_null(permission_of(AF_INET, 1));
	ck_assert_ptr_null(permission_of(AF_INET6, 1));
	ck_assert_ptr_null(allocation_get_ch_info(&a, FIRST_CHANNEL));
	ck_assert_uint_eq(channel_of(1, 9), 0);
}
END_TEST

START_TEST(thousands_of_peers_are_told_apart)
{
	turn_permission_info *v4[PEERS], *v6[PEERS];
	uint32_t i;

	for (i = 0; i < PEERS; i++) {
		v4[i] = permit(AF_INET, i);
		v6[i] = permit(AF_INET6, i);
	}
	for (i = 0; i < PEERS; i++) {
		ck_assert_ptr_eq(permission_of(AF_INET, i), v4[i]);
		ck_assert_ptr_eq(permission_of(AF_INET6, i), v6[i]);
	}
	ck_assert_ptr_null(permission_of(AF_INET, PEERS));
	for (i = 0; i < PEERS; i += 2)
		turn_permission_clean(v4[i]);
	for (i = 0; i < PEERS; i++) {
		ck_assert_ptr_eq(permission_of(AF_INET, i), i % 2 ? v4[i] : NULL);
		ck_assert_ptr_eq(permission_of(AF_INET6, i), v6[i]);
	}
	for (i = 0; i < PEERS; i += 2)
		ck_assert_ptr_nonnull(permit(AF_INET, i));
	for (i = 0; i < PEERS; i++)
		ck_assert_ptr_nonnull(permission_of(AF_INET, i));
}
END_TEST

START_TEST(thousands_of_channels_to_one_peer)
{
	uint16_t i;

	for (i = 0; i < PORTS; i++)
		ck_assert_ptr_nonnull(bind_channel(FIRST_CHANNEL + i, peer(AF_INET, 7, 1000 + i)));
	for (i = 0; i < PORTS; i++) {
		ioa_addr addr = peer(AF_INET, 7, 1000 + i);
		ch_info *c = allocation_get_ch_info(&a, FIRST_CHANNEL + i);

		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(c->port, 1000 + i);
		ck_assert(addr_eq(&c->peer_addr, &addr));
		ck_assert_ptr_eq(c->owner, permission_of(AF_INET, 7));
		ck_assert_uint_eq(channel_of(7, 1000 + i), FIRST_CHANNEL + i);
		ck_assert_ptr_eq(allocation_get_ch_info_by_peer_addr(&a, &addr), c);
	}
	ck_assert_uint_eq(channel_of(7, 999), 0);
	ck_assert_ptr_null(allocation_get_ch_info(&a, FIRST_CHANNEL + PORTS));
}
END_TEST

/* Their numbers are alike in the low bits, and so are their peers' ports. */
START_TEST(channels_come_and_go)
{
	enum { ROUNDS = 5, STEP = 64, N = 200 };

	for (int round = 0; round < ROUNDS; round++) {
		for (uint16_t i = 0; i < N; i++)
			ck_assert_ptr_nonnull(bind_channel(FIRST_CHANNEL + STEP * i,
							   peer(AF_INET, i % 3, 1024 + STEP * i)));
		for (uint16_t i = 0; i < N; i += 2)
			turn_channel_delete(allocation_get_ch_info(&a, FIRST_CHANNEL + STEP * i));
		for (uint16_t i = 0; i < N; i++) {
			uint16_t number = i % 2 ? FIRST_CHANNEL + STEP * i : 0;

			ck_assert_uint_eq(channel_of(i % 3, 1024 + STEP * i), number);
			ck_assert_int_eq(!allocation_get_ch_info(&a, FIRST_CHANNEL + STEP * i),
					 !number);
		}
		for (uint16_t i = 1; i < N; i += 2)
			turn_channel_delete(allocation_get_ch_info(&a, FIRST_CHANNEL + STEP * i));
	}
	ck_assert_ptr_nonnull(permission_of(AF_INET, 0)); /* which outlives its channels */
}
END_TEST

START_TEST(a_permission_ends_with_its_channels_and_no_others)
{
	for (uint16_t i = 0; i < 40; i++)
		bind_channel(FIRST_CHANNEL + i, peer(AF_INET, i % 2, 1000 + i));
	turn_permission_clean(permission_of(AF_INET, 0));
	ck_assert_ptr_null(permission_of(AF_INET, 0));
	for (uint16_t i = 0; i < 40; i++)
		ck_assert_int_eq(!allocation_get_ch_info(&a, FIRST_CHANNEL + i), !(i % 2));
	ck_assert_ptr_nonnull(bind_channel(FIRST_CHANNEL, peer(AF_INET, 0, 1000)));
	ck_assert_uint_eq(channel_of(0, 1000), FIRST_CHANNEL);
	ck_assert_uint_eq(channel_of(0, 1002), 0);
}
END_TEST

#ifdef LEAN_TABLE_H

START_TEST(an_ended_allocation_has_nothing_left)
{
	for (uint16_t i = 0; i < 100; i++) {
		permit(AF_INET6, i);
		bind_channel(FIRST_CHANNEL + i, peer(AF_INET, i, 1000));
	}
	clear_allocation(&a);
	ck_assert_ptr_null(a.addr_to_perm.buckets);
	ck_assert_uint_eq(a.addr_to_perm.count, 0);
	ck_assert_ptr_null(a.chns.buckets);
	ck_assert_uint_eq(a.chns.count, 0);
}
END_TEST

START_TEST(without_memory_there_is_no_permission)
{
	allocations_left = 0;
	ck_assert_ptr_null(permit(AF_INET, 1));
	allocations_left = -1;
	ck_assert_ptr_null(permission_of(AF_INET, 1));
	ck_assert_ptr_nonnull(permit(AF_INET, 1));
}
END_TEST

START_TEST(without_memory_there_is_no_channel_nor_its_permission)
{
	for (long n = 0; n < 2; n++) {
		allocations_left = n;
		ck_assert_ptr_null(bind_channel(FIRST_CHANNEL, peer(AF_INET, 1, 1000)));
		ck_assert_ptr_null(permission_of(AF_INET, 1));
		ck_assert_ptr_null(allocation_get_ch_info(&a, FIRST_CHANNEL));
	}
	allocations_left = -1;
	ck_assert_ptr_nonnull(permit(AF_INET, 1));
	allocations_left = 0; /* but a permission that was there stays */
	ck_assert_ptr_null(bind_channel(FIRST_CHANNEL, peer(AF_INET, 1, 1000)));
	ck_assert_ptr_nonnull(permission_of(AF_INET, 1));
}
END_TEST

#endif

int main(void)
{
	Suite *s = suite_create("coturn allocation");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, nothing_is_permitted_at_first);
	tcase_add_test(t, thousands_of_peers_are_told_apart);
	tcase_add_test(t, thousands_of_channels_to_one_peer);
	tcase_add_test(t, channels_come_and_go);
	tcase_add_test(t, a_permission_ends_with_its_channels_and_no_others);
#ifdef LEAN_TABLE_H
	tcase_add_test(t, an_ended_allocation_has_nothing_left);
	tcase_add_test(t, without_memory_there_is_no_permission);
	tcase_add_test(t, without_memory_there_is_no_channel_nor_its_permission);
#endif
	suite_add_tcase(s, t);
	return run_suite(s);
}
