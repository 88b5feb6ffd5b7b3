/* admin_token.c - read once, compared in constant time */
#include "admin_token.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

static int digest(uint8_t out[32], const char *p, size_t n)
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int read_first_line(const char *path, mode_t refused, char *buf, size_t size, size_t *n)
{
	struct stat st;
	ssize_t got = 0;
	int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (st.st_mode & refused)
		r = -EPERM;
	else if ((got = read(fd, buf, size)) < 0)
		r = -errno;
	close(fd);
	if (r)
		return r;
	for (*n = 0; *n < (size_t)got && isgraph((unsigned char)buf[*n]);)
		++*n;
	return *n < (size_t)got && buf[*n] != '\n' ? -EINVAL : 0;
}

static int load(struct admin_token *t, const char *path, mode_t refused, size_t min)
{
	char buf[ADMIN_TOKEN_MAX + 2];
	size_t n = 0;
	int r;

	t->set = false;
	r = read_first_line(path, refused, buf, sizeof(buf), &n);
	if (!r && (n < min || n > ADMIN_TOKEN_MAX))
		r = -EINVAL;
	if (!r)
		r = digest(t->sha256, buf, n);
	t->set = !r;
	OPENSSL_cleanse(buf, sizeof(buf));
	return r;
}

int admin_token_load(struct admin_token *t, const char *path)
{
	return load(t, path, 0007, ADMIN_TOKEN_MIN);
}

int site_key_load(struct admin_token *t, const char *path)
{
	return load(t, path, 0002, SITE_KEY_MIN);
}

bool admin_token_is(const struct admin_token *t, const char *text)
{
	uint8_t sha256[32];

	return t->set && text && !digest(sha256, text, strlen(text)) &&
	       !CRYPTO_memcmp(sha256, t->sha256, sizeof(sha256));
}

bool admin_token_matches(const struct admin_token *t, const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (authorization && !strncasecmp(authorization, scheme, sizeof(scheme) - 1))
		authorization += sizeof(scheme) - 1;
	return admin_token_is(t, authorization);
}
