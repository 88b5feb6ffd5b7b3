/* setup_word.c - see setup_word.h */
#include "setup_word.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define REALM_MAX 127 /* coturn's STUN_MAX_REALM_SIZE */
#define HOST_MAX 253
#define LABEL_MAX 63
#define PATH_BYTES_MAX 900

/* --- addresses --------------------------------------------------------------------- */

static const struct network {
	const char *address;
	unsigned bits;
	enum setup_reach reach;
	bool document;
} networks[] = {
	{ "0.0.0.0", 8, SETUP_NO_ADDRESS, false },
	{ "127.0.0.0", 8, SETUP_LOOPBACK, false },
	{ "10.0.0.0", 8, SETUP_PRIVATE, false },
	{ "172.16.0.0", 12, SETUP_PRIVATE, false },
	{ "192.168.0.0", 16, SETUP_PRIVATE, false },
	{ "100.64.0.0", 10, SETUP_PRIVATE, false },
	{ "169.254.0.0", 16, SETUP_PRIVATE, false },
	{ "198.18.0.0", 15, SETUP_PRIVATE, false },
	{ "192.0.0.0", 24, SETUP_PRIVATE, false },
	{ "192.0.2.0", 24, SETUP_PRIVATE, true },
	{ "198.51.100.0", 24, SETUP_PRIVATE, true },
	{ "203.0.113.0", 24, SETUP_PRIVATE, true },
	{ "224.0.0.0", 3, SETUP_NO_ADDRESS, false },
	{ "::", 128, SETUP_NO_ADDRESS, false },
	{ "::1", 128, SETUP_LOOPBACK, false },
	{ "::ffff:0:0", 96, SETUP_NO_ADDRESS, false }, /* an IPv4 address in disguise */
	{ "ff00::", 8, SETUP_NO_ADDRESS, false },
	{ "2001:db8::", 32, SETUP_PRIVATE, true },
	{ "3fff::", 20, SETUP_PRIVATE, true }, /* RFC 9637 */
	{ "2000::", 3, SETUP_PUBLIC, false },
	{ "::", 0, SETUP_PRIVATE, false },
	{ "0.0.0.0", 0, SETUP_PUBLIC, false },
};

/* Returns the address's bytes, 4 or 16; 0: it is none. */
static size_t address_bytes(const char *text, unsigned char out[16])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

/* The first network that it is in. */
static const struct network *network_of(const char *address)
{
	unsigned char a[16], b[16];
	size_t n = address_bytes(address, a);

	for (size_t i = 0; n && i < sizeof(networks) / sizeof(*networks); i++)
		if (address_bytes(networks[i].address, b) == n && same_bits(a, b, networks[i].bits))
			return &networks[i];
	return NULL;
}

enum setup_reach setup_reach(const char *address)
{
	const struct network *n = network_of(address);

	return n ? n->reach : SETUP_NO_ADDRESS;
}

bool setup_is_ipv6(const char *address)
{
	unsigned char a[16];

	return address_bytes(address, a) == 16;
}

void setup_address_respell(char *address, size_t size)
{
	unsigned char a[16];
	size_t n = address_bytes(address, a);

	if (n)
		inet_ntop(n == 4 ? AF_INET : AF_INET6, a, address, (socklen_t)size);
}

const char *setup_address_wrong(const char *word)
{
	return setup_reach(word) == SETUP_NO_ADDRESS ? "is not the address of a host" : NULL;
}

/* --- placeholders ------------------------------------------------------------------ */

/* Names of RFC 2606, alone or behind a dot. */
static const char *const document_names[] = { "example",     "example.com", "example.net",
					      "example.org", "example.edu", "invalid" };

/* Words that no real name has in it. */
static const char *const document_words[] = {
	"your_", "your-domain", "your-host", "your-ip",	  "your-public", "your-realm", "yourdomain",
	"_here", "my_ip",	"public_ip", "server_ip", "changeme",	 "domain.tld"
};

static bool ends_with_name(const char *word, const char *name)
{
	size_t n = strlen(word), m = strlen(name);

	if (n && word[n - 1] == '.')
		n--;
	return n >= m && strncasecmp(word + n - m, name, m) == 0 &&
	       (n == m || word[n - m - 1] == '.');
}

bool setup_is_placeholder(const char *word)
{
	const struct network *n = network_of(word);

	if (n)
		return n->document;
	if (strpbrk(word, "<>@"))
		return true;
	for (size_t i = 0; i < sizeof(document_names) / sizeof(*document_names); i++)
		if (ends_with_name(word, document_names[i]))
			return true;
	for (size_t i = 0; i < sizeof(document_words) / sizeof(*document_words); i++)
		if (strcasestr(word, document_words[i]))
			return true;
	return false;
}

/* --- names and paths --------------------------------------------------------------- */

static bool is_printable(const char *word)
{
	for (; *word; word++)
		if (*word < ' ' || *word > '~')
			return false;
	return true;
}

const char *setup_realm_wrong(const char *word)
{
	size_t n = strlen(word);

	if (!n || n > REALM_MAX)
		return "is not 1 to 127 characters";
	if (!is_printable(word) || strpbrk(word, " '\"\\,#="))
		return "has a character that does not go into a realm";
	return NULL;
}

static bool is_label(const char *p, size_t n)
{
	if (!n || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '-')
			return false;
	return true;
}

static bool is_name(const char *word)
{
	size_t n;

	if (strlen(word) > HOST_MAX)
		return false;
	for (;; word += n + 1) {
		n = strcspn(word, ".");
		if (!is_label(word, n))
			return false;
		if (!word[n])
			return !isdigit((unsigned char)*word); /* else a mistyped address */
	}
}

const char *setup_host_wrong(const char *word)
{
	if (setup_reach(word) != SETUP_NO_ADDRESS || is_name(word))
		return NULL;
	return "is neither a name nor the address of a host";
}

const char *setup_path_wrong(const char *word)
{
	size_t n = strlen(word);

	if (*word != '/')
		return "does not begin with /";
	if (n > PATH_BYTES_MAX)
		return "is too long for a line that turnserver reads";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)word[i] < ' ' || word[i] == 0x7f)
			return "has a control character";
	if (strpbrk(word, "\",") || word[n - 1] == ' ')
		return "has a character that does not go into a configuration";
	return NULL;
}

/* --- ports ------------------------------------------------------------------------- */

/* Digits up to end. */
static bool port_n(const char *text, const char *end, uint16_t *out)
{
	unsigned v = 0;

	if (text == end || end - text > 5)
		return false;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		v = v * 10 + (unsigned)(*text - '0');
	}
	*out = (uint16_t)v;
	return v >= 1 && v <= UINT16_MAX;
}

bool setup_port(const char *text, uint16_t *out)
{
	return port_n(text, text + strlen(text), out);
}

bool setup_port_range(const char *text, uint16_t *min, uint16_t *max)
{
	const char *dash = strchr(text, '-');

	return dash && port_n(text, dash, min) && setup_port(dash + 1, max) && *min < *max;
}
