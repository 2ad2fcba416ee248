/* open.h: `journal.db`: whether it is there, ours, whole and not newer than we; made, migrated, copied. For journal.c.
 * Touches that file in the state directory, and nothing in it before all of that is proven. */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include "base/err.h"
#include "store/db.h"
#include "store/seal.h"
#include "store/state.h"

struct journal_self {
	char uuid[33];
	char key_fingerprint[SEAL_FINGERPRINT_TEXT];
};

/* For the writer: makes the database when there is none, proves the key, migrates, makes room on the disk.
 * Fails: as journal_open(). */
must_check bool database_open(struct state *state, struct db **db, struct seal **seal,
	struct journal_self *self, struct err *err);

/* A copy in memory, migrated; an absent database is an empty one with the uuid "". */
must_check bool database_copy(
	struct state *state, struct db **db, struct journal_self *self, struct err *err);

/* Whether the writer would find the key of that database; where there is none yet, one is made. Fails: as database_open(). */
must_check bool database_key_is_there(
	struct state *state, const struct journal_self *self, struct err *err);

/* Sees to it that a transaction finds free pages when the disk is full: to be called before each intent. */
must_check bool database_make_room(struct db *db, struct err *err);

#endif
