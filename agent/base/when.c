#include "base/when.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Days since 1970 of a proleptic Gregorian date, after Howard Hinnant's days_from_civil(). */
static int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, shifted_month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
		365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted_month = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

static int
days_in_month(int64_t year, unsigned month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Exactly `digits` digits; moves `*text` behind them. */
static bool
read_digits(const char **text, int digits, unsigned *value)
{
	unsigned sum = 0;

	for (int i = 0; i < digits; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		sum = sum * 10 + (unsigned)(**text - '0');
	}
	*value = sum;
	return true;
}

static bool
read_char(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	(*text)++;
	return true;
}

static bool
read_date(const char **text, int64_t *date)
{
	unsigned year, month, day;

	if (!read_digits(text, 4, &year) || !read_char(text, '-') ||
		!read_digits(text, 2, &month) || !read_char(text, '-') ||
		!read_digits(text, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
		day > (unsigned)days_in_month(year, month))
		return false;
	*date = days_from_civil(year, month, day);
	return true;
}

bool
date_parse(const char *text, int64_t *date)
{
	int64_t draft;

	if (!read_date(&text, &draft) || *text)
		return false;
	*date = draft;
	return true;
}

static bool
read_clock(const char **text, int64_t *msec)
{
	unsigned hour, minute, second, fraction = 0;

	if (!read_digits(text, 2, &hour) || !read_char(text, ':') ||
		!read_digits(text, 2, &minute) || !read_char(text, ':') ||
		!read_digits(text, 2, &second) || hour > 23 || minute > 59 || second > 59)
		return false;
	if (read_char(text, '.')) {
		if (!isdigit((unsigned char)**text))
			return false;
		for (unsigned weight = 100; isdigit((unsigned char)**text);
			(*text)++, weight /= 10)
			fraction += weight * (unsigned)(**text - '0');
	}
	*msec = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + fraction;
	return true;
}

/* `Z`, `UTC`, ` UTC`, `+01:00` or `+0100`, up to the end of the text. */
static bool
read_zone(const char *text, int64_t *offset_sec)
{
	unsigned hours, minutes;
	int sign;

	*offset_sec = 0;
	if (!strcmp(text, "Z") || !strcmp(text, "UTC") || !strcmp(text, " UTC"))
		return true;
	if (*text != '+' && *text != '-')
		return false;
	sign = *text++ == '-' ? -1 : 1;
	if (!read_digits(&text, 2, &hours))
		return false;
	(void)read_char(&text, ':');
	if (!read_digits(&text, 2, &minutes) || *text || hours > 23 || minutes > 59)
		return false;
	*offset_sec = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
	return true;
}

bool
moment_parse_msec(const char *text, int64_t *msec)
{
	int64_t date, clock_msec, offset_sec;

	if (!read_date(&text, &date) || (!read_char(&text, 'T') && !read_char(&text, ' ')) ||
		!read_clock(&text, &clock_msec) || !read_zone(text, &offset_sec))
		return false;
	*msec = (date * DAY_SEC - offset_sec) * 1000 + clock_msec;
	return true;
}

int64_t
date_of(int64_t moment)
{
	int64_t days = moment / DAY_SEC;

	return moment == NO_MOMENT ? NO_DATE : days - (moment % DAY_SEC < 0);
}

int64_t
date_start(int64_t date)
{
	return date == NO_DATE ? NO_MOMENT : date * DAY_SEC;
}

const char *
date_text(int64_t date, char *text)
{
	int64_t year;
	int month, day;

	if (date == NO_DATE)
		return strcpy(text, "never");
	civil_from_days(date, &year, &month, &day);
	snprintf(text, WHEN_TEXT_BYTES, "%04" PRId64 "-%02d-%02d", year, month, day);
	return text;
}

static int64_t
second_of_day(int64_t moment)
{
	int64_t second = moment % DAY_SEC;

	return second < 0 ? second + DAY_SEC : second;
}

const char *
moment_text(int64_t moment, char *text)
{
	char date[WHEN_TEXT_BYTES];
	int64_t second;

	if (moment == NO_MOMENT)
		return strcpy(text, "never");
	second = second_of_day(moment);
	snprintf(text, WHEN_TEXT_BYTES, "%.20s %02d:%02d UTC", date_text(date_of(moment), date),
		(int)(second / HOUR_SEC), (int)(second % HOUR_SEC / MINUTE_SEC));
	return text;
}

const char *
moment_iso(int64_t moment, char *text)
{
	char date[WHEN_TEXT_BYTES];
	int64_t second;

	if (moment == NO_MOMENT)
		return strcpy(text, "never");
	second = second_of_day(moment);
	snprintf(text, WHEN_TEXT_BYTES, "%.20sT%02d:%02d:%02dZ",
		date_text(date_of(moment), date), (int)(second / HOUR_SEC),
		(int)(second % HOUR_SEC / MINUTE_SEC), (int)(second % MINUTE_SEC));
	return text;
}

/* The one span that has no positive twin is one second short. */
static int64_t
without_sign(int64_t span)
{
	return span >= 0 ? span : span == INT64_MIN ? INT64_MAX : -span;
}

const char *
span_text(int64_t span, char *text)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { DAY_SEC, "d" }, { HOUR_SEC, "h" }, { MINUTE_SEC, " min" },
		{ 1, " s" } };
	const char *sign = span < 0 ? "-" : "";
	int64_t left = without_sign(span);
	size_t i = 0;
	int used;

	while (i + 1 < sizeof(units) / sizeof(units[0]) && left < units[i].seconds)
		i++;
	used = snprintf(text, WHEN_TEXT_BYTES, "%s%" PRId64 "%s", sign, left / units[i].seconds,
		units[i].unit);
	left %= units[i].seconds;
	if (left && left >= units[i + 1].seconds)
		snprintf(text + used, WHEN_TEXT_BYTES - (size_t)used, " %" PRId64 "%s",
			left / units[i + 1].seconds, units[i + 1].unit);
	return text;
}

const char *
ago_text(int64_t span, char *text)
{
	char inner[WHEN_TEXT_BYTES];

	if (!span)
		return strcpy(text, "now");
	if (span > 0)
		snprintf(text, WHEN_TEXT_BYTES, "%.34s ago", span_text(span, inner));
	else
		snprintf(text, WHEN_TEXT_BYTES, "in %.36s",
			span_text(without_sign(span), inner));
	return text;
}
