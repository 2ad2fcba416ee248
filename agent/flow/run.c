#include "flow/run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/when.h"
#include "base/workers.h"
#include "flow/adopt.h"
#include "flow/apart.h"
#include "flow/begin.h"
#include "flow/overlap.h"
#include "flow/own.h"
#include "flow/remember.h"
#include "flow/running.h"
#include "flow/self.h"
#include "flow/walk.h"
#include "gitlab/people.h"

/* --- walking --- */

static bool
is_wanted(const struct run *run, const char *text)
{
	struct address address;
	struct err ignored;

	return !run->orders->ordered ||
	       (address_parse(run->context->arena, text, false, &address, &ignored) &&
		       run->orders->ordered(run->orders->context, &address));
}

static struct attempt *
add_attempt(struct run *run, struct rotation *row)
{
	struct context *context = run->context;
	struct attempt *attempt = memory_or_abort(calloc(1, sizeof(*attempt)));

	attempt->journal = context->journal;
	attempt->identity = context->identity;
	attempt->breaker = run->breaker;
	attempt->remotes = context->remotes;
	attempt->stop = context->stop;
	attempt->own = &context->own;
	attempt->rescue = context->policies->gitlab.rescue_credential;
	attempt->arena = arena_new();
	attempt->row = row;
	run->attempts = arena_grow(
		context->arena, run->attempts, run->count, &run->capacity, sizeof(attempt));
	run->attempts[run->count++] = attempt;
	return attempt;
}

static bool
stopped(const struct run *run, struct err *err)
{
	return *run->context->stop && !err_set(err, ERR_STOPPED, 0, "stopped by a signal");
}

/* --- open rows --- */

static struct token_record *
record_numbered(struct run *run, int64_t number)
{
	for (size_t i = 0; i < run->records.count; i++)
		if (run->records.items[i].number == number)
			return &run->records.items[i];
	return NULL;
}

/* The whole of crash recovery: what may have happened since the row was written is in doubt. */
static bool
take_doubt(struct run *run, struct rotation *row, struct err *err)
{
	const enum state_of_row to = attempt_steps(row)[row->state].next[STEP_DOUBT];

	if (to == row->state)
		return true;
	if (!journal_move(run->context->journal, row, to, NULL,
		    "the run that asked GitLab ended before its answer was on disk", err))
		return false;
	outcome_event(run->outcome, row, "the last run ended before the answer was on disk");
	return true;
}

bool
run_open_row(struct run *run, struct rotation *row, struct err *err)
{
	const struct policies *policies = run->context->policies;
	const struct token_record *record = record_numbered(run, row->token);
	struct attempt *attempt;
	bool goes_on;

	if (!record)
		return err_set(err, ERR_STORE, 0, "row %lld has no token", (long long)row->id);
	attempt = add_attempt(run, row);
	if (!attempt_open(attempt, record->generation, record->token_id, err))
		return false;
	/* What comes to light while an order is carried out was not part of it. */
	attempt->rotated_at = record->rotated_at;
	if (run->orders->ordered) {
		attempt->frozen.ordered = STATED_YES;
		if (!overlap_cut(attempt, gitlab_now(run->context->server), err))
			return false;
		attempt_freeze(attempt);
	}
	if (!begin_again(attempt, policies, record, run->outcome, &goes_on, err) ||
		(goes_on && !run_has_brake(run, attempt) &&
			!begin_elsewhere(attempt, policies, record,
				run->orders->ordered != NULL, run->outcome, err)))
		return false;
	/* Passed over: the next run opens it again. */
	attempt->was_walked = goes_on && run_is_braked(run, attempt);
	return !goes_on || take_doubt(run, row, err);
}

static bool
read_rows(struct run *run, struct err *err)
{
	struct context *context = run->context;

	return journal_tokens(context->journal, context->arena, &run->records, err) &&
	       journal_open_rows(context->journal, context->arena, &run->rows, err) &&
	       own_number(context, &run->own_number, err);
}

static bool
finish_open_rows(struct run *run, struct err *err)
{
	const size_t before = run->count;

	for (size_t i = 0; i < run->rows.count; i++)
		if (run->rows.items[i].token != run->own_number &&
			is_wanted(run, run->rows.items[i].address) &&
			!run_open_row(run, &run->rows.items[i], err))
			return false;
	if (run->count > before)
		notify_status("finishing %zu open rotations", run->count - before);
	return run_walk_rest(run, run->context->policies->is_valid, err);
}

/* --- adopting --- */

struct adoption {
	struct run *run;
	const struct plan *plan;
	const bool *wanted;
	struct token_record *records; /* one an item */
	struct arena **arenas;
	struct err *ends;
};

static bool
adopt_job(void *argument, size_t worker, size_t job)
{
	const struct adoption *adoption = argument;
	struct run *run = adoption->run;
	struct context *context = run->context;
	struct adopting adopting = { .journal = context->journal,
		.outcome = run->outcome,
		.now = gitlab_now(context->server) };

	if (!adoption->wanted[job])
		return true;
	adoption->arenas[job] = arena_new();
	adopting.tools =
		context_tools(context, run_connection(run, worker), adoption->arenas[job]);
	return adopt_item(&adopting, &adoption->plan->items[job], &adoption->records[job],
		&adoption->ends[job]);
}

static bool
adopt(struct run *run, const struct plan *plan, const bool *wanted,
	struct token_record *records, struct err *err)
{
	struct arena *arena = run->context->arena;
	struct adoption adoption = {
		run,
		plan,
		wanted,
		records,
		arena_alloc(arena, (plan->count + 1) * sizeof(struct arena *)),
		arena_alloc(arena, (plan->count + 1) * sizeof(struct err)),
	};
	const bool ok = workers_run(run->workers, plan->count, adopt_job, &adoption);

	for (size_t i = 0; i < plan->count; i++) {
		if (adoption.arenas[i])
			arena_keep(arena, adoption.arenas[i]);
		if (!ok && adoption.ends[i].kind != ERR_NONE)
			*err = adoption.ends[i];
	}
	return ok;
}

/* --- rotating --- */

static void
tell_person(struct run *run, const struct plan_item *item)
{
	const int64_t works_until =
		item->token ? date_start(item->token->expires_on) : NO_MOMENT;
	const bool later = item->holding && !item->holding->is_readable &&
	                   item->holding->trouble.kind == ERR_LATER;

	outcome_trouble(run->outcome, &(struct trouble){ .address = item->address.text,
					      .text = item->why,
					      .advice = later ? 0 : item->advice,
					      .person = !later,
					      .works_until = works_until });
}

static struct attempt *
attempt_of(const struct run *run, const struct rotation *row)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->attempts[i]->row->id == row->id)
			return run->attempts[i];
	return NULL;
}

static void
tell_waiting(struct run *run, const struct plan_item *item)
{
	if (!item->waits_for) {
		outcome_add(run->outcome, COUNT_WAITING);
		return;
	}
	outcome_trouble(run->outcome,
		&(struct trouble){ .address = item->address.text,
			.text = item->waits_for,
			.works_until = item->token ? date_start(item->token->expires_on)
	                                           : NO_MOMENT });
}

/* What is told of an open row from here on is told under the address that its token has now; and one that follows the policy
 * follows what that says of this address. */
static bool
rename_row(
	struct run *run, struct attempt *attempt, const struct plan_item *item, struct err *err)
{
	bool goes_on;

	/* It outlives the plan. */
	attempt->row->address = arena_text(attempt->arena, item->address.text);
	return begin_again(
		attempt, run->context->policies, item->record, run->outcome, &goes_on, err);
}

static bool
rename_rows(struct run *run, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		struct attempt *attempt = item->row ? attempt_of(run, item->row) : NULL;

		if (attempt && strcmp(attempt->row->address, item->address.text) != 0 &&
			!rename_row(run, attempt, item, err))
			return false;
	}
	return true;
}

/* One that waits before its request, and wants what another one has: the next run opens it again. */
static void
pass_over(struct run *run, const struct plan_item *item)
{
	struct attempt *attempt = item->row ? attempt_of(run, item->row) : NULL;

	if (attempt)
		attempt->was_walked = true;
}

static bool
begin_item(struct run *run, const struct plan_item *item, const struct token_record *record,
	struct err *err)
{
	struct rotation *row = arena_alloc(run->context->arena, sizeof(*row));
	struct attempt *attempt = add_attempt(run, row);

	begin_row(attempt, run->context->policies, item, record,
		gitlab_now(run->context->server));
	attempt->rotated_at = record->rotated_at;
	attempt->superseded = item->supersedes ? attempt_of(run, item->row) : NULL;
	return attempt_open(attempt, record->generation, record->token_id, err);
}

static bool
is_own(const struct plan_item *item)
{
	return item->entry && item->entry->is_own;
}

static bool
is_due(const struct plan_item *item)
{
	return item->action == PLAN_ROTATE || item->action == PLAN_CREATE;
}

/* Our own is walked when all else is done. */
static bool
set_own_aside(struct run *run, const struct plan *plan, const bool *wanted,
	const struct token_record *records, struct err *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (wanted[i] && is_own(&plan->items[i]) && is_due(&plan->items[i])) {
			if (!begin_item(run, &plan->items[i], &records[i], err))
				return false;
			run->own = run->attempts[run->count - 1];
		}
	return true;
}

static bool
rotate_due(struct run *run, const struct plan *plan, const bool *wanted,
	const struct token_record *records, struct err *err)
{
	const size_t before = run->count;

	if (!rename_rows(run, plan, err))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (!wanted[i])
			continue;
		if (item->action == PLAN_PERSON && item != run->proof)
			tell_person(run, item);
		if (item->action == PLAN_PERSON || item->waits_for)
			pass_over(run, item);
		if (item->action == PLAN_WAITS ||
			(item->action == PLAN_OPEN && item->waits_for))
			tell_waiting(run, item);
		if (!run_refuse_order(run, item, err))
			return false;
		if (is_due(item) && !is_own(item) && !begin_item(run, item, &records[i], err))
			return false;
	}
	if (run->count > before)
		notify_status("rotating %zu tokens", run->count - before);
	return run_walk_rest(run, false, err) && set_own_aside(run, plan, wanted, records, err);
}

static bool
do_plan(struct run *run, struct err *err)
{
	struct context *context = run->context;
	const struct plan_options options = {
		.limit = run->orders->limit >= 0 ? run->orders->limit
		                                 : context->policies->limits.rotations_per_run,
		.ordered = run->orders->ordered,
		.context = run->orders->context,
	};
	auto_reading struct reading reading = { 0 };
	struct token_record *records;
	bool *wanted;

	if (!reading_take(context, &options, 0, &reading, err))
		return false;
	records = arena_alloc(context->arena, (reading.plan->count + 1) * sizeof(*records));
	wanted = arena_alloc(context->arena, (reading.plan->count + 1) * sizeof(*wanted));
	for (size_t i = 0; i < reading.plan->count; i++)
		wanted[i] = is_wanted(run, reading.plan->items[i].address.text);
	return run_check_restored(run, reading.plan, err) &&
	       aparts_remember(context->journal, reading.plan, context->arena, err) &&
	       adopt(run, reading.plan, wanted, records, err) && !stopped(run, err) &&
	       rotate_due(run, reading.plan, wanted, records, err) &&
	       run_fill(run, reading.plan, records, err);
}

/* --- the whole --- */

static int64_t
server_time(void *server)
{
	return gitlab_now(server);
}

static bool
do_phases(struct run *run, struct err *err)
{
	struct context *context = run->context;

	if (!remember_read(context->journal, context->arena, &run->before, err))
		return false;
	outcome_before(run->outcome, &run->before, server_time, context->server);
	if (!read_rows(run, err) || !run_finish_own(run, err))
		return false;
	if (run->rests)
		return true;
	if (!run_present_own(run, err) || !run_read_brakes(run, err))
		return false;
	run_check_clock(run);
	if (!finish_open_rows(run, err))
		return false;
	if (context->policies->is_valid && !stopped(run, err) && !do_plan(run, err))
		return false;
	if (stopped(run, err) || !run_walk_waiting(run, err) || !run_repair_losses(run, err) ||
		!run_rotate_own(run, err))
		return false;
	run_tell_breaker(run);
	if (!context->policies->is_valid)
		return err_set(
			err, ERR_POLICY, 0, "the policy is not valid: nothing new was begun");
	return true;
}

/* The head of the events, so that a copy of the log can vouch for them. */
static bool
log_head(struct run *run, struct err *err)
{
	char head[EVENT_HASH_TEXT];

	if (!journal_head(run->context->journal, head, err))
		return false;
	/* For the host's log, which the journal cannot reach; a person at a terminal has no use for it. */
	log_line(run->count && !isatty(STDERR_FILENO) ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG,
		"the journal's events end in %s", head);
	return true;
}

static bool
is_about(void *context, const char *address)
{
	return is_wanted(context, address);
}

/* `end` NULL: the run went through. */
static bool
remember(struct run *run, const struct err *end, struct err *err)
{
	return log_head(run, err) &&
	       remember_run(&(struct remembering){ .journal = run->context->journal,
				    .outcome = run->outcome,
				    .before = &run->before,
				    .now = gitlab_now(run->context->server),
				    .ended_by = end,
				    .is_partial = run->orders->ordered != NULL,
				    .is_about = is_about,
				    .context = run },
		       err);
}

static void
report(struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->attempts[i]->row->id)
			attempt_report(run->attempts[i], run->outcome);
}

static void
run_done(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		struct attempt *attempt = run->attempts[i];

		self_done(attempt);
		rotation_done(attempt->row);
		arena_free(attempt->arena);
		free(attempt);
	}
	for (size_t i = 0; i < run->workers; i++)
		gitlab_free(run->connections[i]);
	rotations_done(&run->rows);
	breaker_free(run->breaker);
}

bool
run_do(struct context *context, const struct run_orders *orders, struct outcome *outcome,
	struct err *err)
{
	struct run run = {
		.context = context,
		.orders = orders,
		.outcome = outcome,
		.workers = (size_t)context->policies->gitlab.requests_at_once,
	};
	struct err trouble;
	bool ok;

	run.breaker = breaker_new();
	run.connections = arena_alloc(context->arena, run.workers * sizeof(struct gitlab *));
	journal_set_now(context->journal, server_time, context->server);
	ok = do_phases(&run, err);
	context->is_spent = run.own || run.rests || (!ok && err->kind == ERR_CREDENTIAL);
	report(&run);
	/* What ended the run is told rather than what kept that from being written down. */
	if (!remember(&run, ok ? run.rests : err, &trouble) && ok) {
		*err = trouble;
		ok = false;
	}
	run_done(&run);
	return ok;
}
