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
	const char *id;	  /* NULL: not told, or not looked at */
	unsigned codes;	  /* one of these; 0: not looked at */
	const char *word; /* of call:error; NULL: not looked at */
	int payload;	  /* 0: not looked at */
	int who;	  /* NOBODY: not looked at */
	int success;	  /* of an ack: 0, 1; -1: no ack */
	int users;	  /* of an ack; -1: not looked at */
	bool may, matched;
};
#define EXPECTED_MAX 1024

struct waiting {
	unsigned from; /* the connection it came on */
	const char *event;
	int payload;
	int who;
	int only_for; /* the user it was addressed to, NOBODY: whoever it is */
	bool may;
};

struct queue {
	struct waiting q[2 * HELD_MAX + 1];
	int n;
};

struct person {
	enum standing standing;
	int user;
	int leg;		 /* NO_SOCKET: none */
	bool passed;		 /* the leg by registering, and silent since */
	unsigned lost;		 /* the connection that had it before */
	uint64_t orphaned_ms;	 /* when the leg's socket went; NO_TIME: it did not */
	uint64_t unreachable_ms; /* an invited one: since when no registered socket is there */
	struct queue said;	 /* before the answer */
	struct queue waiting;	 /* for the leg, while nobody has it */
	bool was_in;
	unsigned left; /* the how-manieth to be out; 0: is not */
};

struct mcall {
	enum kind kind;
	enum life life;
	int room;
	char id[24];
	int offer; /* its payload */
	enum code code;
	unsigned ended; /* the how-manieth */
	struct person p[USERS];
	int n;
	uint64_t ring_until_ms, length_until_ms;
	bool rung[SOCKETS];
	bool late_told[SOCKETS];
	bool had_company; /* a mesh: somebody but the maker was in */
	int winner;	  /* index of the one who answered */
	bool pretends;	  /* somebody is waited for who is never rung */
};

struct msocket {
	bool open, registered;
	bool ended; /* was told of an end: what it says of one may be an echo */
	int user;
	unsigned connection; /* never used twice */
	unsigned order;	     /* of registering */
	struct step line[WAITING_MAX];
	size_t line_n;
};

struct model {
	struct rules rules;
	struct msocket sockets[SOCKETS];
	struct mcall calls[CALLS_MAX];
	int calls_n;
	unsigned connections, registrations, ends, leavers;
	struct expected expected[EXPECTED_MAX];
	size_t expected_n;
	struct observed *seen;
	const struct step *st;
	uint64_t now_ms;
	bool unavailable; /* nobody answers what has to be asked */
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
unsigned connection(const struct model *m); /* the sender's */
void identify(struct model *m, int socket, int user);
/* The socket becomes one for calls. by_use: by being used in a call of its own, and then the
 * contract leaves open what it hears of the user's other calls. */
void registered(struct model *m, int socket, bool by_use);
void register_again(struct model *m, int socket);
void socket_leaves(struct model *m, int socket);
bool is_online(const struct model *m, int user);
bool is_leg(const struct model *m, int socket, const struct mcall *but);
int person_of(const struct mcall *c, int user);
struct mcall *live_call(struct model *m, int user, int room);
/* Who went out since the last time, and who came back. */
void number_leavers(struct model *m);
/* The call of that name that is over for the user: the one he went out of last, else the one that
 * ended last. */
struct mcall *over_call(struct model *m, int user, int room);
void attach(struct model *m, struct mcall *c, int i, int socket);

/* A leg that was passed on and is silent since: could it be meant to be this socket's as well? */
bool is_likely(const struct model *m, const struct mcall *c, int i, int socket);

/* Does the step's socket speak for the member? What says so takes such a leg. */
bool speaks(struct model *m, struct mcall *c, int i);
void hold(struct queue *q, const struct waiting *w);
/* To the member's leg; without one it waits, where it may. */
void deliver(struct model *m, struct mcall *c, int to, const struct waiting *w, bool keep);
void pass_legs(struct model *m, struct mcall *c);

/* --- model_calls.c ---------------------------------------------------------- */

void after_initiate(struct model *m);
void after_group_initiate(struct model *m);
void after_accept(struct model *m);
void after_reject(struct model *m);
void after_end(struct model *m);
void after_join_room(struct model *m);
void after_leave_room(struct model *m);
void after_candidate(struct model *m);
void after_renegotiate(struct model *m);
void after_pass(struct model *m);
void after_admin(struct model *m);
void call_clock(struct model *m, struct mcall *c);
struct mcall *make_call(struct model *m, enum kind kind, int user);
void tell_ended(struct model *m, const struct mcall *c, int socket, unsigned codes, int who,
		bool may);
/* Those who are in no other call hear of the end of this one on all their sockets, but one. */
void tell_all_sockets(struct model *m, const struct mcall *c, int user, enum code code, int who,
		      int but, bool may);
void call_over(struct model *m, struct mcall *c, enum code code);

/* --- model_mesh.c ----------------------------------------------------------- */

void after_mesh_join(struct model *m);
void after_mesh_leave(struct model *m);
void after_mesh_signal(struct model *m);
void mesh_over(struct model *m, struct mcall *c, enum code code);
void mesh_clock(struct model *m, struct mcall *c);
void mesh_out(struct model *m, struct mcall *c, int i, bool leaves_room);

#endif
