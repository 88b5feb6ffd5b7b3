/* app.h - signald put together: the one file that knows all modules
 *
 * Loop thread only. */
#ifndef APP_H
#define APP_H

#include "config.h"

struct app;

/* Make everything and begin to serve; the configuration is a loan for the
 * app's life. What is wrong has been logged. Returns 0 or -errno. */
int app_new(struct app **out, const struct config *c);

/* Would app_new() accept this configuration? Reads the files it names, binds
 * and connects nothing. What is wrong has been logged. Returns 0 or -errno. */
int app_check(const struct config *c);

/* Serve until SIGTERM or SIGINT. Returns 0, -EIO. */
int app_run(struct app *a);
void app_free(struct app *a); /* NULL is fine */

#endif
