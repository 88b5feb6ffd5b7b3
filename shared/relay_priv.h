/* relay_priv.h - what reading and writing the lines of relay_event.h share */
#ifndef RELAY_PRIV_H
#define RELAY_PRIV_H

#include "relay_event.h"

#define RELAY_TOTALS_N 8
#define RELAY_COMMANDS_N (RELAY_KILL + 1)

/* One of the totals, in the order lines have them. */
uint64_t relay_total_value(const struct relay_totals *t, size_t i);

extern const char *const relay_command_names[RELAY_COMMANDS_N];

#endif
