/* Whether every destination takes a secret, and for how long that can be relied on. */
#include <string.h>

#include "base/advice.h"
#include "base/clock.h"
#include "base/json.h"
#include "flow/attempt.h"

/* Rule 5: a destination passed its write preflight less than a minute before the old secret dies. */
#define PREFLIGHT_HOLDS_MSEC 45000

bool
preflight_is_fresh(const struct attempt *attempt)
{
	return attempt->preflight_msec &&
	       clock_msec() - attempt->preflight_msec < PREFLIGHT_HOLDS_MSEC;
}

bool
preflight_holds(const struct attempt *attempt, struct err *err)
{
	return preflight_is_fresh(attempt) ||
	       err_set(err, ERR_LATER, 0,
		       "the preflight of all destinations is too long ago: the old secret dies less than a minute "
		       "after each of them passed");
}

/* Of rows that this run began: GitLab, or what stands before it, does not answer. */
void
attempt_note(
	const struct attempt *attempt, enum breaker_kind kind, bool ok, const struct err *err)
{
	const bool failed = !ok && err_is_passing(err);

	if (attempt->is_fresh)
		breaker_note(attempt->breaker, kind, failed ? err : NULL);
}

/* Of a row that waits, whose trouble says how the run before ended. */
#define TOO_SLOW "the old secret must die less than a minute after the first of them"

/* Once is chance. What is so slow run after run never comes to its rotation, and nobody but a person can make it quicker: the
 * row stays, and says so in each run. */
static bool
is_too_slow(struct attempt *attempt, struct err *err)
{
	const size_t count = attempt->deliveries.count;
	const bool again = attempt->row->trouble && strstr(attempt->row->trouble, TOO_SLOW);

	err_set(err, ERR_LATER, 0,
		"the preflight%s of %zu destination%s took %lld s, and " TOO_SLOW,
		count == 1 ? "" : "s", count, count == 1 ? "" : "s",
		(long long)((clock_msec() - attempt->preflight_msec) / 1000));
	if (again) {
		attempt->told = arena_format(attempt->arena,
			"%s, as in the run before: find out what is slow, or deliver to fewer places",
			err->text);
		attempt->told_advice = GLR_DESTINATION_REFUSED;
	}
	return false;
}

bool
preflight_destinations(struct attempt *attempt, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	const int64_t begun_msec = clock_msec();

	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		struct destination *destination = &attempt->destinations[i];
		struct delivery *delivery = &attempt->deliveries.items[i];

		if (delivery->state == DELIVERY_SET_ASIDE)
			continue;
		if (!destination_pin(&tools, destination, err) ||
			!destination_preflight(
				&tools, destination, &attempt->last_stamp, err)) {
			/* What stands elsewhere says nothing of GitLab. */
			if (destination_home(destination).level)
				attempt_note(attempt, BREAKER_READING, false, err);
			if (err->kind == ERR_REFUSED && !err->advice)
				err_advise(err, GLR_DESTINATION_REFUSED);
			/* What the fence says of a destination says nothing of the token. */
			if (err->kind == ERR_MOVED)
				err->kind = ERR_PERSON;
			return false;
		}
		delivery->spec =
			json_encode_text(&destination_shape, destination, attempt->arena);
		/* What it may hold of an earlier try is dead. */
		delivery->state = DELIVERY_PENDING;
		delivery->failing_since = 0;
		delivery->trouble = "";
	}
	/* The first of them was tried out longest ago. */
	attempt->preflight_msec = begun_msec;
	return preflight_is_fresh(attempt) || is_too_slow(attempt, err);
}
