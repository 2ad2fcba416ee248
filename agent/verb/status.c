/* status: how things stand by the journal alone: no network, no lock. First what needs somebody. */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/when.h"
#include "flow/overlap.h"
#include "report/advice.h"
#include "report/heartbeat.h"
#include "report/page.h"
#include "report/standing.h"
#include "verb/choose.h"
#include "verb/options.h"
#include "verb/verb.h"

/* A timer of once an hour, a night, and two hours. */
#define MAX_AGE_SEC (26 * HOUR_SEC)

enum {
	COLUMN_TOKEN,
	COLUMN_STATE,
	COLUMN_DUE,
	COLUMN_DIES,
	COLUMN_ID,
	COLUMN_USED,
	COLUMN_ROTATED,
	COLUMN_SEEN,
	COLUMN_GENERATION,
	COLUMN_TROUBLE,
	COLUMN_COUNT
};
static const struct table_column columns[COLUMN_COUNT] = {
	[COLUMN_TOKEN] = { "TOKEN", .help = "its address" },
	[COLUMN_STATE] = { "STATE", .help = "how it stands" },
	[COLUMN_DUE] = { "DUE", .help = "the day it falls due" },
	[COLUMN_DIES] = { "DIES", .help = "the first day its secret is dead" },
	[COLUMN_ID] = { "ID", .right = true, .number = true, .hidden = true,
		.help = "GitLab's number" },
	[COLUMN_USED] = { "USED", .hidden = true,
		.help = "when it was last used, as last seen" },
	[COLUMN_ROTATED] = { "ROTATED", .hidden = true,
		.help = "the day of our last rotation" },
	[COLUMN_SEEN] = { "SEEN", .hidden = true, .help = "the day of the last reading" },
	[COLUMN_GENERATION] = { "GENERATION", .right = true, .number = true, .hidden = true,
		.help = "how many secrets we gave it" },
	[COLUMN_TROUBLE] = { "TROUBLE", .hidden = true, .help = "why it does not go on" },
};

/* What is printed, and with which means. */
struct stand {
	const struct options *options;
	struct arena *arena;
	struct standings standings; /* items: those that the selectors mean */
	int64_t now;
};

/* Drops what the selectors do not mean. */
static bool
select_items(struct stand *stand, struct err *err)
{
	struct standings *standings = &stand->standings;
	size_t kept = 0;
	bool *chosen;

	if (!choose_records(stand->options, &standings->records, stand->arena, &chosen, err))
		return false;
	for (size_t i = 0; i < standings->count; i++)
		if (chosen[standings->items[i].record - standings->records.items])
			standings->items[kept++] = standings->items[i];
	standings->count = kept;
	return true;
}

static bool
is_shown(const struct options *options, const struct standing_item *item)
{
	if (options->due || options->failed)
		return (options->due && item->standing == STANDING_DUE) ||
		       (options->failed && item->standing <= STANDING_LAGS);
	return options->all || options->json || item->standing < STANDING_WELL ||
	       item->dies_braked;
}

static size_t
count_between(const struct standings *standings, enum standing first, enum standing last)
{
	size_t count = 0;

	for (size_t i = 0; i < standings->count; i++)
		count += standings->items[i].standing >= first &&
		         standings->items[i].standing <= last;
	return count;
}

static size_t
count_paused(const struct standings *standings)
{
	size_t count = 0;

	for (size_t i = 0; i < standings->count; i++)
		count += standings->items[i].brake != NULL;
	return count;
}

/* "14 tokens: 1 needs a person, 2 due; next on 2026-11-24". */
static const char *
headline(const struct stand *stand)
{
	static const struct {
		enum standing first, last;
		const char *one, *many;
	} parts[] = {
		{ STANDING_PERSON, STANDING_DEAD, "needs a person", "need a person" },
		{ STANDING_OPEN, STANDING_LAGS, "unfinished", "unfinished" },
		{ STANDING_DUE, STANDING_DUE, "due", "due" },
		{ STANDING_IDLE, STANDING_IDLE, "waits for jobs", "wait for jobs" },
		{ STANDING_OVERLAP, STANDING_OVERLAP, "in overlap", "in overlap" },
		{ STANDING_RELEASED, STANDING_RELEASED, "released", "released" },
		{ STANDING_UNMANAGED, STANDING_UNMANAGED, "not managed", "not managed" },
	};
	const struct standings *standings = &stand->standings;
	const char *text = page_count(stand->arena, standings->count, "token", "tokens");
	const char *sign = ":";

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t count = count_between(standings, parts[i].first, parts[i].last);

		if (!count)
			continue;
		text = arena_format(stand->arena, "%s%s %zu %s", text, sign, count,
			count == 1 ? parts[i].one : parts[i].many);
		sign = ",";
	}
	if (count_paused(standings)) {
		text = arena_format(
			stand->arena, "%s%s %zu paused", text, sign, count_paused(standings));
		sign = ",";
	}
	if (standings->count && *sign == ':' && standings->end)
		text = arena_format(
			stand->arena, "%s: well, but the last run did not go through", text);
	else if (standings->count && *sign == ':' &&
		 own_end_warns(&standings->own_end, stand->now))
		text = arena_format(
			stand->arena, "%s: well, but our own credential dies", text);
	else if (standings->count && *sign == ':')
		text = arena_format(stand->arena, "%s: all well", text);
	for (size_t i = 0; i < standings->count; i++)
		if (standings->items[i].standing >= STANDING_SOON &&
			standings->items[i].lifetime)
			return arena_format(stand->arena, "%s; next on %s", text,
				page_day(stand->arena, standings->items[i].due.due_at));
	return text;
}

/* Before it is dead nothing else says it. */
static void
print_own_end(const struct stand *stand)
{
	const struct own_end *end = &stand->standings.own_end;
	struct trouble trouble;

	if (!own_end_warns(end, stand->now))
		return;
	trouble = standing_own_end(&stand->standings, stand->now, stand->arena);
	if (!own_end_is_near(end, stand->now)) {
		printf("%s (%s)\n", trouble.text, page_advice(stand->arena, trouble.advice));
		return;
	}
	putchar('\n');
	advice_print(&trouble, stand->now, stdout);
}

/* "last run 2026-11-21 10:00 UTC (4 min ago), and it was a good one". */
static const char *
last_run(const struct stand *stand)
{
	const struct standings *standings = &stand->standings;
	const char *text;

	if (standings->last_run == NO_MOMENT)
		return standings->count
		               ? "no run yet"
		               : "no run yet: glrotate setup, once; then the timer, or glrotate run";
	text = arena_format(stand->arena, "last run %s",
		page_moment(stand->arena, standings->last_run, stand->now));
	if (standings->last_good_run == NO_MOMENT)
		return arena_format(stand->arena, "%s; none was good yet", text);
	if (standings->last_good_run >= standings->last_run)
		return arena_format(stand->arena, "%s, all well", text);
	return arena_format(stand->arena, "%s; last good one %s", text,
		page_moment(stand->arena, standings->last_good_run, stand->now));
}

static void
add_row(const struct stand *stand, struct table *table, const struct standing_item *item)
{
	const struct token_record *record = item->record;
	struct arena *arena = stand->arena;
	const char *cells[COLUMN_COUNT] = {
		[COLUMN_TOKEN] = record->address,
		[COLUMN_STATE] = item->words,
		[COLUMN_DUE] = item->lifetime ? page_day(arena, item->due.due_at) : NULL,
		[COLUMN_DIES] = record->token_id
		                        ? page_day(arena, date_start(record->expires_on))
		                        : NULL,
		[COLUMN_ID] = record->token_id
		                      ? arena_format(arena, "%" PRId64, record->token_id)
		                      : NULL,
		[COLUMN_USED] = page_record_used(arena, record, stand->now),
		[COLUMN_ROTATED] =
			record->rotated_at ? page_day(arena, record->rotated_at) : NULL,
		[COLUMN_SEEN] = record->seen_at ? page_day(arena, record->seen_at) : NULL,
		[COLUMN_GENERATION] = arena_format(arena, "%" PRId64, record->generation),
		[COLUMN_TROUBLE] = item->trouble ? item->trouble->text
		                   : item->row   ? item->row->trouble
		                                 : item->unmanaged,
	};

	table_row(table, cells,
		item->standing <= STANDING_DEAD  ? "red"
		: item->standing <= STANDING_DUE ? "yellow"
						 : NULL);
}

static bool
print_table(const struct stand *stand, struct err *err)
{
	struct table_options options = options_table(stand->options, "tokens");
	auto_table struct table *table = NULL;

	if (!table_new(columns, COLUMN_COUNT, &options, &table, err))
		return false;
	for (size_t i = 0; i < stand->standings.count; i++)
		if (is_shown(stand->options, &stand->standings.items[i]))
			add_row(stand, table, &stand->standings.items[i]);
	if (!table_rows(table) && !options_bare(stand->options))
		return true;
	if (!options_bare(stand->options))
		putchar('\n');
	return table_print(table, stdout, err);
}

/* What is behind a line of the table that is not well: the trouble, the destinations, and what to do. */
static void
print_item(const struct stand *stand, const struct standing_item *item)
{
	const struct rotation *row = item->row;

	printf("\n%s%s%s: %s\n", item->record->address, item->record->token_id ? "  " : "",
		page_id(stand->arena, item->record->token_id), item->words);
	if (row)
		printf("  rotation %" PRId64 " stands at %s since %s%s%s\n", row->id,
			row_state_name(row->state),
			page_moment(stand->arena, row->moved_at, stand->now),
			row->advice || !*row->trouble ? "" : ": ",
			row->advice ? "" : row->trouble);
	if (row && row->state == STATE_OVERLAP)
		printf("  %s\n", overlap_words(row, stand->arena));
	for (size_t i = 0; i < item->deliveries.count; i++) {
		const struct delivery *delivery = &item->deliveries.items[i];

		if (row || delivery_lags(delivery))
			printf("  %s: %s%s%s\n", delivery->place,
				page_delivery_state(delivery->state),
				*delivery->trouble ? ": " : "", delivery->trouble);
	}
	if (item->standing <= STANDING_DEAD) {
		const struct trouble trouble = standing_trouble(item);

		advice_print(&trouble, stand->now, stdout);
	} else if (item->trouble && !row) {
		printf("  %s\n", item->trouble->text);
	}
}

/* Of the last run as a whole. */
static void
print_end(const struct stand *stand)
{
	const struct trouble *end = stand->standings.end;

	if (!end)
		return;
	if (!end->person) {
		printf("it ended early: %s\n", end->text);
		return;
	}
	putchar('\n');
	advice_print(end, stand->now, stdout);
}

/* What nobody will renew in time unless the brake is let go, or ever. */
static void
print_dying(const struct stand *stand)
{
	for (size_t i = 0; i < stand->standings.count; i++) {
		const struct standing_item *item = &stand->standings.items[i];

		if (item->standing == STANDING_UNMANAGED && is_shown(stand->options, item))
			printf("\n%s: %s; it dies %s, and nobody renews it\n",
				item->record->address, item->unmanaged,
				page_moment(stand->arena, date_start(item->record->expires_on),
					stand->now));

		if (item->dies_braked)
			printf("\n%s: %s\n", item->record->address,
				brake_words(item->brake, date_start(item->record->expires_on),
					stand->now, stand->arena));
	}
}

static bool
print_page(const struct stand *stand, struct err *err)
{
	if (!options_bare(stand->options))
		printf("%s\n%s\n", headline(stand), last_run(stand));
	if (!options_bare(stand->options))
		page_print_brakes(&stand->standings.brakes, stand->now, stdout);
	if (!options_bare(stand->options))
		print_end(stand);
	if (!options_bare(stand->options))
		print_own_end(stand);
	if (!print_table(stand, err))
		return false;
	if (options_bare(stand->options))
		return true;
	print_dying(stand);
	for (size_t i = 0; i < stand->standings.count; i++) {
		const struct standing_item *item = &stand->standings.items[i];

		if ((item->standing <= STANDING_LAGS || item->standing == STANDING_IDLE ||
			    item->standing == STANDING_OVERLAP) &&
			is_shown(stand->options, item))
			print_item(stand, item);
	}
	return true;
}

static struct json *
deliveries_json(const struct deliveries *deliveries)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < deliveries->count; i++) {
		const struct delivery *delivery = &deliveries->items[i];
		struct json *object = json_new_object();

		json_set_text(object, "place", delivery->place);
		json_set_text(object, "state", page_delivery_state(delivery->state));
		json_set_bool(object, "lags", delivery_lags(delivery));
		json_set_text(object, "trouble", *delivery->trouble ? delivery->trouble : NULL);
		json_push(array, object);
	}
	return array;
}

static struct json *
trouble_json(struct arena *arena, const struct trouble *trouble)
{
	struct json *json = json_new_object();

	json_set_text(json, "text", trouble->text);
	json_set_text(json, "advice", page_advice(arena, trouble->advice));
	json_set_bool(json, "person", trouble->person);
	page_set_moment(json, "since", trouble->since);
	return json;
}

static struct json *
item_json(const struct stand *stand, const struct standing_item *item)
{
	const struct token_record *record = item->record;
	struct json *json = json_new_object();

	json_set_text(json, "token", record->address);
	json_set_text(json, "state", item->words);
	json_set_bool(json, "person", item->standing <= STANDING_DEAD);
	json_set_int(json, "id", record->token_id);
	json_set_text(json, "unmanaged", item->unmanaged);
	page_set_moment(json, "dies_at", date_start(record->expires_on));
	page_set_moment(json, "last_used_at",
		record->last_used_msec == NO_MOMENT ? NO_MOMENT
						    : record->last_used_msec / 1000);
	page_set_moment(json, "adopted_at", record->adopted_at);
	page_set_moment(
		json, "rotated_at", record->rotated_at ? record->rotated_at : NO_MOMENT);
	page_set_moment(
		json, "released_at", record->released_at ? record->released_at : NO_MOMENT);
	page_set_moment(json, "seen_at", record->seen_at);
	if (item->lifetime)
		json_set(json, "due", page_due_json(&item->due));
	if (item->brake)
		json_set(json, "paused", page_brake_json(item->brake, item->dies_braked));
	if (item->row)
		json_set(json, "open", page_row_json(item->row));
	if (item->standing <= STANDING_DEAD || item->trouble) {
		const struct trouble trouble = standing_trouble(item);

		json_set(json, "trouble", trouble_json(stand->arena, &trouble));
	}
	json_set(json, "destinations", deliveries_json(&item->deliveries));
	return json;
}

static bool
print_json(const struct stand *stand, struct err *err)
{
	auto_json struct json *page = json_new_object();
	struct json *tokens = json_new_array();

	json_set_text(page, "headline", headline(stand));
	page_set_moment(page, "last_run", stand->standings.last_run);
	page_set_moment(page, "last_good_run", stand->standings.last_good_run);
	if (stand->standings.end)
		json_set(page, "ended_early_by",
			trouble_json(stand->arena, stand->standings.end));
	page_set_moment(page, "credential_dies_at", stand->standings.own_end.dies_at);
	if (own_end_warns(&stand->standings.own_end, stand->now)) {
		const struct trouble trouble =
			standing_own_end(&stand->standings, stand->now, stand->arena);

		json_set(page, "credential_ends", trouble_json(stand->arena, &trouble));
	}
	for (size_t i = 0; i < stand->standings.count; i++)
		if (is_shown(stand->options, &stand->standings.items[i]))
			json_push(tokens, item_json(stand, &stand->standings.items[i]));
	json_set(page, "tokens", tokens);
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

static int
exit_of(const struct standings *standings, int64_t now)
{
	const struct trouble *end = standings->end;

	if (count_between(standings, STANDING_PERSON, STANDING_DEAD) || (end && end->person) ||
		own_end_is_near(&standings->own_end, now))
		return 3;
	return count_between(standings, STANDING_OPEN, STANDING_LAGS) || end ? 1 : 0;
}

/* One line and an exit code. */
static bool
print_health(const struct stand *stand, int *exit_code, struct err *err)
{
	const struct standings *standings = &stand->standings;
	const int64_t most = stand->options->max_age_sec;
	const struct health health = heartbeat_health(
		standings, most ? most : MAX_AGE_SEC, stand->now, stand->arena);
	auto_json struct json *json = json_new_object();

	*exit_code = health.exit_code;
	if (!stand->options->json)
		return puts(health.text) >= 0 ||
		       err_set(err, ERR_LATER, errno, "cannot write the answer");
	json_set_bool(json, "healthy", !health.exit_code);
	json_set_int(json, "exit_code", health.exit_code);
	json_set_text(json, "text", health.text);
	page_set_moment(json, "last_run", standings->last_run);
	page_set_moment(json, "last_good_run", standings->last_good_run);
	return json_print(json, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

static bool
print_stand(const struct stand *stand, int *exit_code, struct err *err)
{
	if (stand->options->health)
		return print_health(stand, exit_code, err);
	*exit_code = exit_of(&stand->standings, stand->now);
	return stand->options->json && !stand->options->output ? print_json(stand, err)
	                                                       : print_page(stand, err);
}

bool
verb_status(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct stand stand = { .options = options, .arena = context->arena, .now = time(NULL) };
	bool ok;

	ok = standings_read(context->journal, context->policies, stand.now, stand.arena,
		     &stand.standings, err) &&
	     select_items(&stand, err) && print_stand(&stand, exit_code, err);
	rotations_done(&stand.standings.rows);
	return ok;
}
