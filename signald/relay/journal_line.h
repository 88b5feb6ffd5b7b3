/* journal_line.h - the lines of usage.journal
 *
 * Each is a record line (record_line.h: checksum, space, text, line feed). The text is one of
 * - an end or sum as turnserver sent it (coturn-ext/PROTOCOL.md), member by member, and for an end
 *   that belongs to a call also "for": the id of that call, as signald attributed it
 * - a sum that signald's compaction made: it stands for all ends of one call, or for those of one
 *   day (UTC) that belong to no call
 * - {"e":"mark","epoch","seq"}: all of that epoch up to seq is in the journal; made by compaction
 *
 * The identity of an end or sum is (epoch, seq). Pure; any thread. */
#ifndef JOURNAL_LINE_H
#define JOURNAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record_line.h"
#include "relay_event.h"

#define JOURNAL_FOR_MAX 64 /* bytes that ,"for":"..." takes at most */
#define JOURNAL_TEXT_MAX (RELAY_LINE_MAX + JOURNAL_FOR_MAX)
#define JOURNAL_LINE_MAX (JOURNAL_TEXT_MAX + RECORD_LINE_EXTRA) /* line feed included */

/* A record of the ledger: all before it in turnserver's order come before it. */
struct journal_position {
	char epoch[RELAY_EPOCH_LEN + 1]; /* "": none yet */
	uint64_t seq;
};

enum journal_kind { JOURNAL_END, JOURNAL_SUM, JOURNAL_MARK };

/* What a line says, as far as it is added up. */
struct journal_record {
	enum journal_kind kind;
	struct journal_position at;
	char call[TURN_CALL_ID_LEN + 1]; /* "": of none */
	uint64_t ends;			 /* END: 1 */
	uint64_t from_ms, to_ms;	 /* since 1970; END: both are when it ended */
	struct relay_totals totals;
	bool exact;
};

/* Write the line of an end or sum that came as this text (a JSON object without line feeds), with
 * the call it counts to ("" or NULL: none, and always for a sum).
 * Returns the length, -EINVAL (the text is no object), -ENOBUFS. */
int journal_write_event(char *out, size_t size, const char *text, size_t n, const char *call);

/* Write the line of a sum; kind does not matter. Returns the length, -ENOBUFS. */
int journal_write_sum(char *out, size_t size, const struct journal_record *r);

/* Returns the length, -ENOBUFS. */
int journal_write_mark(char *out, size_t size, const struct journal_position *at);

/* Read one line, without its line feed. Returns 0, -EINVAL (damaged, or none of the above). */
int journal_line_parse(const char *line, size_t n, struct journal_record *out);

#endif
