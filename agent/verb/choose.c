#include "verb/choose.h"

#include "base/advice.h"
#include "verb/options.h"

bool
choose_items(const struct options *options, const struct plan *plan, struct arena *arena,
	bool **chosen, struct err *err)
{
	struct selection selection = options_selection(options);
	struct candidate *candidates =
		arena_alloc(arena, (plan->count + 1) * sizeof(*candidates));
	bool *draft = arena_alloc(arena, plan->count + 1);

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		candidates[i].address = item->address;
		candidates[i].was = item->record ? item->record->address : NULL;
		if (item->token)
			candidates[i].id = item->token->id;
		else if (item->record)
			candidates[i].id = item->record->token_id;
	}
	if (!selection_apply(&selection, candidates, plan->count, draft, err))
		return false;
	*chosen = draft;
	return true;
}

bool
choose_records(const struct options *options, const struct token_records *records,
	struct arena *arena, bool **chosen, struct err *err)
{
	struct selection selection = options_selection(options);
	struct candidate *candidates =
		arena_alloc(arena, (records->count + 1) * sizeof(*candidates));
	bool *draft = arena_alloc(arena, records->count + 1);

	for (size_t i = 0; i < records->count; i++) {
		candidates[i].id = records->items[i].token_id;
		/* What has no number is no token's, but a pattern's that has a trouble. */
		if (!address_parse(arena, records->items[i].address, !records->items[i].number,
			    &candidates[i].address, err)) {
			err->kind = ERR_STORE;
			err_advise(err, GLR_DATABASE_DAMAGED);
			return err_wrap(
				err, "the journal's token '%s'", records->items[i].address);
		}
	}
	if (!selection_apply(&selection, candidates, records->count, draft, err))
		return false;
	*chosen = draft;
	return true;
}
