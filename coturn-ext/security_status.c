/* security_status.c - see security_status.h */
#include "security_status.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "security_rows.h"

#define COLUMNS_MIN 40
#define INDENT 4
#define TEXT_MAX 2048
#define NOTHING "-" /* in a column */

/* --- lines --------------------------------------------------------------------------- */

struct page {
	FILE *out;
	unsigned columns;
	unsigned at; /* in the line */
};

static void word(struct page *p, const char *text, size_t n, unsigned indent)
{
	if (p->at > indent && p->at + 1 + n > p->columns) {
		putc('\n', p->out);
		p->at = 0;
	}
	if (!p->at) {
		fprintf(p->out, "%*s", (int)indent, "");
		p->at = indent;
	} else if (p->at > indent) {
		putc(' ', p->out);
		p->at++;
	}
	fwrite(text, 1, n, p->out);
	p->at += (unsigned)n;
}

/* One paragraph: words between spaces, each line indented. */
__attribute__((format(printf, 3, 4))) static void paragraph(struct page *p, unsigned indent,
							    const char *fmt, ...)
{
	char text[TEXT_MAX];
	const char *s = text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->at = 0;
	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		word(p, s, n, indent);
		s += n;
	}
	putc('\n', p->out);
}

/* --- the ledger ------------------------------------------------------------------------ */

static const char *const statuses[] = { "fixed", "mitigated",	 "warned",
					"open",	 "not built in", "not affected" };

static unsigned count(const char *status)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < security_rows_n; i++)
		n += !strcmp(security_rows[i].status, status);
	return n;
}

static void head(struct page *p)
{
	char counts[256] = "";
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		size_t at = strlen(counts);
		unsigned n = count(statuses[i]);

		if (n)
			snprintf(counts + at, sizeof(counts) - at, "%s%u %s", at ? ", " : "", n,
				 statuses[i]);
	}
	paragraph(p, 0, "turnserver %s with coturn-ext %s: %s. Checked up to %s.",
		  COTURN_PACKAGE_VERSION, PACKAGE_VERSION, counts, security_checked);
}

static void row(struct page *p, const struct security_row *r)
{
	putc('\n', p->out);
	paragraph(p, 0, "%s: %s", r->id, r->status);
	paragraph(p, INDENT, "%s.", r->summary);
	paragraph(p, INDENT, "In stock by default: %s.", r->by_default);
	if (strcmp(r->patch, NOTHING) != 0)
		paragraph(p, INDENT, "Patch: %s.", r->patch);
	if (strcmp(r->test, NOTHING) != 0)
		paragraph(p, INDENT, "Test: %s.", r->test);
}

int security_status_print(FILE *out, unsigned columns)
{
	struct page p = { .out = out, .columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns };
	size_t i;

	head(&p);
	for (i = 0; i < security_rows_n; i++)
		row(&p, &security_rows[i]);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

unsigned security_status_columns(FILE *out)
{
	struct winsize size;

	if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return SECURITY_STATUS_COLUMNS;
}
