/* db.h: one connection to an SQLite file, its prepared statements, its transactions. For the store's own modules.
 * Touches that file; SQLite is known in db.c only. Not thread-safe: group.h lends it to one thread at a time.
 *
 * A failure to write leaves the connection marked (db_is_broken()): what its transaction held is lost. A constraint that
 * refuses a row does not. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/schema.h"

struct db;

enum db_mode {
	DB_WRITE,  /* a file that exists */
	DB_COPY,   /* likewise, to be copied by db_copy(): waits for a writer, rolls back what a killed one left */
	DB_MEMORY, /* no file */
};

/* Opens, and reads nothing yet.
 * Fails: ERR_STORE. */
must_check bool db_open(const char *path, enum db_mode mode, struct db **db, struct err *err);
void db_close(struct db *db);

/* The first bytes as they stand in the file, before SQLite looks at them or takes a lock. Read through its own descriptor:
 * closing another one of the same file would drop the process's locks on it. `*got` may be less than asked. */
#define DB_HEADER_BYTES ((size_t)100)
must_check bool db_header(struct db *db, unsigned char header[DB_HEADER_BYTES], size_t *got, struct err *err);

/* Sets what a connection to a file of ours must have: rollback journal kept (PERSIST), full syncs, freed bytes wiped.
 * Fails: ERR_STORE; with GLR-101 when the file is damaged, here and in every other call that reads. */
must_check bool db_settle(struct db *db, struct err *err);

/* Statements in the text, no parameters. */
must_check bool db_execute(struct db *db, const char *text, struct err *err);
/* The first column of the first row. */
must_check bool db_number(struct db *db, const char *text, int64_t *number, struct err *err);
must_check bool db_word(
	struct db *db, const char *text, char *word, size_t bytes, struct err *err);

/* The whole of `from` as of one moment into `to`, in one step. */
must_check bool db_copy(struct db *from, struct db *to, struct err *err);

/* Whether a failure to write has lost the open transaction; db_abandon() ends it and clears the mark. */
bool db_is_broken(const struct db *db);
void db_abandon(struct db *db);

/* --- statements by number (schema.h), parameters by position from 1 --- */
enum db_kind { DB_NULL, DB_INTEGER, DB_TEXT, DB_BLOB };
struct db_value {
	enum db_kind kind;
	int64_t integer;
	const void *bytes; /* borrowed until the call returns; a text that is NULL is stored as "" */
	size_t length;     /* of a blob */
};
#define DB_INT(value) ((struct db_value){ .kind = DB_INTEGER, .integer = (value) })
#define DB_STRING(value) ((struct db_value){ .kind = DB_TEXT, .bytes = (value) })
#define DB_BYTES(value, size) ((struct db_value){ .kind = DB_BLOB, .bytes = (value), .length = (size) })
#define DB_NOTHING ((struct db_value){ .kind = DB_NULL })

/* `*changed` (which may be NULL) is how many rows it changed.
 * Fails: ERR_LATER when a constraint refuses it, else ERR_STORE. */
must_check bool db_run(struct db *db, enum statement statement, const struct db_value *values,
	size_t count, int64_t *changed, struct err *err);
/* Likewise; ERR_STORE when it did not change exactly one row: the row is not where it was believed to be. */
must_check bool db_change(struct db *db, enum statement statement, const struct db_value *values,
	size_t count, struct err *err);
int64_t db_last_id(const struct db *db);

struct db_row; /* alive inside `each` only */
must_check bool db_each(struct db *db, enum statement statement, const struct db_value *values,
	size_t count, bool (*each)(void *context, const struct db_row *row, struct err *err),
	void *context, struct err *err);
int64_t db_row_integer(const struct db_row *row, size_t column); /* columns count from 0 */
const char *db_row_text(const struct db_row *row, size_t column, struct arena *arena);
/* Without what moves a terminal's cursor. */
const char *db_row_told(const struct db_row *row, size_t column, struct arena *arena);
/* NULL when the column is NULL; alive inside `each` only. */
const void *db_row_blob(const struct db_row *row, size_t column, size_t *length);

/* --- structs as rows: one table says which member is which column, for writing and for reading --- */
enum db_member {
	MEMBER_INT64,
	MEMBER_MSEC, /* int64_t, or NO_MOMENT */
	MEMBER_DATE, /* int64_t, or NO_DATE */
	MEMBER_INT,  /* from 0 to `most` */
	MEMBER_TEXT,
	MEMBER_TOLD, /* a text that people are shown: see db_row_told() */
};
struct db_field {
	enum db_member member;
	size_t offset;
	int most;
};
#define DB_FIELD(type, kind, name) { MEMBER_##kind, offsetof(struct type, name), 0 }
#define DB_CHOICE(type, name, last) { MEMBER_INT, offsetof(struct type, name), (last) }

void db_values_of(const struct db_field *fields, size_t count, const void *object, struct db_value *values);
/* Fails: ERR_STORE, GLR-101: a number that we never write; nobody can reckon with it. */
must_check bool db_fill(const struct db_row *row, const struct db_field *fields, size_t count,
	struct arena *arena, void *object, struct err *err);

CLEANUP(db, struct db *, db_close)
#define auto_db __attribute__((cleanup(db_cleanup)))

#endif
