/* The rows of a run, walked by its workers at once. */
#include "base/memory.h"
#include "base/notify.h"
#include "base/workers.h"
#include "flow/begin.h"
#include "flow/running.h"
#include "flow/walk.h"
#include "gitlab/people.h"

struct gitlab *
run_connection(struct run *run, size_t worker)
{
	if (!run->connections[worker])
		run->connections[worker] =
			gitlab_new(run->context->server, run->context->credential);
	return run->connections[worker];
}

/* A secret that is held, and due again: the next rotation takes the row's place when it is as good as sent, and not before. */
static bool
supersede(struct run *run, struct attempt *attempt, struct err *err)
{
	struct attempt *old = attempt->superseded;
	struct err why;

	if (!attempt_steps(attempt->row)[STATE_PLANNED].does(attempt, &why)) {
		if (why.kind != ERR_STORE && why.kind != ERR_CREDENTIAL)
			return true;
		*err = why;
		return false;
	}
	if (!journal_supersede(attempt->journal, old->row, attempt->row, &attempt->deliveries,
		    "its secret fell due again before every destination took it", err))
		return false;
	old->was_superseded = true;
	outcome_event(run->outcome, old->row, "superseded by the next rotation");
	outcome_event(run->outcome, attempt->row, "");
	return true;
}

static bool
begin(struct run *run, struct attempt *attempt, struct err *err)
{
	if (attempt->superseded)
		return supersede(run, attempt, err);
	if (!journal_begin(attempt->journal, attempt->row, &attempt->deliveries, err))
		return false;
	outcome_event(run->outcome, attempt->row, "");
	return true;
}

static bool
walk_job(void *argument, size_t worker, size_t job)
{
	struct run *run = argument;
	struct attempt *attempt = run->walking[job];
	struct err *err = &run->ends[job];

	/* A row that came to the rescue credential keeps that connection, which is its own. */
	if (attempt->agent)
		attempt->agent = run_connection(run, worker);
	else
		attempt->gitlab = run_connection(run, worker);
	attempt->was_walked = true;
	if (!attempt->row->id) {
		/* What is lost waits until the run knows how much is. */
		if (attempt->is_lost && attempt->repair == REPAIR_WAITS)
			return true;
		/* What a signal or a breaker holds back is planned again by the next run. */
		if (*run->context->stop || breaker_holds(run->breaker, NULL))
			return true;
		if (!begin(run, attempt, err))
			return false;
		/* It was not begun after all. */
		if (!attempt->row->id)
			return true;
	}
	return attempt_walk(attempt, run->outcome, err);
}

static bool
walk_and_count(void *argument, size_t worker, size_t job)
{
	struct run *run = argument;
	const bool ok = walk_job(argument, worker, job);

	notify_status("%zu of %zu rotations done", ++run->walked, run->walking_count);
	return ok;
}

/* What a release cannot do is known by its number; asked for when something is to be done, for an idle run has no
 * use for it. One that does not say it is taken for a new one. */
static bool
learn_version(struct run *run, struct err *err)
{
	const char *version;

	/* Before our credential is proven nothing but its own row is walked. */
	if (run->knows_version || !identity_token_id(run->context->identity) ||
		people_version(run->context->gitlab, run->context->arena, &version, err)) {
		run->knows_version = identity_token_id(run->context->identity) != 0;
		return true;
	}
	return err->kind != ERR_CREDENTIAL && err->kind != ERR_STOPPED;
}

bool
run_walk(struct run *run, struct attempt **attempts, size_t count, struct err *err)
{
	auto_free struct err *ends = memory_or_abort(calloc(count + 1, sizeof(*ends)));
	bool ok;

	if (!count)
		return true;
	if (!learn_version(run, err))
		return false;
	run->walking = attempts;
	run->walking_count = count;
	run->walked = 0;
	run->ends = ends;
	ok = workers_run(run->workers, count, walk_and_count, run);
	run->ends = NULL;
	for (size_t i = 0; !ok && i < count; i++)
		if (ends[i].kind != ERR_NONE) {
			*err = ends[i];
			err_wrap(err, "%s", attempts[i]->row->address);
			break;
		}
	return ok;
}

/* Those that were not walked yet. What begins something new waits until all was read, as long as something is read. */
bool
run_walk_rest(struct run *run, bool but_uncommitted, struct err *err)
{
	auto_free struct attempt **rest =
		memory_or_abort(calloc(run->count + 1, sizeof(*rest)));
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++) {
		struct attempt *attempt = run->attempts[i];

		if (!attempt->was_walked &&
			!(but_uncommitted &&
				begin_is_uncommitted(attempt->row, &attempt->frozen)))
			rest[count++] = attempt;
	}
	return run_walk(run, rest, count, err);
}
