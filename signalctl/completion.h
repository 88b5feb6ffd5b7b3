/* completion.h - what bash needs to complete command lines, made from the table of commands
 *
 * Calls and users are asked for with signalctl itself; all other words stand in the script. Pure.
 */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stdio.h>

void completion_put_bash(FILE *out);

#endif
