/* service_side.h - how signald is, told to systemd and to the log
 *
 * Gathers the facts of situation.h, and hands its line to the service manager when it changes:
 * what its admin has to know at once, mere counts seldom. Loop thread only. */
#ifndef SERVICE_SIDE_H
#define SERVICE_SIDE_H

#include <stdint.h>

struct calls;
struct config;
struct eio_server;
struct front;
struct loop;
struct relay_side;
struct secret_files;
struct service_side;

#define SERVICE_COUNTS_MS 10000	 /* between two lines that differ in counts alone */
#define SERVICE_PATIENCE_MS 5000 /* without turnserver, or a secret, until it is worth a word */

/* Loans for the life of struct service_side. */
struct service_side_config {
	struct loop *loop;
	const struct config *config;
	const struct front *front;
	const struct calls *calls;
	const struct eio_server *engine;
	const struct relay_side *relay;
	const struct secret_files *secrets;
};

/* Returns 0, -ENOMEM. */
int service_side_new(struct service_side **out, const struct service_side_config *cfg);
void service_side_free(struct service_side *s); /* NULL is fine */

/* It serves; or has read its files again. Neither takes back that it is stopping. */
void service_side_ready(struct service_side *s);
void service_side_reloading(struct service_side *s);
void service_side_stopping(struct service_side *s, uint64_t within_ms);
void service_side_tick(struct service_side *s); /* to be called about once a second */

/* As it was told last; loans until the next call. next NULL: there is nothing to do. */
const char *service_side_line(const struct service_side *s);
const char *service_side_next(const struct service_side *s);

#endif
