#include <stdio.h>
#include <string.h>

#include "store/inside.h"

static const struct db_field event_fields[] = {
	DB_FIELD(event, INT64, id),
	DB_FIELD(event, INT64, at),
	DB_FIELD(event, TEXT, actor),
	DB_FIELD(event, TEXT, reason),
	DB_FIELD(event, TEXT, revision),
	DB_FIELD(event, TEXT, correlation),
	DB_FIELD(event, TEXT, address),
	DB_FIELD(event, INT64, rotation),
	DB_FIELD(event, TEXT, name),
	DB_FIELD(event, TEXT, text),
};
#define EVENT_FIELDS ARRAY_SIZE(event_fields)

/* Where the chain ends: nothing before the first event. */
struct chain {
	int64_t id;
	unsigned char hash[CHAIN_HASH_BYTES];
};

/* --- the chain --- */

/* Every column takes part as text, numbers in decimal: `history` shows all that the hash is made of. */
static void
hash_event(const struct event *event, const unsigned char before[CHAIN_HASH_BYTES],
	unsigned char *hash)
{
	struct db_value values[EVENT_FIELDS];
	struct hash_part parts[EVENT_FIELDS];
	char numbers[EVENT_FIELDS][24];

	db_values_of(event_fields, EVENT_FIELDS, event, values);
	for (size_t i = 0; i < EVENT_FIELDS; i++) {
		const char *text = values[i].bytes ? values[i].bytes : "";
		if (values[i].kind == DB_INTEGER) {
			snprintf(numbers[i], sizeof(numbers[i]), "%lld",
				(long long)values[i].integer);
			text = numbers[i];
		}
		parts[i] = (struct hash_part){ text, strlen(text) };
	}
	chain_hash(before, parts, EVENT_FIELDS, hash);
}

static bool
keep_head(void *context, const struct db_row *row, struct err *err)
{
	struct chain *chain = context;
	size_t length;
	const void *hash = db_row_blob(row, 1, &length);

	if (length != CHAIN_HASH_BYTES)
		return err_set(err, ERR_STORE, 0, "the last event has no hash");
	chain->id = db_row_integer(row, 0);
	memcpy(chain->hash, hash, CHAIN_HASH_BYTES);
	return true;
}

/* The head is read anew each time: a savepoint or a transaction that was taken back took its events
 * with it. */
bool
event_append(struct journal *journal, struct db *db, const struct event *event, struct err *err)
{
	const struct run_facts *facts = &journal->facts;
	struct db_value values[EVENT_FIELDS + 1];
	struct event whole = *event;
	struct chain chain = { 0 };
	unsigned char hash[CHAIN_HASH_BYTES];

	if (!db_each(db, EVENT_HEAD, NULL, 0, keep_head, &chain, err))
		return false;
	whole.id = chain.id + 1;
	whole.actor = facts->actor;
	whole.reason = facts->reason;
	whole.revision = facts->revision;
	whole.correlation = facts->correlation;
	hash_event(&whole, chain.hash, hash);
	db_values_of(event_fields, EVENT_FIELDS, &whole, values);
	values[EVENT_FIELDS] = DB_BYTES(hash, sizeof(hash));
	return db_run(db, EVENT_INSERT, values, EVENT_FIELDS + 1, NULL, err);
}

bool
journal_event(struct journal *journal, const char *address, int64_t rotation, const char *name,
	const char *text, struct err *err)
{
	const struct event event = { .at = journal_now(journal),
		.address = address,
		.rotation = rotation,
		.name = name,
		.text = text };
	struct db *db = group_enter(journal->group, false, err);

	return db &&
	       group_leave(journal->group, event_append(journal, db, &event, err), false, err);
}

/* --- reading --- */

static bool
keep_event(void *context, const struct db_row *row, struct err *err)
{
	struct db_list *list = context;

	return db_fill(row, event_fields, EVENT_FIELDS, list->arena,
		db_list_add(list, sizeof(struct event)), err);
}

bool
journal_events(struct journal *journal, const char *address, size_t most, struct arena *arena,
	struct events *events, struct err *err)
{
	const struct db_value values[] = { address ? DB_STRING(address) : DB_NOTHING,
		DB_INT(most && most < INT64_MAX ? (int64_t)most : -1) };
	struct db_list list = { .arena = arena };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, EVENTS_READ_LAST, values, ARRAY_SIZE(values), keep_event, &list, err);
	group_done_looking(journal->group);
	if (ok)
		*events = (struct events){ list.items, list.count };
	return ok;
}

struct walk {
	struct chain chain;
	int64_t broken;
};

/* After the first break nothing can be said of the rest. */
static bool
check_event(void *context, const struct db_row *row, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct walk *walk = context;
	unsigned char hash[CHAIN_HASH_BYTES];
	struct event event;
	const void *stored;
	size_t length;

	if (walk->broken)
		return true;
	if (!db_fill(row, event_fields, EVENT_FIELDS, arena, &event, err)) {
		walk->broken = walk->chain.id + 1;
		return true;
	}
	hash_event(&event, walk->chain.hash, hash);
	stored = db_row_blob(row, EVENT_FIELDS, &length);
	if (event.id != walk->chain.id + 1 || length != sizeof(hash) ||
		memcmp(stored, hash, sizeof(hash)) != 0)
		walk->broken = event.id;
	walk->chain.id = event.id;
	memcpy(walk->chain.hash, hash, sizeof(hash));
	return true;
}

static void
write_hash(const struct chain *chain, char text[EVENT_HASH_TEXT])
{
	for (size_t i = 0; i < CHAIN_HASH_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", chain->hash[i]);
}

bool
journal_verify(
	struct journal *journal, char head[EVENT_HASH_TEXT], int64_t *broken, struct err *err)
{
	struct walk walk = { 0 };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, EVENTS_READ_ALL, NULL, 0, check_event, &walk, err);
	group_done_looking(journal->group);
	if (!ok)
		return false;
	write_hash(&walk.chain, head);
	*broken = walk.broken;
	return true;
}

bool
journal_head(struct journal *journal, char head[EVENT_HASH_TEXT], struct err *err)
{
	struct chain chain = { 0 };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, EVENT_HEAD, NULL, 0, keep_head, &chain, err);
	group_done_looking(journal->group);
	if (ok)
		write_hash(&chain, head);
	return ok;
}
