/* service_manager.h - what systemd is told: sd_notify(3)
 *
 * Without a NOTIFY_SOCKET nothing happens, and nothing here fails. The watchdog is answered from a
 * timer of the loop, so a loop that does not turn any more is noticed. Loop thread only. */
#ifndef SERVICE_MANAGER_H
#define SERVICE_MANAGER_H

#include <stdint.h>

struct loop;
struct service_manager;

/* Takes WATCHDOG_USEC up, if there is one: from now on it is answered, twice in that time.
 * Returns 0, -ENOMEM. */
int service_manager_new(struct service_manager **out, struct loop *loop);
void service_manager_free(struct service_manager *m); /* NULL is fine */

/* Started, or done with reloading. status is one line, as for all of these. */
void service_manager_ready(struct service_manager *m, const char *status);
void service_manager_status(struct service_manager *m, const char *status);

/* What systemd waits for ends with service_manager_ready(). */
void service_manager_reloading(struct service_manager *m);

/* It may take so long from now on. */
void service_manager_stopping(struct service_manager *m, const char *status, uint64_t within_ms);

#endif
