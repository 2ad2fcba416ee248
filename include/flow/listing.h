/* listing.h: what inventory.c reads of GitLab, and hold.c makes holdings of. For those two alone.
 * hold.c touches nothing. */
#ifndef FLOW_LISTING_H
#define FLOW_LISTING_H

#include "flow/plan.h"
#include "gitlab/gitlab.h"

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

/* A pattern whose projects or groups could not be listed. */
struct lost {
	const struct token_entry *entry;
	struct err trouble;
};

/* A reading of all owners, under way. */
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
	struct lost *lost; /* patterns that could not be followed */
	size_t lost_count, lost_capacity;
};

bool entry_is_listed(
	const struct token_entry *entry); /* by its address, with our own credential */
/* The listing of that owner, by the path that was asked for; NULL: none. */
struct listing *listing_of(
	const struct reader *reader, enum token_type type, const char *owner);
struct address holding_address(
	struct arena *arena, enum token_type type, const char *owner, const char *name);

/* Fills `reader->holdings`, from all that was listed. */
void hold_all(struct reader *reader);

#endif
