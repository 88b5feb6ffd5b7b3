/* log.c - one line a message
 *
 * No lock: a line is built on the stack and leaves in one write(2), so lines
 * of several threads do not mix. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1024 /* bytes of a message */

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static void write_stderr(enum log_level level, const char *token, const char *text);

static _Atomic(log_sink) current_sink = write_stderr;
static _Atomic(enum log_level) current_level = LOG_LEVEL_INFO;

void log_set_sink(log_sink sink)
{
	atomic_store(&current_sink, sink ? sink : write_stderr);
}

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, level);
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(level_names[i], name) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* "2026-01-31T12:00:00.123Z" */
static void format_now(char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void write_stderr(enum log_level level, const char *token, const char *text)
{
	char line[TEXT_MAX + 128], now[40];
	size_t n;

	format_now(now, sizeof(now));
	n = (size_t)snprintf(line, sizeof(line) - 1, "%s %-5s %.32s: %s", now, level_names[level],
			     token, text);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

/* Cut to end in "...", between two UTF-8 characters. */
static void mark_cut(char *text, size_t n)
{
	static const char mark[] = "...";
	size_t at = n - (sizeof(mark) - 1);

	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	memcpy(text + at, mark, sizeof(mark));
}

/* C0, DEL, and C1 as UTF-8: a terminal may obey any of them. */
static void replace_controls(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = '?';
	}
}

void log_write(enum log_level level, const char *token, const char *fmt, ...)
{
	int saved_errno = errno;
	char text[TEXT_MAX];
	va_list ap;
	int n;

	if (level > atomic_load_explicit(&current_level, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(text, sizeof(text), "(a message that cannot be formatted)");
	else if ((size_t)n >= sizeof(text))
		mark_cut(text, sizeof(text) - 1);
	replace_controls(text);
	atomic_load (&current_sink)(level, token, text);
	errno = saved_errno;
}
