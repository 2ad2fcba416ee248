#include "flow/restored.h"

#include "base/advice.h"
#include "base/when.h"

static const struct token *
find(const struct tokens *tokens, int64_t id)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (tokens->items[i].id == id)
			return &tokens->items[i];
	return NULL;
}

/* A number that was given anew is of a token that was created since. */
static bool
is_back_from_the_dead(struct journal *journal, const struct plan_item *item,
	const struct token *token, bool *is, struct err *err)
{
	int64_t died_at;

	*is = false;
	if (token_is_revoked(token) || token->id == item->record->token_id)
		return true;
	if (!journal_died_at(journal, item->record->number, token->id, &died_at, err))
		return false;
	*is = died_at &&
	      (token->created_msec == NO_MOMENT || token->created_msec / 1000 < died_at);
	return true;
}

static const char *
why_numbers_fell(const struct plan_item *item, const struct token *known, struct arena *arena)
{
	const struct token_record *record = item->record;

	if (known && !plan_is_as_remembered(known, record))
		return arena_format(arena, "#%lld is another token than the one adopted",
			(long long)known->id);
	if (!known && item->holding->owner.user_id &&
		item->holding->highest_id < record->token_id)
		return arena_format(arena,
			"#%lld is gone, and its user's highest number is #%lld",
			(long long)record->token_id, (long long)item->holding->highest_id);
	return NULL;
}

static bool
judge(struct journal *journal, const struct plan_item *item, struct arena *arena,
	const char **proof, struct err *err)
{
	const struct tokens *namesakes = &item->holding->namesakes;
	const struct token *known = find(namesakes, item->record->token_id);
	bool lives;

	*proof = why_numbers_fell(item, known, arena);
	for (size_t i = 0; i < namesakes->count && !*proof; i++) {
		const struct token *token = &namesakes->items[i];

		if (!is_back_from_the_dead(journal, item, token, &lives, err))
			return false;
		if (lives)
			*proof = arena_format(arena,
				"#%lld, which was rotated and dead, lives again",
				(long long)token->id);
	}
	return true;
}

bool
restored_find(struct journal *journal, const struct plan *plan, struct arena *arena,
	const struct plan_item **found, const char **proof, struct err *err)
{
	*found = NULL;
	for (size_t i = 0; i < plan->count && !*found; i++) {
		const struct plan_item *item = &plan->items[i];

		/* Which token rotates itself is for the operator to say, who may put an older one there. */
		if (item->entry && item->entry->rotate_with == ROTATE_WITH_SELF)
			continue;
		if (!item->record || !item->record->token_id || item->record->released_at ||
			!item->holding || !item->holding->is_readable || item->row ||
			item->advice == GLR_PATH_MOVED)
			continue;
		if (!judge(journal, item, arena, proof, err))
			return false;
		if (*proof)
			*found = item;
	}
	return true;
}
