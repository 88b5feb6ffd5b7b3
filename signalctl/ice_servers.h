/* ice_servers.h - what a client does with iceServers and candidates, as far as a trial needs it
 *
 * Pure. */
#ifndef ICE_SERVERS_H
#define ICE_SERVERS_H

#include "json_text.h"
#include "net.h"
#include "turn_credential.h"

#define ICE_URLS_MAX 8
#define ICE_CANDIDATE_MAX 160

struct ice_login {
	char name[TURN_NAME_MAX + 1];
	char password[256];
	struct net_target url[ICE_URLS_MAX]; /* those of TURN that we speak, in their order */
	size_t urls_n;
};

/* The first server with a username, of an array of RTCIceServer. Returns 0, -ENOENT (there is
 * none), -EINVAL (one that cannot be used). */
int ice_login_read(struct json_slice servers, struct ice_login *out);

/* A candidate of type relay with this address (RFC 8839 section 5.1), and its address out of one.
 * Returns the length, -ENOBUFS; 0, -EINVAL. */
int ice_candidate_write(char *out, size_t size, const struct sockaddr_storage *relayed);
int ice_candidate_read(const char *text, struct sockaddr_storage *out);

/* "ADDRESS:PORT", IPv6 in brackets. */
#define ICE_ADDRESS_MAX 64
const char *ice_address(char out[ICE_ADDRESS_MAX], const struct sockaddr_storage *a);

#endif
