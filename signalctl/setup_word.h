/* setup_word.h - may this word stand in a configuration?
 *
 * What an admin gives to setup is judged before anything is made of it: a name, an address, a range
 * of ports, and whether it is only an example that somebody copied. Pure; any thread. */
#ifndef SETUP_WORD_H
#define SETUP_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns NULL when the word is right, or what is wrong with it, for people. */

/* A realm: 1 to 127 printable characters of which none has a meaning in either file, and none that
 * turnserver refuses in what clients send (its is_secure_string()). */
const char *setup_realm_wrong(const char *word);

/* A name of the DNS (RFC 1123 section 2.1) or an address, without port or brackets. */
const char *setup_host_wrong(const char *word);

/* An IPv4 or IPv6 address that can be one host's. */
const char *setup_address_wrong(const char *word);

/* An absolute path, without what would end a line, a value or an entry of a list. */
const char *setup_path_wrong(const char *word);

/* Does it stand for something else: a name or an address kept for documents (RFC 2606, RFC 5737,
 * RFC 3849), or in words, such as YOUR_PUBLIC_IP? */
bool setup_is_placeholder(const char *word);

enum setup_reach { SETUP_NO_ADDRESS, SETUP_LOOPBACK, SETUP_PRIVATE, SETUP_PUBLIC };

/* How far an address is known. What is neither loopback nor public is private: networks of one's
 * own, of carriers, link-local ones. */
enum setup_reach setup_reach(const char *address);
bool setup_is_ipv6(const char *address);

/* Two spellings of one address become one (RFC 5952); what is none stays. */
void setup_address_respell(char *address, size_t size);

/* "PORT", "MIN-MAX". Return whether the text is one, with *out filled. */
bool setup_port(const char *text, uint16_t *out);
bool setup_port_range(const char *text, uint16_t *min, uint16_t *max);

#endif
