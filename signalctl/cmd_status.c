/* cmd_status.c - how signald and its turnserver are */
#include "signalctl.h"

int cmd_status(struct signalctl *ctl, const struct arguments *a)
{
	const struct config *c = ctl_config(ctl);

	(void)a;
	if (!c)
		return SIGNALCTL_USAGE;
	fprintf(ctl->out, "control-socket %s\n", c->control_socket ? c->control_socket : "none");
	return SIGNALCTL_DONE;
}
