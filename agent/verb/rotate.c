/* rotate: the tokens that a person names, now. Says which they are before it asks for more than was written out. */
#include <string.h>
#include <unistd.h>

#include "flow/run.h"
#include "report/alert.h"
#include "report/page.h"
#include "report/summary.h"
#include "verb/choose.h"
#include "verb/options.h"
#include "verb/verb.h"

struct order {
	const struct plan *plan;
	const bool *chosen;
};

/* Its open row may still stand under the path that it had before. */
static bool
goes_by(const struct plan_item *item, const char *address)
{
	return !strcmp(item->address.text, address) ||
	       (item->row && !strcmp(item->record->address, address));
}

static bool
is_ordered(void *context, const struct address *address)
{
	const struct order *order = context;

	for (size_t i = 0; i < order->plan->count; i++)
		if (order->chosen[i] && goes_by(&order->plan->items[i], address->text))
			return true;
	return false;
}

/* A released token has no destinations any more: rotating it would only break its consumers. */
static bool
can_be_ordered(const struct plan_item *item, struct err *err)
{
	if (item->action == PLAN_RELEASED)
		return err_set(err, ERR_USAGE, 0,
			"%s was released: no entry of the policy names it any more",
			item->address.text);
	return true;
}

static bool
count_ordered(const struct order *order, size_t *count, struct err *err)
{
	*count = 0;
	for (size_t i = 0; i < order->plan->count; i++) {
		if (!order->chosen[i])
			continue;
		if (!can_be_ordered(&order->plan->items[i], err))
			return false;
		++*count;
	}
	return true;
}

/* Asks on the terminal; without one only --yes will do. */
static bool
confirm(const struct order *order, size_t count, struct err *err)
{
	char answer[16] = "";

	for (size_t i = 0; i < order->plan->count; i++)
		if (order->chosen[i])
			fprintf(stderr, "  %s\n", order->plan->items[i].address.text);
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE, 0,
			"these are %zu tokens: name each, or confirm with --yes", count);
	fprintf(stderr, "Rotate these %zu tokens now? Their old secrets die at once. [y/N] ",
		count);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	return err_set(err, ERR_USAGE, 0, "nothing was rotated");
}

/* A person who names a token wants it rotated; whoever paused it had a reason, too. */
static void
tell_brakes(const struct order *order)
{
	for (size_t i = 0; i < order->plan->count; i++)
		if (order->chosen[i] && order->plan->items[i].brake)
			fprintf(stderr, "%s: %s; rotated all the same, as ordered\n",
				order->plan->items[i].address.text,
				order->plan->items[i].brake->text);
}

static bool
read_order(struct context *context, const struct options *options, struct reading *reading,
	struct order *order, struct err *err)
{
	struct plan_options wishes = { .limit = 0 };
	bool *chosen;
	size_t count;

	if (!reading_open(context, &wishes, 0, reading, err))
		return false;
	if (!choose_items(options, reading->plan, context->arena, &chosen, err))
		return false;
	*order = (struct order){ reading->plan, chosen };
	if (!count_ordered(order, &count, err))
		return false;
	if (count > options->argument_count && !options->yes)
		return confirm(order, count, err);
	return true;
}

bool
verb_rotate(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	auto_outcome struct outcome *outcome = outcome_new();
	auto_reading struct reading reading = { 0 };
	struct order order;
	struct run_orders orders = { .limit = -1, .ordered = is_ordered, .context = &order };
	bool ended;

	if (!read_order(context, options, &reading, &order, err))
		return false;
	if (!options->quiet)
		tell_brakes(&order);
	ended = run_do(context, &orders, outcome, err);
	summary_print(outcome, gitlab_now(context->server),
		options->quiet ? SUMMARY_NEVER
		: ended        ? SUMMARY_ALWAYS
			       : SUMMARY_WHEN_DONE);
	alert_run(context, ended ? NULL : err);
	if (!ended)
		return false;
	*exit_code = outcome_exit(outcome);
	return true;
}
