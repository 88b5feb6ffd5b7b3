/* fuzz_file.h - an input as a file of record lines, in a folder of its own
 *
 * The first byte says how the rest becomes the file: as it stands ('='), or
 * each line of it with a right checksum. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "record_line.h"
#include "relay_event.h"

static char fuzz_dir[] = "/tmp/fuzz_file.XXXXXX", fuzz_path[64];

static void fuzz_log(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static void fuzz_file_remove(void)
{
	unlink(fuzz_path);
	rmdir(fuzz_dir);
}

static void fuzz_file_make(void)
{
	log_set_sink(fuzz_log);
	MUST(mkdtemp(fuzz_dir));
	snprintf(fuzz_path, sizeof(fuzz_path), "%s/file", fuzz_dir);
	MUST(atexit(fuzz_file_remove) == 0);
}

static void fuzz_file_records(FILE *f, const char *p, size_t n)
{
	static char line[RELAY_LINE_MAX + RECORD_LINE_EXTRA];

	while (n) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf ? (size_t)(lf - p) : n;
		int written = record_line_write(line, sizeof(line), p, len);

		if (written > 0)
			fwrite(line, 1, (size_t)written, f);
		p += len + (lf != NULL);
		n -= len + (lf != NULL);
	}
}

/* The input is what lies at fuzz_path from here on. */
static void fuzz_file_write(const uint8_t *data, size_t n)
{
	FILE *f;

	if (!fuzz_path[0])
		fuzz_file_make();
	f = fopen(fuzz_path, "w");
	MUST(f);
	if (n && data[0] == '=')
		fwrite(data + 1, 1, n - 1, f);
	else if (n)
		fuzz_file_records(f, (const char *)data + 1, n - 1);
	fclose(f);
}

#endif
