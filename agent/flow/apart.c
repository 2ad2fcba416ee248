#include "flow/apart.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"

#define FACT "unmanaged"

struct page {
	struct place at;
	struct list aparts;
};
#define FILLS(member) offsetof(struct apart, member)
static const struct field apart_fields[] = {
	{ "address", FIELD_TEXT, FILLS(address), .required = true },
	{ "why", FIELD_TEXT, FILLS(why), .required = true },
	{ "token_id", FIELD_INT, FILLS(token_id) },
	{ "expires_on", FIELD_INT, FILLS(expires_on) },
	{ NULL },
};
static const struct shape apart_shape = { "a token that is not managed", apart_fields,
	sizeof(struct apart) };
static const struct field page_fields[] = {
	{ "tokens", FIELD_LIST, offsetof(struct page, aparts), .shape = &apart_shape },
	{ NULL },
};
static const struct shape page_shape = { "tokens that are not managed", page_fields,
	sizeof(struct page) };

bool
aparts_read(
	struct journal *journal, struct arena *arena, struct aparts *aparts, struct err *err)
{
	struct page page = { 0 };
	const char *text;

	if (!journal_get(journal, FACT, arena, &text, err))
		return false;
	if (*text && !json_decode_text(text, &page_shape, arena, &page, err)) {
		err->kind = ERR_STORE;
		return err_wrap(err, "what is not managed");
	}
	*aparts = (struct aparts){ page.aparts.items, page.aparts.count };
	return true;
}

static bool
is_known(const struct aparts *before, const struct plan_item *item)
{
	for (size_t i = 0; i < before->count; i++)
		if (!strcmp(before->items[i].address, item->address.text) &&
			!strcmp(before->items[i].why, item->unmanaged))
			return true;
	return false;
}

/* Once, for it stays so; `status` and `plan` go on saying it. */
static bool
tell(struct journal *journal, const struct plan_item *item, struct arena *arena,
	struct err *err)
{
	char date[WHEN_TEXT_BYTES];
	const char *text = arena_format(arena, "%s; it dies %s, and nobody renews it",
		item->unmanaged, date_text(item->token->expires_on, date));

	log_line(LOG_LEVEL_NOTICE, "%s: %s", item->address.text, text);
	return journal_event(journal, item->address.text, 0, "token.unmanaged", text, err);
}

bool
aparts_remember(
	struct journal *journal, const struct plan *plan, struct arena *arena, struct err *err)
{
	struct apart *items = arena_alloc(arena, (plan->count + 1) * sizeof(*items));
	struct page page = { .aparts = { items, 0 } };
	struct aparts before;

	if (!aparts_read(journal, arena, &before, err))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (!item->unmanaged)
			continue;
		items[page.aparts.count++] = (struct apart){
			.address = item->address.text,
			.why = item->unmanaged,
			.token_id = item->token->id,
			.expires_on = item->token->expires_on,
		};
		if (!is_known(&before, item) && !tell(journal, item, arena, err))
			return false;
	}
	if (!before.count && !page.aparts.count)
		return true;
	return journal_set(journal, FACT,
		page.aparts.count ? json_encode_text(&page_shape, &page, arena) : "", err);
}
