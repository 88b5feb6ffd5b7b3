/* log.h - one line a message, a token to filter by, a sink that can be replaced
 *
 * No secrets, no SDP, no credentials, no query strings. What a client can
 * provoke at will is LOG_DEBUG plus a counter. Any thread. */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* text is one line without '\n', control characters already replaced. */
typedef void (*log_sink)(enum log_level level, const char *token, const char *text);

void log_set_sink(log_sink sink);	  /* NULL: the default, stderr with a UTC time */
void log_set_level(enum log_level level); /* default LOG_LEVEL_INFO */
int log_level_parse(const char *name, enum log_level *out); /* "error" ... "debug"; 0 or -EINVAL */

void log_write(enum log_level level, const char *token, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(token, ...) log_write(LOG_LEVEL_ERROR, token, __VA_ARGS__)
#define log_warn(token, ...) log_write(LOG_LEVEL_WARN, token, __VA_ARGS__)
#define log_info(token, ...) log_write(LOG_LEVEL_INFO, token, __VA_ARGS__)
#define log_debug(token, ...) log_write(LOG_LEVEL_DEBUG, token, __VA_ARGS__)

#endif
