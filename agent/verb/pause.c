/* pause: nothing new is begun for these tokens until a day; and which pauses there are. GitLab is not asked. */
#include <inttypes.h>
#include <time.h>

#include "base/when.h"
#include "report/page.h"
#include "verb/options.h"
#include "verb/paused.h"

#define LONGEST_DAYS 90

enum { COLUMN_TOKENS, COLUMN_UNTIL, COLUMN_BY, COLUMN_REASON, COLUMN_SINCE, COLUMN_COUNT };
static const struct table_column columns[COLUMN_COUNT] = {
	[COLUMN_TOKENS] = { "TOKENS", .help = "an address, or a pattern" },
	[COLUMN_UNTIL] = { "UNTIL", .help = "when it ends" },
	[COLUMN_BY] = { "BY", .help = "who paused them" },
	[COLUMN_REASON] = { "REASON", .help = "why" },
	[COLUMN_SINCE] = { "SINCE", .hidden = true, .help = "since when" },
};

/* --- what is paused --- */

static const char *
moment_cell(const struct options *options, int64_t moment, struct arena *arena)
{
	char *text = arena_alloc(arena, WHEN_TEXT_BYTES);

	if (moment == NO_MOMENT)
		return NULL;
	return options->json ? moment_iso(moment, text) : moment_text(moment, text);
}

static void
add_row(const struct options *options, struct table *table, const struct brake *brake,
	struct arena *arena)
{
	const struct pause *pause = brake->pause;
	const char *cells[COLUMN_COUNT] = {
		[COLUMN_TOKENS] = brake->pattern.text,
		[COLUMN_UNTIL] = moment_cell(options, brake->until, arena),
		[COLUMN_BY] = pause ? pause->actor : "FREEZE",
		[COLUMN_REASON] = pause ? pause->reason : brake->text,
		[COLUMN_SINCE] = moment_cell(options, pause ? pause->since : NO_MOMENT, arena),
	};

	table_row(table, cells, NULL);
}

bool
verb_pauses(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct table_options wishes = options_table(options, "pauses");
	auto_table struct table *table = NULL;
	const int64_t now = time(NULL);
	struct brakes brakes;

	if (!brakes_read(
		    context->journal, context->policies->file, context->arena, &brakes, err) ||
		!table_new(columns, COLUMN_COUNT, &wishes, &table, err))
		return false;
	for (size_t i = 0; i < brakes.count; i++)
		if (brake_is_on(&brakes.items[i], now))
			add_row(options, table, &brakes.items[i], context->arena);
	*exit_code = 0;
	if (table_rows(table) || options->json || options_bare(options))
		return table_print(table, stdout, err);
	puts("nothing is paused");
	return true;
}

/* --- pausing --- */

static bool
check_wish(const struct options *options, int64_t now, struct err *err)
{
	char text[WHEN_TEXT_BYTES];

	if (!options->until)
		return err_set(err, ERR_USAGE, 0, "until when? --until DATE, at most %dd ahead",
			LONGEST_DAYS);
	if (!options->reason || !*options->reason)
		return err_set(err, ERR_USAGE, 0, "why? --reason TEXT");
	if (options->until <= now)
		return err_set(err, ERR_USAGE, 0, "--until: %s is over",
			moment_text(options->until, text));
	if (options->until > now + LONGEST_DAYS * DAY_SEC)
		return err_set(err, ERR_USAGE, 0, "--until: %s is more than %dd ahead",
			moment_text(options->until, text), LONGEST_DAYS);
	return true;
}

/* How many it means now; what dies within it is named on stderr. */
static bool
count_meant(const struct brake *brake, const struct token_records *records, struct arena *arena,
	size_t *count, struct err *err)
{
	const int64_t now = brake->pause->since;
	char date[WHEN_TEXT_BYTES];

	*count = 0;
	for (size_t i = 0; i < records->count; i++) {
		const struct token_record *record = &records->items[i];
		struct address address;

		if (!address_parse(arena, record->address, false, &address, err))
			return false;
		if (record->released_at || !brake_means(brake, &address))
			continue;
		++*count;
		if (brake_outlasts(brake, date_start(record->expires_on), now))
			fprintf(stderr, "warning: %s dies %s, within the pause\n",
				record->address, date_text(record->expires_on, date));
	}
	return true;
}

static bool
tell(struct context *context, const struct brake *brake, const struct token_records *records,
	bool quiet, struct err *err)
{
	size_t count;

	if (!count_meant(brake, records, context->arena, &count, err))
		return false;
	if (!quiet)
		printf("%s: %s (%s now)\n", brake->pattern.text, brake->text,
			page_count(context->arena, count, "token", "tokens"));
	return true;
}

static bool
begin(struct context *context, const struct options *options, struct pauses *pauses,
	struct err *err)
{
	char until[WHEN_TEXT_BYTES];

	moment_text(options->until, until);
	for (size_t i = 0; i < pauses->count; i++) {
		struct pause *pause = &pauses->items[i];

		pause->until = options->until;
		if (!journal_pause(context->journal, pause,
			    arena_format(context->arena, "%s: until %s", pause->pattern, until),
			    err))
			return false;
	}
	return true;
}

static bool
is_among(const struct pauses *pauses, const struct pause *pause)
{
	for (size_t i = 0; i < pauses->count; i++)
		if (pause && pauses->items[i].id == pause->id)
			return true;
	return false;
}

bool
verb_pause(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct token_records records;
	struct pauses pauses;
	struct brakes brakes;

	if (!check_wish(options, time(NULL), err) ||
		!paused_read(context, options, &pauses, err) ||
		!begin(context, options, &pauses, err) ||
		!brakes_read(context->journal, NULL, context->arena, &brakes, err) ||
		!journal_tokens(context->journal, context->arena, &records, err))
		return false;
	for (size_t i = 0; i < brakes.count; i++)
		if (is_among(&pauses, brakes.items[i].pause) &&
			!tell(context, &brakes.items[i], &records, options->quiet, err))
			return false;
	*exit_code = 0;
	return true;
}
