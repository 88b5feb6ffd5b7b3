/* setup_certbot.c - see setup_certbot.h */
#include "setup_certbot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup_files.h"
#include "setup_plan.h"
#include "setup_templates.h"

#define CERTBOT "/etc/letsencrypt"

/* Folders that certbot makes itself when it first runs. */
static int make_folders(const char *root)
{
	static const char *const folders[] = { CERTBOT "/renewal-hooks",
					       CERTBOT "/renewal-hooks/deploy" };
	char path[SETUP_PATH_BYTES];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s%s", root, folders[i]) >= sizeof(path))
			return -ENAMETOOLONG;
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int setup_certbot_make(const struct signalctl *ctl, const char *root)
{
	char path[SETUP_PATH_BYTES];
	struct setup_file f = { .path = path, .text = setup_certbot_hook, .program = true };
	struct stat st;
	int r;

	root = root ? root : "";
	if ((size_t)snprintf(path, sizeof(path), "%s" CERTBOT, root) >= sizeof(path) ||
	    stat(path, &st) || !S_ISDIR(st.st_mode))
		return SIGNALCTL_DONE;
	r = make_folders(root);
	if (!r) {
		snprintf(path, sizeof(path), "%s" CERTBOT "/renewal-hooks/deploy/signald", root);
		r = setup_file_make(&f);
	}
	if (r > 0)
		fprintf(ctl->out, "%s: made; certbot runs it when it has renewed a certificate\n",
			path);
	if (r >= 0)
		return SIGNALCTL_DONE;
	ctl_error(ctl, "cannot make %s: %s", path, strerror(-r));
	return SIGNALCTL_FAILED;
}
