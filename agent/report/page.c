#include "report/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/idle.h"
#include "flow/slot.h"

const char *
page_count(struct arena *arena, size_t count, const char *one, const char *many)
{
	return arena_format(arena, "%zu %s", count, count == 1 ? one : many);
}

const char *
page_moment(struct arena *arena, int64_t moment, int64_t now)
{
	char text[WHEN_TEXT_BYTES], ago[WHEN_TEXT_BYTES];

	if (moment == NO_MOMENT)
		return "never";
	return arena_format(
		arena, "%s (%s)", moment_text(moment, text), ago_text(now - moment, ago));
}

const char *
page_day(struct arena *arena, int64_t moment)
{
	char text[WHEN_TEXT_BYTES];

	if (moment == NO_MOMENT)
		return "never";
	return arena_text(arena, date_text(date_of(moment), text));
}

const char *
page_used(struct arena *arena, int64_t last_used_msec, int64_t now)
{
	char ago[WHEN_TEXT_BYTES];

	if (last_used_msec == NO_MOMENT)
		return "never used";
	return arena_format(arena, "used %s", ago_text(now - last_used_msec / 1000, ago));
}

#define NOT_TOLD "last use not told by GitLab"

const char *
page_token_used(struct arena *arena, const struct token *token, int64_t now)
{
	return token->username ? NOT_TOLD : page_used(arena, token->last_used_msec, now);
}

const char *
page_record_used(struct arena *arena, const struct token_record *record, int64_t now)
{
	return *record->username ? NOT_TOLD : page_used(arena, record->last_used_msec, now);
}

/* All units down to minutes, so that the sum can be checked; 0 is "0 min". */
static const char *
whole_span(struct arena *arena, int64_t span)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { DAY_SEC, "d" }, { HOUR_SEC, "h" }, { MINUTE_SEC, " min" } };
	const char *text = "";

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (span >= units[i].seconds)
			text = arena_format(arena, "%s%s%" PRId64 "%s", text, *text ? " " : "",
				span / units[i].seconds, units[i].unit);
		span %= units[i].seconds;
	}
	return *text ? text : "0 min";
}

/* What is subtracted from: a date stands without its midnight. */
static const char *
basis_words(struct arena *arena, const struct due *due)
{
	char text[WHEN_TEXT_BYTES];
	const char *at = due->basis_at % DAY_SEC ? moment_text(due->basis_at, text)
	                                         : date_text(date_of(due->basis_at), text);

	return arena_format(arena, "%s %s", at,
		due->basis == DUE_BY_EXPIRY ? "expires" : "max_lifetime ends");
}

const char *
page_due_sum(struct arena *arena, const struct due *due)
{
	int64_t sum = due->basis_at - due->renew_before_sec + due->spread_sec;
	char text[WHEN_TEXT_BYTES];
	const char *words;

	words = arena_format(arena, "%s − %s renew_before + %s spread = %s",
		basis_words(arena, due), whole_span(arena, due->renew_before_sec),
		whole_span(arena, due->spread_sec), moment_text(sum, text));
	if (due->due_at <= sum)
		return words;
	if (due->ramped && due->due_at == due->ramp_at)
		return arena_format(arena, "%s; ramped after adoption or an edit to %s", words,
			moment_text(due->due_at, text));
	if (due->due_at == due->not_before)
		return arena_format(arena, "%s; so soon after the last rotation not before %s",
			words, moment_text(due->due_at, text));
	return arena_format(arena, "%s; put off to %s", words, moment_text(due->due_at, text));
}

const char *
page_place(struct arena *arena, struct place place)
{
	if (!place.file)
		return "";
	return arena_format(arena, "%s:%d", place.file, place.line);
}

const char *
page_lifetime(struct arena *arena, const struct lifetime *lifetime)
{
	return arena_format(arena, "max_lifetime %s, renew_before %s (%s)",
		whole_span(arena, lifetime->max_lifetime_sec),
		whole_span(arena, lifetime->renew_before_sec), page_place(arena, lifetime->at));
}

const char *
page_advice(struct arena *arena, int advice)
{
	return advice ? arena_format(arena, "GLR-%d", advice) : NULL;
}

const char *
page_id(struct arena *arena, int64_t id)
{
	return id ? arena_format(arena, "#%" PRId64, id) : "";
}

const char *
page_delivery_state(enum delivery_state state)
{
	static const char *const names[] = {
		[DELIVERY_PENDING] = "pending",
		[DELIVERY_WRITTEN] = "written",
		[DELIVERY_PROVEN] = "proven",
		[DELIVERY_UNPROVEN] = "unproven",
		[DELIVERY_SET_ASIDE] = "set aside",
	};

	return names[state];
}

const char *
page_change(const struct destination_tools *tools, const struct destination *destination)
{
	struct destination pinned = *destination;
	struct err err;

	if (!destination_pin(tools, &pinned, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	return destination_inspect(tools, &pinned);
}

/* What the fence is compared with by the preflight. */
static struct stamp
last_stamp(struct journal *journal, const struct plan_item *item)
{
	struct stamp stamp = { .token_id = item->record ? item->record->token_id : 0,
		.generation = item->record ? item->record->generation : 0 };

	snprintf(stamp.agent, sizeof(stamp.agent), "%s", journal_uuid(journal));
	return stamp;
}

const char *
page_item_change(const struct destination_tools *tools, struct journal *journal,
	const struct plan_item *item, size_t which, int *advice)
{
	const struct destination *place =
		&((const struct destination *)item->destinations.items)[which];
	const struct stamp ours = last_stamp(journal, item);
	const bool is_slot = place->to.kind == DESTINATION_SLOT;
	struct destination_tools fenced = *tools;
	const char *change;
	int fence = 0;

	fenced.ours = &ours;
	fenced.advice = &fence;
	change = is_slot ? slot_words(tools, journal_uuid(journal), item, which)
	                 : page_change(&fenced, place);
	*advice = !page_change_fails(change) ? 0
	          : fence                    ? fence
	          : is_slot                  ? GLR_SLOT_SHADOWED
	                                     : GLR_DESTINATION_REFUSED;
	return change;
}

bool
page_change_fails(const char *change)
{
	return strncmp(change, "cannot", strlen("cannot")) == 0;
}

const char *
page_action(const struct plan_item *item)
{
	return item->unmanaged ? "unmanaged" : plan_action_name(item->action);
}

bool
page_is_due(const struct plan_item *item)
{
	return item->action == PLAN_ROTATE || item->action == PLAN_CREATE ||
	       item->action == PLAN_WAITS || item->action == PLAN_PAUSED;
}

bool
page_is_failed(const struct plan_item *item)
{
	return item->action == PLAN_PERSON ||
	       (item->row && *item->row->trouble && !idle_words(item->row));
}

void
page_print_brakes(const struct brakes *brakes, int64_t now, FILE *stream)
{
	for (size_t i = 0; i < brakes->count; i++)
		if (brake_is_on(&brakes->items[i], now))
			fprintf(stream, "%s: %s\n", brakes->items[i].pattern.text,
				brakes->items[i].text);
}

void
page_set_moment(struct json *object, const char *key, int64_t moment)
{
	char text[WHEN_TEXT_BYTES];

	json_set_text(object, key, moment == NO_MOMENT ? NULL : moment_iso(moment, text));
}

struct json *
page_due_json(const struct due *due)
{
	struct json *json = json_new_object();

	page_set_moment(json, "due_at", due->due_at);
	page_set_moment(json, "dies_at", due->dies_at);
	page_set_moment(json, "basis_at", due->basis_at);
	json_set_text(json, "basis", due->basis == DUE_BY_EXPIRY ? "expiry" : "max_lifetime");
	json_set_int(json, "renew_before_sec", due->renew_before_sec);
	json_set_int(json, "spread_sec", due->spread_sec);
	json_set_bool(json, "ramped", due->ramped);
	page_set_moment(json, "ramp_at", due->ramped ? due->ramp_at : NO_MOMENT);
	page_set_moment(json, "not_before", due->not_before ? due->not_before : NO_MOMENT);
	page_set_moment(json, "urgent_at", due->urgent_at);
	return json;
}

struct json *
page_brake_json(const struct brake *brake, bool dies_within)
{
	struct json *json = json_new_object();

	json_set_text(json, "text", brake->text);
	json_set_text(json, "tokens", brake->pattern.text);
	page_set_moment(json, "until", brake->until);
	page_set_moment(json, "since", brake->pause ? brake->pause->since : NO_MOMENT);
	json_set_text(json, "by", brake->pause ? brake->pause->actor : NULL);
	json_set_text(json, "reason", brake->pause ? brake->pause->reason : NULL);
	json_set_bool(json, "dies_within", dies_within);
	return json;
}

struct json *
page_row_json(const struct rotation *row)
{
	struct json *json = json_new_object();

	json_set_int(json, "rotation", row->id);
	json_set_text(json, "state", row_state_name(row->state));
	json_set_text(json, "strategy", row->strategy == ROW_REPLACES ? "replace" : "rotate");
	json_set_int(json, "old_id", row->old_id);
	json_set_int(json, "new_id", row->new_id);
	page_set_moment(
		json, "retire_after", row->retire_after ? row->retire_after : NO_MOMENT);
	page_set_moment(json, "opened_at", row->opened_at);
	page_set_moment(json, "moved_at", row->moved_at);
	json_set_text(json, "trouble", row->trouble && *row->trouble ? row->trouble : NULL);
	page_set_moment(
		json, "trouble_since", row->trouble_since ? row->trouble_since : NO_MOMENT);
	return json;
}

static void
set_token(struct json *json, const struct token *token)
{
	char text[WHEN_TEXT_BYTES];

	json_set_int(json, "id", token->id);
	page_set_moment(json, "created_at",
		token->created_msec == NO_MOMENT ? NO_MOMENT : token->created_msec / 1000);
	json_set_text(json, "expires_at",
		token->expires_on == NO_DATE ? NULL : date_text(token->expires_on, text));
	page_set_moment(json, "last_used_at",
		token->last_used_msec == NO_MOMENT ? NO_MOMENT : token->last_used_msec / 1000);
}

struct json *
page_item_json(struct arena *arena, const struct plan_item *item)
{
	struct json *json = json_new_object();

	json_set_text(json, "token", item->address.text);
	json_set_text(json, "action", page_action(item));
	json_set_text(json, "why", item->why);
	json_set_text(json, "advice", page_advice(arena, item->advice));
	json_set_bool(json, "adopts", item->adopts);
	if (item->token)
		set_token(json, item->token);
	if (item->entry)
		json_set_text(json, "policy", page_place(arena, item->entry->at));
	if (item->lifetime)
		json_set_text(json, "lifetime", page_place(arena, item->lifetime->at));
	if (item->token && item->lifetime)
		json_set(json, "due", page_due_json(&item->due));
	if (item->brake)
		json_set(json, "paused", page_brake_json(item->brake, item->dies_braked));
	if (item->row)
		json_set(json, "open", page_row_json(item->row));
	return json;
}
