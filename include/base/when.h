/* when.h: moments, dates and spans, all UTC.
 * Touches nothing: there is no clock in here. A moment is int64_t seconds since 1970, a date is
 * int64_t days since 1970 (GitLab's expires_at: the first dead day), a span is int64_t seconds. */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/arena.h"

#define MINUTE_SEC INT64_C(60)
#define HOUR_SEC INT64_C(3600)
#define DAY_SEC INT64_C(86400)

#define NO_DATE INT64_MIN   /* no expiry */
#define NO_MOMENT INT64_MIN /* never, not known */

/* `2026-11-21`; false for anything else, or outside the years 1970 to 9999. */
bool date_parse(const char *text, int64_t *date);
/* `2026-11-21T10:00:00Z`, with optional fraction, `+01:00` or `UTC`; in milliseconds. */
bool moment_parse_msec(const char *text, int64_t *msec);

int64_t date_of(int64_t moment);        /* the UTC day that holds it */
int64_t date_start(int64_t date);       /* its 00:00:00 UTC; NO_MOMENT for NO_DATE */

#define WHEN_TEXT_BYTES 40
/* Into `text` of WHEN_TEXT_BYTES, which is returned. */
const char *date_text(int64_t date, char *text);      /* "2026-11-21", "never" */
const char *moment_text(int64_t moment, char *text);  /* "2026-11-21 10:00 UTC" */
const char *moment_iso(int64_t moment, char *text);   /* "2026-11-21T10:00:00Z" */
const char *span_text(int64_t span, char *text);      /* "9d 6h", "4 min", "12 s": two units at the most */
const char *ago_text(int64_t span, char *text);       /* "4 min ago", "in 9d", "now" */

#endif
