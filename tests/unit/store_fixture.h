/* store_fixture.h: a journal in a directory of its own, for the tests of the store. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/when.h"
#include "store/journal.h"

static char fixture_path[64];

static const struct run_facts fixture_facts = {
	.actor = "timer", .reason = "", .revision = "abc123", .correlation = "00112233aabbccdd"
};

static inline int
fixture_setup(void **unused)
{
	(void)unused;
	snprintf(fixture_path, sizeof(fixture_path), "/tmp/glrotate-store-XXXXXX");
	return mkdtemp(fixture_path) ? 0 : 1;
}

static inline int
fixture_teardown(void **unused)
{
	DIR *directory = opendir(fixture_path);
	(void)unused;

	if (!directory)
		return 1;
	for (struct dirent *entry; (entry = readdir(directory));)
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	return rmdir(fixture_path);
}

#define FIXTURE_TEST(name)                                                                     \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static inline const char *
fixture_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", fixture_path, name);
	return path;
}

/* The writer with its lock, as a run holds it. */
struct fixture {
	struct state *state;
	struct journal *journal;
	struct err err;
};

static inline bool
fixture_try(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	return state_open(fixture_path, true, &fixture->state, &fixture->err) &&
	       journal_open(fixture->state, &fixture_facts, &fixture->journal, &fixture->err);
}

static inline void
fixture_close(struct fixture *fixture)
{
	journal_close(fixture->journal);
	state_close(fixture->state);
}

static inline void
fixture_open(struct fixture *fixture)
{
	if (!fixture_try(fixture))
		fail_msg("%s", fixture->err.text);
}

/* Asserts with the error's own words. */
#define worked(call, err)                                                                      \
	do {                                                                                   \
		if (!(call))                                                                   \
			fail_msg("%s: %s", #call, (err)->text);                                \
	} while (0)

static inline int64_t
fixture_token(struct fixture *fixture, const char *address)
{
	struct token_record record = { .address = address,
		.owner_id = 3,
		.token_id = 100,
		.expires_on = NO_DATE,
		.last_used_msec = NO_MOMENT,
		.rule = "max 30d",
		.destinations = "[]" };

	worked(journal_adopt(fixture->journal, &record, "adopted", &fixture->err),
		&fixture->err);
	return record.number;
}

static inline struct rotation
fixture_begin(struct fixture *fixture, int64_t token, const char *address)
{
	struct delivery items[] = { { .place = "one", .spec = "{}" },
		{ .place = "two", .spec = "{}", .trouble = "" } };
	struct deliveries deliveries = { items, 2 };
	struct rotation row = {
		.token = token, .address = address, .frozen = "{}", .nonce = "", .trouble = ""
	};

	worked(journal_begin(fixture->journal, &row, &deliveries, &fixture->err),
		&fixture->err);
	return row;
}

static inline void
move(struct fixture *fixture, struct rotation *row, enum state_of_row to)
{
	worked(journal_move(fixture->journal, row, to, NULL, "moved", &fixture->err),
		&fixture->err);
}

static inline void
assert_chain_holds(struct fixture *fixture)
{
	char head[EVENT_HASH_TEXT];
	int64_t broken = -1;

	worked(journal_verify(fixture->journal, head, &broken, &fixture->err), &fixture->err);
	assert_int_equal(broken, 0);
}

/* What the answer brings: a secret that names its row and round. */
static inline void
fixture_answer(struct rotation *row, int64_t id)
{
	char text[64];

	snprintf(text, sizeof(text), "glpat-secret-of-%lld-%lld", (long long)row->id,
		(long long)id);
	secret_free(row->secret);
	row->secret = secret_copy(text, strlen(text));
	row->old_id = row->target_id;
	row->new_id = id;
	row->new_user_id = 8;
	row->new_created_msec = 1000;
	row->new_expires_on = 20000;
	row->generation = 1;
}

/* The file's bytes, in the arena. */
static inline unsigned char *
fixture_bytes(struct arena *arena, const char *name, size_t *length)
{
	auto_close int fd = open(fixture_file(name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	unsigned char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*length = (size_t)st.st_size;
	bytes = arena_alloc(arena, *length + 1);
	assert_int_equal(read(fd, bytes, *length), *length);
	return bytes;
}

#endif
