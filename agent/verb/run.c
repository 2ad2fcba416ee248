/* run: the timer's verb: finishes what is open, adopts, rotates what is due. Silent when there was nothing to do. */
#include "flow/run.h"
#include <unistd.h>

#include "base/notify.h"
#include "report/alert.h"
#include "report/heartbeat.h"
#include "report/summary.h"
#include "verb/verb.h"

/* Silent from a timer when there was nothing to do. */
static enum summary_when
summary_wanted(const struct options *options, bool ended)
{
	if (options->quiet)
		return SUMMARY_NEVER;
	return ended && (options->verbose || isatty(STDOUT_FILENO)) ? SUMMARY_ALWAYS
	                                                            : SUMMARY_WHEN_DONE;
}

bool
verb_run(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct run_orders orders = { .limit = options->limit };
	auto_outcome struct outcome *outcome = outcome_new();
	bool ended;

	notify_status("reading GitLab");
	ended = run_do(context, &orders, outcome, err);
	summary_print(outcome, gitlab_now(context->server), summary_wanted(options, ended));
	*exit_code = ended ? outcome_exit(outcome) : outcome_exit_for(err);
	if (context->policies && !context->policies->is_valid && *exit_code < 3)
		*exit_code = 2;
	alert_run(context, ended ? NULL : err);
	heartbeat_beat(context, *exit_code);
	return ended;
}
