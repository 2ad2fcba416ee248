/* What a run does when all else is done: it waits for what time settles, and makes anew what was lost. */
#include "base/advice.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/when.h"
#include "flow/running.h"

/* Design: more of them in one run have a cause that is not theirs. */
#define LOSSES_MOST 3

/* --- waiting --- */

/* Those that rest until a moment of server time; `*soonest` is the first of them. */
static size_t
find_waiting(const struct run *run, struct attempt **waiting, int64_t *soonest)
{
	size_t count = 0;

	*soonest = INT64_MAX;
	for (size_t i = 0; i < run->count; i++) {
		struct attempt *attempt = run->attempts[i];

		if (!attempt->row->id || !row_state_is_open(attempt->row->state) ||
			!attempt->wait_until)
			continue;
		waiting[count++] = attempt;
		if (attempt->wait_until < *soonest)
			*soonest = attempt->wait_until;
	}
	return count;
}

static bool
wait_until(struct run *run, int64_t moment, size_t count, struct err *err)
{
	int64_t left = moment - gitlab_now(run->context->server);

	if (left <= 0)
		return true;
	log_line(LOG_LEVEL_NOTICE, "waiting %lld s for %zu unsettled rotation%s",
		(long long)left, count, count == 1 ? "" : "s");
	notify_status("waiting for %zu unsettled rotations", count);
	for (int64_t slice; left > 0; left -= slice) {
		slice = left < MINUTE_SEC ? left : MINUTE_SEC;
		notify_extend(slice + NOTIFY_ALIVE_SEC);
		if (!clock_pause(slice * 1000, run->context->stop))
			return err_set(err, ERR_STOPPED, 0, "stopped by a signal");
	}
	return true;
}

bool
run_walk_waiting(struct run *run, struct err *err)
{
	auto_free struct attempt **waiting =
		memory_or_abort(calloc(run->count + 1, sizeof(*waiting)));
	int64_t soonest;
	size_t count;

	while (!breaker_ends(run->breaker) &&
		(count = find_waiting(run, waiting, &soonest)) > 0)
		if (!wait_until(run, soonest, count, err) ||
			!run_walk(run, waiting, count, err))
			return false;
	return true;
}

/* --- losses --- */

static size_t
find_lost(const struct run *run, struct attempt **lost)
{
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++) {
		struct attempt *attempt = run->attempts[i];

		if (attempt->is_lost &&
			(!attempt->row->id || attempt->row->state == STATE_LOST))
			lost[count++] = attempt;
	}
	return count;
}

static void
tell_losses(struct run *run, struct attempt **lost, size_t count)
{
	outcome_trouble(
		run->outcome, &(struct trouble){ .address = "",
				      .text = arena_format(run->context->arena,
					      "%zu tokens were lost, the first of them '%s'",
					      count, lost[0]->row->address),
				      .advice = GLR_LOSSES,
				      .person = true,
				      .works_until = NO_MOMENT });
}

bool
run_repair_losses(struct run *run, struct err *err)
{
	auto_free struct attempt **lost =
		memory_or_abort(calloc(run->count + 1, sizeof(*lost)));
	const size_t count = breaker_holds(run->breaker, NULL) ? 0 : find_lost(run, lost);
	const bool too_many = count > LOSSES_MOST;
	size_t walked = 0;

	if (too_many)
		tell_losses(run, lost, count);
	for (size_t i = 0; i < count; i++) {
		/* One that has no row yet is planned again by the next run. */
		if (too_many && !lost[i]->row->id)
			continue;
		lost[i]->repair = too_many ? REPAIR_TOO_MANY : REPAIR_GOES_ON;
		lost[walked++] = lost[i];
	}
	return run_walk(run, lost, walked, err) && run_walk_waiting(run, err);
}
