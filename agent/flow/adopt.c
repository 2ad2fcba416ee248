#include "flow/adopt.h"

#include <string.h>

#include "base/when.h"
#include "destination/destination.h"
#include "flow/pins.h"

/* The token's own project or group was resolved when its tokens were listed. */
static void
pin_by_owner(const struct plan_item *item, struct destination *destination)
{
	const struct owner *owner = item->holding ? &item->holding->owner : NULL;
	static const int levels[TYPE_COUNT] = {
		[TYPE_PROJECT] = VARIABLE_PROJECT,
		[TYPE_PROJECT_DEPLOY] = VARIABLE_PROJECT,
		[TYPE_GROUP] = VARIABLE_GROUP,
		[TYPE_GROUP_DEPLOY] = VARIABLE_GROUP,
	};
	const struct destination_home home = destination_home(destination);

	if (owner && !destination->owner_id && home.level &&
		home.level == levels[owner->type] && !strcmp(home.path, item->address.owner))
		destination->owner_id = owner->id;
}

/* A destination that cannot be pinned today is told by the preflight, before anything is changed. */
static bool
pin_destinations(const struct adopting *adopting, const struct plan_item *item,
	const char **pins, struct err *err)
{
	struct arena *arena = adopting->tools.arena;
	const struct destination *planned = item->destinations.items;
	struct list pinned = { .count = item->destinations.count };
	struct destination *copies = arena_alloc(arena, (pinned.count + 1) * sizeof(*copies));

	pinned.items = copies;
	for (size_t i = 0; i < pinned.count; i++) {
		copies[i] = planned[i];
		pin_by_owner(item, &copies[i]);
		if (!destination_home(&copies[i]).level || copies[i].owner_id)
			continue;
		if (!destination_pin(&adopting->tools, &copies[i], err) &&
			(err->kind == ERR_CREDENTIAL || err->kind == ERR_REACH))
			return false;
	}
	*pins = pins_text(&pinned, arena);
	return true;
}

static const char *
seen_text(const struct plan_item *item, struct arena *arena)
{
	char dies[WHEN_TEXT_BYTES];

	if (!item->token)
		return "declared; it does not exist yet";
	return arena_format(arena, "#%lld, dies %s; it is not touched before it is due",
		(long long)item->token->id, date_text(item->token->expires_on, dies));
}

/* Of a deploy token our first sight is all that anybody knows. */
static int64_t
created_msec(const struct adopting *adopting, const struct token *token)
{
	return token->created_msec == NO_MOMENT ? adopting->now * 1000 : token->created_msec;
}

static void
note_token(
	const struct adopting *adopting, const struct token *token, struct token_record *record)
{
	if (record->token_id != token->id || token->created_msec != NO_MOMENT ||
		record->created_msec <= 0)
		record->created_msec = created_msec(adopting, token);
	record->token_id = token->id;
	record->user_id = token->user_id;
	record->username = token->username;
}

static bool
adopt_new(const struct adopting *adopting, const struct plan_item *item,
	struct token_record *record, struct err *err)
{
	const struct owner *owner = &item->holding->owner;
	const struct token *token = item->token;

	*record = (struct token_record){
		.address = item->address.text,
		.owner_id = owner->id,
		.user_id = token ? token->user_id : owner->user_id,
		.in_project = owner->in_project,
		.token_id = token ? token->id : 0,
		.created_msec = token ? created_msec(adopting, token) : 0,
		.username = token ? token->username : NULL,
		.expires_on = token ? token->expires_on : NO_DATE,
		.last_used_msec = token ? token->last_used_msec : NO_MOMENT,
		.adopted_at = adopting->now,
		.rule = item->rule,
		.rule_since = item->rule_since,
		.seen_at = adopting->now,
	};
	if (!pin_destinations(adopting, item, &record->destinations, err) ||
		!journal_adopt(
			adopting->journal, record, seen_text(item, adopting->tools.arena), err))
		return false;
	if (token)
		outcome_add(adopting->outcome, COUNT_ADOPTED);
	return true;
}

static bool
release(const struct adopting *adopting, struct token_record *record, struct err *err)
{
	if (record->released_at)
		return true;
	record->released_at = adopting->now;
	if (!journal_adopt(adopting->journal, record,
		    "released: its entry is gone from the policy, and nobody renews it", err))
		return false;
	outcome_add(adopting->outcome, COUNT_RELEASED);
	return true;
}

static bool
is_renamed(const struct token_record *before, const struct token_record *after)
{
	return strcmp(before->address, after->address) != 0;
}

/* What of the record is news to a person: the event's sentence, or NULL. */
static const char *
news(const struct token_record *before, const struct token_record *after, struct arena *arena)
{
	if (is_renamed(before, after))
		return arena_format(arena, "its path is another now: it was '%s'%s",
			before->address,
			before->released_at ? "; its entry is back in the policy" : "");
	if (before->released_at)
		return "managed again: its entry is back in the policy";
	if (!before->token_id && after->token_id)
		return arena_format(arena, "somebody created it: #%lld is adopted",
			(long long)after->token_id);
	if (strcmp(before->rule, after->rule) != 0)
		return arena_format(
			arena, "its rule is '%s' now, was '%s'", after->rule, before->rule);
	if (strcmp(before->destinations, after->destinations) != 0)
		return "its destinations in the policy changed";
	return NULL;
}

static bool
is_same(const struct token_record *a, const struct token_record *b)
{
	return a->token_id == b->token_id && a->created_msec == b->created_msec &&
	       a->expires_on == b->expires_on && a->last_used_msec == b->last_used_msec &&
	       a->released_at == b->released_at && !is_renamed(a, b) &&
	       !strcmp(a->rule, b->rule) && !strcmp(a->destinations, b->destinations);
}

/* Whoever looks for the old address finds the new one. */
static bool
tell_renamed(const struct adopting *adopting, const struct token_record *before,
	const struct token_record *after, struct err *err)
{
	return !is_renamed(before, after) ||
	       journal_event(adopting->journal, before->address, 0, "token.changed",
		       arena_format(adopting->tools.arena,
			       "its path is another now: it is '%s' from now on",
			       after->address),
		       err);
}

/* Of one whose rotation is under way nothing else is touched. */
static bool
rename_open(const struct adopting *adopting, const struct plan_item *item,
	struct token_record *record, struct err *err)
{
	const struct token_record before = *record;

	record->address = item->address.text;
	return !is_renamed(&before, record) ||
	       (tell_renamed(adopting, &before, record, err) &&
		       journal_adopt(adopting->journal, record,
			       news(&before, record, adopting->tools.arena), err));
}

/* It is adopted as if it were new: its path may lead to another owner by now, and its token may be gone, which is no loss then. */
static void
adopt_again(const struct plan_item *item, struct token_record *record)
{
	const struct owner *owner = &item->holding->owner;

	record->owner_id = owner->id;
	record->in_project = owner->in_project;
	if (item->token)
		return;
	record->token_id = 0;
	record->user_id = owner->user_id;
}

static bool
refresh(const struct adopting *adopting, const struct plan_item *item,
	struct token_record *record, struct err *err)
{
	const struct token_record before = *record;
	const struct token *token = item->token;
	const char *text;

	record->address = item->address.text;
	record->released_at = 0;
	record->rule = item->rule;
	record->rule_since = item->rule_since;
	if (token && (!record->token_id || before.released_at))
		note_token(adopting, token, record);
	if (before.released_at)
		adopt_again(item, record);
	if (token && token->id == record->token_id) {
		note_token(adopting, token, record);
		record->expires_on = token->expires_on;
		record->last_used_msec = token->last_used_msec;
	}
	if (!pin_destinations(adopting, item, &record->destinations, err))
		return false;
	if (is_same(&before, record))
		return true;
	if (!tell_renamed(adopting, &before, record, err))
		return false;
	record->seen_at = adopting->now;
	text = news(&before, record, adopting->tools.arena);
	if (text)
		return journal_adopt(adopting->journal, record, text, err);
	return journal_seen(adopting->journal, record, err);
}

bool
adopt_item(const struct adopting *adopting, const struct plan_item *item,
	struct token_record *record, struct err *err)
{
	*record = item->record ? *item->record : (struct token_record){ 0 };
	switch (item->action) {
	case PLAN_RELEASED:
		return release(adopting, record, err);
	case PLAN_OPEN:
		return !item->record || rename_open(adopting, item, record, err);
	case PLAN_PERSON:
		return true;
	default:
		if (!item->record && !item->adopts && item->action != PLAN_CREATE)
			return true;
		return item->record ? refresh(adopting, item, record, err)
		                    : adopt_new(adopting, item, record, err);
	}
}
