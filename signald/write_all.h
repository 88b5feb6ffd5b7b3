/* write_all.h - write() all of it */
#ifndef WRITE_ALL_H
#define WRITE_ALL_H

#include <stddef.h>

/* It waits for the disk. Returns 0, or -errno with a part of it written, and errno is as write() left
 * it. Any thread. */
int write_all(int fd, const char *p, size_t n);

#endif
