#include "report/alert_due.h"

#include <string.h>

#include "base/when.h"

bool
alert_is_for(const struct alert_rules *rules, const struct condition *condition, int64_t now)
{
	const struct trouble *trouble = &condition->trouble;

	switch (condition->kind) {
	case CONDITION_PERSON:
		return alert_wants(rules, "person");
	case CONDITION_MARGIN:
		return alert_wants(rules, "margin") && trouble->works_until != NO_MOMENT &&
		       trouble->works_until - now <= rules->margin_sec;
	case CONDITION_UNFINISHED:
		return alert_wants(rules, "unfinished") && trouble->since > 0 &&
		       now - trouble->since >= rules->lasting_sec;
	}
	return false;
}

static bool
is_told(const struct told *told, const struct condition *condition)
{
	return told->advice == condition->trouble.advice &&
	       !strcmp(told->address, condition->trouble.address) &&
	       !strcmp(told->destination, condition->destination);
}

const struct told *
alert_told_of(const struct memory *memory, const char *alert, const struct condition *condition)
{
	for (size_t i = 0; i < memory->count; i++)
		if (!strcmp(memory->items[i].alert, alert) &&
			is_told(&memory->items[i], condition))
			return &memory->items[i];
	return NULL;
}

/* Asking again before it can no longer happen would make two of it. */
static bool
is_in_doubt(const struct told *told, int64_t now)
{
	return told->doubt_at && now - told->doubt_at < ALERT_DOUBT_SEC;
}

/* Whether there is something to tell of a condition that holds. */
static bool
reason_of(const struct alert_rules *rules, const struct condition *condition,
	const struct told *told, int64_t now, enum alert_reason *reason)
{
	if (told && is_in_doubt(told, now))
		return false;
	*reason = ALERT_NEW;
	if (!told || !told->told_at)
		return true;
	*reason = ALERT_CHANGED;
	if (told->kind != (int64_t)condition->kind)
		return true;
	*reason = ALERT_AGAIN;
	return now - told->told_at >= rules->again_sec;
}

/* What holds of the same token though it is another condition; or the same one. */
static void
look_for(const struct alert_rules *rules, const struct conditions *conditions,
	const struct told *told, int64_t now, bool *holds, bool *is_replaced)
{
	*holds = *is_replaced = false;
	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition *condition = &conditions->items[i];

		if (!alert_is_for(rules, condition, now))
			continue;
		*holds |= is_told(told, condition);
		*is_replaced |= !strcmp(told->address, condition->trouble.address);
	}
}

struct alert_items
alert_due(const struct alert_rules *rules, const char *alert,
	const struct conditions *conditions, const struct memory *memory, int64_t now,
	struct arena *arena)
{
	struct alert_items due = { arena_alloc(
		arena, (conditions->count + memory->count + 1) * sizeof(struct alert_item)) };
	enum alert_reason reason;

	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition *condition = &conditions->items[i];
		const struct told *told = alert_told_of(memory, alert, condition);

		if (alert_is_for(rules, condition, now) &&
			reason_of(rules, condition, told, now, &reason))
			due.items[due.count++] = (struct alert_item){ reason, condition, told };
	}
	for (size_t i = 0; i < memory->count; i++) {
		const struct told *told = &memory->items[i];
		bool holds, is_replaced;

		if (strcmp(told->alert, alert) != 0)
			continue;
		look_for(rules, conditions, told, now, &holds, &is_replaced);
		if (!holds && !is_in_doubt(told, now))
			due.items[due.count++] =
				(struct alert_item){ is_replaced ? ALERT_REPLACED : ALERT_OVER,
					NULL, told };
	}
	return due;
}
