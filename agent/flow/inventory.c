#include "flow/inventory.h"

#include <string.h>

#include "base/advice.h"
#include "base/memory.h"
#include "base/workers.h"
#include "flow/listing.h"
#include "gitlab/people.h"

/* --- which owners --- */

/* A token that rotates itself is known by its own secret: see reading.c. */
bool
entry_is_listed(const struct token_entry *entry)
{
	return !address_is_pattern(&entry->token) && entry->rotate_with != ROTATE_WITH_SELF;
}

struct listing *
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
		const struct address address = holding_address(
			reader->arena, entry->token.type, entry->token.owner, "");
		add_listing(reader, &address);
		return true;
	}
	if (!find_places(reader, gitlab, entry, &places, err)) {
		if (ends_reading(err))
			return false;
		advise_unreadable(err);
		reader->lost = arena_grow(reader->arena, reader->lost, reader->lost_count,
			&reader->lost_capacity, sizeof(*reader->lost));
		reader->lost[reader->lost_count++] =
			(struct lost){ .entry = entry, .trouble = *err };
		return true;
	}
	items = places.items;
	for (size_t i = 0; i < places.count; i++) {
		struct address address =
			holding_address(reader->arena, entry->token.type, items[i].path, "");
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
		if (entry_is_listed(&entries[i]))
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
