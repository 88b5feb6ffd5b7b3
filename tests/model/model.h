/* model.h - what users may observe of calls, written from the contract alone
 *
 * The model knows people, their sockets and the calls between them. For every
 * step of a walk it says what each socket must, and may, be told. It shares no
 * state and no code with the machine: where the contract leaves a choice, it
 * looks at what was observed and holds the machine to that. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USERS 6
#define SOCKETS_EACH 4
#define SOCKETS (USERS * SOCKETS_EACH)
#define ROOMS 5
#define CALLS_MAX 512  /* of one walk */
#define HELD_MAX 8     /* waiting for one member; the walk sets the machine's limit to it */
#define WAITING_MAX 32 /* events behind a question: the machine's own limit */
#define NOBODY (-1)

/* The times of a walk: the contract's, but for the longest call. */
#define RING_MS 45000
#define GRACE_MS 20000
#define LEG_WAIT_MS 3000
#define LENGTH_MS 120000

enum op {
	OP_OPEN,
	OP_CLOSE,
	OP_USER_JOIN,
	OP_REGISTER,
	OP_CHAT_JOIN,
	OP_INITIATE,
	OP_GROUP_INITIATE,
	OP_ACCEPT,
	OP_REJECT,
	OP_END,
	OP_JOIN_ROOM,
	OP_LEAVE_ROOM,
	OP_CANDIDATE,
	OP_RENEGOTIATE,
	OP_RENEGOTIATE_ANSWER,
	OP_PASS, /* one of the media events */
	OP_ICE,
	OP_MESH_JOIN,
	OP_MESH_LEAVE,
	OP_MESH_OFFER,
	OP_MESH_ANSWER,
	OP_MESH_CANDIDATE,
	OP_NONSENSE,
	OP_ANSWER, /* what the machine had to ask for this socket's event is known */
	OP_ADMIN,  /* ends the call of user "to" under that name */
	OP_WAIT,
	OPS_N,
};

struct step {
	enum op op;
	int socket;
	int as;		  /* the user the event says it is from; NOBODY: says nothing */
	int to;		  /* the user it names; NOBODY: none */
	int room;	  /* index; ROOMS: a name nobody uses */
	unsigned members; /* of a group, one bit a user */
	int payload;	  /* tells SDPs and candidates apart */
	int variant;	  /* which wording, which media event, which nonsense */
	uint32_t wait_ms;
};

/* The codes of the contract. */
enum code {
	COMPLETED,
	REJECTED,
	CANCELLED,
	NO_ANSWER,
	BUSY,
	OFFLINE,
	FAILED,
	ANSWERED_ELSEWHERE,
	REPLACED,
	SERVER,
	CODES_N,
	NO_CODE = -1,
};
extern const char *const code_names[CODES_N];
#define CODE(c) (1u << (c))
#define ANY_CODE (CODE(CODES_N) - 1)

/* What a socket was told. */
struct said {
	int socket;
	char event[32];
	int room;	/* index, ROOMS: another name, NOBODY: none */
	char id[24];	/* the call id, "" */
	int code;	/* enum code, NO_CODE */
	char word[24];	/* the code as text: call:error has others */
	int payload;	/* 0: none */
	int who;	/* whom the message names as its author, NOBODY */
	bool success;	/* of an ack */
	unsigned users; /* of a mesh's ack: who is in, one bit each */
	bool matched;
};

/* What the machine told the relay layer. */
enum note_kind { NOTE_NEW, NOTE_MEMBER, NOTE_LEFT, NOTE_ACTIVE, NOTE_ENDED };
struct note {
	enum note_kind kind;
	char id[24];
	int user;   /* NOTE_MEMBER, NOTE_LEFT */
	int socket; /* NOTE_MEMBER */
	int code;   /* NOTE_ENDED */
	unsigned users;
	bool taken;
};

/* Everything observed in one step. */
struct observed {
	struct said *said;
	size_t said_n;
	struct note *notes;
	size_t notes_n;
	bool asked; /* the event waits for an answer */
};

struct rules {
	bool open;	   /* anybody may say who he is */
	bool ring_busy;	   /* busy = ring */
	bool ring_offline; /* offline = ring */
	bool rough;	   /* sockets die while they are told something: the model looks away */
	bool slow;	   /* who may call whom is asked elsewhere, and takes time */
	unsigned blocked[USERS]; /* who takes no calls of this user, one bit each */
};

struct model;
struct model *model_new(const struct rules *rules);
void model_free(struct model *m);

/* What the step must have led to, against what it did lead to. NULL: all is
 * well; else one line that says what is wrong, the model's until the next call. */
const char *model_step(struct model *m, const struct step *st, uint64_t now_ms,
		       struct observed *seen);
/* A look at the clock; the machine has ticked until there was nothing left to do. */
const char *model_tick(struct model *m, uint64_t now_ms, struct observed *seen);

/* For choosing steps that lead somewhere. */
bool model_is_open(const struct model *m, int socket);
int model_user(const struct model *m, int socket); /* NOBODY: not identified */
int model_live_n(const struct model *m);
bool model_waits(const struct model *m, int socket); /* for OP_ANSWER */
bool model_pick(const struct model *m, unsigned random, int *room, int *user, int *peer,
		int *socket, bool *mesh); /* a member of a live call; false: there is none */

#endif
