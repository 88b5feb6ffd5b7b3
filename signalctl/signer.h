/* signer.h - which secret signs credentials here, and what it signs
 *
 * The files are those of the configuration, the rule is signing.h's. What turnserver has announced
 * only a running signald knows: it is asked, and its word counts, because it knows what turnserver
 * accepts. Without one the rule does for itself: by the dates, SIGNING_WAIT_S after the
 * not-before. Waits for the disk and for signald. */
#ifndef SIGNER_H
#define SIGNER_H

#include "calls/signing.h"
#include "secret_file.h"
#include "signalctl.h"

struct signer;

/* Whose word it is which secret signs. */
enum signer_word {
	SIGNER_RULE,	/* signald could not be asked */
	SIGNER_SIGNALD, /* it said which */
	SIGNER_SILENT,	/* it runs, and none signs there: turnserver has announced none */
};

/* Read the files, ask signald. Returns an exit status: SIGNALCTL_DONE with the caller's *out, or
 * after a ctl_error(). */
int signer_new(struct signer **out, struct signalctl *ctl, int64_t now_s);
void signer_free(struct signer *s); /* wipes the secrets; NULL is fine */

const struct secret_set *signer_set(const struct signer *s); /* NULL: there is no file */
bool signer_has_static(const struct signer *s);
enum signer_word signer_word(const struct signer *s);

/* For credentials_set_signing(), and to see which it is. */
const struct signing *signer_signing(const struct signer *s);

/* Why turnserver-conf's secret is not known; "" when it is, or there is none. */
const char *signer_static_fault(const struct signer *s);

/* --- the rule, for tests ------------------------------------------------------------ */

/* Let signing choose what signald said: the id of one of set's secrets, "" for the static one. An
 * id that set does not have changes nothing. Returns whether it is so. */
bool signer_follow(struct signing *signing, const struct secret_set *set, const char *id,
		   int64_t now_s);

#endif
