/* secret_text.c - see secret_text.h */
#include "secret_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

static int fail(struct secret_error *err, int r, const char *text)
{
	err->line = 0;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return r;
}

static int fail_errno(struct secret_error *err, int r)
{
	return fail(err, r, strerror(-r));
}

static int fail_size(struct secret_error *err, size_t max)
{
	err->line = 0;
	snprintf(err->text, sizeof(err->text), "longer than %zu bytes", max);
	return -EFBIG;
}

#define SECRET_FORBIDS 0007
#define PUBLIC_FORBIDS 0002

struct limits {
	size_t max;
	mode_t forbidden; /* bits of a mode */
};

static int check_file(int fd, const struct limits *l, struct secret_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(err, -errno);
	if (!S_ISREG(st.st_mode))
		return fail(err, -EINVAL, "not a regular file");
	if (st.st_mode & l->forbidden)
		return fail(err, -EPERM,
			    l->forbidden == SECRET_FORBIDS
				    ? "others may read or write it: chmod o= it"
				    : "others may write it: chmod o-w it");
	if (st.st_size > (off_t)l->max)
		return fail_size(err, l->max);
	return 0;
}

/* Read until the end or until buf is full. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buf + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static int load_fd(int fd, const struct limits *l, char **out, size_t *out_n,
		   struct secret_error *err)
{
	const size_t size = l->max + 1; /* one more shows that it grew */
	char *buf;
	ssize_t n;
	int r = check_file(fd, l, err);

	if (r < 0)
		return r;
	buf = malloc(size);
	if (!buf)
		return fail(err, -ENOMEM, "out of memory");
	n = read_all(fd, buf, size);
	if (n >= 0 && (size_t)n < size) {
		*out = buf;
		*out_n = (size_t)n;
		return 0;
	}
	r = n < 0 ? fail_errno(err, (int)n) : fail_size(err, l->max);
	secret_text_free(buf, n < 0 ? size : (size_t)n);
	return r;
}

static int load(const char *path, const struct limits *l, char **out, size_t *n,
		struct secret_error *err)
{
	int fd, r;

	*out = NULL;
	*n = 0;
	memset(err, 0, sizeof(*err));
	/* O_NONBLOCK: a FIFO in its place must not stop a daemon. A link is the admin's choice. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(err, -errno);
	r = load_fd(fd, l, out, n, err);
	close(fd);
	return r;
}

int secret_text_load(const char *path, size_t max, char **out, size_t *n, struct secret_error *err)
{
	const struct limits l = { max, SECRET_FORBIDS };

	return load(path, &l, out, n, err);
}

int public_text_load(const char *path, size_t max, char **out, size_t *n, struct secret_error *err)
{
	const struct limits l = { max, PUBLIC_FORBIDS };

	return load(path, &l, out, n, err);
}

int secret_text_token(const char *text, size_t n, size_t min, size_t max, size_t *length)
{
	size_t i = 0;

	while (i < n && isgraph((unsigned char)text[i]))
		i++;
	if (i < min || i > max || (i < n && text[i] != '\n'))
		return -EINVAL;
	*length = i;
	return 0;
}

void secret_text_free(char *text, size_t n)
{
	if (!text)
		return;
	OPENSSL_cleanse(text, n);
	free(text);
}
