/* Alerts without what a run has found: that there is no journal to read it from, and that this is a test. */
#include <string.h>
#include <time.h>

#include "base/advice.h"
#include "base/http.h"
#include "base/when.h"
#include "gitlab/issue.h"
#include "report/alert_send.h"
#include "store/alerted.h"

static struct alert_message
message_of_one(const struct context *context, const struct alert_item *item, int64_t now,
	struct arena *arena)
{
	struct alert_items *items = arena_alloc(arena, sizeof(*items));

	*items = (struct alert_items){ arena_alloc(arena, sizeof(*item)), 1 };
	items->items[0] = *item;
	return alert_message_of(items, context->policies->gitlab.url, now, arena);
}

void
alert_unopened(struct context *context, const struct err *end)
{
	auto_arena struct arena *arena = arena_new();
	const int64_t now = (int64_t)time(NULL);
	const int code = outcome_exit_for(end);
	const struct condition condition = { .kind = CONDITION_PERSON,
		.trouble = { .address = "",
			.text = end->text,
			.advice = end->kind == ERR_CREDENTIAL && !end->advice
		                          ? GLR_OWN_CREDENTIAL
		                          : end->advice,
			.person = true,
			.works_until = NO_MOMENT },
		.destination = "" };
	const char *what = arena_format(arena, "GLR-%d", condition.trouble.advice);
	const struct alert_item item = { .reason = ALERT_NEW, .condition = &condition };
	struct alerts alerts;
	struct alert_message message;

	if (!context->policies || code < 2 || code > 3)
		return;
	alerts = alerts_of(context->policies, arena, NULL);
	/* What passes is not worth a message without a memory; nor is one that comes every hour. Where nobody is told nothing is
	 * noted: what cannot be read stays as it was found. Whoever dies while telling has not told. */
	if (!alerts.count || alerted_lately(context->state, what, now, DAY_SEC) ||
		!alerted_note(context->state, "telling"))
		return;
	message = message_of_one(context, &item, now, arena);
	for (size_t i = 0; i < alerts.count; i++) {
		const struct alert *alert = &alerts.items[i];
		struct err err;
		bool ok;

		if (alert->kind == ALERT_GITLAB_ISSUE ||
			!alert_is_for(alert->rules, &condition, now))
			continue;
		ok = alert_send(alert, &message, arena, &err);
		outcome_alert(alert->name, message.subject, ok ? NULL : &err);
	}
	/* Where that fails it is told once more. */
	(void)alerted_note(context->state, what);
}

/* --- a test --- */

static bool
test_issue(struct context *context, const struct alert_issue *issue,
	const struct alert_item *item, int64_t now, struct arena *arena, struct err *err)
{
	const char *project = issue->project ? http_escape(arena, issue->project) : NULL;
	struct condition condition = *item->condition;
	const struct told told = { .address = "",
		.destination = "",
		.project = project,
		.headline = "this was a test" };
	struct alert_gitlab gitlab = { 0 };
	bool ok;

	if (!project)
		return err_set(err, ERR_REFUSED, 0,
			"has no project of its own, so there is nowhere to try it: add 'project'");
	condition.project = project;
	ok = identity_prove(context->identity, context->gitlab, err) &&
	     alert_gitlab_open(context, &gitlab, err) &&
	     alert_issue_send(gitlab.gitlab, issue, "test",
		     &(struct alert_item){ .reason = ALERT_NEW, .condition = &condition }, now,
		     arena, err) &&
	     alert_issue_send(gitlab.gitlab, issue, "test",
		     &(struct alert_item){ .reason = ALERT_OVER, .told = &told }, now, arena,
		     err);
	alert_gitlab_close(&gitlab);
	return ok;
}

bool
alert_test(struct context *context, const struct alert *alert, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	const int64_t now = (int64_t)time(NULL);
	const struct condition condition = { .kind = CONDITION_PERSON,
		.trouble = { .address = "",
			.text = "this is a test, ordered by glrotate alert --test: nothing is wrong",
			.person = true,
			.since = now,
			.works_until = NO_MOMENT },
		.destination = "" };
	const struct alert_item item = { .reason = ALERT_NEW, .condition = &condition };
	struct alert_message message;

	if (alert->kind == ALERT_GITLAB_ISSUE)
		return test_issue(context, (const void *)alert->rules, &item, now, arena, err);
	message = message_of_one(context, &item, now, arena);
	message.subject = "glrotate: this is a test, nothing is wrong";
	return alert_send(alert, &message, arena, err);
}
