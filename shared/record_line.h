/* record_line.h - one record of a file that must tell what it lost: "crc32 text\n"
 *
 * turnserver's spool and signald's journal are files of such lines. The first
 * eight bytes are the CRC-32 (zlib's) of the text as lower-case hex digits; a
 * space, the text, a line feed. The text is not empty and holds no line feed,
 * so a reader that met rubbish goes on behind the next one. Pure; any thread. */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include <stddef.h>

#define RECORD_LINE_HEAD 9			 /* bytes before the text */
#define RECORD_LINE_EXTRA (RECORD_LINE_HEAD + 1) /* bytes a line has beside its text */

/* Write the line of text, with its line feed and no NUL. out may not overlap
 * text. Returns its length, -EINVAL (no text, or a line feed in it), -ENOBUFS. */
int record_line_write(char *out, size_t size, const char *text, size_t n);

/* Read one line, without its line feed; *text points into it. Returns 0, -EINVAL
 * (no record, or not what was written). */
int record_line_parse(const char *line, size_t n, const char **text, size_t *text_n);

#endif
