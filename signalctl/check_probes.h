/* check_probes.h - what is found out by trying it: allocations, HTTP, Socket.IO
 *
 * Each within seconds; touches the network. */
#ifndef CHECK_PROBES_H
#define CHECK_PROBES_H

#include "check_line.h"
#include "check_facts.h"

#define PROBES 6
/* All of them take no longer, together: so many times what signald is waited for. */
#define PROBES_WAITS 7

/* An allocation with fresh credentials, where turn-urls send clients. */
void probe_turn_udp(struct check_facts *f, struct check_say *s);
void probe_turn_tcp(struct check_facts *f, struct check_say *s);
void probe_turn_tls(struct check_facts *f, struct check_say *s);

/* On each of the first addresses of listen and listen-plain. */
void probe_rest(struct check_facts *f, struct check_say *s);
void probe_polling(struct check_facts *f, struct check_say *s);
void probe_websocket(struct check_facts *f, struct check_say *s);

#endif
