#include "base/fields.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/when.h"

#define WORD_MAX_BYTES 64 /* longer words have no nearest one */

const struct field *
shape_field(const struct shape *shape, const char *key)
{
	for (const struct field *field = shape->fields; field->key; field++)
		if (!strcmp(field->key, key))
			return field;
	return NULL;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The edit distance in which two neighbours swapped count as one edit. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX_BYTES + 1], a_length = strlen(a), b_length = strlen(b);
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *free_row = before;
		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[b_length];
}

const char *
nearest_word(const char *wrong, const char *const *keys)
{
	size_t length = strlen(wrong), best = length / 3 > 2 ? length / 3 : 2;
	const char *nearest = NULL;

	if (length > WORD_MAX_BYTES)
		return NULL;
	for (; *keys; keys++) {
		size_t distance, shorter = least(length, strlen(*keys));
		if (strlen(*keys) > WORD_MAX_BYTES)
			continue;
		distance = edit_distance(wrong, *keys);
		if (distance < shorter && (distance < best || (distance == best && !nearest))) {
			best = distance;
			nearest = *keys;
		}
	}
	return nearest;
}

static bool unfit(char *why, size_t why_bytes, const char *format, ...) printf_like(3, 4);

static bool
unfit(char *why, size_t why_bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_bytes, format, arguments);
	va_end(arguments);
	return false;
}

struct unit {
	char letter;
	int64_t seconds;
};
static const struct unit span_units[] = { { 'h', HOUR_SEC }, { 'd', DAY_SEC },
	{ 'w', 7 * DAY_SEC }, { 0 } };
static const struct unit delay_units[] = { { 's', 1 }, { 'm', MINUTE_SEC }, { 'h', HOUR_SEC },
	{ 'd', DAY_SEC }, { 0 } };

/* In the largest unit that divides it; for limits in messages. */
static void
plain_span(int64_t seconds, char *text, size_t bytes)
{
	static const struct unit units[] = { { 'd', DAY_SEC }, { 'h', HOUR_SEC },
		{ 'm', MINUTE_SEC }, { 's', 1 } };
	size_t i = 0;

	while (seconds % units[i].seconds)
		i++;
	snprintf(text, bytes, "%" PRId64 "%c", seconds / units[i].seconds, units[i].letter);
}

static bool
span_within(const struct field *field, int64_t seconds, const char *text, char *why,
	size_t why_bytes)
{
	int64_t min = field->min > 0 ? field->min : 1;
	char limit[WHEN_TEXT_BYTES];

	if (seconds < min) {
		plain_span(min, limit, sizeof(limit));
		return unfit(why, why_bytes, "expected at least %s, not '%s'", limit, text);
	}
	if (field->max && seconds > field->max) {
		plain_span(field->max, limit, sizeof(limit));
		return unfit(why, why_bytes, "expected at most %s, not '%s'", limit, text);
	}
	return true;
}

/* What a person most likely meant by a span that is not one. */
static bool
span_unfit(const struct field *field, int64_t number, const char *unit, const char *text,
	char *why, size_t why_bytes)
{
	bool is_span = field->kind == FIELD_SPAN;
	const char *example = is_span ? "30d, 12h or 2w" : "30s, 5m, 6h or 1d";

	if (number < 0 || number > 1000000)
		return unfit(
			why, why_bytes, "expected a span such as %s, not '%s'", example, text);
	if (!*unit)
		return unfit(why, why_bytes, "'%s' has no unit, did you mean '%s%c'?", text,
			text, is_span ? 'd' : 's');
	if (is_span && (!strcmp(unit, "m") || !strcmp(unit, "M")))
		return unfit(why, why_bytes,
			"'%s' could be minutes or months, did you mean '%" PRId64 "d'?", text,
			number * 30);
	if (is_span && !strcmp(unit, "y"))
		return unfit(why, why_bytes,
			"a year has no one length, for '%s' say '%" PRId64 "w' or '%" PRId64
			"d'",
			text, number * 52, number * 365);
	if (!is_span && !strcmp(unit, "w"))
		return unfit(why, why_bytes,
			"expected a delay in s, m, h or d, for '%s' say '%" PRId64 "d'", text,
			number * 7);
	return unfit(why, why_bytes, "expected a span such as %s, not '%s'", example, text);
}

static bool
from_span(const struct field *field, const struct unit *units, const char *text,
	int64_t *target, char *why, size_t why_bytes)
{
	char *unit;
	long long number;

	errno = 0;
	number = isdigit((unsigned char)*text) ? strtoll(text, &unit, 10) : -1;
	if (number < 0 || errno || number > 1000000)
		return span_unfit(field, -1, "", text, why, why_bytes);
	for (; units->letter; units++)
		if (unit[0] == units->letter && !unit[1]) {
			if (!span_within(field, number * units->seconds, text, why, why_bytes))
				return false;
			*target = number * units->seconds;
			return true;
		}
	return span_unfit(field, number, unit, text, why, why_bytes);
}

static bool
from_bool(const char *text, int *target, char *why, size_t why_bytes)
{
	static const struct word words[] = { { "yes", STATED_YES }, { "Yes", STATED_YES },
		{ "YES", STATED_YES }, { "true", STATED_YES }, { "True", STATED_YES },
		{ "TRUE", STATED_YES }, { "no", STATED_NO }, { "No", STATED_NO },
		{ "NO", STATED_NO }, { "false", STATED_NO }, { "False", STATED_NO },
		{ "FALSE", STATED_NO } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i].word)) {
			*target = words[i].value;
			return true;
		}
	return unfit(why, why_bytes, "expected yes or no, not '%s'", text);
}

static bool
from_int(const struct field *field, const char *text, int64_t *target, char *why,
	size_t why_bytes)
{
	bool limited = field->min || field->max;
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || isspace((unsigned char)*text) || *text == '+')
		return unfit(why, why_bytes, "expected a whole number, not '%s'", text);
	if (limited && (number < field->min || (field->max && number > field->max))) {
		if (!field->max)
			return unfit(why, why_bytes,
				"expected a number of at least %" PRId64 ", not '%s'",
				field->min, text);
		return unfit(why, why_bytes,
			"expected a number from %" PRId64 " to %" PRId64 ", not '%s'",
			field->min, field->max, text);
	}
	*target = number;
	return true;
}

static bool
from_word(const struct field *field, const char *text, int *target, char *why, size_t why_bytes)
{
	const char *words[WORD_MAX_BYTES] = { NULL }, *nearest;
	char list[256] = "";

	for (size_t i = 0; field->words[i].word; i++) {
		size_t used = strlen(list);
		if (!strcmp(text, field->words[i].word)) {
			*target = field->words[i].value;
			return true;
		}
		if (i + 1 < ARRAY_SIZE(words))
			words[i] = field->words[i].word;
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
			field->words[i].word);
	}
	nearest = nearest_word(text, words);
	if (nearest)
		return unfit(why, why_bytes, "expected one of %s, not '%s'; did you mean '%s'?",
			list, text, nearest);
	return unfit(why, why_bytes, "expected one of %s, not '%s'", list, text);
}

/* Octal with its leading zero, so that nobody's 400 is taken for what it is not. */
static bool
from_mode(const char *text, int64_t *target, char *why, size_t why_bytes)
{
	size_t length = strlen(text);
	int64_t mode = 0;

	if (strspn(text, "01234567") != length || length < 3 || length > 5)
		return unfit(why, why_bytes,
			"expected a file mode in octal, such as 0400, not '%s'", text);
	if (*text != '0')
		return unfit(why, why_bytes,
			"expected a file mode in octal, such as 0400, not '%s': write 0%s",
			text, text);
	for (const char *digit = text; *digit; digit++)
		mode = mode * 8 + (*digit - '0');
	if (mode < 1 || mode > 0777)
		return unfit(why, why_bytes, "expected a file mode from 0001 to 0777, not '%s'",
			text);
	*target = mode;
	return true;
}

static bool
from_text(struct arena *arena, const struct field *field, const char *text, const char **target,
	char *why, size_t why_bytes)
{
	int64_t length = (int64_t)strlen(text);

	if (field->min && length < field->min) {
		if (!length)
			return unfit(why, why_bytes, "expected a text, not an empty one");
		return unfit(why, why_bytes,
			"expected at least %" PRId64 " characters, not '%s'", field->min, text);
	}
	if (field->max && length > field->max)
		return unfit(why, why_bytes,
			"expected at most %" PRId64 " characters, not %" PRId64, field->max,
			length);
	if (field->check && !field->check(text, why, why_bytes))
		return false;
	*target = arena_text(arena, text);
	return true;
}

static bool
from_texts(struct arena *arena, const struct field *field, const char *text,
	struct texts *target, char *why, size_t why_bytes)
{
	const char **items = arena_alloc(arena, sizeof(*items));

	if (!from_text(arena, field, text, &items[0], why, why_bytes))
		return false;
	*target = (struct texts){ .items = items, .count = 1 };
	return true;
}

static bool
from_address(struct arena *arena, const struct field *field, const char *text,
	struct address *target, char *why, size_t why_bytes)
{
	struct err err;

	if (!address_parse(arena, text, field->pattern, target, &err))
		return unfit(why, why_bytes, "%s", err.text);
	return true;
}

bool
field_from_text(struct arena *arena, const struct field *field, const char *text, void *target,
	char *why, size_t why_bytes)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return from_text(arena, field, text, target, why, why_bytes);
	case FIELD_TEXTS:
		return from_texts(arena, field, text, target, why, why_bytes);
	case FIELD_BOOL:
		return from_bool(text, target, why, why_bytes);
	case FIELD_INT:
		return from_int(field, text, target, why, why_bytes);
	case FIELD_SPAN:
		return from_span(field, span_units, text, target, why, why_bytes);
	case FIELD_DELAY:
		return from_span(field, delay_units, text, target, why, why_bytes);
	case FIELD_WORD:
		return from_word(field, text, target, why, why_bytes);
	case FIELD_MODE:
		return from_mode(text, target, why, why_bytes);
	case FIELD_ADDRESS:
		return from_address(arena, field, text, target, why, why_bytes);
	case FIELD_DATE:
		return date_parse(text, target) ||
		       unfit(why, why_bytes, "expected a date such as 2026-11-21, not '%s'",
			       text);
	case FIELD_MOMENT:
		return moment_parse_msec(text, target) ||
		       unfit(why, why_bytes,
			       "expected a time such as 2026-11-21T10:00:00Z, not '%s'", text);
	case FIELD_STRUCT:
	case FIELD_LIST:
	case FIELD_ARMS:
	case FIELD_CHOICES:
	case FIELD_SECRET:
		break;
	}
	return unfit(why, why_bytes, "cannot be written as one word");
}

void
shape_clear(const struct shape *shape, void *target)
{
	memset(target, 0, shape->bytes);
	for (const struct field *field = shape->fields; field->key; field++) {
		char *member = (char *)target + field->offset;
		if (field->kind == FIELD_DATE)
			*(int64_t *)(void *)member = NO_DATE;
		else if (field->kind == FIELD_MOMENT)
			*(int64_t *)(void *)member = NO_MOMENT;
		else if (field->kind == FIELD_STRUCT)
			shape_clear(field->shape, member);
	}
}
