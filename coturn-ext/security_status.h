/* security_status.h - the security ledger, as turnserver --security-status prints it */
#ifndef SECURITY_STATUS_H
#define SECURITY_STATUS_H

#include <stdio.h>

#define SECURITY_STATUS_COLUMNS 80

/* The ledger, in lines of at most so many columns (40 and more) but for words that are longer.
 * Returns 0, -EIO. */
int security_status_print(FILE *out, unsigned columns);

/* What out shows in a line: that of its terminal, else SECURITY_STATUS_COLUMNS. */
unsigned security_status_columns(FILE *out);

#endif
