/* sio_server.c - the Socket.IO server as a whole: its limits and namespaces */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

void sio_config_defaults(struct sio_config *c)
{
	memset(c, 0, sizeof(*c));
	eio_config_defaults(&c->engine);
	c->connect_timeout_ms = 45000;
	c->laters_max = 1000;
	c->later_timeout_ms = 10000;
	c->namespaces_max = 16;
	c->rooms_max = 128;
	c->acks_max = 64;
	c->attachments_max = SIO_BLOBS_MAX;
	c->partial_bytes_max = 64 * 1024 * 1024;
	c->event_name_max = SIO_EVENT_NAME_LIMIT;
	c->json_depth = 64;
	c->json_nodes = 10000;
	c->events_burst = 200;
}

static bool headers_fit(const char *const *headers)
{
	size_t n;

	for (n = 0; headers && headers[n]; n++)
		;
	return n <= SIO_HEADERS_MAX;
}

static bool config_valid(const struct sio_config *c)
{
	return c->connect_timeout_ms && c->later_timeout_ms && c->namespaces_max && c->rooms_max &&
	       c->rooms_max <= UINT16_MAX && c->json_depth && c->json_nodes &&
	       c->attachments_max <= SIO_BLOBS_MAX && c->event_name_max &&
	       c->event_name_max <= SIO_EVENT_NAME_LIMIT && c->events_per_s <= 1000000 &&
	       (c->events_burst || !c->events_per_s) && headers_fit(c->headers);
}

static const char *allow(const struct eio_handshake *h, void *ctx)
{
	const struct sio_server *srv = ctx;

	return srv->cfg.allow(h, srv->cfg.allow_ctx);
}

int sio_server_new(struct sio_server **out, const struct sio_config *cfg)
{
	struct eio_handler handler = sio_client_handler;
	struct sio_server *srv;
	int rc;

	*out = NULL;
	if (!config_valid(cfg))
		return -EINVAL;
	srv = calloc(1, sizeof(*srv));
	if (!srv)
		return -ENOMEM;
	srv->cfg = *cfg;
	srv->leaving_last = &srv->leaving;
	srv->held_last = &srv->held;
	srv->limits = (struct sio_packet_limits){ cfg->attachments_max,
						  { cfg->json_depth, cfg->json_nodes } };
	timeq_init(&srv->connects);
	timeq_init(&srv->partials);
	timeq_init(&srv->asks);
	timeq_init(&srv->laters);
	handler.ctx = srv;
	handler.allow = cfg->allow ? allow : NULL;
	rc = eio_server_new(&srv->eio, &cfg->engine, &handler);
	if (rc) {
		free(srv);
		return rc;
	}
	*out = srv;
	return 0;
}

void sio_server_free(struct sio_server *srv)
{
	struct sio_nsp *nsp, *next;

	if (!srv)
		return;
	eio_server_free(srv->eio);
	for (nsp = srv->namespaces; nsp; nsp = next) {
		next = nsp->next;
		sio_table_deinit(&nsp->sockets);
		sio_table_deinit(&nsp->rooms);
		free(nsp);
	}
	free(srv);
}

struct eio_server *sio_server_engine(struct sio_server *srv)
{
	return srv->eio;
}

const struct sio_counters *sio_server_counters(const struct sio_server *srv)
{
	return &srv->counters;
}

int sio_server_namespace(struct sio_server *srv, const struct sio_namespace *def)
{
	size_t n = def->name ? strlen(def->name) : 0;
	struct sio_nsp *nsp;

	if (!n || n > SIO_NAMESPACE_MAX || def->name[0] != '/' || strpbrk(def->name, ",\""))
		return -EINVAL;
	if (sio_nsp_find(srv, def->name, n))
		return -EEXIST;
	nsp = calloc(1, sizeof(*nsp));
	if (!nsp)
		return -ENOMEM;
	nsp->def = def;
	nsp->srv = srv;
	nsp->name_n = n;
	nsp->sockets.name = sio_socket_name;
	nsp->rooms.name = sio_room_name;
	nsp->next = srv->namespaces;
	srv->namespaces_n++;
	srv->namespaces = nsp;
	return 0;
}
