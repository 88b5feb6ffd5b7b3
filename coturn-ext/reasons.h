/* reasons.h - coturn's words for why a session ended, as short ones
 *
 * Pure. Any thread. */
#ifndef REASONS_H
#define REASONS_H

/* kill: what the command said, "" when the allocation was not killed. Returns
 * one of the arguments or a constant: "kill...", "cancelled", "timeout",
 * "closed", "peer closed", "error", "stale"; coturn's own text when it is none we know. */
const char *reason_word(const char *coturn_text, const char *kill);

#endif
