/* plan: what is due, when and why, and what dies with it. Changes nothing. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/when.h"
#include "destination/destination.h"
#include "flow/fill.h"
#include "flow/run.h"
#include "report/page.h"
#include "verb/choose.h"
#include "verb/options.h"
#include "verb/verb.h"

enum {
	COLUMN_TOKEN,
	COLUMN_ACTION,
	COLUMN_DUE,
	COLUMN_DIES,
	COLUMN_ID,
	COLUMN_USED,
	COLUMN_WHY,
	COLUMN_DESTINATIONS,
	COLUMN_ADVICE,
	COLUMN_COUNT
};
static const struct table_column columns[COLUMN_COUNT] = {
	[COLUMN_TOKEN] = { "TOKEN", .help = "its address" },
	[COLUMN_ACTION] = { "ACTION", .help = "what the next run does with it" },
	[COLUMN_DUE] = { "DUE", .help = "the day it falls due" },
	[COLUMN_DIES] = { "DIES", .help = "the first day its secret is dead" },
	[COLUMN_ID] = { "ID", .right = true, .number = true, .hidden = true,
		.help = "GitLab's number" },
	[COLUMN_USED] = { "USED", .hidden = true, .help = "when it was last used" },
	[COLUMN_WHY] = { "WHY", .hidden = true, .help = "why" },
	[COLUMN_DESTINATIONS] = { "DESTINATIONS", .right = true, .number = true, .hidden = true,
		.help = "how many places hold its secret" },
	[COLUMN_ADVICE] = { "ADVICE", .hidden = true, .help = "GLR-nnn" },
};

/* What is printed, and with which means. */
struct planning {
	struct context *context;
	const struct options *options;
	const struct plan *plan;
	const struct brakes *brakes;
	const struct holdings *holdings;
	struct arena *arena;
	bool *chosen; /* by the selectors */
	bool *shown;  /* of those, what is listed */
	const char **
		*changes; /* of each item, at each of its destinations; NULL: not looked at */
	struct destination_tools tools;
};

/* A run would look at it: its destinations are worth a request. */
static bool
acts(const struct plan_item *item)
{
	return page_is_due(item) || page_is_failed(item) || item->action == PLAN_OPEN;
}

static bool
is_shown(const struct options *options, const struct plan_item *item)
{
	if (options->due || options->failed)
		return (options->due && page_is_due(item)) ||
		       (options->failed && page_is_failed(item));
	return options->all || acts(item) || item->dies_braked || item->unmanaged ||
	       item->action == PLAN_RELEASED;
}

/* What only waits goes on by itself. */
static bool
needs_person(const struct plan_item *item)
{
	return item->action == PLAN_PERSON || (item->row && item->row->advice);
}

/* "2 of 14 tokens are due now; next on 2026-11-24; 1 needs a person". */
static const char *
headline(const struct planning *planning)
{
	const struct plan *plan = planning->plan;
	struct arena *arena = planning->arena;
	size_t due = 0, count = 0, persons = 0, paused = 0, unmanaged = 0;
	int64_t next = NO_MOMENT;
	const char *text;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (!planning->chosen[i])
			continue;
		count++;
		due += page_is_due(item);
		persons += needs_person(item);
		paused += item->action == PLAN_PAUSED;
		unmanaged += item->unmanaged != NULL;
		if (item->action == PLAN_NOTHING && item->due.due_at != NO_MOMENT &&
			(next == NO_MOMENT || item->due.due_at < next))
			next = item->due.due_at;
	}
	text = arena_format(arena, "%zu of %s %s due %s", due,
		page_count(arena, count, "token", "tokens"),
		count == 1 || due == 1 ? "is" : "are",
		planning->options->at ? page_day(arena, plan->now) : "now");
	if (paused)
		text = arena_format(arena, "%s, %zu of them paused", text, paused);
	if (next != NO_MOMENT)
		text = arena_format(arena, "%s; next on %s", text, page_day(arena, next));
	if (unmanaged)
		text = arena_format(arena, "%s; %zu %s not managed", text, unmanaged,
			unmanaged == 1 ? "is" : "are");
	if (persons)
		text = arena_format(arena, "%s; %zu %s a person", text, persons,
			persons == 1 ? "needs" : "need");
	return text;
}

static void
add_row(const struct planning *planning, struct table *table, const struct plan_item *item)
{
	struct arena *arena = planning->arena;
	const char *cells[COLUMN_COUNT] = {
		[COLUMN_TOKEN] = item->address.text,
		[COLUMN_ACTION] = page_action(item),
		[COLUMN_WHY] = item->why,
		[COLUMN_DESTINATIONS] = arena_format(arena, "%zu", item->destinations.count),
		[COLUMN_ADVICE] = page_advice(arena, item->advice),
	};

	if (item->token) {
		cells[COLUMN_DIES] = page_day(arena, date_start(item->token->expires_on));
		cells[COLUMN_ID] = arena_format(arena, "%" PRId64, item->token->id);
		cells[COLUMN_USED] = page_token_used(arena, item->token, planning->plan->now);
		if (item->due.due_at != NO_MOMENT)
			cells[COLUMN_DUE] = page_day(arena, item->due.due_at);
	}
	table_row(table, cells,
		page_is_failed(item) ? "red"
		: page_is_due(item)  ? "yellow"
				     : NULL);
}

static bool
print_table(const struct planning *planning, struct err *err)
{
	struct table_options options = options_table(planning->options, "tokens");
	auto_table struct table *table = NULL;

	if (!table_new(columns, COLUMN_COUNT, &options, &table, err))
		return false;
	for (size_t i = 0; i < planning->plan->count; i++)
		if (planning->shown[i])
			add_row(planning, table, &planning->plan->items[i]);
	return table_print(table, stdout, err);
}

/* One place may be somebody else's computer, and is asked once. */
static const char **
changes_of(const struct planning *planning, const struct plan_item *item, int *advice)
{
	const size_t index = (size_t)(item - planning->plan->items);
	const char **changes = planning->changes[index];
	int found;

	if (changes)
		return changes;
	changes =
		arena_alloc(planning->arena, (item->destinations.count + 1) * sizeof(*changes));
	for (size_t i = 0; i < item->destinations.count; i++) {
		changes[i] = page_item_change(
			&planning->tools, planning->context->journal, item, i, &found);
		if (found && advice && !*advice)
			*advice = found;
	}
	return planning->changes[index] = changes;
}

/* What a preflight refuses is no rotation, but a person's. */
static void
refuse(const struct planning *planning, struct plan_item *item)
{
	const struct destination *destinations = item->destinations.items;
	int advice = 0;
	const char **changes = changes_of(planning, item, &advice);

	for (size_t i = 0; advice && i < item->destinations.count; i++)
		if (page_change_fails(changes[i])) {
			item->action = PLAN_PERSON;
			item->advice = advice;
			item->why = arena_format(planning->arena, "%s; %s: %s", item->why,
				destinations[i].text, changes[i]);
			return;
		}
}

static void
refuse_all(const struct planning *planning, struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (planning->chosen[i] && (plan->items[i].action == PLAN_ROTATE ||
						   plan->items[i].action == PLAN_CREATE ||
						   plan->items[i].action == PLAN_WAITS))
			refuse(planning, &plan->items[i]);
}

static void
print_destinations(const struct planning *planning, const struct plan_item *item)
{
	const struct destination *destinations = item->destinations.items;

	for (size_t i = 0; i < item->destinations.count; i++)
		printf("  %-8s %s: %s\n", i ? "" : "deliver", destinations[i].text,
			changes_of(planning, item, NULL)[i]);
}

/* What is to be known of a token before a run touches it. */
static void
print_item(const struct planning *planning, const struct plan_item *item)
{
	struct arena *arena = planning->arena;
	int64_t now = planning->plan->now;

	printf("\n%s%s%s\n", item->address.text, item->token ? "  " : "",
		item->token ? page_id(arena, item->token->id) : "");
	if (item->why && *item->why)
		printf("  %-8s %s%s%s\n", "why", item->why, item->advice ? "; see " : "",
			item->advice ? page_advice(arena, item->advice) : "");
	if (item->due.due_at != NO_MOMENT)
		printf("  %-8s %s\n", "due", page_moment(arena, item->due.due_at, now));
	if (item->token)
		printf("  %-8s %s; %s\n", "dies",
			page_moment(arena, date_start(item->token->expires_on), now),
			page_token_used(arena, item->token, now));
	if (item->row)
		printf("  %-8s rotation %" PRId64 " stands at %s%s%s\n", "open", item->row->id,
			row_state_name(item->row->state), *item->row->trouble ? ": " : "",
			item->row->trouble);
	if (!item->unmanaged)
		print_destinations(planning, item);
}

/* Places that get the present secret although nothing is due. */
static bool
print_fill(const struct planning *planning, const struct plan_item *item, struct err *err)
{
	struct arena *arena = planning->arena;
	struct fill fill;

	if (!fill_find(planning->context->journal, item, arena, &fill, err))
		return false;
	if (fill.count)
		printf("\n%s  %s\n", item->address.text, page_id(arena, item->token->id));
	for (size_t i = 0; i < fill.count; i++)
		printf("  %-8s %s: %s\n", i ? "" : "deliver", fill.missing[i]->text,
			fill_words(&fill, fill.missing[i]->text, arena));
	return true;
}

/* It may be as it is meant, or a name that is written wrongly: who asks for a plan is told. */
static void
print_barren(const struct planning *planning)
{
	for (size_t i = 0; i < planning->holdings->barren_count; i++)
		printf("%s: %s\n", planning->holdings->barren[i]->text, PAGE_BARREN);
}

static bool
print_page(const struct planning *planning, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < planning->plan->count; i++)
		any |= planning->shown[i];
	if (!options_bare(planning->options))
		printf("%s\n", headline(planning));
	if (!options_bare(planning->options))
		page_print_brakes(planning->brakes, planning->plan->now, stdout);
	if (!options_bare(planning->options))
		print_barren(planning);
	if (!options_bare(planning->options) && any)
		putchar('\n');
	if ((any || options_bare(planning->options)) && !print_table(planning, err))
		return false;
	if (options_bare(planning->options))
		return true;
	for (size_t i = 0; i < planning->plan->count; i++)
		if (planning->shown[i] && (acts(&planning->plan->items[i]) ||
						  planning->plan->items[i].unmanaged ||
						  planning->plan->items[i].dies_braked))
			print_item(planning, &planning->plan->items[i]);
	for (size_t i = 0; i < planning->plan->count; i++)
		if (planning->chosen[i] &&
			!print_fill(planning, &planning->plan->items[i], err))
			return false;
	return true;
}

static struct json *
destinations_json(const struct planning *planning, const struct plan_item *item)
{
	const struct destination *destinations = item->destinations.items;
	struct json *array = json_new_array();

	for (size_t i = 0; i < item->destinations.count; i++) {
		struct json *object = json_new_object();

		json_set_text(object, "place", destinations[i].text);
		json_set_text(object, "change",
			acts(item) ? changes_of(planning, item, NULL)[i] : NULL);
		json_push(array, object);
	}
	return array;
}

static struct json *
barren_json(const struct planning *planning)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < planning->holdings->barren_count; i++) {
		struct json *object = json_new_object();

		json_set_text(object, "pattern", planning->holdings->barren[i]->text);
		json_push(array, object);
	}
	return array;
}

static bool
print_json(const struct planning *planning, struct err *err)
{
	auto_json struct json *page = json_new_object();
	struct json *tokens = json_new_array();

	json_set_text(page, "headline", headline(planning));
	page_set_moment(page, "now", planning->plan->now);
	for (size_t i = 0; i < planning->plan->count; i++) {
		struct json *token;

		if (!planning->shown[i])
			continue;
		token = page_item_json(planning->arena, &planning->plan->items[i]);
		json_set(token, "destinations",
			destinations_json(planning, &planning->plan->items[i]));
		json_push(tokens, token);
	}
	json_set(page, "tokens", tokens);
	json_set(page, "finds_nothing", barren_json(planning));
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

/* With --json everything is told unless a selector says less. */
static void
choose_shown(struct planning *planning)
{
	bool all = planning->options->json && !planning->options->due &&
	           !planning->options->failed;

	planning->shown = arena_alloc(planning->arena, planning->plan->count + 1);
	for (size_t i = 0; i < planning->plan->count; i++)
		planning->shown[i] =
			planning->chosen[i] &&
			(all || is_shown(planning->options, &planning->plan->items[i]));
}

bool
verb_plan(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct plan_options wishes = {
		.limit = options->limit >= 0 ? options->limit
		                             : context->policies->limits.rotations_per_run,
	};
	auto_reading struct reading reading = { 0 };
	struct planning planning = {
		.context = context,
		.options = options,
		.arena = context->arena,
		.tools = context_tools(context, context->gitlab, context->arena),
	};

	if (!reading_open(context, &wishes, options->at, &reading, err))
		return false;
	planning.plan = reading.plan;
	planning.brakes = &reading.brakes;
	planning.holdings = &reading.holdings;
	if (!choose_items(options, reading.plan, context->arena, &planning.chosen, err))
		return false;
	planning.changes =
		arena_alloc(context->arena, (reading.plan->count + 1) * sizeof(char **));
	refuse_all(&planning, reading.plan);
	choose_shown(&planning);
	if (options->json && !options->output ? !print_json(&planning, err)
					      : !print_page(&planning, err))
		return false;
	*exit_code = plan_count(reading.plan, PLAN_PERSON) ? 3 : 0;
	return true;
}
