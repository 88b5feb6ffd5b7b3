/* turnserver_main.c - turnserver's main
 *
 * coturn is an archive here (libcoturn.a, its main renamed), so that tests link the same objects as
 * turnserver does. What needs neither a configuration nor a log is answered before coturn begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "security_status.h"

int coturn_main(int argc, char **argv);

static int security_status(void)
{
	return security_status_print(stdout, security_status_columns(stdout)) ? EXIT_FAILURE
									      : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--security-status"))
			return security_status();
	return coturn_main(argc, argv);
}
