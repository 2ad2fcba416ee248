#include "store_fixture.h"

#include "store/seal.h"

#define ADDRESS "project:platform/api:registry-push"

static int64_t
fixed_moment(void *context)
{
	return *(int64_t *)context;
}

static struct rotation
held(struct fixture *fixture)
{
	int64_t token = fixture_token(fixture, ADDRESS);
	struct rotation row = fixture_begin(fixture, token, ADDRESS);

	move(fixture, &row, STATE_INTENDED);
	fixture_answer(&row, 101);
	move(fixture, &row, STATE_HELD);
	return row;
}

static void
an_absent_journal_is_made_private_and_knows_itself_ever_after(void **unused)
{
	static const char *const files[] = { "journal.db", "journal.db-journal", "key",
		"lock" };
	struct fixture fixture;
	char uuid[64];
	(void)unused;

	fixture_open(&fixture);
	snprintf(uuid, sizeof(uuid), "%s", journal_uuid(fixture.journal));
	assert_int_equal(strspn(uuid, "0123456789abcdef"), 32);
	fixture_close(&fixture);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct stat st;
		assert_int_equal(stat(fixture_file(files[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	fixture_open(&fixture);
	assert_string_equal(journal_uuid(fixture.journal), uuid);
	fixture_close(&fixture);
}

static void
facts_come_back_and_unset_ones_are_empty(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct fixture fixture;
	const char *value;
	(void)unused;

	fixture_open(&fixture);
	worked(journal_get(fixture.journal, "last_run", arena, &value, &fixture.err),
		&fixture.err);
	assert_string_equal(value, "");
	worked(journal_set(fixture.journal, "last_run", "1", &fixture.err), &fixture.err);
	worked(journal_set(fixture.journal, "last_run", "2", &fixture.err), &fixture.err);
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_get(fixture.journal, "last_run", arena, &value, &fixture.err),
		&fixture.err);
	assert_string_equal(value, "2");
	fixture_close(&fixture);
}

static void
a_token_record_comes_back_with_every_column(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct token_record in = { 0, ADDRESS, 1, 2, 3, 4, NO_DATE, NO_MOMENT, 7, 8, 9,
		"max 30d renew 10d", 10, "[{}]", 11, 12, 1, "gitlab+deploy-token-3" };
	struct token_record twin = { .address = ADDRESS };
	struct token_records records;
	const struct token_record *out;
	struct fixture fixture;
	(void)unused;

	fixture_open(&fixture);
	worked(journal_adopt(fixture.journal, &in, "adopted", &fixture.err), &fixture.err);
	assert_int_not_equal(in.number, 0);
	in.seen_at = 13;
	in.expires_on = 20000;
	worked(journal_seen(fixture.journal, &in, &fixture.err), &fixture.err);
	assert_false(journal_adopt(fixture.journal, &twin, "again", &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_LATER);
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_tokens(fixture.journal, arena, &records, &fixture.err), &fixture.err);
	assert_int_equal(records.count, 1);
	out = &records.items[0];
	assert_string_equal(out->address, in.address);
	assert_string_equal(out->rule, in.rule);
	assert_string_equal(out->destinations, in.destinations);
	assert_string_equal(out->username, in.username);
#define SAME(member) assert_int_equal(out->member, in.member)
	SAME(number), SAME(owner_id), SAME(user_id), SAME(token_id), SAME(created_msec);
	SAME(expires_on), SAME(last_used_msec), SAME(generation), SAME(adopted_at);
	SAME(rotated_at), SAME(rule_since), SAME(released_at), SAME(seen_at);
#undef SAME
	fixture_close(&fixture);
}

static void
a_rotation_comes_back_with_every_column(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct deliveries none = { 0 };
	struct rotation in = { .address = ADDRESS,
		.frozen = "{}",
		.target_id = 1,
		.wanted_on = 2,
		.intent_at = 3,
		.highest_id = 4,
		.nonce = "n",
		.read_at = 5,
		.old_id = 6,
		.new_id = 7,
		.new_user_id = 8,
		.new_created_msec = 9,
		.new_expires_on = NO_DATE,
		.generation = 10,
		.trouble = "no",
		.advice = 108,
		.trouble_since = 11,
		.strategy = ROW_REPLACES,
		.new_username = "gitlab+deploy-token-7",
		.retire_after = 13 };
	const struct rotation *out;
	struct fixture fixture;
	int64_t now = 777;
	(void)unused;

	fixture_open(&fixture);
	journal_set_now(fixture.journal, fixed_moment, &now);
	in.token = fixture_token(&fixture, ADDRESS);
	worked(journal_begin(fixture.journal, &in, &none, &fixture.err), &fixture.err);
	now = 778;
	move(&fixture, &in, STATE_FOREIGN);
	in.trouble_since = 12;
	worked(journal_trouble(fixture.journal, &in, &fixture.err), &fixture.err);
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, 1);
	out = &rotations.items[0];
#define SAME(member) assert_int_equal(out->member, in.member)
	SAME(id), SAME(token), SAME(state), SAME(opened_at), SAME(moved_at), SAME(target_id);
	SAME(wanted_on), SAME(intent_at), SAME(highest_id), SAME(read_at), SAME(old_id);
	SAME(new_id), SAME(new_user_id), SAME(new_created_msec), SAME(new_expires_on);
	SAME(generation), SAME(advice), SAME(trouble_since);
	SAME(strategy), SAME(retire_after);
#undef SAME
#define SAME(member) assert_string_equal(out->member, in.member)
	SAME(address), SAME(frozen), SAME(nonce), SAME(trouble), SAME(actor), SAME(reason);
	SAME(revision), SAME(correlation), SAME(new_username);
#undef SAME
	assert_int_equal(out->opened_at, 777);
	assert_int_equal(out->moved_at, 778);
	assert_string_equal(out->actor, fixture_facts.actor);
	assert_null(out->secret);
	fixture_close(&fixture);
}

static void
a_token_has_one_open_row_and_a_refusal_spoils_nothing_else(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct deliveries none = { 0 };
	struct rotation second = { .address = ADDRESS };
	struct fixture fixture;
	struct rotation row;
	(void)unused;

	fixture_open(&fixture);
	second.token = fixture_token(&fixture, ADDRESS);
	row = fixture_begin(&fixture, second.token, ADDRESS);
	assert_false(journal_begin(fixture.journal, &second, &none, &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_LATER);
	assert_int_equal(second.id, 0);
	move(&fixture, &row, STATE_DROPPED);
	worked(journal_begin(fixture.journal, &second, &none, &fixture.err), &fixture.err);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, 1);
	assert_int_equal(rotations.items[0].id, second.id);
	fixture_close(&fixture);
}

static void
a_move_from_where_the_row_is_not_changes_nothing(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct fixture fixture;
	struct rotation row, stale;
	struct events events;
	(void)unused;

	fixture_open(&fixture);
	row = fixture_begin(&fixture, fixture_token(&fixture, ADDRESS), ADDRESS);
	stale = row;
	move(&fixture, &row, STATE_FOREIGN);
	assert_false(
		journal_move(fixture.journal, &stale, STATE_INTENDED, NULL, "", &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_STORE);
	assert_int_equal(stale.state, STATE_PLANNED);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.items[0].state, STATE_FOREIGN);
	worked(journal_events(fixture.journal, NULL, 0, arena, &events, &fixture.err),
		&fixture.err);
	assert_string_equal(events.items[events.count - 1].name, "rotation.foreign");
	move(&fixture, &row, STATE_DROPPED);
	assert_false(
		journal_move(fixture.journal, &row, STATE_PLANNED, NULL, "", &fixture.err));
	fixture_close(&fixture);
}

static void
the_answer_stands_in_the_row_and_in_the_token(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct token_records records;
	struct fixture fixture;
	struct rotation row;
	(void)unused;

	fixture_open(&fixture);
	row = held(&fixture);
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.items[0].state, STATE_HELD);
	assert_true(secret_equal(rotations.items[0].secret, row.secret));
	worked(journal_tokens(fixture.journal, arena, &records, &fixture.err), &fixture.err);
	assert_int_equal(records.items[0].token_id, 101);
	assert_int_equal(records.items[0].user_id, 8);
	assert_int_equal(records.items[0].created_msec, 1000);
	assert_int_equal(records.items[0].expires_on, 20000);
	assert_int_equal(records.items[0].generation, 1);
	assert_int_equal(records.items[0].rotated_at, row.moved_at);
	rotation_done(&row);
	fixture_close(&fixture);
}

static void
a_move_back_into_held_keeps_the_secret_and_the_day_of_rotation(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct token_records records;
	struct fixture fixture;
	struct rotation row;
	int64_t now = 100;
	(void)unused;

	fixture_open(&fixture);
	journal_set_now(fixture.journal, fixed_moment, &now);
	row = held(&fixture);
	now = 200;
	move(&fixture, &row, STATE_DELIVERED);
	move(&fixture, &row, STATE_HELD);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_true(secret_equal(rotations.items[0].secret, row.secret));
	worked(journal_tokens(fixture.journal, arena, &records, &fixture.err), &fixture.err);
	assert_int_equal(records.items[0].rotated_at, 100);
	rotation_done(&row);
	fixture_close(&fixture);
}

static bool
file_holds(const char *name, const void *needle, size_t length)
{
	auto_arena struct arena *arena = arena_new();
	size_t size;
	const unsigned char *bytes = fixture_bytes(arena, name, &size);

	return memmem(bytes, size, needle, length) != NULL;
}

/* The sealed secret as it stands in the file: what follows the row's frozen facts is not ours to know, so the
 * test takes what changed between INTENDED and HELD: a run of bytes that had been zero. */
static size_t
find_sealed(const unsigned char *before, const unsigned char *after, size_t size)
{
	for (size_t at = 0; at + SEALED_BYTES <= size; at++) {
		size_t i = 0;
		while (i < SEALED_BYTES && !before[at + i])
			i++;
		if (i == SEALED_BYTES && after[at] && after[at + SEALED_BYTES - 1] &&
			memcmp(after + at, before + at, 32) != 0)
			return at;
		at += i < SEALED_BYTES ? i : 0;
	}
	return 0;
}

static void
no_file_holds_the_secret_and_the_database_forgets_the_sealed_one(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct rotation row;
	struct fixture fixture;
	unsigned char *before, *after, sealed[SEALED_BYTES];
	size_t size, later, at;
	(void)unused;

	fixture_open(&fixture);
	row = fixture_begin(&fixture, fixture_token(&fixture, ADDRESS), ADDRESS);
	move(&fixture, &row, STATE_INTENDED);
	before = fixture_bytes(arena, "journal.db", &size);
	fixture_answer(&row, 101);
	move(&fixture, &row, STATE_HELD);
	after = fixture_bytes(arena, "journal.db", &later);
	assert_int_equal(size, later);
	at = find_sealed(before, after, size);
	assert_int_not_equal(at, 0);
	memcpy(sealed, after + at, SEALED_BYTES);
	assert_true(file_holds("journal.db", sealed + 64, 256));
	move(&fixture, &row, STATE_CLOSED);
	fixture_close(&fixture);
	assert_false(file_holds("journal.db", sealed + 64, 256));
	assert_false(file_holds("journal.db", "glpat-secret", 12));
	assert_false(file_holds("journal.db-journal", "glpat-secret", 12));
	rotation_done(&row);
}

static void
deliveries_are_replaced_while_planned_and_the_last_closed_ones_are_the_holders(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct delivery other = { .place = "three", .spec = "{\"a\":1}" };
	const struct deliveries replaced = { &other, 1 };
	struct deliveries deliveries;
	struct fixture fixture;
	struct rotation row;
	int64_t token;
	(void)unused;

	fixture_open(&fixture);
	token = fixture_token(&fixture, ADDRESS);
	row = fixture_begin(&fixture, token, ADDRESS);
	worked(journal_deliveries(fixture.journal, row.id, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.count, 2);
	assert_string_equal(deliveries.items[1].place, "two");
	worked(journal_move(fixture.journal, &row, STATE_INTENDED, &replaced, "", &fixture.err),
		&fixture.err);
	worked(journal_deliveries(fixture.journal, row.id, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.count, 1);
	deliveries.items[0].state = DELIVERY_PROVEN;
	deliveries.items[0].attempts = 4;
	deliveries.items[0].trouble = "was slow";
	worked(journal_delivery(
		       fixture.journal, &row, &deliveries.items[0], "proven", &fixture.err),
		&fixture.err);
	worked(journal_holders(fixture.journal, token, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.count, 0);
	move(&fixture, &row, STATE_CLOSED);
	worked(journal_holders(fixture.journal, token, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.count, 1);
	assert_string_equal(deliveries.items[0].spec, other.spec);
	assert_string_equal(deliveries.items[0].trouble, "was slow");
	assert_int_equal(deliveries.items[0].state, DELIVERY_PROVEN);
	assert_int_equal(deliveries.items[0].attempts, 4);
	row.id++;
	assert_false(journal_delivery(
		fixture.journal, &row, &deliveries.items[0], NULL, &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_STORE);
	fixture_close(&fixture);
}

static void
a_reader_sees_what_is_on_the_disk_without_secrets_and_changes_nothing(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	auto_state struct state *state = NULL;
	auto_journal struct journal *reader = NULL;
	struct token_records records;
	struct fixture fixture;
	struct rotation row;
	struct err err;
	(void)unused;

	worked(state_open(fixture_path, false, &state, &err), &err);
	worked(journal_open_reader(state, &reader, &err), &err);
	assert_string_equal(journal_uuid(reader), "");
	worked(journal_tokens(reader, arena, &records, &err), &err);
	assert_int_equal(records.count, 0);
	assert_int_equal(access(fixture_file("journal.db"), F_OK), -1);
	journal_close(take(reader));
	fixture_open(&fixture);
	row = held(&fixture);
	worked(journal_set(fixture.journal, "riding", "yes", &fixture.err), &fixture.err);
	worked(journal_open_reader(state, &reader, &err), &err);
	assert_string_equal(journal_uuid(reader), journal_uuid(fixture.journal));
	worked(journal_open_rows(reader, arena, &rotations, &err), &err);
	assert_int_equal(rotations.count, 1);
	assert_int_equal(rotations.items[0].state, STATE_HELD);
	assert_null(rotations.items[0].secret);
	assert_false(journal_set(reader, "a", "b", &err));
	assert_int_equal(err.kind, ERR_STORE);
	rotation_done(&row);
	fixture_close(&fixture);
}

/* A new token that died before it was everywhere: the old one is in use again. */
static void
a_record_is_aimed_back_from_the_new_token_and_from_no_other(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct token_record old = { .token_id = 100,
		.user_id = 4,
		.created_msec = 5,
		.expires_on = 6,
		.username = "u" };
	struct token_records records;
	struct fixture fixture;
	struct rotation row;
	(void)unused;

	fixture_open(&fixture);
	row = held(&fixture);
	old.number = row.token;
	for (int64_t new_id = row.new_id + 1; new_id >= row.new_id; new_id--) {
		worked(journal_aim(fixture.journal, new_id, &old, &fixture.err), &fixture.err);
		worked(journal_tokens(fixture.journal, arena, &records, &fixture.err),
			&fixture.err);
		assert_int_equal(records.items[0].token_id,
			new_id == row.new_id ? old.token_id : row.new_id);
	}
	assert_int_equal(records.items[0].user_id, old.user_id);
	assert_int_equal(records.items[0].created_msec, old.created_msec);
	assert_int_equal(records.items[0].expires_on, old.expires_on);
	assert_string_equal(records.items[0].username, old.username);
	assert_int_equal(records.items[0].rotated_at, 0);
	assert_int_equal(records.items[0].generation, 1);
	rotation_done(&row);
	fixture_close(&fixture);
}

static void
states_have_names_and_two_of_them_are_closed(void **unused)
{
	size_t closed = 0;
	(void)unused;

	for (int state = 0; state < STATE_COUNT; state++) {
		assert_true(strlen(row_state_name((enum state_of_row)state)) > 3);
		closed += !row_state_is_open((enum state_of_row)state);
	}
	assert_int_equal(closed, 2);
	assert_string_equal(row_state_name(STATE_INTENDED), "INTENDED");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(an_absent_journal_is_made_private_and_knows_itself_ever_after),
		FIXTURE_TEST(facts_come_back_and_unset_ones_are_empty),
		FIXTURE_TEST(a_token_record_comes_back_with_every_column),
		FIXTURE_TEST(a_rotation_comes_back_with_every_column),
		FIXTURE_TEST(a_token_has_one_open_row_and_a_refusal_spoils_nothing_else),
		FIXTURE_TEST(a_move_from_where_the_row_is_not_changes_nothing),
		FIXTURE_TEST(the_answer_stands_in_the_row_and_in_the_token),
		FIXTURE_TEST(a_move_back_into_held_keeps_the_secret_and_the_day_of_rotation),
		FIXTURE_TEST(no_file_holds_the_secret_and_the_database_forgets_the_sealed_one),
		FIXTURE_TEST(
			deliveries_are_replaced_while_planned_and_the_last_closed_ones_are_the_holders),
		FIXTURE_TEST(
			a_reader_sees_what_is_on_the_disk_without_secrets_and_changes_nothing),
		FIXTURE_TEST(a_record_is_aimed_back_from_the_new_token_and_from_no_other),
		FIXTURE_TEST(states_have_names_and_two_of_them_are_closed),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
