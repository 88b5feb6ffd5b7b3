/* client_address.h - a client's IP address, and the part of it that one client cannot vary
 *
 * An IPv6 host has its /64 for itself (RFC 6177), so that is what counts as
 * one client. An IPv4-mapped address is the IPv4 address. Pure; any thread. */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>

struct client_address {
	uint8_t bytes[16]; /* IPv4 in the first four, the others zero */
	uint8_t family;	   /* 4, 6; 0: unknown */
};

void client_address_read(struct client_address *out, const struct sockaddr *sa); /* NULL is fine */
struct client_address client_prefix(const struct client_address *a);
bool client_address_equal(const struct client_address *a, const struct client_address *b);
unsigned client_address_mix(const struct client_address *a); /* a hash, not keyed */
void client_address_text(const struct client_address *a, char out[INET6_ADDRSTRLEN]);

#endif
