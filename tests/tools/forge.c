/* forge.c - datagrams of STUN with forged sources, for a network namespace of one's own
 *
 *	forge [-k KINDS] [-f FIRST] [-s SOURCES] [-n COUNT] [-r RATE] ADDRESS PORT
 *
 *	-k  letters, one after the other: a Allocate, b Binding, g garbage (default: a)
 *	-f  the first source (default 198.18.1.0)
 *	-s  so many of them, from there on (default 1)
 *	-n  datagrams (default 1000); each from the next source, at a port of its own
 *	-r  datagrams per second (default 20000)
 *
 * Prints what was sent as JSON. Needs a raw socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_MAX 64
#define FIRST_PORT 1024
#define PORTS 60000
#define STRETCH 50 /* datagrams between two looks at the clock */

struct plan {
	const char *kinds;
	uint32_t first, sources, count, rate;
	struct sockaddr_in to;
};

struct datagram {
	struct ip ip;
	struct udphdr udp;
	uint8_t payload[PAYLOAD_MAX];
} __attribute__((packed));

static uint32_t next_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32);
}

static void put_random(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next_random();
}

/* RFC 8489 section 5: the header; an Allocate has a REQUESTED-TRANSPORT of UDP. */
static size_t put_payload(uint8_t *p, char kind)
{
	static const uint8_t binding[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	static const uint8_t allocate[] = { 0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42 };
	static const uint8_t transport[] = { 0, 0x19, 0, 4, 17, 0, 0, 0 };

	put_random(p, PAYLOAD_MAX);
	switch (kind) {
	case 'a':
		memcpy(p, allocate, sizeof(allocate));
		memcpy(p + 20, transport, sizeof(transport));
		return 28;
	case 'b': memcpy(p, binding, sizeof(binding)); return 20;
	default: return 1 + next_random() % PAYLOAD_MAX;
	}
}

static size_t put_datagram(struct datagram *d, const struct plan *plan, uint32_t i)
{
	size_t n = put_payload(d->payload, plan->kinds[i % strlen(plan->kinds)]);
	size_t whole = sizeof(d->ip) + sizeof(d->udp) + n;

	d->ip = (struct ip){ .ip_v = 4,
			     .ip_hl = 5,
			     .ip_len = htons((uint16_t)whole),
			     .ip_ttl = 64,
			     .ip_p = IPPROTO_UDP,
			     .ip_src = { htonl(plan->first + i % plan->sources) },
			     .ip_dst = plan->to.sin_addr };
	d->udp = (struct udphdr){ .source =
					  htons((uint16_t)(FIRST_PORT + i / plan->sources % PORTS)),
				  .dest = plan->to.sin_port,
				  .len = htons((uint16_t)(sizeof(d->udp) + n)) };
	return whole;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t ns)
{
	const struct timespec t = { .tv_sec = (time_t)(ns / 1000000000),
				    .tv_nsec = (long)(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int send_all(int fd, const struct plan *plan, uint64_t *payload_bytes)
{
	const uint64_t begun_ns = now_ns();
	struct datagram d;

	for (uint32_t i = 0; i < plan->count; i++) {
		size_t n = put_datagram(&d, plan, i);

		if (i % STRETCH == 0)
			wait_until(begun_ns + (uint64_t)i * 1000000000 / plan->rate);
		while (sendto(fd, &d, n, 0, (const struct sockaddr *)&plan->to, sizeof(plan->to)) <
		       0) {
			if (errno != ENOBUFS && errno != EINTR)
				return -errno;
		}
		*payload_bytes += n - sizeof(d.ip) - sizeof(d.udp);
	}
	return 0;
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end || v < 1 || v > UINT32_MAX) {
		fprintf(stderr, "forge: \"%s\" is no number from 1\n", text);
		exit(2);
	}
	return (uint32_t)v;
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		fprintf(stderr, "forge: \"%s\" is no IPv4 address\n", text);
		exit(2);
	}
	return ntohl(a.s_addr);
}

static void read_options(struct plan *plan, int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "k:f:s:n:r:")) != -1;) {
		switch (c) {
		case 'k': plan->kinds = optarg; break;
		case 'f': plan->first = address(optarg); break;
		case 's': plan->sources = number(optarg); break;
		case 'n': plan->count = number(optarg); break;
		case 'r': plan->rate = number(optarg); break;
		default: exit(2);
		}
	}
	if (argc - optind != 2 || !*plan->kinds ||
	    strspn(plan->kinds, "abg") != strlen(plan->kinds)) {
		fprintf(stderr, "usage: forge [-k KINDS] [-f FIRST] [-s SOURCES] [-n COUNT]"
				" [-r RATE] ADDRESS PORT\n");
		exit(2);
	}
	plan->to = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr = { htonl(address(argv[optind])) },
					 .sin_port = htons((uint16_t)number(argv[optind + 1])) };
}

int main(int argc, char **argv)
{
	struct plan plan = {
		.kinds = "a", .first = 0xc6120100, .sources = 1, .count = 1000, .rate = 20000
	};
	uint64_t bytes = 0;
	int fd, err;

	read_options(&plan, argc, argv);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		fprintf(stderr, "forge: raw socket: %s\n", strerror(errno));
		return 1;
	}
	err = send_all(fd, &plan, &bytes);
	close(fd);
	if (err < 0) {
		fprintf(stderr, "forge: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"sent\":%" PRIu32 ",\"payloadBytes\":%" PRIu64 "}\n", plan.count, bytes);
	return 0;
}
