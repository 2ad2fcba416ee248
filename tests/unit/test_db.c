#include "store_fixture.h"

#include "base/advice.h"
#include "store/db.h"

/* --- what a test does to the file --- */

static void
write_file(const char *name, const char *bytes, size_t length)
{
	auto_close int fd =
		open(fixture_file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, length), length);
}

static void
cut(const char *name, off_t size)
{
	assert_int_equal(truncate(fixture_file(name), size), 0);
}

static void
sql(const char *text)
{
	auto_db struct db *db = NULL;
	struct err err;

	worked(db_open(fixture_file("journal.db"), DB_WRITE, &db, &err), &err);
	worked(db_execute(db, text, &err), &err);
}

static void
make_text(void)
{
	char text[8192];

	memset(text, 'x', sizeof(text));
	write_file("journal.db", text, sizeof(text));
}

static void
make_empty(void)
{
	write_file("journal.db", "", 0);
}

static void
make_foreign(void)
{
	write_file("journal.db", "", 0);
	sql("CREATE TABLE bookmarks (url TEXT)");
}

static void
make_foreign_wal(void)
{
	write_file("journal.db", "", 0);
	sql("PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)");
}

static void
make_newer(void)
{
	sql("PRAGMA user_version = 999");
}

static void
make_wal(void)
{
	sql("PRAGMA journal_mode = WAL; CREATE TABLE other (a)");
}

static void
cut_to_a_page(void)
{
	cut("journal.db", 4096);
}

static void
cut_the_last_page(void)
{
	struct stat st;

	assert_int_equal(stat(fixture_file("journal.db"), &st), 0);
	cut("journal.db", st.st_size - 4096);
}

static void
cut_to_a_stump(void)
{
	cut("journal.db", 60);
}

static void
spoil_page(off_t page)
{
	auto_close int fd = open(fixture_file("journal.db"), O_WRONLY | O_CLOEXEC);
	char bytes[64];

	memset(bytes, 0xee, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), page * 4096), sizeof(bytes));
}

static void
spoil_a_table(void)
{
	spoil_page(1);
}

static void
spoil_an_index(void)
{
	auto_db struct db *db = NULL;
	int64_t page = 0;
	struct err err;

	worked(db_open(fixture_file("journal.db"), DB_WRITE, &db, &err), &err);
	worked(db_number(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'rotations_open'",
		       &page, &err),
		&err);
	db_close(take(db));
	spoil_page(page - 1);
}

/* --- what must stay --- */

static const char *const kept_files[] = { "journal.db", "journal.db-journal", "key" };

struct picture {
	unsigned char *bytes[ARRAY_SIZE(kept_files)];
	size_t length[ARRAY_SIZE(kept_files)], entries;
};

static struct picture
take_picture(struct arena *arena)
{
	DIR *directory = opendir(fixture_path);
	struct picture picture = { 0 };

	for (struct dirent *entry; (entry = readdir(directory));)
		picture.entries += strcmp(entry->d_name, "lock") != 0;
	closedir(directory);
	for (size_t i = 0; i < ARRAY_SIZE(kept_files); i++)
		if (!access(fixture_file(kept_files[i]), F_OK))
			picture.bytes[i] =
				fixture_bytes(arena, kept_files[i], &picture.length[i]);
	return picture;
}

static void
assert_untouched(const struct picture *before, const struct picture *after, const char *what)
{
	if (before->entries != after->entries)
		fail_msg("%s: %zu files became %zu", what, before->entries, after->entries);
	for (size_t i = 0; i < ARRAY_SIZE(kept_files); i++)
		if (before->length[i] != after->length[i] ||
			(before->length[i] && memcmp(before->bytes[i], after->bytes[i],
						      before->length[i]) != 0))
			fail_msg("%s: %s was changed", what, kept_files[i]);
}

static bool
open_as_reader(struct err *err)
{
	auto_state struct state *state = NULL;
	auto_journal struct journal *journal = NULL;

	return state_open(fixture_path, false, &state, err) &&
	       journal_open_reader(state, &journal, err);
}

static void
what_is_not_ours_and_whole_is_refused_and_left_to_the_byte(void **unused)
{
	static const struct {
		const char *what;
		void (*make)(void);
		int advice;
		bool from_nothing; /* without a journal of ours before it */
	} rows[] = {
		{ "a text", make_text, GLR_DATABASE_DAMAGED, true },
		{ "an empty file", make_empty, GLR_DATABASE_DAMAGED, true },
		{ "ours, emptied", make_empty, GLR_DATABASE_DAMAGED, false },
		{ "another program's", make_foreign, GLR_DATABASE_DAMAGED, true },
		{ "another program's, in WAL mode", make_foreign_wal, GLR_DATABASE_DAMAGED,
			true },
		{ "ours, put into WAL mode", make_wal, GLR_DATABASE_DAMAGED, false },
		{ "ours, newer", make_newer, GLR_DATABASE_NEWER, false },
		{ "ours, cut to a page", cut_to_a_page, GLR_DATABASE_DAMAGED, false },
		{ "ours, without its last page", cut_the_last_page, GLR_DATABASE_DAMAGED,
			false },
		{ "ours, cut to a stump", cut_to_a_stump, GLR_DATABASE_DAMAGED, false },
		{ "ours, a table spoilt", spoil_a_table, GLR_DATABASE_DAMAGED, false },
		{ "ours, an index spoilt", spoil_an_index, GLR_DATABASE_DAMAGED, false },
	};
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		struct picture before, after;
		struct fixture fixture;
		struct err err;
		assert_int_equal(fixture_setup(NULL), 0);
		if (!rows[i].from_nothing) {
			fixture_open(&fixture);
			fixture_close(&fixture);
		}
		rows[i].make();
		before = take_picture(arena);
		if (fixture_try(&fixture))
			fail_msg("opened: %s", rows[i].what);
		fixture_close(&fixture);
		if (fixture.err.kind != ERR_PERSON || fixture.err.advice != rows[i].advice)
			fail_msg("%s: %s", rows[i].what, fixture.err.text);
		if (open_as_reader(&err) || err.kind != ERR_PERSON ||
			err.advice != rows[i].advice)
			fail_msg("a reader of %s: %s", rows[i].what, err.text);
		after = take_picture(arena);
		assert_untouched(&before, &after, rows[i].what);
		assert_int_equal(fixture_teardown(NULL), 0);
	}
}

static void
lose_key(void)
{
	assert_int_equal(unlink(fixture_file("key")), 0);
}

static void
change_key(void)
{
	char hex[65];

	memset(hex, 'a', 64);
	hex[64] = '\n';
	write_file("key", hex, sizeof(hex));
}

static void
spoil_key(void)
{
	write_file("key", "abc\n", 4);
}

static void
open_key_to_all(void)
{
	assert_int_equal(chmod(fixture_file("key"), 0644), 0);
}

static void
a_journal_without_its_own_key_is_refused_and_left_to_the_byte(void **unused)
{
	static void (*const spoils[])(
		void) = { lose_key, change_key, spoil_key, open_key_to_all };
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
		auto_arena struct arena *arena = arena_new();
		struct picture before, after;
		struct fixture fixture;
		assert_int_equal(fixture_setup(NULL), 0);
		fixture_open(&fixture);
		fixture_close(&fixture);
		spoils[i]();
		before = take_picture(arena);
		assert_false(fixture_try(&fixture));
		fixture_close(&fixture);
		assert_int_equal(fixture.err.kind, ERR_PERSON);
		assert_int_equal(fixture.err.advice, GLR_KEY_MISSING);
		after = take_picture(arena);
		assert_untouched(&before, &after, "key");
		assert_int_equal(fixture_teardown(NULL), 0);
	}
}

static void
what_a_killed_beginning_left_is_swept_and_begun_anew(void **unused)
{
	/* The rollback journal of a database that somebody removed: it would cut ours to nothing. */
	static const char stale[512] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
				       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\x10\0";
	struct fixture fixture;
	struct stat st;
	(void)unused;

	write_file("journal.new", "half", 4);
	write_file("journal.new-journal", "half", 4);
	write_file("journal.db-journal", stale, sizeof(stale));
	write_file("key.new", "half", 4);
	fixture_open(&fixture);
	assert_int_equal(stat(fixture_file("journal.new"), &st), -1);
	assert_int_equal(stat(fixture_file("journal.new-journal"), &st), -1);
	assert_int_equal(stat(fixture_file("key.new"), &st), -1);
	fixture_close(&fixture);
}

static void
a_run_begins_with_a_large_rollback_journal_and_keeps_it(void **unused)
{
	struct fixture fixture;
	struct stat st;
	(void)unused;

	for (int run = 0; run < 3; run++) {
		fixture_open(&fixture);
		assert_int_equal(stat(fixture_file("journal.db-journal"), &st), 0);
		assert_true(st.st_size >= 256 * 1024);
		fixture_close(&fixture);
		assert_int_equal(stat(fixture_file("journal.db-journal"), &st), 0);
		assert_true(st.st_size >= 256 * 1024);
		if (run == 1)
			unlink(fixture_file("journal.db-journal"));
	}
	assert_int_equal(stat(fixture_file("journal.db"), &st), 0);
	assert_true(st.st_size < 1024 * 1024);
}

/* A journal of format 1, with a row that stood open when the program was renewed. */
static void
an_older_journal_is_brought_up_to_date_and_its_rows_rotate(void **unused)
{
	static const char address[] = "project:shop/api:push";
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct token_records records;
	struct fixture fixture;
	(void)unused;

	fixture_open(&fixture);
	fixture_begin(&fixture, fixture_token(&fixture, address), address);
	fixture_close(&fixture);
	sql("ALTER TABLE tokens DROP COLUMN username;"
	    "ALTER TABLE rotations DROP COLUMN strategy;"
	    "ALTER TABLE rotations DROP COLUMN new_username;"
	    "ALTER TABLE rotations DROP COLUMN retire_after;"
	    "DROP TABLE pauses;"
	    "PRAGMA user_version = 1");
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, 1);
	assert_int_equal(rotations.items[0].strategy, ROW_ROTATES);
	assert_string_equal(rotations.items[0].new_username, "");
	worked(journal_tokens(fixture.journal, arena, &records, &fixture.err), &fixture.err);
	assert_int_equal(records.count, 1);
	assert_string_equal(records.items[0].username, "");
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_ours_and_whole_is_refused_and_left_to_the_byte),
		cmocka_unit_test(a_journal_without_its_own_key_is_refused_and_left_to_the_byte),
		FIXTURE_TEST(what_a_killed_beginning_left_is_swept_and_begun_anew),
		FIXTURE_TEST(a_run_begins_with_a_large_rollback_journal_and_keeps_it),
		FIXTURE_TEST(an_older_journal_is_brought_up_to_date_and_its_rows_rotate),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
