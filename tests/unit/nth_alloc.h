/* nth_alloc.h - the n-th allocation fails
 *
 * For one test program each; link with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
#ifndef NTH_ALLOC_H
#define NTH_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* For callbacks and bodies that run without memory: Check's own macros allocate. */
#define MUST(condition) ((condition) ? (void)0 : abort())

static int allocations_left = -1; /* until one fails; -1: none does */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return allocation_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return allocation_fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return allocation_fails() ? NULL : __real_strdup(s);
}

/* Run f with the first, the second ... allocation failing, until none is left to fail. */
static void with_each_allocation_failing(void (*f)(void))
{
	int n = 0;

	do {
		allocations_left = n++;
		f();
	} while (allocations_left < 0);
	allocations_left = -1;
}

#endif
