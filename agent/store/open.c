#include "store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/advice.h"
#include "base/memory.h"

#define DATABASE "journal.db"
#define ROLLBACK DATABASE "-journal"
#define DRAFT "journal.new"
#define DRAFT_ROLLBACK DRAFT "-journal"

/* Pages that an intent finds free or makes free, for its answer and for what rides with it. */
#define ROOM_PAGES 64
#define PAGE_BYTES 4096

#define OBJECTS_BYTES ((size_t)16384)

/* --- is it ours --- */

static uint32_t
number_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool
refuse(struct err *err, const char *why)
{
	err_set(err, ERR_PERSON, 0, "'" DATABASE "' %s", why);
	return err_advise(err, GLR_DATABASE_DAMAGED);
}

/* By the bytes in the file, before SQLite would roll back, lock or convert what is not ours. A database of ours gets its name
 * when it is whole, so an empty file is a loss and no beginning. Places are those of SQLite's file format. */
static bool
header_is_ours(struct db *db, struct err *err)
{
	unsigned char header[DB_HEADER_BYTES] = { 0 };
	size_t got = 0;

	if (!db_header(db, header, &got, err))
		return false;
	if (!got)
		return refuse(err, "is empty");
	if (got < DB_HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0)
		return refuse(err, "is not a database");
	if (number_at(header + 68) != SCHEMA_APPLICATION_ID)
		return refuse(err, "is a database, but not one of glrotate's");
	if (header[18] != 1 || header[19] != 1)
		return refuse(err, "was put into another journal mode by somebody else");
	if (number_at(header + 60) > schema_version) {
		err_set(err, ERR_PERSON, 0,
			"'" DATABASE
			"' was written by a newer glrotate (format %u, this program knows %zu)",
			number_at(header + 60), schema_version);
		return err_advise(err, GLR_DATABASE_NEWER);
	}
	return true;
}

static bool
is_whole(struct db *db, struct err *err)
{
	char answer[128];

	if (!db_word(db, "PRAGMA quick_check(1)", answer, sizeof(answer), err))
		return false;
	if (!strcmp(answer, "ok"))
		return true;
	err_set(err, ERR_PERSON, 0, "'" DATABASE "' is damaged: %s", answer);
	return err_advise(err, GLR_DATABASE_DAMAGED);
}

static bool
keep_self(void *context, const struct db_row *row, struct err *err)
{
	struct journal_self *self = context;
	auto_arena struct arena *arena = arena_new();
	(void)err;

	snprintf(self->uuid, sizeof(self->uuid), "%s", db_row_text(row, 0, arena));
	snprintf(self->key_fingerprint, sizeof(self->key_fingerprint), "%s",
		db_row_text(row, 1, arena));
	return true;
}

static bool
read_self(struct db *db, struct journal_self *self, struct err *err)
{
	*self = (struct journal_self){ 0 };
	if (!db_each(db, SELF_READ, NULL, 0, keep_self, self, err))
		return false;
	return self->uuid[0] ? true : refuse(err, "does not say who it is");
}

/* --- making and migrating --- */

static bool
migrate_once(struct db *db, size_t from, struct err *err)
{
	char version[64];

	snprintf(version, sizeof(version), "PRAGMA user_version = %zu", from + 1);
	if (db_execute(db, "BEGIN IMMEDIATE", err) &&
		db_execute(db, schema_migrations[from], err) && db_execute(db, version, err) &&
		db_execute(db, "COMMIT", err))
		return true;
	db_abandon(db);
	return err_wrap(err, "cannot bring '" DATABASE "' to format %zu", from + 1);
}

static bool
migrate(struct db *db, size_t to, struct err *err)
{
	int64_t version = 0;

	if (!db_number(db, "PRAGMA user_version", &version, err))
		return false;
	for (size_t from = (size_t)version; from < to; from++)
		if (!migrate_once(db, from, err))
			return false;
	return true;
}

/* Its tables with their columns, and its indexes. */
static bool
read_objects(struct db *db, char text[OBJECTS_BYTES], struct err *err)
{
	return db_word(db,
		"SELECT coalesce(group_concat(object, x'0a'), '') FROM (SELECT type || ' ' || name || ' ' || "
		"coalesce((SELECT group_concat(name) FROM pragma_table_info(whole.name)), '') AS object "
		"FROM sqlite_schema AS whole WHERE type IN ('table', 'index') "
		"AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY object)",
		text, OBJECTS_BYTES, err);
}

/* What quick_check calls whole may lack a table all the same: it is held against one that was just made. */
static bool
is_complete(struct db *db, struct err *err)
{
	auto_free char *present = memory_or_abort(malloc(OBJECTS_BYTES));
	auto_free char *wanted = memory_or_abort(malloc(OBJECTS_BYTES));
	auto_db struct db *model = NULL;
	int64_t version = 0;

	if (!db_number(db, "PRAGMA user_version", &version, err))
		return false;
	if (version < 1 || version > (int64_t)schema_version)
		return refuse(err, "is of a format that no glrotate wrote");
	if (!db_open(NULL, DB_MEMORY, &model, err) || !migrate(model, (size_t)version, err) ||
		!read_objects(model, wanted, err) || !read_objects(db, present, err))
		return false;
	return strcmp(present, wanted)
	               ? refuse(err, "lacks a table of glrotate's, or has another")
	               : true;
}

static char *
path_in(const struct state *state, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", state_path(state), name) < 0)
		memory_or_abort(NULL);
	return path;
}

static bool
remove_leftover(int dirfd, const char *name, struct err *err)
{
	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return err_set(err, ERR_STORE, errno, "cannot remove '%s'", name);
	return true;
}

static bool
fill_draft(const struct state *state, const char *fingerprint, struct err *err)
{
	auto_free char *path = path_in(state, DRAFT);
	auto_close int fd = openat(state_dirfd(state), DRAFT,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_db struct db *db = NULL;

	if (fd < 0)
		return err_set(err, ERR_STORE, errno, "cannot make '%s'", path);
	return db_open(path, DB_WRITE, &db, err) && db_settle(db, err) &&
	       migrate(db, schema_version, err) &&
	       db_run(db, SELF_INSERT, (struct db_value[]){ DB_STRING(fingerprint) }, 1, NULL,
		       err);
}

/* The name is given to a draft that is whole and on the disk. SQLite flushes this folder, too, whenever it makes a rollback journal,
 * unless it was built not to. A rollback journal without its database is of one that somebody removed; SQLite would play it into
 * ours. */
static bool
create(const struct state *state, const char *fingerprint, struct err *err)
{
	int dirfd = state_dirfd(state);

	if (!remove_leftover(dirfd, DRAFT, err) ||
		!remove_leftover(dirfd, DRAFT_ROLLBACK, err) ||
		!remove_leftover(dirfd, ROLLBACK, err) ||
		!fill_draft(state, fingerprint, err) ||
		!remove_leftover(dirfd, DRAFT_ROLLBACK, err))
		return err_wrap(err, "a new journal");
	if (renameat(dirfd, DRAFT, dirfd, DATABASE) || fsync(dirfd))
		return err_set(err, ERR_STORE, errno, "cannot keep a new '" DATABASE "'");
	return true;
}

/* --- the key --- */

static bool
key_is_its_own(const struct seal *seal, const struct journal_self *self, struct err *err)
{
	char fingerprint[SEAL_FINGERPRINT_TEXT];

	seal_fingerprint(seal, fingerprint);
	if (!strcmp(fingerprint, self->key_fingerprint))
		return true;
	err_set(err, ERR_PERSON, 0,
		"the sealing key (%.8s…) is not the one that '" DATABASE
		"' was made with (%.8s…)",
		fingerprint, self->key_fingerprint);
	return err_advise(err, GLR_KEY_MISSING);
}

bool
database_key_is_there(struct state *state, const struct journal_self *self, struct err *err)
{
	auto_seal struct seal *seal = NULL;

	return !*self->uuid ||
	       (seal_open(state, false, &seal, err) && key_is_its_own(seal, self, err));
}

/* --- room on the disk --- */

/* Touches so many pages in one transaction that the rollback journal, which PERSIST never cuts, is large from here on. */
static bool
rewrite_filler(struct db *db, struct err *err)
{
	return db_change(db, FILLER_REWRITE, NULL, 0, err);
}

static bool
keep_count(void *context, const struct db_row *row, struct err *err)
{
	(void)err;
	*(int64_t *)context = db_row_integer(row, 0);
	return true;
}

/* New pages, given back at once: secure_delete writes them, so they are real blocks at the commit, and free. */
bool
database_make_room(struct db *db, struct err *err)
{
	const struct db_value size = DB_INT(ROOM_PAGES * PAGE_BYTES);
	int64_t free_pages = 0;

	if (!db_each(db, ROOM_COUNT, NULL, 0, keep_count, &free_pages, err))
		return false;
	if (free_pages >= ROOM_PAGES)
		return true;
	return db_run(db, ROOM_TAKE, &size, 1, NULL, err) &&
	       db_run(db, ROOM_FREE, NULL, 0, NULL, err);
}

/* --- opening --- */

/* Whether a file of that name stands there; a failure to look is an answer by itself. */
static bool
look_for(const struct state *state, bool *there, struct err *err)
{
	struct stat st;
	int dirfd = state_dirfd(state);

	*there = dirfd >= 0 && !fstatat(dirfd, DATABASE, &st, AT_SYMLINK_NOFOLLOW);
	if (dirfd >= 0 && !*there && errno != ENOENT)
		return err_set(err, ERR_STORE, errno, "cannot examine '" DATABASE "'");
	if (*there && !S_ISREG(st.st_mode))
		return refuse(err, "is not a regular file");
	if (*there && st.st_uid != geteuid())
		return err_set(err, ERR_STORE, 0,
			"'" DATABASE "' belongs to user %u, and this is user %u",
			(unsigned)st.st_uid, (unsigned)geteuid());
	return true;
}

static bool
open_existing(struct state *state, struct db **db, struct journal_self *self, struct err *err)
{
	auto_free char *path = path_in(state, DATABASE);
	auto_db struct db *draft = NULL;

	if (!db_open(path, DB_WRITE, &draft, err) || !header_is_ours(draft, err) ||
		!db_settle(draft, err) || !is_whole(draft, err) || !is_complete(draft, err) ||
		!read_self(draft, self, err))
		return false;
	*db = take(draft);
	return true;
}

/* Within a run a damaged database ends it; at its beginning it needs a person. */
static bool
call_a_person_for_damage(struct err *err)
{
	if (err->advice == GLR_DATABASE_DAMAGED)
		err->kind = ERR_PERSON;
	return false;
}

/* The key comes first: without it a database is neither made nor touched. */
static bool
open_or_create(struct state *state, struct db **db, struct seal **seal,
	struct journal_self *self, struct err *err)
{
	char fingerprint[SEAL_FINGERPRINT_TEXT];
	bool there;

	if (!look_for(state, &there, err))
		return false;
	if (!there) {
		if (!seal_open(state, true, seal, err))
			return false;
		seal_fingerprint(*seal, fingerprint);
		if (!create(state, fingerprint, err))
			return false;
	}
	return open_existing(state, db, self, err) &&
	       (*seal || seal_open(state, false, seal, err)) &&
	       key_is_its_own(*seal, self, err);
}

bool
database_open(struct state *state, struct db **db, struct seal **seal,
	struct journal_self *self, struct err *err)
{
	auto_db struct db *draft = NULL;
	auto_seal struct seal *key = NULL;

	if (!open_or_create(state, &draft, &key, self, err) ||
		!migrate(draft, schema_version, err) || !rewrite_filler(draft, err))
		return call_a_person_for_damage(err);
	*db = take(draft);
	*seal = take(key);
	return true;
}

/* A writer that was killed may have left a transaction to be rolled back, which needs the right to write. */
static bool
copy_existing(struct state *state, struct db *copy, struct err *err)
{
	auto_free char *path = path_in(state, DATABASE);
	auto_db struct db *file = NULL;

	if (!db_open(path, DB_COPY, &file, err) || !header_is_ours(file, err))
		return false;
	if (db_settle(file, err) && db_copy(file, copy, err))
		return true;
	if (err->kind == ERR_STORE && faccessat(state_dirfd(state), ".", W_OK, AT_EACCESS))
		err_wrap(err,
			"a run that was killed left work that this user may not finish; the "
			"next 'glrotate run' does");
	return false;
}

bool
database_copy(struct state *state, struct db **db, struct journal_self *self, struct err *err)
{
	auto_db struct db *copy = NULL;
	bool there;

	*self = (struct journal_self){ 0 };
	if (!look_for(state, &there, err) || !db_open(NULL, DB_MEMORY, &copy, err))
		return call_a_person_for_damage(err);
	if (there && (!copy_existing(state, copy, err) || !is_whole(copy, err) ||
			     !is_complete(copy, err)))
		return call_a_person_for_damage(err);
	if (!migrate(copy, schema_version, err) || (there && !read_self(copy, self, err)))
		return call_a_person_for_damage(err);
	*db = take(copy);
	return true;
}
