/* rest_credentials.h - TURN credentials over REST: for whom, and for whose asking
 *
 * Handlers for the table of rest.h; ctx is struct rest. Whose a token is may have to be asked of
 * the backend: then the answer comes later. Loop thread only. */
#ifndef REST_CREDENTIALS_H
#define REST_CREDENTIALS_H

struct http_request;
struct rest;

void rest_get_ice_servers(struct http_request *r, void *ctx);
void rest_post_turn_credentials(struct http_request *r, void *ctx);

/* What a request shows of its asker's rights; loans until the handler returns. */
struct rights_asker rest_asker(const struct http_request *r, const struct rest *rest);

/* 401 or, asked too often, 429. */
void rest_reply_unauthorized(struct http_request *r);
void rest_reply_limited(struct http_request *r, unsigned wait_s);

#endif
