#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/inside.h"

_Static_assert(sizeof(enum state_of_row) == sizeof(int), "an enumeration is read as an int");
_Static_assert(sizeof(enum row_strategy) == sizeof(int), "an enumeration is read as an int");

static const struct db_field row_fields[] = {
	DB_FIELD(rotation, INT64, id),
	/* set by journal_begin() */
	DB_FIELD(rotation, INT64, token),
	DB_FIELD(rotation, TEXT, actor),
	DB_FIELD(rotation, TEXT, reason),
	DB_FIELD(rotation, TEXT, revision),
	DB_FIELD(rotation, TEXT, correlation),
	DB_FIELD(rotation, INT64, opened_at),
	DB_CHOICE(rotation, strategy, ROW_REPLACES),
	/* written with every move */
	DB_CHOICE(rotation, state, STATE_COUNT - 1),
	DB_FIELD(rotation, TEXT, frozen),
	DB_FIELD(rotation, INT64, moved_at),
	DB_FIELD(rotation, INT64, target_id),
	DB_FIELD(rotation, DATE, wanted_on),
	DB_FIELD(rotation, INT64, intent_at),
	DB_FIELD(rotation, INT64, highest_id),
	DB_FIELD(rotation, TEXT, nonce),
	DB_FIELD(rotation, INT64, read_at),
	DB_FIELD(rotation, INT64, old_id),
	DB_FIELD(rotation, INT64, new_id),
	DB_FIELD(rotation, INT64, new_user_id),
	DB_FIELD(rotation, MSEC, new_created_msec),
	DB_FIELD(rotation, DATE, new_expires_on),
	DB_FIELD(rotation, INT64, generation),
	DB_FIELD(rotation, TOLD, trouble),
	DB_CHOICE(rotation, advice, INT_MAX),
	DB_FIELD(rotation, INT64, trouble_since),
	DB_FIELD(rotation, TEXT, new_username),
	DB_FIELD(rotation, INT64, retire_after),
};
#define ROW_FIELDS ARRAY_SIZE(row_fields)

static const char *const state_names[STATE_COUNT] = {
	[STATE_PLANNED] = "PLANNED",
	[STATE_INTENDED] = "INTENDED",
	[STATE_DOUBTED] = "DOUBTED",
	[STATE_HELD] = "HELD",
	[STATE_DELIVERED] = "DELIVERED",
	[STATE_VERIFIED] = "VERIFIED",
	[STATE_SWEPT] = "SWEPT",
	[STATE_FOREIGN] = "FOREIGN",
	[STATE_LOST] = "LOST",
	[STATE_CLOSED] = "CLOSED",
	[STATE_DROPPED] = "DROPPED",
	[STATE_ORPHANED] = "ORPHANED",
	[STATE_OVERLAP] = "OVERLAP",
	[STATE_RETIRING] = "RETIRING",
	[STATE_RETIRED] = "RETIRED",
	[STATE_SETTLED] = "SETTLED",
};

const char *
row_state_name(enum state_of_row state)
{
	assert(state < STATE_COUNT);
	return state_names[state];
}

bool
row_state_is_open(enum state_of_row state)
{
	return state < STATE_COUNT && state != STATE_CLOSED && state != STATE_DROPPED;
}

void
rotation_done(struct rotation *rotation)
{
	secret_free(rotation->secret);
	rotation->secret = NULL;
}

void
rotations_done(struct rotations *rotations)
{
	for (size_t i = 0; i < rotations->count; i++)
		rotation_done(&rotations->items[i]);
	*rotations = (struct rotations){ 0 };
}

/* --- reading --- */

struct row_reader {
	struct db_list list;
	const struct seal *seal; /* NULL: secrets stay shut */
};

/* Zero bytes are the room that an intent reserved. */
static bool
holds_a_secret(const unsigned char *sealed, size_t length)
{
	for (size_t i = 0; sealed && i < length; i++)
		if (sealed[i])
			return true;
	return false;
}

static bool
keep_row(void *context, const struct db_row *row, struct err *err)
{
	struct row_reader *reader = context;
	struct rotation *rotation = db_list_add(&reader->list, sizeof(*rotation));
	const unsigned char *sealed;
	size_t length;

	if (!db_fill(row, row_fields, ROW_FIELDS, reader->list.arena, rotation, err))
		return false;
	rotation->address = db_row_told(row, ROW_FIELDS, reader->list.arena);
	if (!row_state_is_open(rotation->state))
		return err_set(err, ERR_STORE, 0, "row %lld is open in an unknown state %d",
			(long long)rotation->id, (int)rotation->state);
	sealed = db_row_blob(row, ROW_FIELDS + 1, &length);
	if (!reader->seal || !holds_a_secret(sealed, length))
		return true;
	return seal_reopen(reader->seal, sealed, length, rotation->id, rotation->token,
		&rotation->secret, err);
}

bool
journal_open_rows(struct journal *journal, struct arena *arena, struct rotations *rotations,
	struct err *err)
{
	struct row_reader reader = { { .arena = arena }, journal->seal };
	auto_rotations struct rotations draft = { 0 };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, ROTATIONS_READ_OPEN, NULL, 0, keep_row, &reader, err);
	group_done_looking(journal->group);
	draft = (struct rotations){ reader.list.items, reader.list.count };
	if (!ok)
		return false;
	*rotations = draft;
	draft = (struct rotations){ 0 };
	return true;
}

static bool
keep_integer(void *context, const struct db_row *row, struct err *err)
{
	(void)err;
	*(int64_t *)context = db_row_integer(row, 0);
	return true;
}

bool
journal_died_at(struct journal *journal, int64_t token, int64_t token_id, int64_t *died_at,
	struct err *err)
{
	const struct db_value values[] = { DB_INT(token), DB_INT(token_id),
		DB_INT(STATE_CLOSED) };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(
		db, ROTATION_ENDED, values, ARRAY_SIZE(values), keep_integer, died_at, err);
	group_done_looking(journal->group);
	return ok;
}

bool
journal_gave(struct journal *journal, int64_t token_id, int64_t generation, bool *gave,
	struct err *err)
{
	const struct db_value values[] = { DB_INT(token_id), DB_INT(generation) };
	struct db *db = group_look(journal->group, err);
	int64_t count = 0;
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, ROTATION_GAVE, values, ARRAY_SIZE(values), keep_integer, &count, err);
	group_done_looking(journal->group);
	*gave = ok && count;
	return ok;
}

/* --- beginning --- */

static bool
insert_row(struct journal *journal, struct db *db, struct rotation *row,
	const struct deliveries *deliveries, int64_t *ids, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct event told = { .at = row->opened_at,
		.address = row->address,
		.name = "rotation.planned",
		.text = arena_format(arena, "a rotation begins%s%s", *row->reason ? ": " : "",
			row->reason) };
	struct db_value values[ROW_FIELDS];

	db_values_of(row_fields, ROW_FIELDS, row, values);
	if (!db_run(db, ROTATION_INSERT, values, ROW_FIELDS, NULL, err)) {
		if (err->kind == ERR_LATER)
			err_set(err, ERR_LATER, 0, "'%s' has an open row already",
				row->address);
		return false;
	}
	row->id = told.rotation = db_last_id(db);
	return deliveries_insert(db, row->id, deliveries, ids, err) &&
	       event_append(journal, db, &told, err);
}

/* As it will stand: a row of this run. */
static struct rotation
draft_of(struct journal *journal, const struct rotation *row)
{
	struct rotation draft = *row;

	draft.state = STATE_PLANNED;
	draft.actor = journal->facts.actor;
	draft.reason = journal->facts.reason;
	draft.revision = journal->facts.revision;
	draft.correlation = journal->facts.correlation;
	draft.opened_at = draft.moved_at = journal_now(journal);
	return draft;
}

bool
journal_begin(struct journal *journal, struct rotation *row, struct deliveries *deliveries,
	struct err *err)
{
	auto_free int64_t *ids = memory_or_abort(calloc(deliveries->count + 1, sizeof(*ids)));
	struct rotation draft = draft_of(journal, row);
	struct db *db;

	db = group_enter(journal->group, false, err);
	if (!db || !group_leave(journal->group,
			   insert_row(journal, db, &draft, deliveries, ids, err), false, err))
		return false;
	*row = draft;
	for (size_t i = 0; i < deliveries->count; i++)
		deliveries->items[i].id = ids[i];
	return true;
}

/* --- moving --- */

struct move {
	struct rotation row; /* as it will stand */
	enum state_of_row from;
	const struct deliveries *deliveries;
	const char *text;
	bool brings_answer; /* from INTENDED into HELD */
	unsigned char sealed[SEALED_BYTES];
};

static bool
renew_token(struct db *db, const struct rotation *row, struct err *err)
{
	const struct db_value values[] = { DB_INT(row->token), DB_INT(row->new_id),
		DB_INT(row->new_user_id), DB_INT(row->new_created_msec),
		DB_INT(row->new_expires_on), DB_INT(row->generation), DB_INT(row->moved_at),
		DB_STRING(row->new_username) };

	return db_change(db, TOKEN_RENEW, values, ARRAY_SIZE(values), err);
}

static bool
close_row(struct db *db, const struct rotation *row, struct err *err)
{
	const struct db_value values[] = { DB_INT(row->id), DB_INT(row->moved_at) };
	const bool keeps = row->keeps_secret && row->state == STATE_CLOSED;

	return db_change(db, keeps ? ROTATION_KEEP : ROTATION_CLOSE, values, ARRAY_SIZE(values),
		       err) &&
	       (!keeps || sealed_erase(db, row->token, row->id, err));
}

/* What a state means for the secret's place in the row. */
static bool
write_sealed(struct db *db, const struct move *move, struct err *err)
{
	const struct rotation *row = &move->row;

	if (row->state == STATE_INTENDED)
		return db_change(db, ROTATION_RESERVE,
			       (struct db_value[]){ DB_INT(row->id), DB_INT(SEALED_BYTES) }, 2,
			       err) &&
		       database_make_room(db, err);
	if (move->brings_answer)
		return db_change(db, ROTATION_SEAL,
			       (struct db_value[]){
				       DB_INT(row->id), DB_BYTES(move->sealed, SEALED_BYTES) },
			       2, err) &&
		       renew_token(db, row, err);
	return row_state_is_open(row->state) || close_row(db, row, err);
}

static bool
replace_deliveries(struct db *db, const struct move *move, struct err *err)
{
	const struct db_value id = DB_INT(move->row.id);

	if (!move->deliveries)
		return true;
	return db_run(db, DELIVERIES_DELETE, &id, 1, NULL, err) &&
	       deliveries_insert(db, move->row.id, move->deliveries, NULL, err);
}

static bool
tell_move(struct journal *journal, struct db *db, const struct move *move, struct err *err)
{
	char name[32];
	const struct event told = { .at = move->row.moved_at,
		.address = move->row.address,
		.rotation = move->row.id,
		.name = name,
		.text = move->text };

	snprintf(name, sizeof(name), "rotation.%s", row_state_name(move->row.state));
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return event_append(journal, db, &told, err);
}

/* When an answer is brought again, the commit that failed may have got through all but the last sync, so that the row stands
 * at HELD already. Then it is written once more, event and all, to be sure of the disk. */
static bool
write_move(struct journal *journal, struct db *db, const struct move *move, struct err *err)
{
	struct db_value values[ROW_FIELDS + 2];
	bool again = move->brings_answer && group_has_failed(journal->group);

	db_values_of(row_fields, ROW_FIELDS, &move->row, values);
	values[ROW_FIELDS] = DB_INT((int64_t)move->from);
	values[ROW_FIELDS + 1] = DB_INT((int64_t)(again ? STATE_HELD : move->from));
	return db_change(db, ROTATION_MOVE, values, ROW_FIELDS + 2, err) &&
	       write_sealed(db, move, err) && replace_deliveries(db, move, err) &&
	       tell_move(journal, db, move, err);
}

bool
journal_move(struct journal *journal, struct rotation *row, enum state_of_row to,
	const struct deliveries *deliveries, const char *text, struct err *err)
{
	bool waits = to == STATE_INTENDED || to == STATE_HELD;
	struct move move = { .row = *row,
		.from = row->state,
		.deliveries = deliveries,
		.text = text,
		.brings_answer = row->state == STATE_INTENDED && to == STATE_HELD };
	struct db *db;

	assert(journal->seal);
	assert(!deliveries || row->state == STATE_PLANNED);
	assert(!move.brings_answer || row->secret);
	move.row.state = to;
	move.row.moved_at = journal_now(journal);
	if (move.brings_answer &&
		!seal_shut(journal->seal, row->secret, row->id, row->token, move.sealed, err))
		return false;
	db = group_enter(journal->group, move.brings_answer, err);
	if (!db ||
		!group_leave(journal->group, write_move(journal, db, &move, err), waits, err))
		return err_wrap(err, "row %lld: %s into %s", (long long)row->id,
			row_state_name(row->state), row_state_name(to));
	row->state = to;
	row->moved_at = move.row.moved_at;
	return true;
}

bool
journal_supersede(struct journal *journal, struct rotation *old, struct rotation *row,
	struct deliveries *deliveries, const char *text, struct err *err)
{
	auto_free int64_t *ids = memory_or_abort(calloc(deliveries->count + 1, sizeof(*ids)));
	struct move closing = { .row = *old, .from = old->state, .text = text };
	struct move intending = { .row = draft_of(journal, row),
		.from = STATE_PLANNED,
		.text = "in the place of one whose secret was held" };
	struct db *db = group_enter(journal->group, false, err);
	bool ok;

	if (!db)
		return false;
	closing.row.state = STATE_CLOSED;
	closing.row.moved_at = intending.row.moved_at;
	ok = write_move(journal, db, &closing, err) &&
	     insert_row(journal, db, &intending.row, deliveries, ids, err);
	intending.row.state = STATE_INTENDED;
	ok = ok && write_move(journal, db, &intending, err);
	if (!group_leave(journal->group, ok, true, err))
		return err_wrap(err, "row %lld: superseded", (long long)old->id);
	old->state = STATE_CLOSED;
	old->moved_at = closing.row.moved_at;
	*row = intending.row;
	for (size_t i = 0; i < deliveries->count; i++)
		deliveries->items[i].id = ids[i];
	return true;
}

bool
journal_trouble(struct journal *journal, const struct rotation *row, struct err *err)
{
	const struct db_value values[] = { DB_INT(row->id), DB_STRING(row->trouble),
		DB_INT(row->advice), DB_INT(row->trouble_since), DB_INT(row->read_at) };
	struct db *db = group_enter(journal->group, false, err);

	return db && group_leave(journal->group,
			     db_change(db, ROTATION_TROUBLE, values, ARRAY_SIZE(values), err),
			     false, err);
}
