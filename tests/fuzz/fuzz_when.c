/* fuzz_when.c: dates, moments, spans and stamps: what is read can be written, and reads the same once more. */
#include <assert.h>
#include <string.h>

#include "base/fields.h"
#include "base/when.h"
#include "destination/destination.h"
#include "target.h"

#define LAST_DATE INT64_C(2932896) /* 9999-12-31 */

static void
check_date(const char *text)
{
	char again[WHEN_TEXT_BYTES];
	int64_t date = 4711;

	if (!date_parse(text, &date)) {
		assert(date == 4711);
		return;
	}
	assert(date >= 0 && date <= LAST_DATE);
	assert(!strcmp(date_text(date, again), text));
	assert(date_of(date_start(date)) == date);
}

static void
check_moment(const char *text)
{
	char again[WHEN_TEXT_BYTES];
	int64_t msec = 4711, same;

	if (!moment_parse_msec(text, &msec)) {
		assert(msec == 4711);
		return;
	}
	moment_text(msec / 1000, again);
	if (msec < 0 || msec / 1000 >= date_start(LAST_DATE + 1))
		return; /* a zone may lead out of the years that can be written */
	assert(moment_parse_msec(moment_iso(msec / 1000, again), &same));
	assert(same == msec / 1000 * 1000);
}

static void
check_span(const char *text, struct arena *arena)
{
	static const struct field field = { "span", FIELD_SPAN, .max = 366 * DAY_SEC };
	char why[256] = "", shown[WHEN_TEXT_BYTES];
	int64_t span = 0;

	if (field_from_text(arena, &field, text, &span, why, sizeof(why)))
		assert(span > 0 && span <= 366 * DAY_SEC && *span_text(span, shown));
	else
		assert(*why);
}

static void
check_stamp(const char *text, struct arena *arena)
{
	char written[STAMP_TEXT_BYTES];
	struct stamp stamp, again;
	const char *rest, *nothing;

	stamp_parse(text, arena, &stamp, &rest);
	assert(rest && strlen(rest) <= strlen(text));
	if (!stamp.generation)
		return;
	assert(stamp.generation > 0 && stamp.token_id > 0 && strlen(stamp.agent) == 32);
	stamp_parse(stamp_text(&stamp, written), arena, &again, &nothing);
	assert(again.token_id == stamp.token_id && again.date == stamp.date &&
		again.generation == stamp.generation && !strcmp(again.agent, stamp.agent));
	assert(!*nothing);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *arena = arena_new();
	const char *text = arena_text_n(arena, (const char *)data, size);

	check_date(text);
	check_moment(text);
	check_span(text, arena);
	check_stamp(text, arena);
	return 0;
}
