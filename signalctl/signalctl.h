/* signalctl.h - the admin's tool: what every command is given, and what it gives back
 *
 * A command is one file, cmd_NAME.c, and one row in commands.c; help, completion and the check of
 * the manual are made from that row. It prints for people, or for scripts with --json, to
 * ctl->out; what went wrong is one line of ctl_error(). One thread, runs once. */
#ifndef SIGNALCTL_H
#define SIGNALCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config.h"
#include "turn_credential.h"

#define SIGNALCTL_CONFIG "/etc/signald/signald.conf"
#define SIGNALCTL_OPTIONS_MAX 32 /* of one command */
#define SIGNALCTL_OPERANDS_MAX 4 /* the same */

/* What the shell is told. */
enum signalctl_exit {
	SIGNALCTL_DONE,	       /* done, or all is well */
	SIGNALCTL_FAILED,      /* it failed, or a check did */
	SIGNALCTL_USAGE,       /* wrong arguments or configuration */
	SIGNALCTL_UNREACHABLE, /* signald cannot be reached */
	SIGNALCTL_NOT_FOUND,   /* no such call or user */
};

/* What a command works with. */
struct signalctl {
	const char *config_path;
	bool config_given; /* with -c */
	bool json;
	FILE *in, *out, *err;
	bool terminal;	 /* out is one */
	unsigned wait_s; /* how long signald is waited for, a line; 0: TALK_WAIT_S */
	bool config_loaded;
	struct config config; /* ctl_config() gives it */
};

/* An option of one command. The word says how its value is judged and completed: FILE, DIR, CALL,
 * USER; other capitals are any text; "udp|tcp" is one of these, "IP|auto" any text again. */
struct signalctl_option {
	const char *name;     /* without the dashes; NULL ends the table */
	const char *argument; /* NULL: it takes none */
	const char *help;     /* one line, no full stop */
};

/* What was given, checked against the row: as many operands as it takes, only its options, and of
 * choices one. All loans of argv. */
struct arguments {
	const char *operand[SIGNALCTL_OPERANDS_MAX];
	size_t operands_n;
	/* value[i] of options[i]: NULL: not given; "" for one without an argument. Given twice, the
	 * last one counts. */
	const char *value[SIGNALCTL_OPTIONS_MAX];
};

struct signalctl_command {
	const char *name;
	const char *
		operands; /* words, those that may be left out in brackets: "CALL", "list|rotate" */
	const char *help; /* one line, no full stop */
	const struct signalctl_option *options;			      /* NULL: none */
	int (*run)(struct signalctl *ctl, const struct arguments *a); /* enum signalctl_exit */
};

/* The table; a row without a name ends it. */
extern const struct signalctl_command signalctl_commands[];
const struct signalctl_command *signalctl_command_find(const char *name); /* NULL: no such one */

/* One line on ctl->err, "signalctl: ..."; control characters in it become visible. */
void ctl_error(const struct signalctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* signald.conf, read when it is first asked for. Returns NULL after a ctl_error(); that is
 * SIGNALCTL_USAGE. */
const struct config *ctl_config(struct signalctl *ctl);

/* An option's value as a whole number. Returns 0 (*out untouched when text is NULL), or -EINVAL
 * after a ctl_error() that names what. */
int ctl_number(const struct signalctl *ctl, const char *what, const char *text, uint64_t min,
	       uint64_t max, uint64_t *out);

/* A user id from the command line. Returns 0 with it in out, or -EINVAL after a ctl_error(). */
int ctl_user(const struct signalctl *ctl, const char *text, char out[TURN_USER_ID_MAX + 1]);

/* Ask on ctl->out, read a line from ctl->in. Only "y" and "yes" are yes; the end of input is no. */
bool ctl_yes(const struct signalctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The whole program but for main()'s libc: returns the exit status. */
int signalctl_run(struct signalctl *ctl, int argc, char **argv);

/* --- commands ---------------------------------------------------------------------- */

int cmd_status(struct signalctl *ctl, const struct arguments *a);
int cmd_calls(struct signalctl *ctl, const struct arguments *a);
int cmd_call(struct signalctl *ctl, const struct arguments *a);
int cmd_end(struct signalctl *ctl, const struct arguments *a);
int cmd_users(struct signalctl *ctl, const struct arguments *a);
int cmd_kick(struct signalctl *ctl, const struct arguments *a);
int cmd_secrets(struct signalctl *ctl, const struct arguments *a);
int cmd_token(struct signalctl *ctl, const struct arguments *a);
int cmd_credentials(struct signalctl *ctl, const struct arguments *a);
int cmd_check(struct signalctl *ctl, const struct arguments *a);
int cmd_try(struct signalctl *ctl, const struct arguments *a);
int cmd_setup(struct signalctl *ctl, const struct arguments *a);
int cmd_certificates(struct signalctl *ctl, const struct arguments *a);

extern const struct signalctl_option options_calls[];
extern const struct signalctl_option options_reason[]; /* end, kick */
extern const struct signalctl_option options_token[];
extern const struct signalctl_option options_credentials[];
extern const struct signalctl_option options_check[];
extern const struct signalctl_option options_try[];
extern const struct signalctl_option options_setup[];
extern const struct signalctl_option options_certificates[];

#endif
