/* help.h - what --help prints, made from the table of commands. Pure. */
#ifndef HELP_H
#define HELP_H

#include "signalctl.h"

void help_put(FILE *out, const struct signalctl_command *command); /* NULL: of all */

#endif
