/* What a request needs when it leaves. The clock and GitLab's words are this test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/http.h"
#include "flow/attempt.h"

static int64_t clock_stands_at = 1000;
static int64_t clock_step; /* from one look at it to the next */

int64_t
clock_msec(void)
{
	clock_stands_at += clock_step;
	return clock_stands_at;
}

bool
clock_pause(int64_t msec, const volatile int *stop)
{
	clock_stands_at += msec;
	return !*stop;
}

/* In the place of http.c. */
struct http {
	int unused;
};
static unsigned changes_sent;

struct http *
http_new(struct http_site *site)
{
	static struct http http;

	(void)site;
	return &http;
}

void
http_free(struct http *http)
{
	(void)http;
}

bool
http_start(struct err *err)
{
	(void)err;
	return true;
}

void
http_answer_done(struct http_answer *answer)
{
	secret_free(answer->body);
	answer->body = NULL;
}

const char *
http_escape(struct arena *arena, const char *segment)
{
	(void)arena;
	return segment;
}

bool
http_send(struct http *http, const struct http_request *request, struct http_answer *answer,
	struct err *err)
{
	static const char text[] =
		"{\"id\":100,\"user_id\":7,\"name\":\"push\",\"created_at\":\"2026-11-21T10:00:00.000Z\","
		"\"token\":\"glpat-new\",\"expires_at\":\"2027-01-01\"}";

	(void)http;
	(void)err;
	changes_sent += strcmp(request->method, "GET") != 0;
	*answer = (struct http_answer){ .status = 200,
		.retry_after_sec = -1,
		.rate_remaining = -1,
		.content_type = "application/json",
		.body = secret_copy(text, strlen(text)) };
	return true;
}

/* Of a worker that has passed its preflight; whether another one learnt meanwhile that the credential is dead. */
static void
is_sent(bool is_distrusted)
{
	static const volatile int stop = 0;
	auto_secret struct secret *credential = secret_copy("glpat-old", 9);
	auto_identity struct identity *identity = identity_new("our own credential");
	auto_gitlab_server struct gitlab_server *server = gitlab_server_new(NULL, NULL);
	auto_gitlab struct gitlab *gitlab = gitlab_new(server, credential);
	auto_arena struct arena *arena = arena_new();
	struct rotation row = { .state = STATE_INTENDED, .target_id = 99 };
	struct attempt attempt = { .identity = identity,
		.gitlab = gitlab,
		.arena = arena,
		.stop = &stop,
		.row = &row,
		.frozen = { .type = TYPE_PROJECT, .owner_id = 10 },
		.preflight_msec = clock_stands_at };
	struct err err = { 0 };

	changes_sent = 0;
	assert_true(identity_prove(identity, gitlab, &err));
	if (is_distrusted)
		identity_distrust(identity);
	assert_int_equal(step_request(&attempt, &err), !is_distrusted);
	assert_int_equal(changes_sent, !is_distrusted);
	assert_true(!is_distrusted || err.kind == ERR_LATER);
	secret_free(row.secret);
}

static void
a_request_is_sent_with_a_credential_that_lives(void **unused)
{
	(void)unused;
	is_sent(false);
}

static void
no_request_is_sent_once_another_worker_distrusts_our_credential(void **unused)
{
	(void)unused;
	is_sent(true);
}

struct age {
	const char *what;
	int64_t msec;
	bool holds;
};

/* A request that gets as far as our credential, which is not asked for because it is distrusted, has passed its preflight's age. */
static void
a_preflight_holds_for_less_than_a_minute(void **unused)
{
	static const struct age ages[] = {
		{ "at once", 0, true },
		{ "while other rows wait for the disk", 20000, true },
		{ "so late that the old secret may die after a minute", 59000, false },
		{ "a minute", 60000, false },
		{ "an hour", 3600000, false },
	};
	static const volatile int stop = 0;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		auto_identity struct identity *identity = identity_new("our own credential");
		struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
		struct attempt attempt = { .identity = identity,
			.stop = &stop,
			.row = &row,
			.preflight_msec = clock_stands_at };
		struct err err = { 0 };

		identity_distrust(identity);
		clock_stands_at += ages[i].msec;
		assert_false(step_request(&attempt, &err));
		assert_int_equal(err.kind, ERR_LATER);
		if (!strstr(err.text, "preflight") != ages[i].holds)
			fail_msg("%s: %s", ages[i].what, err.text);
	}
}

static void
destinations_that_are_too_slow_twice_need_a_person(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct rotation row = { .state = STATE_PLANNED, .trouble = "" };
	struct attempt attempt = { .arena = arena, .row = &row };
	struct err err = { 0 };

	(void)unused;
	assert_true(preflight_destinations(&attempt, &err));
	clock_step = 50000;
	assert_false(preflight_destinations(&attempt, &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_non_null(strstr(err.text, "the preflights of 0 destinations took "));
	assert_null(attempt.told);
	for (int run = 2; run < 4; run++) {
		row.trouble = arena_text(arena, err.text);
		assert_false(preflight_destinations(&attempt, &err));
		assert_int_equal(err.kind, ERR_LATER);
		assert_non_null(strstr(attempt.told, "deliver to fewer places"));
		attempt.told = NULL;
	}
	row.trouble = "another trouble in between";
	assert_false(preflight_destinations(&attempt, &err));
	assert_null(attempt.told);
	clock_step = 0;
}

/* One that began since then would lose its secret. */
static void
a_look_at_idle_projects_holds_for_a_minute(void **unused)
{
	static const volatile int stop = 0;
	struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
	struct attempt attempt = { .stop = &stop,
		.row = &row,
		.preflight_msec = clock_stands_at,
		.idle.looked_msec = clock_stands_at - 60000 };
	struct err err = { 0 };

	(void)unused;
	assert_false(step_request(&attempt, &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_non_null(strstr(err.text, "look at the jobs"));
}

static void
a_request_without_a_preflight_is_not_sent(void **unused)
{
	static const volatile int stop = 0;
	struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
	struct attempt attempt = { .stop = &stop, .row = &row };
	struct err err = { 0 };

	(void)unused;
	assert_false(step_request(&attempt, &err));
	assert_int_equal(err.kind, ERR_LATER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_sent_with_a_credential_that_lives),
		cmocka_unit_test(
			no_request_is_sent_once_another_worker_distrusts_our_credential),
		cmocka_unit_test(a_preflight_holds_for_less_than_a_minute),
		cmocka_unit_test(destinations_that_are_too_slow_twice_need_a_person),
		cmocka_unit_test(a_look_at_idle_projects_holds_for_a_minute),
		cmocka_unit_test(a_request_without_a_preflight_is_not_sent),
	};

	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
