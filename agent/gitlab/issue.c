#include "gitlab/issue.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

#define FILLS(member) offsetof(struct issue, member)
static const struct field read_fields[] = {
	{ "iid", FIELD_INT, FILLS(iid), .required = true },
	{ "title", FIELD_TEXT, FILLS(title) },
	{ "description", FIELD_TEXT, FILLS(description) },
	{ "state", FIELD_TEXT, FILLS(state) },
	{ NULL },
};
static const struct shape read_shape = { "an issue", read_fields, sizeof(struct issue),
	.tolerant = true };

static const struct field sent_fields[] = {
	{ "title", FIELD_TEXT, FILLS(title) },
	{ "description", FIELD_TEXT, FILLS(description) },
	{ "labels", FIELD_TEXT, FILLS(labels) },
	{ "confidential", FIELD_BOOL, FILLS(confidential) },
	{ NULL },
};
static const struct shape sent_shape = { "a new issue", sent_fields, sizeof(struct issue) };

struct change {
	struct place at;
	const char *body, *state_event;
};
static const struct field change_fields[] = {
	{ "body", FIELD_TEXT, offsetof(struct change, body) },
	{ "state_event", FIELD_TEXT, offsetof(struct change, state_event) },
	{ NULL },
};
static const struct shape change_shape = { "a change", change_fields, sizeof(struct change) };

static const char *
issues_path(const char *project, struct arena *arena)
{
	return arena_format(arena, "/api/v4/projects/%s/issues", project);
}

/* GitLab's search may find more than was asked for, and never counts for an answer by itself. */
bool
issue_find(struct gitlab *gitlab, const char *project, const char *mark, struct arena *arena,
	bool *found, struct issue *issue, struct err *err)
{
	const char *path = arena_format(
		arena, "%s?in=description&search=%s", issues_path(project, arena), mark);
	const struct issue *issues;
	struct list list;

	if (!gitlab_list(gitlab, path, &read_shape, arena, &list, err))
		return err_wrap(err, "looking for its issue");
	issues = list.items;
	*found = false;
	for (size_t i = 0; i < list.count && !*found; i++) {
		*found = issues[i].description && strstr(issues[i].description, mark) &&
		         issues[i].state && !strcmp(issues[i].state, "opened");
		if (*found)
			*issue = issues[i];
	}
	return true;
}

bool
issue_create(struct gitlab *gitlab, const char *project, const struct issue *issue,
	struct arena *arena, int64_t *iid, struct err *err)
{
	auto_secret struct secret *body = json_encode(&sent_shape, issue);
	auto_http_answer struct http_answer answer = { 0 };
	struct issue made;

	if (!gitlab_call(gitlab, "POST", issues_path(project, arena), body, &answer, err))
		return err_wrap(err, "opening an issue");
	if (!json_decode(answer.body, &read_shape, arena, &made, err)) {
		err->kind = ERR_DOUBT;
		return err_wrap(err, "GitLab's answer with the issue");
	}
	*iid = made.iid;
	return true;
}

static bool
change_issue(struct gitlab *gitlab, const char *method, const char *path,
	const struct change *change, struct err *err)
{
	auto_secret struct secret *body = json_encode(&change_shape, change);
	auto_http_answer struct http_answer answer = { 0 };

	return gitlab_call(gitlab, method, path, body, &answer, err);
}

bool
issue_comment(struct gitlab *gitlab, const char *project, int64_t iid, const char *text,
	struct arena *arena, struct err *err)
{
	const char *path =
		arena_format(arena, "%s/%" PRId64 "/notes", issues_path(project, arena), iid);

	return change_issue(gitlab, "POST", path, &(struct change){ .body = text }, err) ||
	       err_wrap(err, "commenting issue %" PRId64, iid);
}

bool
issue_close(struct gitlab *gitlab, const char *project, int64_t iid, struct arena *arena,
	struct err *err)
{
	const char *path = arena_format(arena, "%s/%" PRId64, issues_path(project, arena), iid);

	return change_issue(
		       gitlab, "PUT", path, &(struct change){ .state_event = "close" }, err) ||
	       err_wrap(err, "closing issue %" PRId64, iid);
}
