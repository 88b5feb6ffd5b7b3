/* sio_echo_options.c - what sio-echo is told on its command line */
#include "sio_echo_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_NONE, KIND_U32, KIND_U64, KIND_SIZE, KIND_TEXT, KIND_LIST };

#define AT(field) offsetof(struct echo_options, field)

static const struct row {
	const char *name;
	const char *what;
	enum kind kind;
	size_t at;
	unsigned long long max;
} rows[] = {
	{ "port", "N", KIND_U64, AT(port), 65535 },
	{ "ping-interval", "ms", KIND_U64, AT(sio.engine.ping_interval_ms), UINT32_MAX },
	{ "ping-timeout", "ms", KIND_U64, AT(sio.engine.ping_timeout_ms), UINT32_MAX },
	{ "max-payload", "bytes", KIND_SIZE, AT(sio.engine.max_payload), UINT32_MAX },
	{ "connect-timeout", "ms", KIND_U64, AT(sio.connect_timeout_ms), UINT32_MAX },
	{ "queue-hard", "bytes", KIND_SIZE, AT(sio.engine.queue_hard), UINT32_MAX },
	{ "events-per-s", "N", KIND_U32, AT(sio.events_per_s), 1000000 },
	{ "events-burst", "N", KIND_U32, AT(sio.events_burst), 1000000 },
	{ "unjoined-max", "N", KIND_U32, AT(sio.unjoined_max), UINT32_MAX },
	{ "sessions-max", "N", KIND_U32, AT(sio.engine.sessions_max), UINT32_MAX },
	{ "cookie", "NAME", KIND_TEXT, AT(sio.engine.cookie), 0 },
	{ "connections", "N", KIND_U64, AT(connections), UINT32_MAX },
	{ "step", "ms", KIND_U64, AT(step_ms), UINT32_MAX },
	{ "origin", "ORIGIN", KIND_LIST, AT(origins), 0 },
	{ "cert", "FILE", KIND_LIST, AT(certs), 0 },
	{ "pkey", "FILE", KIND_LIST, AT(keys), 0 },
	{ "state-dir", "DIR", KIND_TEXT, AT(state_dir), 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool set_number(void *to, const struct row *row, const char *text)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || v > row->max)
		return false;
	switch (row->kind) {
	case KIND_U32: *(unsigned *)to = (unsigned)v; break;
	case KIND_SIZE: *(size_t *)to = (size_t)v; break;
	default: *(uint64_t *)to = v; break;
	}
	return true;
}

static bool set(struct echo_options *o, const struct row *row, const char *text)
{
	void *to = (char *)o + row->at;
	struct echo_list *list = to;

	if (row->kind == KIND_TEXT) {
		*(const char **)to = text;
		return true;
	}
	if (row->kind != KIND_LIST)
		return set_number(to, row, text);
	if (list->n == ECHO_LIST_MAX)
		return false;
	list->v[list->n++] = text;
	return true;
}

static void usage(const char *program)
{
	size_t i;

	fprintf(stderr, "usage: %s --port N", program);
	for (i = 1; i < ROWS; i++)
		fprintf(stderr, " [--%s %s]%s", rows[i].name, rows[i].what,
			rows[i].kind == KIND_LIST ? "..." : "");
	fprintf(stderr, "\n");
}

bool echo_options_read(struct echo_options *o, int argc, char **argv)
{
	struct option options[ROWS + 1] = { { .name = NULL } };
	bool good = true, have_port = false;
	int c, i;

	for (i = 0; i < (int)ROWS; i++)
		options[i] = (struct option){ rows[i].name, required_argument, NULL, i };
	memset(o, 0, sizeof(*o));
	sio_config_defaults(&o->sio);
	while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		good = c != '?' && set(o, &rows[c], optarg);
		have_port = have_port || c == 0;
	}
	if (good && have_port && optind == argc)
		return true;
	usage(argv[0]);
	return false;
}
