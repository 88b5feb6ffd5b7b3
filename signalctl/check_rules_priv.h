/* check_rules_priv.h - what several files of rules ask
 *
 * f->turn must be there for rule_flag() and rule_number(). Pure. */
#ifndef CHECK_RULES_PRIV_H
#define CHECK_RULES_PRIV_H

#include "check_rules.h"

/* What turnserver takes where turnserver.conf says nothing. */
#define TURN_PORT 3478
#define TURNS_PORT 5349
#define RELAY_MIN 49152
#define RELAY_MAX 65535

/* Rules about turnserver.conf have nothing to say without one: then true, and that is said. */
bool rule_without_turn(const struct check_facts *f, struct check_say *s);

/* Of turnserver.conf. */
bool rule_flag(const struct check_facts *f, const char *key);
int rule_number(const struct check_facts *f, const char *key, int absent);

/* Is it of no use to anybody but this host? */
bool rule_signald_on_loopback(const struct check_facts *f);
bool rule_turnserver_on_loopback(const struct check_facts *f);

#endif
