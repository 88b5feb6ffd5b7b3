/* reasons.c - see reasons.h */
#include "reasons.h"

#include <stddef.h>
#include <string.h>

/* The first text contained in coturn's decides; some begin with the socket's type. */
static const struct {
	const char *text, *word;
} words[] = {
	{ "Forceful shutdown", "cancelled" },
	{ "allocation timeout", "timeout" },
	{ "allocation watchdog", "stale" },
	{ "connection closed by client", "closed" },
	{ "connection closed by peer", "peer closed" },
	{ "connection closed by remote", "closed" },
	{ "socket buffer operation error", "error" },
	{ "SSL read error", "error" },
	{ "UDP packet processing error", "error" },
	{ "general", "closed" },
};

const char *reason_word(const char *coturn_text, const char *kill)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(coturn_text, words[i].text))
			return i == 0 && kill[0] ? kill : words[i].word;
	return coturn_text;
}
