/* fuzz_journal.c: a journal whose bytes, or rows, are not what we wrote: whoever opens it copes or refuses with a reason, and what
 * is refused stays as it is.
 *
 * The first byte says what follows: 'b' patches of the file, each three bytes of place, one of length, and the bytes; 't' two bytes
 * of length, to which it is cut; 'r' values for rows, each a byte for the table, one for the column, one for the kind of value,
 * one of length, and the value. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/when.h"
#include "destination/destination.h"
#include "flow/attempt.h"
#include "store/db.h"
#include "store/journal.h"
#include "target.h"

static const struct run_facts facts = {
	.actor = "timer", .reason = "", .revision = "1", .correlation = "0011223344556677"
};
static char folder[64];
static unsigned char *pristine;
static size_t pristine_bytes;

/* --- a journal with a token, a row that holds a secret, and events --- */

static char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static unsigned char *
read_file(size_t *length)
{
	auto_close int fd = open(path_of("journal.db"), O_RDONLY | O_CLOEXEC);
	struct stat st;
	unsigned char *bytes;

	*length = 0;
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	bytes = memory_or_abort(malloc((size_t)st.st_size + 1));
	*length = (size_t)read(fd, bytes, (size_t)st.st_size);
	assert(*length == (size_t)st.st_size);
	return bytes;
}

static void
write_file(const unsigned char *bytes, size_t length)
{
	auto_close int fd =
		open(path_of("journal.db"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t wrote = write(fd, bytes, length);

	assert(wrote == (ssize_t)length);
	unlink(path_of("journal.db-journal"));
}

static void
hold_a_secret(struct journal *journal, const char *address, int64_t number)
{
	struct delivery item = { .place = "file /x",
		.spec = "{\"text\":\"file /x\",\"kind\":2,\"path\":\"/x\"}",
		.trouble = "" };
	struct deliveries deliveries = { &item, 1 };
	struct rotation row = { .token = number,
		.address = address,
		.frozen = "{\"type\":3,\"owner\":\"a/b\",\"name\":\"c\"}",
		.nonce = "",
		.trouble = "" };
	struct err err;
	bool ok;

	ok = journal_begin(journal, &row, &deliveries, &err) &&
	     journal_move(journal, &row, STATE_INTENDED, NULL, "asks", &err);
	row.secret = secret_copy("glpat-secret", 12);
	ok = ok && journal_move(journal, &row, STATE_HELD, NULL, "holds", &err) &&
	     journal_delivery(journal, &row, &item, "waits", &err);
	rotation_done(&row);
	assert(ok);
}

static void
make_journal(void)
{
	auto_state struct state *state = NULL;
	auto_journal struct journal *journal = NULL;
	struct token_record record = { .address = "project:a/b:c",
		.token_id = 100,
		.expires_on = NO_DATE,
		.rule = "max 30d",
		.destinations = "[]" };
	struct err err;
	bool ok = state_open(folder, true, &state, &err) &&
	          journal_open(state, &facts, &journal, &err) &&
	          journal_set(journal, "last_run", "2026-11-21T10:00:00Z", &err) &&
	          journal_adopt(journal, &record, "adopted", &err);

	assert(ok);
	hold_a_secret(journal, record.address, record.number);
}

static void
remove_folder(void)
{
	static const char *const names[] = { "journal.db", "journal.db-journal", "key",
		"lock" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path_of(names[i]));
	rmdir(folder);
	free(pristine);
}

static void
start(void)
{
	if (pristine)
		return;
	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(folder, sizeof(folder), "/dev/shm/glrotate-fuzz-XXXXXX");
	if (!mkdtemp(folder)) {
		snprintf(folder, sizeof(folder), "/tmp/glrotate-fuzz-XXXXXX");
		memory_or_abort(mkdtemp(folder));
	}
	atexit(remove_folder);
	make_journal();
	pristine = read_file(&pristine_bytes);
}

/* --- what is done to it --- */

static void
patch_bytes(const uint8_t *data, size_t size)
{
	auto_free unsigned char *bytes = memory_or_abort(malloc(pristine_bytes));

	memcpy(bytes, pristine, pristine_bytes);
	while (size > 4) {
		const size_t at = ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) %
		                  pristine_bytes;
		size_t length = data[3];

		if (length > size - 4)
			length = size - 4;
		if (length > pristine_bytes - at)
			length = pristine_bytes - at;
		memcpy(bytes + at, data + 4, length);
		data += 4 + length;
		size -= 4 + length;
	}
	write_file(bytes, pristine_bytes);
}

static void
cut(const uint8_t *data, size_t size)
{
	const size_t length = size < 2 ? 0 : (size_t)(data[0] << 8 | data[1]) * 8;

	write_file(pristine, length < pristine_bytes ? length : pristine_bytes);
}

static const char *
literal(struct arena *arena, char kind, const uint8_t *value, size_t length)
{
	const char *hex = "";
	int64_t number = 0;

	for (size_t i = 0; i < length; i++) {
		hex = arena_format(arena, "%s%02x", hex, value[i]);
		number = (int64_t)((uint64_t)number << 8 | value[i]);
	}
	switch (kind) {
	case 'i':
		return arena_format(arena, "%lld", (long long)number);
	case 'n':
		return "NULL";
	case 'x':
		return arena_format(arena, "x'%s'", hex);
	default:
		return arena_format(arena, "CAST(x'%s' AS TEXT)", hex);
	}
}

/* What a constraint refuses is left out. */
static void
set_rows(const uint8_t *data, size_t size)
{
	static const char *const tables[] = { "tokens", "rotations", "deliveries", "events",
		"facts", "self" };
	auto_arena struct arena *arena = arena_new();
	auto_db struct db *db = NULL;
	char column[64];
	struct err err;
	bool ok;

	write_file(pristine, pristine_bytes);
	ok = db_open(path_of("journal.db"), DB_WRITE, &db, &err) &&
	     db_execute(db, "PRAGMA synchronous = OFF; DROP TRIGGER events_keep", &err);
	assert(ok);
	while (size > 4) {
		const char *table = tables[data[0] % ARRAY_SIZE(tables)];
		const size_t length = data[3] < size - 4 ? data[3] : size - 4;

		if (db_word(db,
			    arena_format(arena,
				    "SELECT name FROM pragma_table_info('%s') LIMIT 1 OFFSET %d",
				    table, data[1]),
			    column, sizeof(column), &err) &&
			!db_execute(db,
				arena_format(arena, "UPDATE %s SET %s = %s", table, column,
					literal(arena, (char)data[2], data + 4, length)),
				&err))
			db_abandon(db);
		data += 4 + length;
		size -= 4 + length;
	}
}

/* --- who looks at it --- */

static void
look_at_row(struct journal *journal, const struct rotation *row, struct arena *arena)
{
	struct deliveries deliveries;
	struct destination destination;
	struct frozen frozen;
	struct err err;

	assert(row_state_is_open(row->state) && *row_state_name(row->state));
	(void)!json_decode_text(row->frozen, &frozen_shape, arena, &frozen, &err);
	if (!journal_deliveries(journal, row->id, arena, &deliveries, &err))
		return;
	for (size_t i = 0; i < deliveries.count; i++)
		(void)!json_decode_text(deliveries.items[i].spec, &destination_shape, arena,
			&destination, &err);
}

static void
look_at_tokens(struct journal *journal, struct arena *arena)
{
	struct token_records records;
	struct deliveries deliveries;
	struct err err;

	if (!journal_tokens(journal, arena, &records, &err))
		return;
	for (size_t i = 0; i < records.count; i++)
		(void)!journal_holders(
			journal, records.items[i].number, arena, &deliveries, &err);
}

static void
look(struct journal *journal)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	char head[EVENT_HASH_TEXT];
	struct events events;
	const char *value;
	int64_t broken;
	struct err err = { 0 };

	look_at_tokens(journal, arena);
	if (journal_open_rows(journal, arena, &rotations, &err))
		for (size_t i = 0; i < rotations.count; i++)
			look_at_row(journal, &rotations.items[i], arena);
	else
		assert(err.kind && *err.text);
	(void)!journal_events(journal, NULL, 0, arena, &events, &err);
	(void)!journal_get(journal, "last_run", arena, &value, &err);
	(void)!journal_head(journal, head, &err);
	(void)!journal_verify(journal, head, &broken, &err);
}

static void
open_it(bool writer)
{
	auto_state struct state *state = NULL;
	auto_journal struct journal *journal = NULL;
	auto_free unsigned char *before = NULL, *after = NULL;
	size_t before_bytes, after_bytes;
	struct err err = { 0 };
	bool ok;

	before = read_file(&before_bytes);
	ok = state_open(folder, writer, &state, &err);
	assert(ok);
	if (writer ? journal_open(state, &facts, &journal, &err)
		   : journal_open_reader(state, &journal, &err)) {
		look(journal);
		if (writer)
			return;
	} else {
		assert(err.kind != ERR_NONE && *err.text);
		if (err.kind != ERR_PERSON)
			return;
	}
	after = read_file(&after_bytes);
	assert(before_bytes == after_bytes && !memcmp(before, after, before_bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	if (!size)
		return 0;
	if (*data == 'b')
		patch_bytes(data + 1, size - 1);
	else if (*data == 't')
		cut(data + 1, size - 1);
	else
		set_rows(data + 1, size - 1);
	open_it(false);
	open_it(true);
	return 0;
}
