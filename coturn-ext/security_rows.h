/* security_rows.h - the rows of the security ledger
 *
 * Those of patches/VERSION/SECURITY.md: security_rows.c is made of it by security_rows.awk. A row
 * whose patch belongs to a group that was not built in is not fixed here, and its status says so.
 */
#ifndef SECURITY_ROWS_H
#define SECURITY_ROWS_H

#include <stddef.h>

struct security_row {
	const char *id, *summary, *by_default, *patch, *test, *status;
};

extern const struct security_row security_rows[];
extern const size_t security_rows_n;
extern const char security_checked[];	      /* up to which upstream version, and when */
extern const char security_checked_version[]; /* "4.17.1" */
extern const char security_checked_date[];    /* YYYY-MM-DD */

#endif
