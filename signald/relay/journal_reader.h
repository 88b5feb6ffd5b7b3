/* journal_reader.h - a journal's lines one after another, whatever the file holds
 *
 * One thread; reads with pread(), so writers of the same file do not disturb it. */
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include <stdint.h>
#include <sys/types.h>

#include "journal_line.h"

enum journal_found {
	JOURNAL_FOUND_END,     /* no more */
	JOURNAL_FOUND_RECORD,  /* a good line */
	JOURNAL_FOUND_DAMAGED, /* a line that is none, or a part of one that is too long */
	JOURNAL_FOUND_TORN,    /* what stands behind the last line feed */
};

struct journal_item {
	const char *p; /* the bytes, line feed included; a loan until the next one is asked for */
	size_t n;
	uint64_t at;		      /* byte offset of the line */
	uint64_t line;		      /* from 1 */
	bool more;		      /* DAMAGED: this line goes on with the next item */
	struct journal_record record; /* RECORD */
};

struct journal_reader {
	int fd;		/* a loan */
	uint64_t next;	/* byte offset behind what buf has */
	uint64_t limit; /* read no further */
	uint64_t line_at, line;
	bool inside; /* of a line that is too long */
	size_t at, n;
	char buf[2 * JOURNAL_LINE_MAX];
};

/* Begin with the first byte; what is behind limit is not looked at. Large: not for the stack. */
void journal_reader_init(struct journal_reader *r, int fd, uint64_t limit);

/* Returns an enum journal_found, or -errno of pread(). */
int journal_reader_next(struct journal_reader *r, struct journal_item *out);

#endif
