/* The step tables, walked exhaustively: every way a row can go through one run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/attempt.h"

/* Longer than any walk can be: each row goes forward, back once, and forward again. */
#define STEPS_MOST 32

struct walk {
	const struct step *steps_of; /* the table */
	enum state_of_row state;
	bool went_back;
	unsigned steps, requests;
	bool doubt_is_unread; /* a request was sent whose outcome nobody has looked at since */
};

struct tally {
	unsigned long walks;
	unsigned longest, most_requests;
	bool reaches[STATE_COUNT];
};

static const struct step *const tables[] = { rotate_steps, replace_steps };
#define EACH_TABLE(table)                                                                      \
	size_t table = 0;                                                                      \
	table < ARRAY_SIZE(tables);                                                            \
	table++

/* What only happens in the world: a request goes out, or the reading of a doubt is done. */
static void
note_step(struct walk *walk, enum step_end end)
{
	if (walk->state == STATE_INTENDED && end != STEP_NOT_YET) {
		/* No request ever follows an unread doubt. */
		assert_false(walk->doubt_is_unread);
		walk->requests++;
		walk->doubt_is_unread = end == STEP_DOUBT || end == STEP_MOVED;
	}
	if ((walk->state == STATE_DOUBTED || walk->state == STATE_FOREIGN ||
		    walk->state == STATE_LOST || walk->state == STATE_ORPHANED) &&
		end != STEP_NOT_YET && end != STEP_DOUBT)
		walk->doubt_is_unread = false;
}

static void
walk_all(struct walk walk, struct tally *tally)
{
	tally->reaches[walk.state] = true;
	assert_true(walk.steps < STEPS_MOST);
	if (!row_state_is_open(walk.state))
		return;
	for (int end = 0; end < STEP_END_COUNT; end++) {
		struct walk next = walk;
		bool on;

		note_step(&next, (enum step_end)end);
		on = step_decide(walk.steps_of, walk.state, (enum step_end)end, &next.went_back,
			&next.state);
		next.steps++;
		if (next.requests > tally->most_requests)
			tally->most_requests = next.requests;
		if (next.steps > tally->longest)
			tally->longest = next.steps;
		tally->reaches[next.state] = true;
		tally->walks++;
		if (on)
			walk_all(next, tally);
	}
}

static struct tally
walk_from(const struct step *steps, enum state_of_row state)
{
	struct tally tally = { 0 };

	walk_all((struct walk){ .steps_of = steps,
			 .state = state,
			 .doubt_is_unread = state == STATE_DOUBTED },
		&tally);
	return tally;
}

static void
an_open_state_has_its_step_in_one_table_at_least_and_a_closed_one_in_none(void **unused)
{
	(void)unused;
	for (int state = 0; state < STATE_COUNT; state++)
		assert_true(row_state_is_open((enum state_of_row)state) ==
			    (rotate_steps[state].does || replace_steps[state].does));
}

static void
every_walk_ends_from_every_state(void **unused)
{
	(void)unused;
	for (EACH_TABLE(table))
		for (int state = 0; state < STATE_COUNT; state++)
			if (tables[table][state].does)
				assert_true(walk_from(tables[table], (enum state_of_row)state)
						    .walks > 0);
}

static void
a_row_sends_at_most_two_requests_a_run(void **unused)
{
	(void)unused;
	for (EACH_TABLE(table)) {
		const struct step *steps = tables[table];

		for (int state = 0; state < STATE_COUNT; state++)
			if (steps[state].does)
				assert_true(walk_from(steps, (enum state_of_row)state)
						    .most_requests <= 2);
		/* One that was lost and is repaired sends both. */
		assert_int_equal(walk_from(steps, STATE_PLANNED).most_requests, 2);
	}
}

static void
every_state_is_reached_and_every_row_can_close(void **unused)
{
	(void)unused;
	for (EACH_TABLE(table)) {
		const struct step *steps = tables[table];
		const struct tally tally = walk_from(steps, STATE_PLANNED);

		for (int state = 0; state < STATE_COUNT; state++) {
			/* Nothing leads to where the table has no step. */
			assert_int_equal(tally.reaches[state],
				steps[state].does ||
					!row_state_is_open((enum state_of_row)state));
			if (steps[state].does)
				assert_true(walk_from(steps, (enum state_of_row)state)
						    .reaches[STATE_CLOSED]);
		}
	}
}

/* From the moment the old token may be gone nothing leads back to before the new one was delivered. */
static void
what_retires_only_goes_forward(void **unused)
{
	static const enum state_of_row late[] = { STATE_RETIRING, STATE_RETIRED,
		STATE_SETTLED };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(late); i++)
		for (int end = 0; end < STEP_END_COUNT; end++) {
			const enum state_of_row to = replace_steps[late[i]].next[end];

			assert_true(to == late[i] || to == STATE_RETIRED ||
				    to == STATE_SETTLED || to == STATE_CLOSED);
		}
}

/* A held secret is never given up: from HELD on nothing leads to DROPPED without a doubt that was read. */
static void
what_is_held_is_not_dropped(void **unused)
{
	static const enum state_of_row held[] = { STATE_HELD, STATE_DELIVERED, STATE_VERIFIED,
		STATE_SWEPT };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		for (int end = 0; end < STEP_END_COUNT; end++) {
			const enum state_of_row to = rotate_steps[held[i]].next[end];

			assert_true(to != STATE_DROPPED && to != STATE_PLANNED &&
				    to != STATE_INTENDED && to != STATE_LOST);
			if (to == STATE_DOUBTED)
				assert_int_equal(end, STEP_MOVED);
		}
}

static void
what_replace_holds_is_given_up_as_an_orphan_alone(void **unused)
{
	static const enum state_of_row held[] = { STATE_HELD, STATE_DELIVERED, STATE_OVERLAP };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		for (int end = 0; end < STEP_END_COUNT; end++) {
			const enum state_of_row to = replace_steps[held[i]].next[end];

			assert_true(to != STATE_DROPPED && to != STATE_PLANNED &&
				    to != STATE_INTENDED && to != STATE_DOUBTED);
			if (to == STATE_ORPHANED)
				assert_int_equal(end, STEP_MOVED);
		}
	/* And what was never found is never deleted. */
	for (int end = 0; end < STEP_END_COUNT; end++)
		if (replace_steps[STATE_DOUBTED].next[end] == STATE_ORPHANED)
			assert_int_equal(end, STEP_MOVED);
}

static void
a_row_in_doubt_at_start_is_read_before_anything_is_sent(void **unused)
{
	(void)unused;
	for (EACH_TABLE(table)) {
		const struct step *steps = tables[table];

		for (int state = 0; state < STATE_COUNT; state++) {
			const enum state_of_row to = steps[state].next[STEP_DOUBT];

			/* What is begun takes this column first, and that is the whole of crash recovery. */
			if (steps[state].does)
				assert_true(to != STATE_INTENDED && row_state_is_open(to));
		}
		assert_int_equal(steps[STATE_INTENDED].next[STEP_DOUBT], STATE_DOUBTED);
	}
}

struct ending {
	const char *what;
	enum err_kind kind;
	enum state_of_row state;
	enum step_end end;
};

static void
an_error_points_at_its_column(void **unused)
{
	static const struct ending endings[] = {
		{ "refused", ERR_REFUSED, STATE_PLANNED, STEP_REFUSED },
		{ "later", ERR_LATER, STATE_INTENDED, STEP_NOT_YET },
		{ "nothing was sent", ERR_REACH, STATE_INTENDED, STEP_NOT_YET },
		{ "moved", ERR_MOVED, STATE_HELD, STEP_MOVED },
		{ "lost answer", ERR_DOUBT, STATE_INTENDED, STEP_DOUBT },
		{ "our credential, asked with", ERR_CREDENTIAL, STATE_INTENDED, STEP_DOUBT },
		{ "our credential, while reading", ERR_CREDENTIAL, STATE_DOUBTED,
			STEP_NOT_YET },
		{ "a person, before anything", ERR_PERSON, STATE_PLANNED, STEP_REFUSED },
		{ "a person, with a secret held", ERR_PERSON, STATE_HELD, STEP_NOT_YET },
		{ "a person, in doubt", ERR_PERSON, STATE_DOUBTED, STEP_NOT_YET },
		{ "a signal", ERR_STOPPED, STATE_INTENDED, STEP_NOT_YET },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		const struct err err = { .kind = endings[i].kind };

		if (step_end_of(false, endings[i].state, &err) != endings[i].end)
			fail_msg("%s", endings[i].what);
		assert_int_equal(step_end_of(true, endings[i].state, &err), STEP_DONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_open_state_has_its_step_in_one_table_at_least_and_a_closed_one_in_none),
		cmocka_unit_test(every_walk_ends_from_every_state),
		cmocka_unit_test(a_row_sends_at_most_two_requests_a_run),
		cmocka_unit_test(every_state_is_reached_and_every_row_can_close),
		cmocka_unit_test(what_is_held_is_not_dropped),
		cmocka_unit_test(what_retires_only_goes_forward),
		cmocka_unit_test(what_replace_holds_is_given_up_as_an_orphan_alone),
		cmocka_unit_test(a_row_in_doubt_at_start_is_read_before_anything_is_sent),
		cmocka_unit_test(an_error_points_at_its_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
