#include "flow/reading.h"

#include "base/when.h"
#include "flow/inventory.h"

void
reading_done(struct reading *reading)
{
	rotations_done(&reading->rows);
	plan_free(reading->plan);
	*reading = (struct reading){ 0 };
}

/* When the last run of all tokens was, if it found all well; else 0. */
static bool
read_well_at(struct context *context, int64_t *well_at, struct err *err)
{
	const char *well;
	int64_t msec;

	if (!journal_get(context->journal, "all_well", context->arena, &well, err))
		return false;
	*well_at = *well && moment_parse_msec(well, &msec) ? msec / 1000 : 0;
	return true;
}

bool
reading_take(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err)
{
	struct plan_options with_own = *options;

	with_own.own_token_id = identity_token_id(context->identity);
	return read_well_at(context, &with_own.well_at, err) &&
	       journal_tokens(context->journal, context->arena, &reading->records, err) &&
	       journal_open_rows(context->journal, context->arena, &reading->rows, err) &&
	       inventory_read(context->server, context->credential,
		       (size_t)context->policies->gitlab.requests_at_once, context->policies,
		       &reading->records, context->arena, &reading->holdings, err) &&
	       plan_build(context->policies, &reading->holdings, &reading->records,
		       &reading->rows, now ? now : gitlab_now(context->server), &with_own,
		       &reading->plan, err);
}

bool
reading_open(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err)
{
	return identity_prove(context->identity, context->gitlab, err) &&
	       reading_take(context, options, now, reading, err);
}
