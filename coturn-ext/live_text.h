/* live_text.h - who an allocation is, as it lies behind its cell
 *
 *	name NUL realm NUL secret NUL transport relay-transport relayed relayed6 client
 *
 * A transport is a byte. An address is one of the family (0: none, 4, 6), and
 * unless there is none two of the port and 4 or 16 of the address, in network
 * order; the client's is last and has room for any, as it may move. Pure. */
#ifndef LIVE_TEXT_H
#define LIVE_TEXT_H

#include <stddef.h>

#include "relay_event.h"

size_t live_text_bytes(const struct relay_allocation *a);

/* Write so many bytes. What is no "IPv4:port" or "[IPv6]:port" is no address,
 * and what is no transport none. */
void live_text_write(char *text, const struct relay_allocation *a);

/* n: live_text_bytes() when it was written. */
void live_text_set_client(char *text, size_t n, const char *client);

/* Read n bytes, whatever they are; fields that are not in it stay. Returns 0, -EBADMSG. */
int live_text_read(const char *text, size_t n, struct relay_allocation *out);

#endif
