#include "flow/plan.h"

#include <string.h>

#include "base/advice.h"
#include "base/memory.h"
#include "base/when.h"
#include "flow/decide.h"
#include "flow/unique.h"

const char *
plan_action_name(enum plan_action action)
{
	static const char *const names[] = {
		[PLAN_NOTHING] = "nothing",
		[PLAN_ROTATE] = "rotate",
		[PLAN_CREATE] = "create",
		[PLAN_WAITS] = "waits",
		[PLAN_PAUSED] = "paused",
		[PLAN_OPEN] = "open",
		[PLAN_RELEASED] = "released",
		[PLAN_PERSON] = "person",
	};

	return names[action];
}

static int
compare_to_record(const void *address, const void *record)
{
	return strcmp(address, ((const struct token_record *)record)->address);
}

const struct token_record *
records_find(const struct token_records *records, const char *address)
{
	if (!records->count)
		return NULL;
	return bsearch(address, records->items, records->count, sizeof(*records->items),
		compare_to_record);
}

static const struct rotation *
find_row(const struct rotations *open, const struct token_record *record)
{
	for (size_t i = 0; record && i < open->count; i++)
		if (open->items[i].token == record->number)
			return &open->items[i];
	return NULL;
}

bool
plan_is_as_remembered(const struct token *token, const struct token_record *record)
{
	if (token->username)
		return !record->username || !*record->username ||
		       !strcmp(token->username, record->username);
	/* Of an answer that could be read in part only the number is remembered. */
	return record->created_msec == NO_MOMENT ||
	       (token->created_msec == record->created_msec &&
		       token->user_id == record->user_id);
}

int64_t
plan_created_at(const struct plan_item *item, int64_t now)
{
	const struct token_record *record = item->record;
	int64_t seen_at = now;

	if (item->token->created_msec != NO_MOMENT)
		return item->token->created_msec / 1000;
	if (record && record->token_id == item->token->id && record->created_msec > 0)
		seen_at = record->created_msec / 1000;
	return record && record->rotated_at ? seen_at
	                                    : due_created(seen_at, item->token->expires_on,
						      item->lifetime->max_lifetime_sec);
}

static const struct grip *
find_grip(const struct deciding *deciding, const struct rotations *open,
	const struct rotation *row)
{
	const struct grip *grips = deciding->options->grips;

	return grips && row ? &grips[row - open->items] : NULL;
}

/* --- items --- */

static struct plan_item *
add_item(struct plan *plan, size_t *capacity)
{
	plan->items = arena_grow(
		plan->arena, plan->items, plan->count, capacity, sizeof(*plan->items));
	plan->items[plan->count] = (struct plan_item){
		.due = { .dies_at = NO_MOMENT, .due_at = NO_MOMENT, .urgent_at = INT64_MAX },
		.rule = "",
		.why = "",
	};
	return &plan->items[plan->count++];
}

/* --- what is remembered --- */

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The addresses of all holdings, sorted, to look records up in. */
static const char **
held_texts(const struct holdings *holdings, struct arena *arena)
{
	const char **texts = arena_alloc(arena, (holdings->count + 1) * sizeof(*texts));

	for (size_t i = 0; i < holdings->count; i++)
		texts[i] = holdings->items[i].address.text;
	if (holdings->count)
		qsort(texts, holdings->count, sizeof(*texts), compare_texts);
	return texts;
}

/* A record whose address no holding has: of what was released or is not found any more, or whose project, group or user
 * goes by another path by now. */
struct stray {
	const struct token_record *record;
	struct address address;
	const struct rotation *row;
	bool is_taken; /* a holding goes on with it */
};
struct strays {
	struct stray *items;
	size_t count;
};

static bool
find_strays(struct arena *arena, const struct holdings *holdings,
	const struct token_records *records, const struct rotations *open,
	struct strays *strays, struct err *err)
{
	const char **held = held_texts(holdings, arena);

	strays->items = arena_alloc(arena, (records->count + 1) * sizeof(*strays->items));
	for (size_t i = 0; i < records->count; i++) {
		const struct token_record *record = &records->items[i];
		struct stray *stray = &strays->items[strays->count];

		if (holdings->count && bsearch(&record->address, held, holdings->count,
					       sizeof(*held), compare_texts))
			continue;
		*stray = (struct stray){ .record = record, .row = find_row(open, record) };
		if (!address_parse(arena, record->address, false, &stray->address, err)) {
			err->kind = ERR_STORE;
			return err_wrap(err, "the journal's token '%s'", record->address);
		}
		strays->count++;
	}
	return true;
}

/* The same name of the same owner, by its number. What rotates itself is known by its own secret alone. */
static bool
is_renamed(const struct stray *stray, const struct holding *holding)
{
	const struct owner *owner = &holding->owner;
	const bool of_user = kind_of(holding->address.type)->of_user;

	return !stray->is_taken && (of_user ? owner->user_id : owner->id) &&
	       stray->record->owner_id == owner->id &&
	       (!of_user || stray->record->user_id == owner->user_id) &&
	       stray->address.type == holding->address.type &&
	       !strcmp(stray->address.name, holding->address.name) &&
	       holding->entry->rotate_with != ROTATE_WITH_SELF;
}

static int
stray_rank(const struct stray *stray)
{
	return stray->row ? 2 : !stray->record->released_at;
}

/* A new path makes no new token: what was known of it under the old one holds, and its open row goes on. */
static const struct token_record *
take_stray(struct strays *strays, const struct holding *holding)
{
	struct stray *best = NULL;

	for (size_t i = 0; i < strays->count; i++)
		if (is_renamed(&strays->items[i], holding) &&
			(!best || stray_rank(&strays->items[i]) > stray_rank(best)))
			best = &strays->items[i];
	if (!best)
		return NULL;
	best->is_taken = true;
	return best->record;
}

static void
add_holdings(struct plan *plan, size_t *capacity, const struct deciding *deciding,
	const struct holdings *holdings, const struct token_records *records,
	struct strays *strays, const struct rotations *open)
{
	for (size_t i = 0; i < holdings->count; i++) {
		const struct holding *holding = &holdings->items[i];
		struct plan_item *item = add_item(plan, capacity);

		item->address = holding->address;
		item->holding = holding;
		item->entry = holding->entry;
		item->record = records_find(records, holding->address.text);
		if (!item->record)
			item->record = take_stray(strays, holding);
		item->row = find_row(open, item->record);
		item->grip = find_grip(deciding, open, item->row);
		item->brake =
			brakes_find(deciding->options->brakes, &item->address, deciding->now);
		decide_item(deciding, item);
	}
}

/* A record that no owner's list shows: released, or of a pattern that does not find it any more. */
static void
decide_record(const struct deciding *deciding, struct plan_item *item)
{
	item->entry = policies_entry(deciding->policies, &item->address);
	item->due.dies_at = date_start(item->record->expires_on);
	if (item->row) {
		item->action = PLAN_OPEN;
		item->why =
			item->entry
				? "its project or group is not found any more; what was begun is finished"
				: "its entry is gone from the policy; what was begun is finished";
		item->advice = item->row->advice;
	} else if (item->entry && (!item->record->token_id || item->record->released_at)) {
		item->action = PLAN_RELEASED;
		item->why = "the pattern that names it now does not find it: nobody renews it";
	} else if (item->entry) {
		item->action = PLAN_PERSON;
		item->advice = GLR_OWNER_UNREADABLE;
		item->why =
			"the pattern that names it does not find its project or group any more";
	} else {
		item->action = PLAN_RELEASED;
		item->why = "its entry is gone from the policy: nobody renews it";
	}
}

static void
add_strays(struct plan *plan, size_t *capacity, const struct deciding *deciding,
	const struct strays *strays, const struct rotations *open)
{
	for (size_t i = 0; i < strays->count; i++) {
		const struct stray *stray = &strays->items[i];
		struct plan_item *item;

		if (stray->is_taken)
			continue;
		item = add_item(plan, capacity);
		item->address = stray->address;
		item->record = stray->record;
		item->row = stray->row;
		item->grip = find_grip(deciding, open, item->row);
		decide_record(deciding, item);
	}
}

/* --- all together --- */

static int
rank(const struct plan_item *item)
{
	static const int ranks[] = {
		[PLAN_OPEN] = 0,
		[PLAN_PERSON] = 1,
		[PLAN_ROTATE] = 2,
		[PLAN_CREATE] = 2,
		[PLAN_WAITS] = 2,
		[PLAN_PAUSED] = 2,
		[PLAN_NOTHING] = 3,
		[PLAN_RELEASED] = 4,
	};

	return ranks[item->action];
}

static int64_t
urgency(const struct plan_item *item)
{
	const int64_t moment =
		item->action == PLAN_NOTHING ? item->due.due_at : item->due.dies_at;

	return moment == NO_MOMENT ? INT64_MAX : moment;
}

static int
compare_items(const void *a, const void *b)
{
	const struct plan_item *left = a, *right = b;

	if (rank(left) != rank(right))
		return rank(left) - rank(right);
	if (urgency(left) != urgency(right))
		return urgency(left) < urgency(right) ? -1 : 1;
	return strcmp(left->address.text, right->address.text);
}

/* What is begun goes on; whether an open row is, before its request, only the run that reads it whole can tell. */
static bool
would_begin(const struct plan_item *item)
{
	return item->action == PLAN_ROTATE || item->action == PLAN_CREATE ||
	       item->action == PLAN_WAITS ||
	       (item->action == PLAN_OPEN && (item->row->state == STATE_PLANNED ||
						     item->row->state == STATE_FOREIGN));
}

/* An order goes through: a person who names a token has a reason. */
static void
apply_brake(struct plan *plan, const struct plan_options *options, struct plan_item *item)
{
	const int64_t dies_at = item->token ? date_start(item->token->expires_on) : NO_MOMENT;
	const bool begins = would_begin(item);

	if (!item->brake || (!begins && item->action != PLAN_NOTHING) ||
		(options->ordered && options->ordered(options->context, &item->address)))
		return;
	item->dies_braked = brake_outlasts(item->brake, dies_at, plan->now);
	if (begins || item->dies_braked)
		item->why = arena_format(plan->arena, "%s; %s", item->why,
			brake_words(item->brake, dies_at, plan->now, plan->arena));
	if (begins)
		item->waits_for = NULL;
	if (begins && item->action != PLAN_OPEN)
		item->action = PLAN_PAUSED;
}

/* In order of urgency. An order is not held back, nor is what is in the second half of its window. */
static void
hold_back(struct plan *plan, const struct plan_options *options)
{
	int64_t left = options->limit;

	for (size_t i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->items[i];

		if (item->action != PLAN_ROTATE && item->action != PLAN_CREATE)
			continue;
		if (options->ordered && options->ordered(options->context, &item->address))
			continue;
		if (options->limit && (left > 0 || item->due.urgent_at <= plan->now)) {
			left--;
			continue;
		}
		item->action = PLAN_WAITS;
		item->why = arena_format(
			plan->arena, "%s; held back by rotations_per_run", item->why);
	}
}

bool
plan_build(const struct policies *policies, const struct holdings *holdings,
	const struct token_records *records, const struct rotations *open, int64_t now,
	const struct plan_options *options, struct plan **plan, struct err *err)
{
	auto_plan struct plan *draft = memory_or_abort(calloc(1, sizeof(*draft)));
	struct deciding deciding = { policies, options, NULL, now };
	struct strays strays = { 0 };
	size_t capacity = 0;

	draft->arena = deciding.arena = arena_new();
	draft->now = now;
	if (!find_strays(draft->arena, holdings, records, open, &strays, err))
		return false;
	add_holdings(draft, &capacity, &deciding, holdings, records, &strays, open);
	add_strays(draft, &capacity, &deciding, &strays, open);
	unique_enforce(draft);
	for (size_t i = 0; i < draft->count; i++)
		apply_brake(draft, options, &draft->items[i]);
	if (draft->count)
		qsort(draft->items, draft->count, sizeof(*draft->items), compare_items);
	hold_back(draft, options);
	*plan = take(draft);
	return true;
}

void
plan_free(struct plan *plan)
{
	if (!plan)
		return;
	arena_free(plan->arena);
	free(plan);
}

size_t
plan_count(const struct plan *plan, enum plan_action action)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += plan->items[i].action == action;
	return count;
}
