/* answers.h - the lines that signald's control socket answers with, read
 *
 * signald/PROTOCOL.md has their members; one that is not known is passed over, as a newer signald
 * may say more. Pure. */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "calls/call.h"
#include "json_text.h"
#include "secret_file.h"

struct answer_relay {
	uint64_t allocations, live;
	uint64_t sent_bytes, received_bytes, wire_bytes, dropped_bytes;
	bool exact;
};

struct answer_call {
	char id[TURN_CALL_ID_LEN + 1];
	char room[CALL_ROOM_NAME_MAX + 1];
	char kind[16], type[16], state[16];
	char group[TURN_USER_ID_MAX + 1];
	uint64_t start_ms, answer_ms, end_ms; /* since 1970; 0 without */
	uint64_t duration_ms;
	char code[32], reason[2 * CALL_REASON_MAX];
	struct json_slice members; /* an array; answer_member() reads each */
	bool has_relay;
	struct answer_relay relay;
};

struct answer_member {
	char user[TURN_USER_ID_MAX + 1];
	char state[16];
	uint64_t socket;  /* 0: it speaks from none */
	char address[64]; /* "" without */
};

struct answer_user {
	char user[TURN_USER_ID_MAX + 1];
	uint64_t sockets, registered, calls;
};

/* What rotate is answered with. */
struct answer_rotation {
	char secret[64];
	uint64_t not_before_s, not_after_s, count;
};

struct answer_status {
	char version[64], auth[32], backend[64]; /* backend: "" without */
	uint64_t uptime_ms, sessions, sockets, users, calls;
	bool has_relay, relay; /* a relay-socket is configured; turnserver is there */
	char relay_version[64], relay_protocol[32];
	char relay_base[64], relay_ledger_checked[64], relay_ledger_date[32]; /* "": not said */
	bool relay_draining;
	char relay_lacks[256], relay_problem[512];
	char next[512];			/* what the admin should do */
	bool has_secret;		/* one signs */
	char secret[SECRET_ID_MAX + 1]; /* its id; "": the static-auth-secret */
};

/* Each returns 0, -EINVAL (something is missing, or is not what it should be). Slices are loans of
 * the line. */
int answer_call(struct json_slice line, struct answer_call *out);
int answer_member(struct json_slice member, struct answer_member *out);
int answer_user(struct json_slice line, struct answer_user *out);
int answer_status(struct json_slice line, struct answer_status *out);
int answer_rotation(struct json_slice line, struct answer_rotation *out);
int answer_count(struct json_slice line, uint64_t *out);

#endif
