/* How long a proof of our credential holds, and for whom. The clock and GitLab's word are this test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/when.h"
#include "flow/identity.h"

static int64_t clock_stands_at = 1000;
static int64_t answers_with_id = 1;
static unsigned asked;

int64_t
clock_msec(void)
{
	return clock_stands_at;
}

/* In the place of GET /personal_access_tokens/self. */
bool
token_self(struct gitlab *gitlab, struct arena *arena, struct token *token,
	enum credential_state *state, struct err *err)
{
	(void)gitlab;
	(void)arena;
	(void)err;
	asked++;
	*token = (struct token){ .id = answers_with_id, .user_id = 7, .expires_on = NO_DATE };
	*state = CREDENTIAL_ALIVE;
	return true;
}

static int
begin(void **unused)
{
	(void)unused;
	clock_stands_at = 1000;
	answers_with_id = 1;
	asked = 0;
	return 0;
}

struct age {
	const char *what;
	int64_t msec;
	bool holds;
};

static void
a_proof_of_our_credential_holds_for_less_than_thirty_seconds(void **unused)
{
	static const struct age ages[] = {
		{ "at once", 0, true },
		{ "while a row is written down", 10000, true },
		{ "so late that the request may leave after thirty seconds", 29000, false },
		{ "thirty seconds", 30000, false },
		{ "an hour", 3600000, false },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		auto_identity struct identity *identity = identity_new("our own credential");
		struct err err = { 0 };

		assert_true(identity_prove(identity, NULL, &err));
		asked = 0;
		clock_stands_at += ages[i].msec;
		assert_true(identity_fresh(identity, NULL, &err));
		if (asked != !ages[i].holds)
			fail_msg("%s: asked %u times", ages[i].what, asked);
	}
}

static void
another_token_than_before_is_refused_from_then_on(void **unused)
{
	auto_identity struct identity *identity = identity_new("our own credential");
	struct err err = { 0 };

	(void)unused;
	assert_true(identity_prove(identity, NULL, &err));
	answers_with_id = 2;
	clock_stands_at += 60000;
	assert_false(identity_fresh(identity, NULL, &err));
	assert_int_equal(err.kind, ERR_CREDENTIAL);
	answers_with_id = 1;
	assert_false(identity_fresh(identity, NULL, &err));
	assert_int_equal(asked, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_proof_of_our_credential_holds_for_less_than_thirty_seconds, begin),
		cmocka_unit_test_setup(
			another_token_than_before_is_refused_from_then_on, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
