/* check_rules.h - what is wrong with an installation, decided over facts
 *
 * Each rule says one thing about what it looked at: what was found, and what to do. Pure. */
#ifndef CHECK_RULES_H
#define CHECK_RULES_H

#include "check_line.h"
#include "check_facts.h"

void rule_configuration(struct check_facts *f, struct check_say *s);
void rule_signald(struct check_facts *f, struct check_say *s);
void rule_versions(struct check_facts *f, struct check_say *s);
void rule_hook(struct check_facts *f, struct check_say *s);
void rule_start(struct check_facts *f, struct check_say *s);
void rule_placeholder(struct check_facts *f, struct check_say *s);
void rule_external_ip(struct check_facts *f, struct check_say *s);
void rule_mechanism(struct check_facts *f, struct check_say *s);
void rule_secret(struct check_facts *f, struct check_say *s);
void rule_realm(struct check_facts *f, struct check_say *s);
void rule_turn_urls(struct check_facts *f, struct check_say *s);
void rule_quota(struct check_facts *f, struct check_say *s);
void rule_options(struct check_facts *f, struct check_say *s);
void rule_certificates(struct check_facts *f, struct check_say *s);
void rule_ports(struct check_facts *f, struct check_say *s);
void rule_firewall(struct check_facts *f, struct check_say *s);

#endif
