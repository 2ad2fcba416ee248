/* Secrets that outlive their row: those of tokens that are rotated with them. */
#include <assert.h>

#include "store/inside.h"

bool
sealed_erase(struct db *db, int64_t token, int64_t but, struct err *err)
{
	const struct db_value values[] = { DB_INT(token), DB_INT(but) };

	return db_run(db, ROTATIONS_ERASE, values, ARRAY_SIZE(values), NULL, err);
}

struct sealed_reader {
	const struct seal *seal; /* NULL: it stays shut */
	int64_t number;
	struct sealed_secret newest;
};

static bool
keep_sealed(void *context, const struct db_row *row, struct err *err)
{
	struct sealed_reader *reader = context;
	size_t length;
	const unsigned char *sealed = db_row_blob(row, 2, &length);

	reader->newest.token_id = db_row_integer(row, 1);
	return !reader->seal ||
	       seal_reopen(reader->seal, sealed, length, db_row_integer(row, 0), reader->number,
		       &reader->newest.secret, err);
}

bool
journal_sealed(
	struct journal *journal, int64_t number, struct sealed_secret *sealed, struct err *err)
{
	struct sealed_reader reader = { journal->seal, number, { 0 } };
	/* A row that is back in doubt holds a secret that was proven dead. */
	const struct db_value wanted[] = { DB_INT(number), DB_INT(STATE_HELD),
		DB_INT(STATE_SWEPT) };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, ROTATIONS_READ_SEALED, wanted, ARRAY_SIZE(wanted), keep_sealed,
		&reader, err);
	group_done_looking(journal->group);
	if (ok)
		*sealed = reader.newest;
	return ok;
}

bool
journal_erase_sealed(struct journal *journal, int64_t number, struct err *err)
{
	struct db *db = group_enter(journal->group, false, err);

	return db && group_leave(journal->group, sealed_erase(db, number, 0, err), false, err);
}

void
journal_mark(
	const struct journal *journal, const struct secret *secret, char text[SECRET_MARK_TEXT])
{
	assert(journal->seal);
	seal_mark(journal->seal, secret, text);
}
