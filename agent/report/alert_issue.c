/* A condition as an issue of its project: found again by a mark, so that nothing is opened twice. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "gitlab/issue.h"
#include "report/alert_send.h"

#define CONNECT_MSEC 3000
#define ANSWER_MSEC 5000
#define TITLE_MOST 200

/* --- GitLab --- */

bool
alert_gitlab_open(struct context *context, struct alert_gitlab *opened, struct err *err)
{
	const struct gitlab_section *section = &context->policies->gitlab;
	const struct http_options options = { .url = section->url,
		.ca_file = section->ca_file,
		.connect_msec = CONNECT_MSEC,
		.answer_msec = ANSWER_MSEC };
	int64_t ages_sec[10];

	if (!context->gitlab || context->is_spent || !identity_token_id(context->identity) ||
		identity_is_distrusted(context->identity))
		return err_set(err, ERR_LATER, 0,
			"GitLab cannot be asked now: our credential is not proven, or was just rotated");
	if (!http_site_new(&options, &opened->site, err))
		return false;
	opened->server = gitlab_server_new(opened->site, context->stop);
	gitlab_server_set_failures(opened->server, ages_sec,
		refusals_ages(context->refusals, ages_sec, ARRAY_SIZE(ages_sec)), refusals_add,
		context->refusals);
	opened->gitlab = gitlab_new(opened->server, context->credential);
	gitlab_set_hasty(opened->gitlab);
	return true;
}

void
alert_gitlab_close(struct alert_gitlab *opened)
{
	gitlab_free(opened->gitlab);
	gitlab_server_free(opened->server);
	http_site_free(opened->site);
}

/* --- the issue --- */

static uint64_t
add_to_hash(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

/* One word of letters and digits, which any search finds; ours alone, for another journal has other conditions. */
static const char *
mark_of(const char *uuid, const char *address, const char *destination, int64_t advice,
	struct arena *arena)
{
	char code[24];
	uint64_t hash = add_to_hash(HASH_START, uuid);

	snprintf(code, sizeof(code), "%" PRId64, advice);
	hash = add_to_hash(add_to_hash(add_to_hash(hash, address), destination), code);
	return arena_format(arena, "glrotate%016" PRIx64, hash);
}

/* Indented by four, Markdown shows it as it is: no mention, link or quick action is made of it. */
static const char *
as_code(const char *text, struct arena *arena)
{
	const char *code = "";

	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		code = arena_format(arena, "%s    %.*s\n", code, (int)(end - text), text);
	}
	return code;
}

static const char *
labels_of(const struct alert_issue *alert, struct arena *arena)
{
	const char *labels = NULL;

	for (size_t i = 0; i < alert->labels.count; i++)
		labels = labels ? arena_format(arena, "%s,%s", labels, alert->labels.items[i])
		                : alert->labels.items[i];
	return labels;
}

static bool
open_issue(struct gitlab *gitlab, const struct alert_issue *alert, const char *project,
	const char *mark, const struct alert_item *item, const char *text, struct arena *arena,
	struct err *err)
{
	const struct condition *condition = item->condition;
	const char *address = condition->trouble.address;
	const struct issue issue = {
		.title = arena_format(arena, "glrotate: %s%s%.*s", alert_headline(condition),
			*address ? ": " : "", TITLE_MOST, address),
		.description = arena_format(arena,
			"%s\nThis issue is closed when the condition ends. Mark: %s\n",
			as_code(text, arena), mark),
		.labels = labels_of(alert, arena),
		.confidential = alert->confidential == STATED_NO ? STATED_NO : STATED_YES,
	};
	int64_t iid;

	return issue_create(gitlab, project, &issue, arena, &iid, err);
}

static bool
end_issue(struct gitlab *gitlab, const char *project, const struct issue *issue,
	const char *text, struct arena *arena, struct err *err)
{
	return issue_comment(gitlab, project, issue->iid, as_code(text, arena), arena, err) &&
	       issue_close(gitlab, project, issue->iid, arena, err);
}

bool
alert_issue_send(struct gitlab *gitlab, const struct alert_issue *alert, const char *uuid,
	const struct alert_item *item, int64_t now, struct arena *arena, struct err *err)
{
	const struct condition *condition = item->condition;
	const struct told *told = item->told;
	const char *text = alert_item_text(item, now, arena);
	const char *project = condition ? condition->project : told->project;
	const char *mark =
		condition
			? mark_of(uuid, condition->trouble.address, condition->destination,
				  condition->trouble.advice, arena)
			: mark_of(uuid, told->address, told->destination, told->advice, arena);
	struct issue issue;
	bool found;

	if (!issue_find(gitlab, project, mark, arena, &found, &issue, err))
		return false;
	if (!condition)
		return !found || end_issue(gitlab, project, &issue, text, arena, err);
	if (!found)
		return open_issue(gitlab, alert, project, mark, item, text, arena, err);
	/* The one whose answer was lost, or of a journal that was put back: it tells all already. */
	if (item->reason == ALERT_NEW)
		return true;
	return issue_comment(gitlab, project, issue.iid, as_code(text, arena), arena, err);
}
