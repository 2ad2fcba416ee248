#include "store/journal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "store/inside.h"

static int64_t
local_clock(void *context)
{
	(void)context;
	return (int64_t)time(NULL);
}

static struct journal *
journal_new(struct db *db, struct seal *seal, const struct journal_self *self,
	const struct run_facts *facts)
{
	struct journal *journal = memory_or_abort(calloc(1, sizeof(*journal)));

	journal->group = group_new(db, seal != NULL);
	journal->seal = seal;
	journal->self = *self;
	if (facts)
		journal->facts = *facts;
	journal->now = local_clock;
	return journal;
}

bool
journal_open(struct state *state, const struct run_facts *facts, struct journal **journal,
	struct err *err)
{
	struct journal_self self;
	struct seal *seal = NULL;
	struct db *db = NULL;

	assert(state_is_writer(state));
	if (!database_open(state, &db, &seal, &self, err))
		return false;
	*journal = journal_new(db, seal, &self, facts);
	return true;
}

bool
journal_open_reader(struct state *state, struct journal **journal, struct err *err)
{
	struct journal_self self;
	struct db *db = NULL;

	if (!database_copy(state, &db, &self, err))
		return false;
	*journal = journal_new(db, NULL, &self, NULL);
	return true;
}

bool
journal_key_is_there(const struct journal *journal, struct state *state, struct err *err)
{
	return database_key_is_there(state, &journal->self, err);
}

/* What could not be flushed is lost as in a crash, and may be; a caller who wants to know flushes. */
void
journal_close(struct journal *journal)
{
	struct err err;

	if (!journal)
		return;
	if (!journal_flush(journal, &err))
		memset(&err, 0, sizeof(err));
	group_free(journal->group);
	seal_close(journal->seal);
	free(journal);
}

bool
journal_flush(struct journal *journal, struct err *err)
{
	return group_flush(journal->group, err);
}

const char *
journal_uuid(const struct journal *journal)
{
	return journal->self.uuid;
}

void
journal_set_now(struct journal *journal, int64_t (*now)(void *), void *context)
{
	journal->now = now;
	journal->now_context = context;
}

void *
db_list_add(struct db_list *list, size_t item_bytes)
{
	list->items =
		arena_grow(list->arena, list->items, list->count, &list->capacity, item_bytes);
	return memset((char *)list->items + item_bytes * list->count++, 0, item_bytes);
}

/* --- small facts --- */

struct found_text {
	struct arena *arena;
	const char *text;
};

static bool
keep_text(void *context, const struct db_row *row, struct err *err)
{
	struct found_text *found = context;
	(void)err;

	found->text = db_row_text(row, 0, found->arena);
	return true;
}

bool
journal_get(struct journal *journal, const char *key, struct arena *arena, const char **value,
	struct err *err)
{
	const struct db_value wanted = DB_STRING(key);
	struct found_text found = { arena, "" };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, FACT_READ, &wanted, 1, keep_text, &found, err);
	group_done_looking(journal->group);
	if (ok)
		*value = found.text;
	return ok;
}

bool
journal_set(struct journal *journal, const char *key, const char *value, struct err *err)
{
	const struct db_value values[] = { DB_STRING(key), DB_STRING(value) };
	struct db *db = group_enter(journal->group, false, err);
	bool ok;

	if (!db)
		return false;
	ok = db_run(db, FACT_WRITE, values, ARRAY_SIZE(values), NULL, err);
	return group_leave(journal->group, ok, false, err);
}
