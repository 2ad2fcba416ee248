#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t
real_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_told(const struct clock *clock)
{
	return real_now() + clock->ahead_msec;
}

int64_t
clock_now(const struct clock *clock)
{
	return clock_told(clock) - clock->behind_msec;
}

static int
moment_day(int64_t moment)
{
	return (int)((moment - (moment % DAY_MSEC + DAY_MSEC) % DAY_MSEC) / DAY_MSEC);
}

int
clock_today(const struct clock *clock)
{
	return moment_day(clock_now(clock));
}

void
clock_set(struct clock *clock, int64_t moment)
{
	clock->ahead_msec = moment - real_now();
}

static bool
date_parse(const char *text, struct tm *tm, const char **rest)
{
	int used = 0;

	*tm = (struct tm){ 0 };
	if (sscanf(text, "%4d-%2d-%2d%n", &tm->tm_year, &tm->tm_mon, &tm->tm_mday, &used) != 3)
		return false;
	if (tm->tm_year < 1000 || tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1)
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	*rest = text + used;

	struct tm check = *tm;

	timegm(&check);
	return check.tm_mday == tm->tm_mday;
}

static bool
zone_parse(const char *text, int64_t *msec)
{
	int hours, minutes;

	*msec = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (sscanf(text, "%3d:%2d", &hours, &minutes) != 2)
		return false;
	*msec = (hours * 60 + (hours < 0 ? -minutes : minutes)) * INT64_C(60000);
	return true;
}

bool
moment_parse(const char *text, int64_t *moment)
{
	struct tm tm;
	const char *rest;
	int used = 0;
	int64_t zone, msec = 0;

	if (!date_parse(text, &tm, &rest))
		return false;
	if (*rest == 'T' || *rest == ' ') {
		if (sscanf(rest + 1, "%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
			    &used) != 3)
			return false;
		rest += 1 + used;
	}
	if (*rest == '.') {
		char *end;

		msec = (int64_t)(strtod(rest, &end) * 1000);
		rest = end;
	}
	if (!zone_parse(rest, &zone))
		return false;
	*moment = (int64_t)timegm(&tm) * 1000 + msec - zone;
	return true;
}

bool
span_parse(const char *text, int64_t *msec)
{
	static const struct {
		char unit;
		int64_t msec;
	} units[] = { { 'd', DAY_MSEC }, { 'h', 3600000 }, { 'm', 60000 }, { 's', 1000 } };
	char *end;
	long long amount = strtoll(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end != text && end[0] == units[i].unit && end[1] == '\0') {
			*msec = amount * units[i].msec;
			return true;
		}
	}
	return false;
}

bool
day_parse(const char *text, int *day)
{
	struct tm tm;
	const char *rest;

	if (!date_parse(text, &tm, &rest) || (*rest != '\0' && *rest != 'T' && *rest != ' '))
		return false;
	*day = (int)(timegm(&tm) / (24 * 60 * 60));
	return true;
}

char *
moment_print(int64_t moment, char *out)
{
	time_t seconds = (time_t)((moment - (moment % 1000 + 1000) % 1000) / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(out, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, MOMENT_SIZE - used, ".%03dZ", (int)(moment - seconds * 1000));
	return out;
}

char *
moment_print_http(int64_t moment, char *out)
{
	time_t seconds = (time_t)(moment / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, MOMENT_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return out;
}

char *
day_print(int day, char *out)
{
	time_t seconds = (time_t)day * 24 * 60 * 60;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, MOMENT_SIZE, "%Y-%m-%d", &tm);
	return out;
}
