/* When nothing new is begun: what each condition is, and how it is told. */
#include "base/advice.h"
#include "base/log.h"
#include "base/when.h"
#include "flow/begin.h"
#include "flow/restored.h"
#include "flow/running.h"

static void
hold(struct run *run, const char *address, const struct err *why)
{
	breaker_hold(run->breaker, why);
	outcome_trouble(run->outcome, &(struct trouble){ .address = address,
					      .text = why->text,
					      .advice = why->advice,
					      .person = true,
					      .works_until = NO_MOMENT });
}

static bool
end_pause(struct run *run, const struct pause *pause, struct err *err)
{
	return journal_resume(run->context->journal, pause,
		arena_format(run->context->arena, "%s: its time is over", pause->pattern), err);
}

bool
run_read_brakes(struct run *run, struct err *err)
{
	struct context *context = run->context;
	const int64_t now = gitlab_now(context->server);
	struct brakes *brakes = &run->brakes;

	if (!brakes_read(
		    context->journal, context->policies->file, context->arena, brakes, err))
		return false;
	if (brakes->freeze)
		log_line(LOG_LEVEL_NOTICE, "%s; nothing new is begun%s", brakes->freeze->text,
			run->orders->ordered ? " but what is ordered" : "");
	for (size_t i = 0; i < brakes->count; i++)
		if (!brake_is_on(&brakes->items[i], now) &&
			!end_pause(run, brakes->items[i].pause, err))
			return false;
	return true;
}

bool
run_has_brake(struct run *run, const struct attempt *attempt)
{
	struct address address;
	struct err ignored;

	return !run->orders->ordered &&
	       address_parse(
		       attempt->arena, attempt->row->address, false, &address, &ignored) &&
	       brakes_find(&run->brakes, &address, gitlab_now(run->context->server));
}

bool
run_is_braked(struct run *run, const struct attempt *attempt)
{
	return attempt->row->state != STATE_LOST &&
	       begin_is_uncommitted(attempt->row, &attempt->frozen) &&
	       run_has_brake(run, attempt);
}

void
run_check_clock(struct run *run)
{
	const int64_t skew_sec = gitlab_clock_skew(run->context->server);
	const int64_t off_sec = skew_sec < 0 ? -skew_sec : skew_sec;
	const int64_t most_sec = run->context->policies->limits.clock_skew_sec;
	char span[WHEN_TEXT_BYTES];
	struct err why;

	/* 0: what a policy that is not valid says of it. */
	if (off_sec <= (most_sec ? most_sec : 5 * MINUTE_SEC))
		return;
	err_set(&why, ERR_PERSON, 0, "this host's clock is %s %s GitLab's",
		span_text(off_sec, span), skew_sec < 0 ? "behind" : "ahead of");
	err_advise(&why, GLR_CLOCK);
	hold(run, "", &why);
}

bool
run_check_restored(struct run *run, const struct plan *plan, struct err *err)
{
	const struct plan_item *found;
	const char *proof;
	struct err why;
	bool told;

	if (run->orders->ordered)
		return true;
	if (!restored_find(
		    run->context->journal, plan, run->context->arena, &found, &proof, err))
		return false;
	if (!found)
		return true;
	/* Else the item has a condition of its own to tell, and this one is the run's. */
	told = found->advice == GLR_RESTORED;
	err_set(&why, ERR_PERSON, 0, "%s%s%s", told ? "" : found->address.text,
		told ? "" : ": ", proof);
	err_advise(&why, GLR_RESTORED);
	hold(run, told ? found->address.text : "", &why);
	run->proof = told ? found : NULL;
	return true;
}

/* Every place has the secret of an open row already, so that going on with it gives no new one. */
static bool
is_late(const struct rotation *row)
{
	switch (row->state) {
	case STATE_DELIVERED:
	case STATE_VERIFIED:
	case STATE_SWEPT:
	case STATE_OVERLAP:
	case STATE_RETIRING:
	case STATE_RETIRED:
	case STATE_SETTLED:
		return true;
	default:
		return false;
	}
}

static const char *
why_refused(const struct plan_item *item)
{
	return item->action == PLAN_OPEN && !is_late(item->row) ? NULL : item->why;
}

/* By the time of the plan what was made in its place may be everywhere. */
static bool
was_let_go(const struct run *run, const struct rotation *row)
{
	for (size_t i = 0; row && i < run->count; i++)
		if (run->attempts[i]->row->id == row->id)
			return run->attempts[i]->was_let_go;
	return false;
}

bool
run_refuse_order(struct run *run, const struct plan_item *item, struct err *err)
{
	struct context *context = run->context;
	const char *text;

	if (!item->is_ordered || !why_refused(item) || item->action == PLAN_ROTATE ||
		item->action == PLAN_CREATE || was_let_go(run, item->row))
		return true;
	text = arena_format(context->arena, "NOT rotated: %s", why_refused(item));
	/* The others are told as what they are. */
	if (item->action == PLAN_NOTHING || item->action == PLAN_OPEN ||
		item->action == PLAN_WAITS)
		outcome_trouble(run->outcome,
			&(struct trouble){ .address = item->address.text,
				.text = text,
				.advice = item->action == PLAN_NOTHING ? GLR_NOT_MANAGED
		                                                       : item->advice,
				.person = true,
				.works_until = item->token ? date_start(item->token->expires_on)
		                                           : NO_MOMENT });
	return journal_event(context->journal, item->address.text,
		item->row ? item->row->id : 0, "order.refused", text, err);
}

/* Rows that were planned and not begun: the next run plans them again. */
static size_t
count_left(const struct run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++)
		count += !run->attempts[i]->row->id;
	return count;
}

void
run_tell_breaker(struct run *run)
{
	struct err why;

	if (!breaker_ends(run->breaker))
		return;
	breaker_holds(run->breaker, &why);
	outcome_trouble(run->outcome,
		&(struct trouble){ .address = "",
			.text = arena_format(run->context->arena,
				"%s; %zu are left for a later run", why.text, count_left(run)),
			.works_until = NO_MOMENT });
}
