/* allocation.c - one allocation and its channel */
#include "allocation.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANNEL 0x4000
#define UDP_RELAY (17u << 24) /* REQUESTED-TRANSPORT, RFC 8656 section 18.7 */
#define RTO_NS 500000000ull   /* doubled at each try, RFC 8489 section 6.2.1 */
#define TRIES_MAX 7
#define CHALLENGES_MAX 3
#define CREDENTIAL_S 3600

static void settle(struct allocation *a, enum allocation_state state, unsigned error)
{
	if (a->state != ALLOCATION_BEGINS)
		return;
	reactor_cancel(a->owner->target.reactor, &a->again);
	free(a->request);
	a->request = NULL;
	a->state = state;
	a->error = error;
	a->owner->on_settled(a);
}

/* --- requests ---------------------------------------------------------------------- */

static void transmit(struct allocation *a)
{
	way_send(&a->way, a->request, a->request_n);
	if (a->way.is_udp)
		reactor_alarm(a->owner->target.reactor, &a->again,
			      clock_ns() + (RTO_NS << a->tries));
	a->tries++;
}

static void on_again(struct alarm *alarm, uint64_t now_ns)
{
	struct allocation *a =
		(struct allocation *)((char *)alarm - offsetof(struct allocation, again));

	(void)now_ns;
	if (a->tries >= TRIES_MAX)
		settle(a, ALLOCATION_FAILED, 0);
	else
		transmit(a);
}

static void ask(struct allocation *a, unsigned method)
{
	uint8_t tid[STUN_TID_LEN];
	struct stun_out o;

	RAND_bytes(tid, sizeof(tid));
	stun_begin(&o, (uint16_t)method, tid);
	if (method == STUN_ALLOCATE) {
		stun_put_u32(&o, ATTR_TRANSPORT, UDP_RELAY);
	} else {
		stun_put_u32(&o, ATTR_CHANNEL, (uint32_t)CHANNEL << 16);
		stun_put_address(&o, ATTR_PEER, (const struct sockaddr *)&a->peer);
	}
	turn_login_put(&a->login, &o, a->name);
	free(a->request);
	a->request = malloc(o.n);
	if (!a->request) {
		settle(a, ALLOCATION_FAILED, 0);
		return;
	}
	memcpy(a->request, o.b, o.n);
	a->request_n = o.n;
	a->method = method;
	a->tries = 0;
	transmit(a);
}

/* --- answers ----------------------------------------------------------------------- */

static bool take_challenge(struct allocation *a, const struct stun_in *in)
{
	char password[TURN_PASSWORD_LEN + 1];

	return a->challenges++ < CHALLENGES_MAX &&
	       turn_password(password, a->owner->secret, a->name) == 0 &&
	       turn_login_take(&a->login, in, a->name, password);
}

static void take_error(struct allocation *a, const struct stun_in *in)
{
	unsigned code = stun_error_code(in);

	if (turn_login_challenged(&a->login, code) && take_challenge(a, in))
		ask(a, a->method);
	else
		settle(a, ALLOCATION_FAILED, code);
}

static void take_answer(struct allocation *a, const struct stun_in *in)
{
	if (!a->request || memcmp(in->p + 8, a->request + 8, STUN_TID_LEN) != 0)
		return;
	if ((in->type & STUN_ERROR) == STUN_ERROR)
		take_error(a, in);
	else if (a->method == STUN_ALLOCATE)
		ask(a, STUN_CHANNEL_BIND);
	else
		settle(a, ALLOCATION_READY, 0);
}

static void on_message(struct way *w, const uint8_t *p, size_t n)
{
	struct allocation *a = (struct allocation *)((char *)w - offsetof(struct allocation, way));
	struct stun_in in;
	size_t len;

	if (n >= 4 && (p[0] & 0xc0) == 0x40) {
		len = (size_t)p[2] << 8 | p[3];
		if (len <= n - 4)
			a->owner->on_data(a, p + 4, len);
	} else if (stun_read(&in, p, n)) {
		take_answer(a, &in);
	}
}

static void on_open(struct way *w)
{
	ask((struct allocation *)((char *)w - offsetof(struct allocation, way)), STUN_ALLOCATE);
}

static void on_lost(struct way *w, int error)
{
	(void)error;
	settle((struct allocation *)((char *)w - offsetof(struct allocation, way)),
	       ALLOCATION_FAILED, 0);
}

static const struct way_handler handler = { on_open, on_message, on_lost };

/* --- life -------------------------------------------------------------------------- */

int allocation_open(struct allocation *a, struct allocation_owner *o, uint32_t index,
		    const struct sockaddr_in *peer)
{
	char user[16];
	int rc;

	memset(a, 0, sizeof(*a));
	a->owner = o;
	a->index = index;
	a->peer = *peer;
	a->again.on_due = on_again;
	snprintf(user, sizeof(user), "load%u", index);
	rc = turn_name_format(a->name, sizeof(a->name), (uint64_t)time(NULL) + CREDENTIAL_S, user,
			      NULL);
	if (rc > 0)
		rc = way_open(&a->way, &o->target, o->transport, &handler);
	if (!rc && a->way.is_udp)
		ask(a, STUN_ALLOCATE);
	return rc;
}

void allocation_close(struct allocation *a)
{
	if (!a->owner)
		return;
	reactor_cancel(a->owner->target.reactor, &a->again);
	free(a->request);
	a->request = NULL;
	way_close(&a->way);
}

void allocation_send(struct allocation *a, uint8_t *p, size_t n)
{
	p[0] = CHANNEL >> 8;
	p[1] = CHANNEL & 0xff;
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	way_send(&a->way, p, 4 + n);
}
