/* model_priv.h - what the files of the model share
 *
 *	model	       steps come in, expectations are compared with what was observed
 *	model_sockets  who is on which socket; legs, and what happens to them
 *	model_calls    calls of two and groups that ring
 *	model_mesh     group_call:join and what follows */
#ifndef MODEL_PRIV_H
#define MODEL_PRIV_H

#include "model.h"

enum kind { DIRECT, RING_GROUP, MESH };
enum life { RINGING, ACTIVE, ENDED }; /* RINGING: made, not answered */
enum standing { INVITED, IN, OUT };

#define NO_SOCKET (-1)
#define NO_TIME UINT64_MAX
#define CALLER 0

/* One message that a socket must, or may, be told. */
struct expected {
	int socket;
	const char *event;
	int room;
	const char *id;	    /* NULL: not told, or not looked at */
	unsigned codes;	    /* one of these; 0: not looked at */
	const char *word;   /* of call:error; NULL: not looked at */
	int payload;	    /* 0: not looked at */
	int who;	    /* NOBODY: not looked at */
	int success;	    /* of an ack: 0, 1; -1: no ack */
	int users;	    /* of an ack; -1: not looked at */
	bool may, matched;
};
#define EXPECTED_MAX 1024

struct waiting {
	int from_socket;
	const char *event;
	int payload;
	int who;
	int only_for; /* the user it was addressed to, NOBODY: whoever it is */
	bool may;
};

struct person {
	enum standing standing;
	int user;
	int leg;		/* NO_SOCKET: none */
	uint64_t orphaned_ms;	/* when the leg's socket went; NO_TIME: it did not */
	uint64_t unreachable_ms; /* an invited one: since when no registered socket is there */
	struct waiting q[HELD_MAX + 1];
	int q_n;
	bool was_in;
};

struct mcall {
	enum kind kind;
	enum life life;
	int room;
	char id[24];
	int offer; /* its payload */
	enum code code;
	struct person p[USERS];
	int n;
	uint64_t ring_until_ms, length_until_ms;
	bool rung[SOCKETS];
	bool late_told[SOCKETS];
	bool had_company; /* a mesh: somebody but the maker was in */
	int winner;	  /* index of the one who answered */
};

struct msocket {
	bool open, registered;
	int user;
	unsigned order; /* of registering */
};

struct model {
	struct rules rules;
	struct msocket sockets[SOCKETS];
	struct mcall calls[CALLS_MAX];
	int calls_n;
	unsigned registrations;
	struct expected expected[EXPECTED_MAX];
	size_t expected_n;
	struct observed *seen;
	const struct step *st;
	uint64_t now_ms;
	char fault[512];
};

/* --- model.c: expectations ------------------------------------------------ */

struct expected *expect(struct model *m, int socket, const char *event, const struct mcall *c);
struct expected *expect_error(struct model *m, const char *word); /* to the sender */
void broken(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first note of this kind that is not taken yet; id and user "" and NOBODY: any. */
struct note *note_find(struct model *m, enum note_kind kind, const char *id, int user);
bool was_told(const struct model *m, int socket, const char *event, const char *id);

/* --- model_sockets.c -------------------------------------------------------- */

/* The sender's user, if it may say what it says. NOBODY: refused. */
int sender(struct model *m);
void identify(struct model *m, int socket, int user);
/* The socket becomes one for calls. by_use: by being used in a call of its own, and then the contract
 * leaves open what it hears of the user's other calls. */
void registered(struct model *m, int socket, const struct mcall *own, bool by_use);
void register_again(struct model *m, int socket);
void socket_leaves(struct model *m, int socket);
bool is_online(const struct model *m, int user);
bool is_leg(const struct model *m, int socket, const struct mcall *but);
int person_of(const struct mcall *c, int user);
struct mcall *live_call(struct model *m, int user, int room);
struct mcall *ended_call(struct model *m, int user, int room);
void attach(struct model *m, struct mcall *c, int i, int socket);
void hold(struct model *m, struct mcall *c, int to, const struct waiting *w);
/* To the member's leg; without one it waits, where it may. */
void deliver(struct model *m, struct mcall *c, int to, const struct waiting *w, bool keep);
void pass_legs(struct model *m, struct mcall *c, bool must);

/* --- model_calls.c ---------------------------------------------------------- */

void on_initiate(struct model *m);
void on_group_initiate(struct model *m);
void on_accept(struct model *m);
void on_reject(struct model *m);
void on_end(struct model *m);
void on_join_room(struct model *m);
void on_leave_room(struct model *m);
void on_candidate(struct model *m);
void on_renegotiate(struct model *m);
void on_pass(struct model *m);
void call_clock(struct model *m, struct mcall *c);
struct mcall *make_call(struct model *m, enum kind kind, int user);
void call_over(struct model *m, struct mcall *c, enum code code);

/* --- model_mesh.c ----------------------------------------------------------- */

void on_mesh_join(struct model *m);
void on_mesh_leave(struct model *m);
void on_mesh_signal(struct model *m);
void mesh_clock(struct model *m, struct mcall *c);
void mesh_out(struct model *m, struct mcall *c, int i);

#endif
