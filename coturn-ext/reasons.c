/* reasons.c - see reasons.h */
#include "reasons.h"

#include <stddef.h>
#include <string.h>

static const char *const texts[REASON_N] = {
	[REASON_OTHER] = "",
	[REASON_CANCELLED] = "cancelled",
	[REASON_TIMEOUT] = "timeout",
	[REASON_STALE] = "stale",
	[REASON_CLOSED] = "closed",
	[REASON_PEER_CLOSED] = "peer closed",
	[REASON_ERROR] = "error",
	[REASON_KILL] = "kill",
	[REASON_SERVER_STOP] = "server-stop",
	[REASON_REVOKED] = "revoked",
	[REASON_EXPIRED] = "expired",
	[REASON_CRASH] = "crash",
};

/* The first text contained in coturn's decides; some begin with the socket's type. */
static const struct {
	const char *text;
	enum reason reason;
} words[] = {
	{ "Forceful shutdown", REASON_CANCELLED },
	{ "allocation timeout", REASON_TIMEOUT },
	{ "allocation watchdog", REASON_STALE },
	{ "connection closed by client", REASON_CLOSED },
	{ "connection closed by peer", REASON_PEER_CLOSED },
	{ "connection closed by remote", REASON_CLOSED },
	{ "socket buffer operation error", REASON_ERROR },
	{ "SSL read error", REASON_ERROR },
	{ "UDP packet processing error", REASON_ERROR },
	{ "general", REASON_CLOSED },
};

const char *reason_text(enum reason r)
{
	return (unsigned)r < REASON_N ? texts[r] : "";
}

enum reason reason_find(const char *text)
{
	unsigned i;

	for (i = REASON_OTHER + 1; i < REASON_N; i++)
		if (!strcmp(text, texts[i]))
			return (enum reason)i;
	return REASON_OTHER;
}

enum reason reason_begins(const char *text)
{
	size_t n = strcspn(text, ":");
	unsigned i;

	for (i = REASON_OTHER + 1; i < REASON_N; i++)
		if (strlen(texts[i]) == n && !memcmp(text, texts[i], n))
			return (enum reason)i;
	return REASON_OTHER;
}

enum reason reason_of(const char *coturn_text)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(coturn_text, words[i].text))
			return words[i].reason;
	return REASON_OTHER;
}
