/* source_limit.h - how much is answered to a source that has not proved its address
 *
 * Who forges the address of a victim has us send our answers there. Each source
 * (an IPv4 address, an IPv6 /64) has a budget of answers; beyond it, it gets no
 * more bytes than it sends, but always two answers a second, so that a client
 * whose address is being forged still comes in. Large answers cost more of the
 * budget than small ones. This host's own loopback addresses have no limit.
 *
 * A fixed table, looked up by a keyed hash; in a full corner of it the source
 * heard longest ago goes. Nothing is allocated after the table is made.
 * One thread; time is an argument. */
#ifndef SOURCE_LIMIT_H
#define SOURCE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "name_hash.h"

#define SOURCE_LIMIT_SOURCES 8192
#define SOURCE_LIMIT_WAYS 8	     /* sources of one corner */
#define SOURCE_LIMIT_BURST_S 4	     /* seconds' worth of answers in the budget of one who is new */
#define SOURCE_LIMIT_RATE_MAX 100000 /* answers per second */
#define SOURCE_LIMIT_UNIT_BYTES 256  /* of an answer: so many cost as much as one answer */
#define SOURCE_LIMIT_FREE_MS 500     /* between two answers that cost nothing */
#define SOURCE_LIMIT_CREDIT_BYTES 65536

struct source_limit;

/* Returns 0, -ENOMEM. answers_per_s: up to SOURCE_LIMIT_RATE_MAX; 0: no limit. */
int source_limit_new(struct source_limit **out, const struct name_hash_key *key,
		     unsigned answers_per_s);
void source_limit_free(struct source_limit *l); /* NULL is fine */

/* It sent received_bytes: may it be sent answer_bytes? now_ms is monotonic. To be called once for
 * each datagram that has an answer. */
bool source_limit_admit(struct source_limit *l, const struct sockaddr *source, uint64_t now_ms,
			size_t received_bytes, size_t answer_bytes);

#endif
