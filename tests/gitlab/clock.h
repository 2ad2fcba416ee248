/* clock.h: the simulator's own time.
 * Moments are UTC milliseconds since 1970, days are UTC days since 1970. */
#ifndef CLOCK_H
#define CLOCK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define DAY_MSEC (24 * 60 * 60 * INT64_C(1000))
#define NEVER INT_MAX

struct clock {
	/* Read without the lock when an answer gets its date. */
	_Atomic int64_t ahead_msec;
	/* Under the lock: work that is done late passes for work of an earlier moment. */
	int64_t behind_msec;
};

/* Needs no lock: what the Date header says, whatever is made up for. */
int64_t clock_told(const struct clock *clock);
int64_t clock_now(const struct clock *clock);
int clock_today(const struct clock *clock);
void clock_set(struct clock *clock, int64_t moment);

/* 2026-11-21, 2026-11-21T10:00:00Z, with fractions and offsets. */
bool moment_parse(const char *text, int64_t *moment);
/* "3d", "-12h", "+90s", "5m" */
bool span_parse(const char *text, int64_t *msec);
bool day_parse(const char *text, int *day);

enum { MOMENT_SIZE = 40 };

/* 2026-11-21T10:00:00.123Z */
char *moment_print(int64_t moment, char *out);
/* Sat, 21 Nov 2026 10:00:00 GMT */
char *moment_print_http(int64_t moment, char *out);
/* 2026-11-21 */
char *day_print(int day, char *out);

#endif
