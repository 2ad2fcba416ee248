/* Listed owners → holdings: what an entry names, what a pattern finds, and what a pattern found before. */
#include <string.h>

#include "base/log.h"
#include "base/source.h"
#include "flow/listing.h"

struct address
holding_address(struct arena *arena, enum token_type type, const char *owner, const char *name)
{
	return (struct address){
		.type = type,
		.owner = owner,
		.name = name,
		.text = arena_format(arena, "%s:%s:%s", token_type_name(type), owner, name),
	};
}

static void
add_holding(struct reader *reader, const struct holding *holding)
{
	struct holdings *holdings = &reader->holdings;

	holdings->items = arena_grow(reader->arena, holdings->items, holdings->count,
		&reader->holdings_capacity, sizeof(*holding));
	holdings->items[holdings->count++] = *holding;
}

static void
pick_namesakes(struct reader *reader, const struct listing *listing, struct holding *holding)
{
	struct tokens *namesakes = &holding->namesakes;
	size_t capacity = 0;

	for (size_t i = 0; i < listing->tokens.count; i++) {
		const struct token *token = &listing->tokens.items[i];

		if (token->id > holding->highest_id)
			holding->highest_id = token->id;
		if (strcmp(token->name, holding->address.name) != 0)
			continue;
		namesakes->items = arena_grow(reader->arena, namesakes->items, namesakes->count,
			&capacity, sizeof(*token));
		namesakes->items[namesakes->count++] = *token;
	}
}

static void
hold(struct reader *reader, const struct listing *listing, const struct token_entry *entry,
	const struct address *address)
{
	struct holding holding = {
		.address = *address,
		.entry = entry,
		.owner = listing->owner,
		.is_readable = listing->is_readable,
		.trouble = listing->trouble,
	};

	holding.owner.path = address->owner;
	pick_namesakes(reader, listing, &holding);
	add_holding(reader, &holding);
}

static bool
is_held(const struct reader *reader, const struct address *address)
{
	for (size_t i = 0; i < reader->holdings.count; i++)
		if (!strcmp(reader->holdings.items[i].address.text, address->text))
			return true;
	return false;
}

/* What cannot be shown as it is, is not managed either: a name may be made to look like a line of ours. */
static bool
hold_untold(
	struct reader *reader, const struct token_entry *entry, const struct address *address)
{
	struct holding holding = { .entry = entry };
	char *name = arena_text(reader->arena, address->name);

	source_tame(name);
	if (!strcmp(name, address->name))
		return false;
	holding.address = holding_address(reader->arena, address->type, address->owner, name);
	err_set(&holding.trouble, ERR_PERSON, 0,
		"its name holds characters that move a terminal's cursor: not managed");
	add_holding(reader, &holding);
	return true;
}

/* A fleet's token is one that lives, or that is remembered: what died before anybody managed it stays unknown. */
static void
hold_fleet(struct reader *reader, const struct listing *listing, int64_t now)
{
	for (size_t i = 0; i < listing->tokens.count; i++) {
		const struct token *token = &listing->tokens.items[i];
		struct address address = holding_address(reader->arena, listing->address.type,
			listing->address.owner, token->name);
		const struct token_entry *entry = policies_entry(reader->policies, &address);

		if (!entry || !address_is_pattern(&entry->token) ||
			!(token_is_alive(token, now) ||
				records_find(reader->records, address.text)) ||
			is_held(reader, &address) || hold_untold(reader, entry, &address))
			continue;
		hold(reader, listing, entry, &address);
	}
}

/* --- what a pattern found once, and what it cannot find --- */

static const struct lost *
lost_of(const struct reader *reader, const struct token_entry *entry)
{
	for (size_t i = 0; i < reader->lost_count; i++)
		if (reader->lost[i].entry == entry)
			return &reader->lost[i];
	return NULL;
}

/* Its owner's by number, whatever the path is by now; else by the path. */
static const struct listing *
listing_of_record(const struct reader *reader, const struct token_record *record,
	const struct address *address)
{
	const bool of_user = kind_of(address->type)->of_user;

	for (size_t i = 0; i < reader->count; i++) {
		const struct owner *owner = &reader->listings[i].owner;

		if (reader->listings[i].address.type == address->type &&
			(of_user ? owner->user_id : owner->id) &&
			owner->id == record->owner_id &&
			(!of_user || owner->user_id == record->user_id))
			return &reader->listings[i];
	}
	return listing_of(reader, address->type, address->owner);
}

static void
hold_record(struct reader *reader, const struct token_record *record,
	const struct token_entry *entry, const struct address *address)
{
	const struct listing *listing = listing_of_record(reader, record, address);
	const struct lost *lost = lost_of(reader, entry);
	struct address now;

	if (!listing && lost) {
		add_holding(reader, &(struct holding){ .address = *address,
					    .entry = entry,
					    .trouble = lost->trouble });
		return;
	}
	if (!listing || (listing->is_readable && (!record->token_id || record->released_at)))
		return;
	/* Under the path that its owner has by now it may be there. */
	now = holding_address(
		reader->arena, address->type, listing->address.owner, address->name);
	if (!is_held(reader, &now))
		hold(reader, listing, entry, address);
}

/* What a pattern found before is not let go of because it is not found now: the list, or that there is none, says what
 * became of it. */
static void
hold_records(struct reader *reader)
{
	for (size_t i = 0; i < reader->records->count; i++) {
		const struct token_record *record = &reader->records->items[i];
		const struct token_entry *entry;
		struct address address;
		struct err ignored;

		/* What is no address the plan complains of. */
		if (!address_parse(reader->arena, record->address, false, &address, &ignored) ||
			is_held(reader, &address))
			continue;
		entry = policies_entry(reader->policies, &address);
		if (entry && address_is_pattern(&entry->token))
			hold_record(reader, record, entry, &address);
	}
}

/* Whether anything that stands for tokens of this entry is held; of one owner, or NULL for any. */
static bool
is_followed(const struct reader *reader, const struct token_entry *entry, const char *owner)
{
	for (size_t i = 0; i < reader->holdings.count; i++)
		if (reader->holdings.items[i].entry == entry &&
			(!owner || !strcmp(reader->holdings.items[i].address.owner, owner)))
			return true;
	return false;
}

/* What keeps a pattern from being followed, and is told of no token of it yet, is shown as a holding of its own. */
static void
hold_unread(struct reader *reader, const struct token_entry *entry)
{
	const struct lost *lost = lost_of(reader, entry);

	for (size_t i = 0; i < reader->count; i++) {
		const struct listing *listing = &reader->listings[i];
		const struct address address = holding_address(reader->arena,
			listing->address.type, listing->address.owner, entry->token.name);

		if (!listing->is_readable && entry->token.type == address.type &&
			glob_matches(entry->token.owner, address.owner) &&
			policies_entry(reader->policies, &address) == entry &&
			!is_followed(reader, entry, address.owner))
			hold(reader, listing, entry, &address);
	}
	if (lost && !is_followed(reader, entry, NULL))
		add_holding(reader, &(struct holding){ .address = entry->token,
					    .entry = entry,
					    .trouble = lost->trouble });
}

static void
hold_patterns(struct reader *reader, int64_t now)
{
	const struct list *tokens = &reader->policies->tokens;
	const struct token_entry *entries = tokens->items;
	struct holdings *holdings = &reader->holdings;

	for (size_t i = 0; i < reader->count; i++)
		hold_fleet(reader, &reader->listings[i], now);
	hold_records(reader);
	holdings->barren =
		arena_alloc(reader->arena, (tokens->count + 1) * sizeof(*holdings->barren));
	for (size_t i = 0; i < tokens->count; i++) {
		if (!address_is_pattern(&entries[i].token))
			continue;
		hold_unread(reader, &entries[i]);
		if (is_followed(reader, &entries[i], NULL))
			continue;
		/* It may be as it is meant: not worth a line in each run. */
		log_line(LOG_LEVEL_DEBUG, "%s: finds no token that it could mean",
			entries[i].token.text);
		holdings->barren[holdings->barren_count++] = &entries[i].token;
	}
}

void
hold_all(struct reader *reader)
{
	const struct token_entry *entries = reader->policies->tokens.items;
	const int64_t now = gitlab_now(reader->server);
	bool patterns = false;

	for (size_t i = 0; i < reader->policies->tokens.count; i++) {
		const struct address *address = &entries[i].token;

		patterns = patterns || address_is_pattern(address);
		if (entry_is_listed(&entries[i]))
			hold(reader, listing_of(reader, address->type, address->owner),
				&entries[i], address);
	}
	if (patterns)
		hold_patterns(reader, now);
}
