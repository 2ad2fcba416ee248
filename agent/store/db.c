#include "store/db.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/advice.h"
#include "base/memory.h"
#include "base/source.h"
#include "base/when.h"

/* A reader lets go within milliseconds; what holds a lock for longer is stopped or not ours. */
#define BUSY_MSEC 10000

#define NUMBER_MOST (INT64_C(1) << 53)
#define DATE_MOST INT64_C(2932896) /* 9999-12-31 */

struct db {
	sqlite3 *handle;
	sqlite3_stmt *prepared[STATEMENT_COUNT]; /* on first use */
	bool broken;
};

struct db_row {
	sqlite3_stmt *statement;
};

/* --- errors --- */

static bool
is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* The errno is SQLite's last one, so it belongs to this failure only where one is its cause. */
static int
cause_of(const struct db *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
		return sqlite3_system_errno(db->handle);
	default:
		return 0;
	}
}

static bool
fail(struct db *db, struct err *err)
{
	int code = sqlite3_extended_errcode(db->handle);
	const char *text = sqlite3_errmsg(db->handle);

	if ((code & 0xff) == SQLITE_NOMEM)
		memory_or_abort(NULL);
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return err_set(err, ERR_LATER, 0, "the journal refuses it: %s", text);
	db->broken = true;
	if (is_damage(code)) {
		err_set(err, ERR_STORE, 0, "the journal is damaged: %s", text);
		return err_advise(err, GLR_DATABASE_DAMAGED);
	}
	return err_set(err, ERR_STORE, cause_of(db, code), "journal: %s", text);
}

bool
db_is_broken(const struct db *db)
{
	return db->broken;
}

void
db_abandon(struct db *db)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_reset(db->prepared[i]);
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	db->broken = false;
}

/* --- the connection --- */

/* One thread at a time, which group.h sees to; hence no locks of SQLite's own. */
bool
db_open(const char *path, enum db_mode mode, struct db **db, struct err *err)
{
	auto_db struct db *draft = memory_or_abort(calloc(1, sizeof(*draft)));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (mode == DB_MEMORY)
		flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
	if (sqlite3_open_v2(
		    mode == DB_MEMORY ? ":memory:" : path, &draft->handle, flags, NULL)) {
		if (!draft->handle)
			memory_or_abort(NULL);
		return err_set(err, ERR_STORE, sqlite3_system_errno(draft->handle),
			"cannot open '%s'", path);
	}
	sqlite3_busy_timeout(draft->handle, BUSY_MSEC);
	*db = take(draft);
	return true;
}

void
db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(db->prepared[i]);
	sqlite3_close_v2(db->handle);
	free(db);
}

bool
db_header(struct db *db, unsigned char header[DB_HEADER_BYTES], size_t *got, struct err *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) ||
		!file || !file->pMethods || file->pMethods->xFileSize(file, &size))
		return err_set(err, ERR_STORE, 0, "journal: its header cannot be read");
	*got = size < (sqlite3_int64)DB_HEADER_BYTES ? (size_t)size : DB_HEADER_BYTES;
	if (*got && file->pMethods->xRead(file, header, (int)*got, 0))
		return err_set(err, ERR_STORE, sqlite3_system_errno(db->handle),
			"journal: its header cannot be read");
	return true;
}

/* No spilling: a transaction that outgrows the cache would otherwise lock readers out long before its
 * commit. */
bool
db_settle(struct db *db, struct err *err)
{
	static const char pragmas[] = "PRAGMA locking_mode = NORMAL;"
				      "PRAGMA mmap_size = 0;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA cache_spill = OFF;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON;"
				      "PRAGMA foreign_keys = ON;"
				      "PRAGMA secure_delete = ON;"
				      "PRAGMA synchronous = FULL;";
	char mode[16];

	if (!db_execute(db, pragmas, err))
		return false;
	if (!db_word(db, "PRAGMA journal_mode = PERSIST", mode, sizeof(mode), err))
		return false;
	if (strcmp(mode, "persist") != 0)
		return err_set(
			err, ERR_STORE, 0, "journal: SQLite keeps to journal mode '%s'", mode);
	return true;
}

bool
db_execute(struct db *db, const char *text, struct err *err)
{
	return sqlite3_exec(db->handle, text, NULL, NULL, NULL) ? fail(db, err) : true;
}

static bool
first_row(struct db *db, const char *text, sqlite3_stmt **statement, struct err *err)
{
	int code;

	if (sqlite3_prepare_v2(db->handle, text, -1, statement, NULL))
		return fail(db, err);
	code = sqlite3_step(*statement);
	if (code == SQLITE_DONE)
		return err_set(err, ERR_STORE, 0, "journal: '%s' answers nothing", text);
	return code == SQLITE_ROW ? true : fail(db, err);
}

bool
db_number(struct db *db, const char *text, int64_t *number, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	bool ok = first_row(db, text, &statement, err);

	if (ok)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return ok;
}

bool
db_word(struct db *db, const char *text, char *word, size_t bytes, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	bool ok = first_row(db, text, &statement, err);
	const unsigned char *found = ok ? sqlite3_column_text(statement, 0) : NULL;

	if (ok)
		snprintf(word, bytes, "%s", found ? (const char *)found : "");
	sqlite3_finalize(statement);
	return ok;
}

bool
db_copy(struct db *from, struct db *to, struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
	int code;

	if (!backup)
		return fail(to, err);
	code = sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) && code != SQLITE_BUSY && code != SQLITE_LOCKED)
		return fail(to, err);
	if (code == SQLITE_DONE)
		return true;
	return err_set(err, ERR_STORE, 0, "journal: %s", sqlite3_errstr(code));
}

/* --- statements --- */

static bool
bind(struct db *db, sqlite3_stmt *statement, const struct db_value *values, size_t count,
	struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct db_value *value = &values[i];
		const void *bytes = value->bytes ? value->bytes : "";
		int code = SQLITE_OK, at = (int)i + 1;

		switch (value->kind) {
		case DB_NULL:
			code = sqlite3_bind_null(statement, at);
			break;
		case DB_INTEGER:
			code = sqlite3_bind_int64(statement, at, value->integer);
			break;
		case DB_TEXT:
			code = sqlite3_bind_text(statement, at, bytes, -1, SQLITE_STATIC);
			break;
		case DB_BLOB:
			code = sqlite3_bind_blob64(
				statement, at, bytes, value->length, SQLITE_STATIC);
			break;
		}
		if (code)
			return fail(db, err);
	}
	return true;
}

static bool
prepare(struct db *db, enum statement statement, const struct db_value *values, size_t count,
	struct err *err)
{
	sqlite3_stmt **prepared = &db->prepared[statement];

	if (!*prepared && sqlite3_prepare_v3(db->handle, schema_statements[statement], -1,
				  SQLITE_PREPARE_PERSISTENT, prepared, NULL))
		return fail(db, err);
	return bind(db, *prepared, values, count, err);
}

/* What was bound is borrowed and must not outlive the call; a reset statement holds no lock. */
static void
let_go(struct db *db, enum statement statement)
{
	if (!db->prepared[statement])
		return;
	sqlite3_reset(db->prepared[statement]);
	sqlite3_clear_bindings(db->prepared[statement]);
}

bool
db_each(struct db *db, enum statement statement, const struct db_value *values, size_t count,
	bool (*each)(void *context, const struct db_row *row, struct err *err), void *context,
	struct err *err)
{
	bool ok = prepare(db, statement, values, count, err);
	struct db_row row = { db->prepared[statement] };
	int code = SQLITE_DONE;

	while (ok && (code = sqlite3_step(row.statement)) == SQLITE_ROW)
		ok = !each || each(context, &row, err);
	if (ok && code != SQLITE_DONE)
		ok = fail(db, err);
	let_go(db, statement);
	return ok;
}

bool
db_run(struct db *db, enum statement statement, const struct db_value *values, size_t count,
	int64_t *changed, struct err *err)
{
	if (!db_each(db, statement, values, count, NULL, NULL, err))
		return false;
	if (changed)
		*changed = sqlite3_changes64(db->handle);
	return true;
}

bool
db_change(struct db *db, enum statement statement, const struct db_value *values, size_t count,
	struct err *err)
{
	int64_t changed = 0;

	if (!db_run(db, statement, values, count, &changed, err))
		return false;
	if (changed != 1)
		return err_set(
			err, ERR_STORE, 0, "the row in the journal is not where it was left");
	return true;
}

int64_t
db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int64_t
db_row_integer(const struct db_row *row, size_t column)
{
	return sqlite3_column_int64(row->statement, (int)column);
}

const char *
db_row_text(const struct db_row *row, size_t column, struct arena *arena)
{
	const unsigned char *text = sqlite3_column_text(row->statement, (int)column);

	return arena_text(arena, text ? (const char *)text : "");
}

const void *
db_row_blob(const struct db_row *row, size_t column, size_t *length)
{
	const void *bytes = sqlite3_column_blob(row->statement, (int)column);

	*length = (size_t)sqlite3_column_bytes(row->statement, (int)column);
	return bytes;
}

/* --- structs --- */

void
db_values_of(const struct db_field *fields, size_t count, const void *object,
	struct db_value *values)
{
	for (size_t i = 0; i < count; i++) {
		const void *member = (const char *)object + fields[i].offset;
		switch (fields[i].member) {
		case MEMBER_INT64:
		case MEMBER_MSEC:
		case MEMBER_DATE:
			values[i] = DB_INT(*(const int64_t *)member);
			break;
		case MEMBER_INT:
			values[i] = DB_INT(*(const int *)member);
			break;
		case MEMBER_TEXT:
		case MEMBER_TOLD:
			values[i] = DB_STRING(*(const char *const *)member);
			break;
		}
	}
}

/* Within these sums of moments, and spans in milliseconds, do not overflow. */
static bool
is_possible(const struct db_field *field, int64_t number)
{
	switch (field->member) {
	case MEMBER_INT:
		return number >= 0 && number <= field->most;
	case MEMBER_DATE:
		return number == NO_DATE || (number >= -DATE_MOST && number <= DATE_MOST);
	case MEMBER_MSEC:
		return number == NO_MOMENT || (number >= -NUMBER_MOST && number <= NUMBER_MOST);
	default:
		return number >= -NUMBER_MOST && number <= NUMBER_MOST;
	}
}

static bool
fill_number(const struct db_field *field, int64_t number, void *member, struct err *err)
{
	if (!is_possible(field, number)) {
		err_set(err, ERR_STORE, 0, "the journal is damaged: a row says %lld",
			(long long)number);
		return err_advise(err, GLR_DATABASE_DAMAGED);
	}
	if (field->member == MEMBER_INT)
		*(int *)member = (int)number;
	else
		*(int64_t *)member = number;
	return true;
}

const char *
db_row_told(const struct db_row *row, size_t column, struct arena *arena)
{
	char *text = arena_text(arena, db_row_text(row, column, arena));

	source_tame(text);
	return text;
}

bool
db_fill(const struct db_row *row, const struct db_field *fields, size_t count,
	struct arena *arena, void *object, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		void *member = (char *)object + fields[i].offset;

		if (fields[i].member == MEMBER_TEXT)
			*(const char **)member = db_row_text(row, i, arena);
		else if (fields[i].member == MEMBER_TOLD)
			*(const char **)member = db_row_told(row, i, arena);
		else if (!fill_number(&fields[i], db_row_integer(row, i), member, err))
			return false;
	}
	return true;
}
