/* Our own credential within a run: first of all which secret of it is the present one, last of all its rotation. */
#include "base/advice.h"
#include "base/log.h"
#include "base/when.h"
#include "flow/own.h"
#include "flow/own_end.h"
#include "flow/running.h"
#include "flow/self.h"

static struct rotation *
own_row(struct run *run)
{
	for (size_t i = 0; run->own_number && i < run->rows.count; i++)
		if (run->rows.items[i].token == run->own_number)
			return &run->rows.items[i];
	return NULL;
}

/* They present the secret that was. */
static void
disconnect(struct run *run)
{
	for (size_t i = 0; i < run->workers; i++)
		gitlab_free(take(run->connections[i]));
}

bool
run_finish_own(struct run *run, struct err *err)
{
	struct rotation *row = own_row(run);
	struct attempt *own;

	if (!row)
		return true;
	if (!own_add_entry(run->context, err) || !run_open_row(run, row, err))
		return false;
	own = run->attempts[run->count - 1];
	/* What has not sent anything begins anew, at the end. */
	if (row->state == STATE_PLANNED && self_is(own) && !row->old_id)
		return journal_move(run->context->journal, row, STATE_DROPPED, NULL,
			"it begins anew at the end of this run", err);
	if (!run_walk(run, &own, 1, err) || !run_walk_waiting(run, err))
		return false;
	disconnect(run);
	if (row_state_is_open(row->state) &&
		(row->state < STATE_HELD || row->state > STATE_SWEPT))
		run->rests = &own->trouble;
	return true;
}

/* Every run says it: when it is dead there is no run that could. */
static bool
tell_end(struct context *context, struct err *err)
{
	const struct token *token = identity_token(context->identity);
	const struct own_end end = own_end_of(token, context->policies);
	const int64_t now = gitlab_now(context->server);

	if (own_end_warns(&end, now))
		log_line(LOG_LEVEL_WARNING, "%s (GLR-%d)",
			own_end_words(&end, now, context->arena), GLR_OWN_ENDS);
	return own_end_remember(context->journal, token, context->arena, err);
}

bool
run_present_own(struct run *run, struct err *err)
{
	struct context *context = run->context;
	struct err trouble;
	int64_t ignored;

	if (!own_present(context, err) ||
		!identity_prove(context->identity, context->gitlab, err) ||
		!tell_end(context, err) || !own_settle(context, run->outcome, err) ||
		!own_rescue(context, &ignored, &trouble, err))
		return false;
	if (trouble.kind != ERR_NONE)
		outcome_trouble(run->outcome, &(struct trouble){ .address = "",
						      .text = trouble.text,
						      .advice = trouble.advice,
						      .person = trouble.advice != 0,
						      .works_until = NO_MOMENT });
	return true;
}

bool
run_rotate_own(struct run *run, struct err *err)
{
	return !run->own || (run_walk(run, &run->own, 1, err) && run_walk_waiting(run, err));
}
