/* units.c - see units.h */
#include "units.h"

#include <stdio.h>
#include <time.h>

const char *units_bytes(char out[UNITS_SIZE], uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t rest = 0; /* of 1024, behind the point */
	int unit = 0;

	for (; bytes >= 1024; unit++) {
		rest = bytes % 1024;
		bytes /= 1024;
	}
	if (unit && bytes < 10)
		snprintf(out, UNITS_SIZE, "%u.%u %s", (unsigned)bytes, (unsigned)(rest * 10 / 1024),
			 names[unit]);
	else
		snprintf(out, UNITS_SIZE, "%u %s", (unsigned)bytes, names[unit]);
	return out;
}

const char *units_duration(char out[UNITS_SIZE], uint64_t s)
{
	static const struct {
		uint64_t s;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (i < 3 && s < units[i].s)
		i++;
	if (i == 3)
		snprintf(out, UNITS_SIZE, "%us", (unsigned)s);
	else
		snprintf(out, UNITS_SIZE, "%llu%c%02u%c", (unsigned long long)(s / units[i].s),
			 units[i].name, (unsigned)(s % units[i].s / units[i + 1].s),
			 units[i + 1].name);
	return out;
}

const char *units_time(char out[UNITS_SIZE], int64_t since_1970_s)
{
	const time_t t = since_1970_s;
	struct tm tm;

	if (since_1970_s < 0 || !gmtime_r(&t, &tm) ||
	    !strftime(out, UNITS_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, UNITS_SIZE, "%lld", (long long)since_1970_s);
	return out;
}
