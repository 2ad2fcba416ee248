#include "flow/inventory.h"

#include <string.h>

#include "base/advice.h"
#include "base/memory.h"
#include "base/source.h"
#include "base/workers.h"
#include "gitlab/people.h"

/* One owner, listed once, whatever the number of entries that name it. */
struct listing {
	struct address address; /* of any of its tokens */
	struct owner owner;
	bool is_pinned;
	bool is_readable;
	struct err trouble;
	struct tokens tokens;
	struct arena *arena; /* the worker's; kept by the caller's afterwards */
};

struct reader {
	struct gitlab_server *server;
	const struct secret *credential;
	const struct policies *policies;
	const struct token_records *records;
	struct arena *arena;
	struct listing *listings;
	size_t count, capacity;
	struct gitlab **connections; /* one a worker, opened by it */
	struct holdings holdings;
	size_t holdings_capacity;
};

/* --- which owners --- */

static struct listing *
listing_of(const struct reader *reader, enum token_type type, const char *owner)
{
	for (size_t i = 0; i < reader->count; i++)
		if (reader->listings[i].address.type == type &&
			!strcmp(reader->listings[i].address.owner, owner))
			return &reader->listings[i];
	return NULL;
}

static struct listing *
add_listing(struct reader *reader, const struct address *address)
{
	struct listing *listing = listing_of(reader, address->type, address->owner);

	if (listing)
		return listing;
	reader->listings = arena_grow(reader->arena, reader->listings, reader->count,
		&reader->capacity, sizeof(*listing));
	listing = &reader->listings[reader->count++];
	*listing = (struct listing){ .address = *address };
	return listing;
}

/* What was pinned at adoption is asked for by number, whatever its path is by now; what was released is adopted anew. */
static void
pin(struct listing *listing, const struct token_record *record)
{
	const bool of_user = kind_of(listing->address.type)->of_user;

	if (listing->is_pinned || !record || record->released_at ||
		!(record->owner_id || (of_user && record->user_id)))
		return;
	listing->is_pinned = true;
	listing->owner = (struct owner){
		.type = listing->address.type,
		.id = record->owner_id,
		.user_id = of_user ? record->user_id : 0,
		.in_project = record->in_project,
		.path = listing->address.owner,
	};
}

static void
add_exact(struct reader *reader, const struct token_entry *entry)
{
	pin(add_listing(reader, &entry->token),
		records_find(reader->records, entry->token.text));
}

/* A token that rotates itself is known by its own secret: see reading.c. */
static bool
is_listed(const struct token_entry *entry)
{
	return !address_is_pattern(&entry->token) && entry->rotate_with != ROTATE_WITH_SELF;
}

static struct address
address_in(struct arena *arena, enum token_type type, const char *owner, const char *name)
{
	return (struct address){
		.type = type,
		.owner = owner,
		.name = name,
		.text = arena_format(arena, "%s:%s:%s", token_type_name(type), owner, name),
	};
}

/* The projects or groups below the part of its owner that a pattern fixes. */
static bool
find_places(struct reader *reader, struct gitlab *gitlab, const struct token_entry *entry,
	struct list *places, struct err *err)
{
	const char *fixed = address_fixed_owner(reader->arena, &entry->token);
	struct place_of_work group = { 0 };

	if (*fixed && !people_group_at(gitlab, fixed, reader->arena, &group, err))
		return false;
	return entry->token.type == TYPE_PROJECT || entry->token.type == TYPE_PROJECT_DEPLOY
	               ? people_projects(gitlab, group.id, reader->arena, places, err)
	               : people_groups(gitlab, group.id, reader->arena, places, err);
}

/* What keeps a pattern from being followed is shown as a holding of its own, by the pattern's text. */
static void
add_holding(struct reader *reader, const struct holding *holding)
{
	struct holdings *holdings = &reader->holdings;

	holdings->items = arena_grow(reader->arena, holdings->items, holdings->count,
		&reader->holdings_capacity, sizeof(*holding));
	holdings->items[holdings->count++] = *holding;
}

static bool
ends_reading(const struct err *err)
{
	return err->kind == ERR_CREDENTIAL || err->kind == ERR_REACH ||
	       err->kind == ERR_STOPPED;
}

static void
advise_unreadable(struct err *err)
{
	if (err->kind == ERR_REFUSED || err->kind == ERR_MOVED)
		err_advise(err, err->advice ? err->advice : GLR_OWNER_UNREADABLE);
}

static bool
add_pattern(struct reader *reader, struct gitlab *gitlab, const struct token_entry *entry,
	struct err *err)
{
	struct list places;
	const struct place_of_work *items;

	/* One owner, and a pattern of names. */
	if (!strchr(entry->token.owner, '*')) {
		const struct address address =
			address_in(reader->arena, entry->token.type, entry->token.owner, "");
		add_listing(reader, &address);
		return true;
	}
	if (!find_places(reader, gitlab, entry, &places, err)) {
		if (ends_reading(err))
			return false;
		advise_unreadable(err);
		add_holding(reader,
			&(struct holding){
				.address = entry->token, .entry = entry, .trouble = *err });
		return true;
	}
	items = places.items;
	for (size_t i = 0; i < places.count; i++) {
		struct address address =
			address_in(reader->arena, entry->token.type, items[i].path, "");
		struct listing *listing;

		if (!glob_matches(entry->token.owner, items[i].path))
			continue;
		listing = add_listing(reader, &address);
		if (listing->is_pinned)
			continue;
		listing->is_pinned = true;
		listing->owner = (struct owner){
			.type = address.type, .id = items[i].id, .path = items[i].path
		};
	}
	return true;
}

static bool
find_owners(struct reader *reader, struct err *err)
{
	auto_gitlab struct gitlab *gitlab = gitlab_new(reader->server, reader->credential);
	const struct token_entry *entries = reader->policies->tokens.items;

	for (size_t i = 0; i < reader->policies->tokens.count; i++)
		if (is_listed(&entries[i]))
			add_exact(reader, &entries[i]);
	for (size_t i = 0; i < reader->policies->tokens.count; i++)
		if (address_is_pattern(&entries[i].token) &&
			!add_pattern(reader, gitlab, &entries[i], err))
			return false;
	return true;
}

/* --- their tokens --- */

static bool
read_listing(struct listing *listing, struct gitlab *gitlab, struct err *err)
{
	if (!listing->is_pinned &&
		!people_owner(gitlab, &listing->address, listing->arena, &listing->owner, err))
		return err_wrap(err, "'%s'", listing->address.owner);
	return token_list(gitlab, &listing->owner, listing->arena, &listing->tokens, err) ||
	       err_wrap(err, "the tokens of '%s'", listing->address.owner);
}

/* Rule 8: a plain 401 after which /self fails too is about our credential, and nobody presents that again. */
static void
judge(struct listing *listing, struct gitlab *gitlab)
{
	struct token token;
	struct err probe;

	if (listing->trouble.kind != ERR_REFUSED || !strstr(listing->trouble.text, "401") ||
		token_self(gitlab, listing->arena, &token, NULL, &probe) ||
		(probe.kind != ERR_REFUSED && probe.kind != ERR_CREDENTIAL))
		return;
	err_wrap(&probe, "our own credential");
	probe.kind = ERR_CREDENTIAL;
	err_advise(&probe, GLR_OWN_CREDENTIAL);
	listing->trouble = probe;
}

static bool
list_job(void *context, size_t worker, size_t job)
{
	struct reader *reader = context;
	struct listing *listing = &reader->listings[job];

	if (!reader->connections[worker])
		reader->connections[worker] = gitlab_new(reader->server, reader->credential);
	listing->arena = arena_new();
	listing->is_readable =
		read_listing(listing, reader->connections[worker], &listing->trouble);
	if (!listing->is_readable)
		judge(listing, reader->connections[worker]);
	return listing->is_readable || !ends_reading(&listing->trouble);
}

static bool
read_owners(struct reader *reader, size_t workers, struct err *err)
{
	const struct err *ending = NULL;
	bool ok;

	reader->connections =
		arena_alloc(reader->arena, (workers + 1) * sizeof(struct gitlab *));
	ok = workers_run(workers, reader->count, list_job, reader);
	for (size_t i = 0; i < workers; i++)
		gitlab_free(reader->connections[i]);
	for (size_t i = 0; i < reader->count; i++) {
		struct listing *listing = &reader->listings[i];

		if (listing->arena)
			arena_keep(reader->arena, listing->arena);
		if (listing->is_readable)
			continue;
		if (ends_reading(&listing->trouble))
			ending = &listing->trouble;
		advise_unreadable(&listing->trouble);
	}
	if (ok)
		return true;
	*err = *ending;
	return false;
}

/* --- what is held --- */

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
	holding.address = address_in(reader->arena, address->type, address->owner, name);
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
		struct address address = address_in(reader->arena, listing->address.type,
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

static void
hold_all(struct reader *reader)
{
	const struct token_entry *entries = reader->policies->tokens.items;
	const int64_t now = gitlab_now(reader->server);
	bool patterns = false;

	for (size_t i = 0; i < reader->policies->tokens.count; i++) {
		const struct address *address = &entries[i].token;

		patterns = patterns || address_is_pattern(address);
		if (is_listed(&entries[i]))
			hold(reader, listing_of(reader, address->type, address->owner),
				&entries[i], address);
	}
	for (size_t i = 0; patterns && i < reader->count; i++)
		hold_fleet(reader, &reader->listings[i], now);
}

bool
inventory_read(struct gitlab_server *server, const struct secret *credential, size_t workers,
	const struct policies *policies, const struct token_records *records,
	struct arena *arena, struct holdings *holdings, struct err *err)
{
	struct reader reader = {
		.server = server,
		.credential = credential,
		.policies = policies,
		.records = records,
		.arena = arena,
	};

	if (!find_owners(&reader, err) || !read_owners(&reader, workers, err))
		return false;
	hold_all(&reader);
	*holdings = reader.holdings;
	return true;
}
