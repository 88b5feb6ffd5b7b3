/* fuzz_forwarded.c - addresses, ranges, and chains of proxies
 *
 * The input's first line is an entry of the list of proxies, each further one a line of
 * X-Forwarded-For. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "transport/forwarded.h"

/* An address is what its text says. */
static void check_address(const char *p, size_t n)
{
	struct client_address a, again;
	char text[INET6_ADDRSTRLEN];

	if (!address_read(&a, p, n))
		return;
	MUST(a.family == 4 || a.family == 6);
	client_address_text(&a, text);
	MUST(address_read(&again, text, strlen(text)) && client_address_equal(&a, &again));
}

static struct address_set *read_list(const char *entry)
{
	const char *list[] = { "10.0.0.0/8", entry, NULL }, *bad;
	struct address_set *s;

	if (address_set_new(&s, list, &bad)) {
		MUST(bad == entry && !s);
		list[1] = NULL;
		MUST(!address_set_new(&s, list, &bad));
	}
	return s;
}

static void check_chain(struct forwarded *f, const struct address_set *trusted, const char *line)
{
	static const struct client_address client = { { 192, 0, 2, 1 }, 4 };
	struct forwarded appended;

	forwarded_add(f, trusted, line);
	MUST(!f->garbage || (!f->found && !f->client.family));
	MUST(!f->found || !address_set_has(trusted, &f->client));
	MUST(f->found || !f->client.family || address_set_has(trusted, &f->client));
	appended = *f; /* whatever stands there, what our proxies append counts */
	forwarded_add(&appended, trusted, "192.0.2.1, 10.1.1.1");
	MUST(address_set_has(trusted, &client) ||
	     (appended.found && client_address_equal(&appended.client, &client)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line;
	struct address_set *trusted;
	struct forwarded f;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	line = strsep(&rest, "\n");
	check_address(line, strlen(line));
	trusted = read_list(line);
	forwarded_init(&f);
	while ((line = strsep(&rest, "\n"))) {
		check_chain(&f, trusted, line);
		forwarded_proto(line);
	}
	address_set_free(trusted);
	free(text);
	return 0;
}
