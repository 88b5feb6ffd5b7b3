/* table.c - the key of all tables */
#include "table.h"

#include <string.h>
#include <sys/auxv.h>

#include "name_hash.h"

static struct name_hash_key table_key;

/* Before main(), so that threads find it made. Where the system has no randomness to give, the
 * sixteen random bytes that the kernel gives every program at its start do. */
__attribute__((constructor)) static void make_key(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (name_hash_key_new(&table_key) && random)
		memcpy(&table_key, random, sizeof(table_key));
}

unsigned table_hash(const void *p, size_t n)
{
	return (unsigned)name_hash_quick(&table_key, p, n);
}
