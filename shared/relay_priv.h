/* relay_priv.h - what reading and writing the lines of the admin socket share
 *
 *	relay_event	events read: what a member is called and where it goes
 *	relay_write	events written
 *	relay_command	commands, both ways */
#ifndef RELAY_PRIV_H
#define RELAY_PRIV_H

#include "line_fields.h"
#include "relay_event.h"

#define RELAY_TOTALS_N 11

_Static_assert(RELAY_LINE_MAX == LINE_BYTES_MAX, "lines of one length");

/* One of the totals, in the order lines have them. */
uint64_t relay_total_value(const struct relay_totals *t, size_t i);

#endif
