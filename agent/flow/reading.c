#include "flow/reading.h"

#include "base/when.h"
#include "flow/grip.h"
#include "flow/hold_self.h"
#include "flow/inventory.h"
#include "flow/longest.h"
#include "flow/own.h"

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

/* What the plan must leave alone: the tokens behind the credentials that are presented. */
static bool
read_in_use(struct context *context, struct reading *reading, struct plan_options *options,
	struct err *err)
{
	struct err ignored;
	int64_t *ids;

	options->own_token_id = identity_token_id(context->identity);
	if (!own_rescue(context, &options->rescue_token_id, &ignored, err) ||
		!hold_self(context, &reading->records, &reading->rows, &reading->holdings, &ids,
			&options->in_use_count, err))
		return false;
	options->in_use = ids;
	return true;
}

static bool
read_longest(
	struct context *context, int64_t now, struct plan_options *options, struct err *err)
{
	for (int type = 0; type < TYPE_COUNT; type++)
		if (!longest_known(context->journal, (enum token_type)type, now, context->arena,
			    &options->longest_days[type], err))
			return false;
	return true;
}

static bool
read_rows(struct context *context, struct reading *reading, struct plan_options *options,
	struct err *err)
{
	struct grip *grips;

	if (!journal_open_rows(context->journal, context->arena, &reading->rows, err) ||
		!grips_read(context->journal, &reading->rows, context->arena, &grips, err))
		return false;
	options->grips = grips;
	return true;
}

bool
reading_take(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err)
{
	struct plan_options whole = *options;

	whole.brakes = &reading->brakes;
	return brakes_read(context->journal, context->policies->file, context->arena,
		       &reading->brakes, err) &&
	       own_add_entry(context, err) && read_well_at(context, &whole.well_at, err) &&
	       read_longest(context, now ? now : gitlab_now(context->server), &whole, err) &&
	       journal_tokens(context->journal, context->arena, &reading->records, err) &&
	       read_rows(context, reading, &whole, err) &&
	       inventory_read(context->server, context->credential,
		       (size_t)context->policies->gitlab.requests_at_once, context->policies,
		       &reading->records, context->arena, &reading->holdings, err) &&
	       read_in_use(context, reading, &whole, err) &&
	       plan_build(context->policies, &reading->holdings, &reading->records,
		       &reading->rows, now ? now : gitlab_now(context->server), &whole,
		       &reading->plan, err);
}

bool
reading_open(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err)
{
	return own_present(context, err) &&
	       identity_prove(context->identity, context->gitlab, err) &&
	       reading_take(context, options, now, reading, err);
}
