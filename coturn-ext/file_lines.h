/* file_lines.h - the lines of a file that a killed process may have left
 *
 * Reads with pread(), so that others may append through the same descriptor;
 * what they appended is found by asking again. Any thread, one at a time. */
#ifndef FILE_LINES_H
#define FILE_LINES_H

#include <stddef.h>
#include <stdint.h>

#define FILE_LINES_BYTES 32768 /* more than the longest line that is worth reading */

struct file_lines {
	int fd;		 /* a loan */
	uint64_t offset; /* in the file, of the next line */
	size_t pos, n;	 /* of buf: read from here on, filled up to here */
	char buf[FILE_LINES_BYTES];
};

void file_lines_init(struct file_lines *l, int fd);

/* The next line, without its line feed; a loan until the next call. One that is
 * longer than the buffer comes in pieces as long as that.
 * Returns 1, 0 (no whole line is left: what is behind offset has no end), -errno. */
int file_lines_next(struct file_lines *l, const char **line, size_t *n);

#endif
