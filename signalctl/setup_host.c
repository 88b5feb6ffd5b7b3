/* setup_host.c - see setup_host.h */
#include "setup_host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Any address far away: with no socket of its own there, connect() only looks up the way. */
#define FAR_AWAY 0x08080808

static bool address_text(const struct sockaddr *a, char out[SETUP_ADDRESS_BYTES])
{
	if (a->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
				 out, SETUP_ADDRESS_BYTES);
	if (a->sa_family == AF_INET6) {
		const struct in6_addr *six =
			&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

		return !IN6_IS_ADDR_LINKLOCAL(six) &&
		       inet_ntop(AF_INET6, six, out, SETUP_ADDRESS_BYTES);
	}
	return false;
}

static void find_local(struct setup_facts *facts)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return;
	for (struct ifaddrs *i = all; i && facts->local_n < SETUP_LOCAL_MAX; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_flags & IFF_UP &&
		    address_text(i->ifa_addr, facts->local[facts->local_n]))
			facts->local_n++;
	freeifaddrs(all);
}

static void find_route(struct setup_facts *facts)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = htonl(FAR_AWAY) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)) &&
	    !getsockname(fd, (struct sockaddr *)&a, &n))
		address_text((struct sockaddr *)&a, facts->route);
	close(fd);
}

void setup_host_facts(struct setup_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	find_local(facts);
	find_route(facts);
}
