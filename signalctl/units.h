/* units.h - numbers as people read them. Pure. */
#ifndef UNITS_H
#define UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_SIZE 32 /* of every buffer here */

/* "0 B", "1023 B", "1.5 KiB", "12 GiB": three digits at most behind the first unit. */
const char *units_bytes(char out[UNITS_SIZE], uint64_t bytes);

/* "0s", "59s", "1m35s", "2h03m", "3d04h": the two largest, cut. */
const char *units_duration(char out[UNITS_SIZE], uint64_t s);

/* "2026-01-31T12:00:00Z"; a time no calendar has is its number. */
const char *units_time(char out[UNITS_SIZE], int64_t since_1970_s);

#endif
