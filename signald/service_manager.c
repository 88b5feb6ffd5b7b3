/* service_manager.c - see service_manager.h */
#include "service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "loop.h"

struct service_manager {
	struct loop_timer *watchdog; /* NULL: nobody watches */
	uint64_t half_ms;
};

static void on_watchdog(void *ctx)
{
	struct service_manager *m = ctx;

	sd_notify(0, "WATCHDOG=1");
	loop_timer_set(m->watchdog, m->half_ms);
}

int service_manager_new(struct service_manager **out, struct loop *loop)
{
	struct service_manager *m = calloc(1, sizeof(*m));
	uint64_t usec = 0;

	if (!m)
		return -ENOMEM;
	if (sd_watchdog_enabled(0, &usec) > 0) {
		m->half_ms = usec / 2000 ? usec / 2000 : 1;
		if (loop_timer_new(&m->watchdog, loop, on_watchdog, m)) {
			free(m);
			return -ENOMEM;
		}
		loop_timer_set(m->watchdog, m->half_ms);
	}
	*out = m;
	return 0;
}

void service_manager_free(struct service_manager *m)
{
	if (!m)
		return;
	loop_timer_free(m->watchdog);
	free(m);
}

void service_manager_ready(struct service_manager *m, const char *status)
{
	(void)m;
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_manager_status(struct service_manager *m, const char *status)
{
	(void)m;
	sd_notifyf(0, "STATUS=%s", status);
}

/* With Type=notify-reload systemd wants to know that this comes after its signal. */
void service_manager_reloading(struct service_manager *m)
{
	(void)m;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading files again",
		   loop_now_us());
}

void service_manager_stopping(struct service_manager *m, const char *status, uint64_t within_ms)
{
	(void)m;
	sd_notifyf(0, "STOPPING=1\nSTATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRIu64, status,
		   within_ms * 1000);
}
