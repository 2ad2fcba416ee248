/* inside.h: what the journal's own modules share: journal.c, moves.c, records.c, events.c; nobody else's.
 * Touches nothing itself. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/db.h"
#include "store/group.h"
#include "store/journal.h"
#include "store/open.h"
#include "store/seal.h"

struct journal {
	struct group *group;
	struct seal *seal; /* NULL: a reader */
	struct journal_self self;
	struct run_facts facts;
	int64_t (*now)(void *context);
	void *now_context;
};

static inline int64_t
journal_now(const struct journal *journal)
{
	return journal->now(journal->now_context);
}

/* Rows as they are read, in an arena that grows. */
struct db_list {
	struct arena *arena;
	void *items;
	size_t count, capacity;
};
void *db_list_add(struct db_list *list, size_t item_bytes);

/* Appends to the chain, within what the caller has entered. */
must_check bool event_append(struct journal *journal, struct db *db, const struct event *event, struct err *err);

/* Inserts them under the rotation; their ids into `ids`, or nowhere when that is NULL. */
must_check bool deliveries_insert(struct db *db, int64_t rotation, const struct deliveries *deliveries,
	int64_t *ids, struct err *err);

/* What the done rows of a token kept, but for one. */
must_check bool sealed_erase(struct db *db, int64_t token, int64_t but, struct err *err);

#endif
