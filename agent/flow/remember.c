#include "flow/remember.h"

#include <string.h>

#include "base/json.h"
#include "base/when.h"

#define FACT "troubles"

/* A trouble as the journal keeps it. */
struct kept {
	struct place at;
	const char *address, *text;
	int64_t advice, since, works_until;
	enum stated person;
};
struct page {
	struct place at;
	struct list troubles;
};

#define FILLS(member) offsetof(struct kept, member)
static const struct field kept_fields[] = {
	{ "address", FIELD_TEXT, FILLS(address) },
	{ "text", FIELD_TEXT, FILLS(text) },
	{ "advice", FIELD_INT, FILLS(advice) },
	{ "since", FIELD_INT, FILLS(since) },
	{ "works_until", FIELD_INT, FILLS(works_until) },
	{ "person", FIELD_BOOL, FILLS(person) },
	{ NULL },
};
static const struct shape kept_shape = { "a trouble", kept_fields, sizeof(struct kept) };
static const struct field page_fields[] = {
	{ "troubles", FIELD_LIST, offsetof(struct page, troubles), .shape = &kept_shape },
	{ NULL },
};
static const struct shape page_shape = { "the troubles", page_fields, sizeof(struct page) };

bool
remember_read(struct journal *journal, struct arena *arena, struct troubles *troubles,
	struct err *err)
{
	struct page page = { 0 };
	struct trouble *items;
	const struct kept *kept;
	const char *text;

	if (!journal_get(journal, FACT, arena, &text, err))
		return false;
	if (*text && !json_decode_text(text, &page_shape, arena, &page, err)) {
		err->kind = ERR_STORE;
		return err_wrap(err, "what the last run told");
	}
	kept = page.troubles.items;
	items = arena_alloc(arena, (page.troubles.count + 1) * sizeof(*items));
	for (size_t i = 0; i < page.troubles.count; i++)
		items[i] = (struct trouble){
			.address = kept[i].address ? kept[i].address : "",
			.text = kept[i].text ? kept[i].text : "",
			.advice = (int)kept[i].advice,
			.person = kept[i].person == STATED_YES,
			.since = kept[i].since,
			.works_until = kept[i].works_until,
		};
	*troubles = (struct troubles){ items, page.troubles.count };
	return true;
}

static bool
has_address(const struct kept *items, size_t count, const char *address)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(items[i].address, address))
			return true;
	return false;
}

/* The first that is told of an address is the one that stands. */
static void
keep(struct list *list, const struct trouble *trouble)
{
	struct kept *items = list->items;

	if (has_address(items, list->count, trouble->address))
		return;
	items[list->count++] = (struct kept){
		.address = trouble->address,
		.text = trouble->text,
		.advice = trouble->advice,
		.since = trouble->since,
		.works_until = trouble->works_until,
		.person = trouble->person ? STATED_YES : STATED_NO,
	};
}

static void
keep_end(const struct remembering *remembering, struct list *list)
{
	struct trouble trouble = { .address = "", .works_until = NO_MOMENT };

	if (!remembering->ended_by)
		return;
	trouble.text = remembering->ended_by->text;
	trouble.advice = remembering->ended_by->advice;
	trouble.person = outcome_exit_for(remembering->ended_by) == 3;
	trouble.since = troubles_since(remembering->before, &trouble, remembering->now);
	keep(list, &trouble);
}

static const char *
troubles_text(const struct remembering *remembering, struct arena *arena)
{
	const size_t told = outcome_troubles(remembering->outcome);
	const struct troubles *before = remembering->before;
	struct page page = { 0 };

	page.troubles.items =
		arena_alloc(arena, (told + before->count + 1) * sizeof(struct kept));
	keep_end(remembering, &page.troubles);
	for (size_t i = 0; i < told; i++)
		keep(&page.troubles, outcome_trouble_at(remembering->outcome, i));
	for (size_t i = 0; i < before->count; i++) {
		const struct trouble *trouble = &before->items[i];

		if (*trouble->address &&
			(remembering->ended_by ||
				!remembering->is_about(remembering->context, trouble->address)))
			keep(&page.troubles, trouble);
	}
	return page.troubles.count ? json_encode_text(&page_shape, &page, arena) : "";
}

bool
remember_run(const struct remembering *remembering, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct journal *journal = remembering->journal;
	const bool good = !remembering->ended_by && !outcome_troubles(remembering->outcome);
	char text[WHEN_TEXT_BYTES];

	moment_iso(remembering->now, text);
	return journal_set(journal, "last_run", text, err) &&
	       (!good || journal_set(journal, "last_good_run", text, err)) &&
	       (remembering->is_partial ||
		       journal_set(journal, "all_well", good ? text : "", err)) &&
	       journal_set(journal, FACT, troubles_text(remembering, arena), err) &&
	       journal_flush(journal, err);
}
