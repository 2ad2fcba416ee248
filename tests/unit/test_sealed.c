/* Secrets that outlive their row. */
#include "store_fixture.h"

#define ADDRESS "personal:al:laptop"

static struct rotation
rotate(struct fixture *fixture, int64_t token, int64_t id, bool keeps, enum state_of_row last)
{
	static const enum state_of_row road[] = { STATE_INTENDED, STATE_HELD, STATE_DELIVERED,
		STATE_VERIFIED, STATE_SWEPT, STATE_CLOSED };
	struct rotation row = fixture_begin(fixture, token, ADDRESS);

	row.keeps_secret = keeps;
	for (size_t i = 0; i < ARRAY_SIZE(road); i++) {
		if (road[i] == STATE_HELD)
			fixture_answer(&row, id);
		move(fixture, &row, road[i]);
		if (road[i] == last)
			break;
	}
	return row;
}

static void
expect_sealed(struct fixture *fixture, int64_t token, int64_t id, const char *text)
{
	auto_secret struct secret *wanted = text ? secret_copy(text, strlen(text)) : NULL;
	struct sealed_secret sealed;

	worked(journal_sealed(fixture->journal, token, &sealed, &fixture->err), &fixture->err);
	assert_int_equal(sealed.token_id, id);
	assert_int_equal(!sealed.secret, !text);
	assert_true(!text || secret_equal(sealed.secret, wanted));
	secret_free(sealed.secret);
}

static void
a_row_that_keeps_its_secret_leaves_it_to_the_next_run(void **unused)
{
	struct fixture fixture;
	struct rotation row;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	expect_sealed(&fixture, token, 0, NULL);
	row = rotate(&fixture, token, 201, true, STATE_CLOSED);
	rotation_done(&row);
	fixture_close(&fixture);
	fixture_open(&fixture);
	expect_sealed(&fixture, token, 201, "glpat-secret-of-1-201");
	fixture_close(&fixture);
}

static void
the_newest_is_the_one_that_counts(void **unused)
{
	struct fixture fixture;
	struct rotation first, second;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	first = rotate(&fixture, token, 201, true, STATE_CLOSED);
	second = rotate(&fixture, token, 202, true, STATE_INTENDED);
	expect_sealed(&fixture, token, 201, "glpat-secret-of-1-201");
	fixture_answer(&second, 202);
	move(&fixture, &second, STATE_HELD);
	expect_sealed(&fixture, token, 202, "glpat-secret-of-2-202");
	/* What proved dead is not the present one. */
	move(&fixture, &second, STATE_DOUBTED);
	expect_sealed(&fixture, token, 201, "glpat-secret-of-1-201");
	move(&fixture, &second, STATE_DROPPED);
	expect_sealed(&fixture, token, 201, "glpat-secret-of-1-201");
	rotation_done(&first);
	rotation_done(&second);
	fixture_close(&fixture);
}

static void
a_done_row_erases_what_the_one_before_kept(void **unused)
{
	struct fixture fixture;
	struct rotation first, second;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	first = rotate(&fixture, token, 201, true, STATE_CLOSED);
	second = rotate(&fixture, token, 202, true, STATE_CLOSED);
	rotation_done(&first);
	rotation_done(&second);
	worked(journal_erase_sealed(fixture.journal, token + 1, &fixture.err), &fixture.err);
	expect_sealed(&fixture, token, 202, "glpat-secret-of-2-202");
	worked(journal_erase_sealed(fixture.journal, token, &fixture.err), &fixture.err);
	/* Were the first one still there, it would show now. */
	expect_sealed(&fixture, token, 0, NULL);
	fixture_close(&fixture);
}

static void
other_rows_keep_nothing(void **unused)
{
	struct fixture fixture;
	struct rotation row;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	row = rotate(&fixture, token, 201, false, STATE_CLOSED);
	expect_sealed(&fixture, token, 0, NULL);
	rotation_done(&row);
	fixture_close(&fixture);
}

static void
a_reader_sees_that_there_is_one_and_cannot_open_it(void **unused)
{
	struct fixture fixture;
	struct rotation row;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	row = rotate(&fixture, token, 201, true, STATE_CLOSED);
	rotation_done(&row);
	fixture_close(&fixture);
	fixture = (struct fixture){ 0 };
	worked(state_open(fixture_path, false, &fixture.state, &fixture.err), &fixture.err);
	worked(journal_open_reader(fixture.state, &fixture.journal, &fixture.err),
		&fixture.err);
	expect_sealed(&fixture, token, 201, NULL);
	fixture_close(&fixture);
}

static void
a_mark_tells_one_secret_from_another_and_hangs_on_the_key(void **unused)
{
	auto_secret struct secret *one = secret_copy("glpat-one", 9);
	auto_secret struct secret *two = secret_copy("glpat-two", 9);
	char first[SECRET_MARK_TEXT], again[SECRET_MARK_TEXT], other[SECRET_MARK_TEXT];
	struct fixture fixture;
	(void)unused;

	fixture_open(&fixture);
	journal_mark(fixture.journal, one, first);
	journal_mark(fixture.journal, one, again);
	journal_mark(fixture.journal, two, other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	fixture_close(&fixture);
	unlink(fixture_file("key"));
	unlink(fixture_file("journal.db"));
	unlink(fixture_file("journal.db-journal"));
	fixture_open(&fixture);
	journal_mark(fixture.journal, one, again);
	assert_string_not_equal(first, again);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_row_that_keeps_its_secret_leaves_it_to_the_next_run),
		FIXTURE_TEST(the_newest_is_the_one_that_counts),
		FIXTURE_TEST(a_done_row_erases_what_the_one_before_kept),
		FIXTURE_TEST(other_rows_keep_nothing),
		FIXTURE_TEST(a_reader_sees_that_there_is_one_and_cannot_open_it),
		FIXTURE_TEST(a_mark_tells_one_secret_from_another_and_hangs_on_the_key),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
