/* admin_fixture.h - tokens of admins, from a file with this text */
#ifndef TESTS_UNIT_ADMIN_FIXTURE_H
#define TESTS_UNIT_ADMIN_FIXTURE_H

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin_tokens.h"

static char admin_file[40];

/* Returns 0, -1. */
static inline int admin_file_write(const char *text, mode_t mode)
{
	size_t n = strlen(text);
	int fd;

	strcpy(admin_file, "/tmp/check_admin_XXXXXX");
	fd = mkstemp(admin_file);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n || fchmod(fd, mode))
		return -1;
	return close(fd);
}

/* NULL: they cannot be used. */
static inline struct admin_tokens *admin_tokens_of(const char *text)
{
	struct admin_tokens *t = NULL;

	if (admin_file_write(text, 0600) || admin_tokens_new(&t, admin_file))
		t = NULL;
	unlink(admin_file);
	return t;
}

#endif
