/* fuzz_client_sio.c - frames and packets from a Socket.IO server: taken or refused with a reason,
 * and the inbox stays bounded */
#include "ice_servers.h"
#include "sio_priv.h"
#include "ws_client.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void packet(struct sio_client *c, const char *p, size_t n)
{
	struct client_error err = { "" };
	int r = sio_packet(c, p, n, &err);

	MUST(r <= 0 && (r == 0 || *err.text));
	MUST(c->inbox_n <= SIO_INBOX_MAX && strlen(c->sid) <= SIO_SID_MAX);
}

static void frames(struct sio_client *c, const char *p, size_t n)
{
	struct ws_frame f;
	int64_t used;

	while ((used = ws_read(&f, p, n)) > 0) {
		MUST((uint64_t)used <= n && f.p + f.n == p + used);
		packet(c, f.p, f.n);
		p += used;
		n -= (size_t)used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sio_client c = { .awaited_ack = 1 };
	struct ice_login l;

	frames(&c, (const char *)data, n);
	packet(&c, (const char *)data, n);
	if (n && !json_check((const char *)data, n, 32) &&
	    !ice_login_read(json_trim((const char *)data, n), &l))
		MUST(l.urls_n > 0 && l.urls_n <= ICE_URLS_MAX);
	while (c.inbox_n--) {
		free(c.inbox[c.inbox_n].event);
		free(c.inbox[c.inbox_n].payload);
	}
	free(c.reply);
	return 0;
}
