/* Which token of GitLab an entry means, and what is to be done when it is not the one that was adopted. */
#include "base/advice.h"
#include "base/when.h"
#include "destination/slot.h"
#include "flow/decide.h"

void
decide_person(struct plan_item *item, int advice, const char *why)
{
	item->action = PLAN_PERSON;
	item->advice = advice;
	item->why = why;
}

struct living {
	size_t count;
	const struct token *last; /* the one with the highest id */
};

static struct living
find_living(const struct deciding *deciding, const struct tokens *namesakes)
{
	struct living living = { 0 };

	for (size_t i = 0; i < namesakes->count; i++)
		if (token_is_alive(&namesakes->items[i], deciding->now)) {
			living.last = &namesakes->items[i];
			living.count++;
		}
	return living;
}

const struct token *
decide_find(const struct tokens *namesakes, int64_t id)
{
	for (size_t i = 0; i < namesakes->count; i++)
		if (namesakes->items[i].id == id)
			return &namesakes->items[i];
	return NULL;
}

static const char *
list_ids(const struct deciding *deciding, const struct tokens *namesakes, bool alive_only)
{
	const char *text = "";

	for (size_t i = 0; i < namesakes->count; i++)
		if (!alive_only || token_is_alive(&namesakes->items[i], deciding->now))
			text = arena_format(deciding->arena, "%s%s#%lld", text,
				*text ? ", " : "", (long long)namesakes->items[i].id);
	return text;
}

bool
decide_is_ordered(const struct deciding *deciding, const struct plan_item *item)
{
	return deciding->options->ordered &&
	       deciding->options->ordered(deciding->options->context, &item->address);
}

/* on_foreign_rotation: takeover. Only what was made by rotating ours; and a second agent that takes over too is
 * answered once a day, not once a run. */
static const char *
why_not_taken_over(const struct deciding *deciding, const struct plan_item *item,
	const struct token *known, const struct token *living)
{
	if (item->entry->on_foreign_rotation != FOREIGN_TAKEOVER)
		return "";
	if (!known || !token_is_revoked(known) || living->id < known->id ||
		living->user_id != known->user_id)
		return ", and was not made by rotating ours";
	if (deciding->now - item->record->rotated_at < DAY_SEC)
		return ", and it is taken over once a day at most";
	return NULL;
}

static void
pick_one_successor(const struct deciding *deciding, struct plan_item *item,
	const struct token *known, const struct token *living)
{
	const char *why_not = why_not_taken_over(deciding, item, known, living);

	if (!why_not || decide_is_ordered(deciding, item)) {
		item->token = living;
		item->takes_over = true;
		return;
	}
	decide_person(item, GLR_FOREIGN_ROTATION,
		arena_format(deciding->arena,
			"somebody else rotated it: #%lld is dead, and #%lld is the token now%s",
			(long long)item->record->token_id, (long long)living->id, why_not));
}

/* on_loss: recreate, of what GitLab removed. It was alive when our last run found all well, it ran out since, and a bot
 * goes with its last token; had a run seen it revoked, that run had not found all well. */
static bool
ran_out_unseen(const struct deciding *deciding, const struct plan_item *item)
{
	const int64_t dies_at = date_start(item->record->expires_on);

	return item->entry->on_loss == LOSS_RECREATE &&
	       kind_of(item->address.type)->has_level && !item->holding->namesakes.count &&
	       dies_at != NO_MOMENT && deciding->options->well_at &&
	       deciding->options->well_at < dies_at && dies_at <= deciding->now;
}

static void
pick_again(const struct deciding *deciding, struct plan_item *item)
{
	char date[WHEN_TEXT_BYTES];

	date_text(item->record->expires_on, date);
	if (!item->entry->scopes.count || !item->entry->access_level) {
		decide_person(item, GLR_CANNOT_CREATE,
			arena_format(deciding->arena,
				"it ran out on %s and was removed, and its entry does not say with which scopes and access_level to create another",
				date));
		return;
	}
	item->action = PLAN_CREATE;
	item->recreates = true;
	item->why = arena_format(deciding->arena,
		"it ran out on %s and was removed while no run was made", date);
}

/* The token that was adopted is dead or gone. Whoever made the one that lives now holds its secret. */
static void
pick_successor(
	const struct deciding *deciding, struct plan_item *item, const struct token *known)
{
	const struct living living = find_living(deciding, &item->holding->namesakes);
	const long long id = item->record->token_id;

	/* Numbers only grow. */
	if (!known && living.count && living.last->id < id) {
		if (living.count == 1 && decide_is_ordered(deciding, item)) {
			item->token = living.last;
			return;
		}
		decide_person(item, GLR_RESTORED,
			arena_format(deciding->arena,
				"#%lld is gone and the older #%lld lives: GitLab looks restored from a backup",
				id, (long long)living.last->id));
		return;
	}
	if (living.count == 1) {
		pick_one_successor(deciding, item, known, living.last);
		return;
	}
	if (living.count) {
		decide_person(item, GLR_FOREIGN_ROTATION,
			arena_format(deciding->arena,
				"somebody else rotated it: #%lld is dead, and %s are the tokens now",
				id, list_ids(deciding, &item->holding->namesakes, true)));
		return;
	}
	/* What only ran out can still be rotated: its secret is dead, and nobody took it away. */
	if (known && !token_is_revoked(known)) {
		item->token = known;
		return;
	}
	if (ran_out_unseen(deciding, item)) {
		pick_again(deciding, item);
		return;
	}
	decide_person(item, GLR_REVOKED,
		arena_format(deciding->arena, "#%lld %s, and nothing of that name is alive", id,
			known ? "was revoked, not by us"
			      : "is not among its owner's tokens any more"));
}

/* `id:` says which of several is adopted. Rotated since, it lives on under another number, and the one that the entry
 * says is dead: one that lives was never ours. */
static bool
entry_means_another(const struct deciding *deciding, struct plan_item *item)
{
	const struct token *meant = decide_find(&item->holding->namesakes, item->entry->id);

	if (!meant || meant->id == item->record->token_id ||
		!token_is_alive(meant, deciding->now))
		return false;
	decide_person(item, GLR_NAMESAKES,
		arena_format(deciding->arena,
			"the entry says id: %lld, which lives, but #%lld is the one adopted: "
			"say id: %lld, or give one of them another name",
			(long long)meant->id, (long long)item->record->token_id,
			(long long)item->record->token_id));
	return true;
}

static void
pick_known(const struct deciding *deciding, struct plan_item *item)
{
	const struct token *known =
		decide_find(&item->holding->namesakes, item->record->token_id);

	if (!known || !token_is_alive(known, deciding->now)) {
		pick_successor(deciding, item, known);
		return;
	}
	if (!plan_is_as_remembered(known, item->record)) {
		decide_person(item, GLR_IDENTITY,
			arena_format(deciding->arena,
				"#%lld is another token than the one adopted",
				(long long)known->id));
		return;
	}
	if (entry_means_another(deciding, item))
		return;
	item->token = known;
}

/* The one that `id:` says may have been rotated into another before its entry went and came back. */
static const struct token *
find_rotated(const struct plan_item *item)
{
	const struct token_record *record = item->record;
	const struct token *known =
		record ? decide_find(&item->holding->namesakes, record->token_id) : NULL;

	return known && record->rotated_at && plan_is_as_remembered(known, record) ? known
	                                                                           : NULL;
}

static void
pick_by_id(const struct deciding *deciding, struct plan_item *item)
{
	item->token = decide_find(&item->holding->namesakes, item->entry->id);
	if (!item->token || !token_is_alive(item->token, deciding->now))
		item->token = find_rotated(item);
	if (!item->token || !token_is_alive(item->token, deciding->now))
		decide_person(item, GLR_NAMESAKES,
			arena_format(deciding->arena,
				"the entry says id: %lld, and no living token of that name has it",
				(long long)item->entry->id));
}

static void
pick_new(const struct deciding *deciding, struct plan_item *item)
{
	const struct tokens *namesakes = &item->holding->namesakes;
	const struct living living = find_living(deciding, namesakes);

	if (living.count == 1)
		item->token = living.last;
	else if (living.count)
		decide_person(item, GLR_NAMESAKES,
			arena_format(deciding->arena, "%zu living tokens have that name: %s",
				living.count, list_ids(deciding, namesakes, true)));
	else if (namesakes->count)
		decide_person(item, GLR_REVOKED,
			arena_format(deciding->arena, "only dead tokens have that name: %s",
				list_ids(deciding, namesakes, false)));
	else if (!item->entry->scopes.count)
		decide_person(item, GLR_CANNOT_CREATE,
			"it does not exist, and its entry does not say with which scopes to create it");
	else if (kind_of(item->address.type)->has_level && !item->entry->access_level)
		decide_person(item, GLR_CANNOT_CREATE,
			"it does not exist, and its entry does not say with which access_level to create it");
	else {
		item->action = PLAN_CREATE;
		item->why = "it does not exist yet";
	}
}

/* GitLab hands out either of two, and an `id:` does not change that. What an open row made beside the old one is its own. */
void
decide_slot(const struct deciding *deciding, struct plan_item *item)
{
	const struct tokens *namesakes = &item->holding->namesakes;

	if (item->row || !item->holding->is_readable ||
		!slot_is_of(item->address.type, item->address.name) ||
		find_living(deciding, namesakes).count < 2)
		return;
	decide_person(item, GLR_SLOT_TWO,
		arena_format(deciding->arena,
			"two living tokens are in the slot, and which of them a job gets is not said: %s",
			list_ids(deciding, namesakes, true)));
}

void
decide_token(const struct deciding *deciding, struct plan_item *item)
{
	/* What was released and comes back is adopted as if it were new. */
	if (item->record && item->record->token_id && !item->record->released_at)
		pick_known(deciding, item);
	else if (item->entry->id)
		pick_by_id(deciding, item);
	else
		pick_new(deciding, item);
}
