/* issues.c: issues of projects and their notes; confidential ones are for reporters and their authors. */
#include "access.h"
#include "keys.h"
#include "page.h"
#include "people.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

enum { TITLE_MAX = 255 };

static json_t *
issue_view(struct sim *sim, struct request *request, void *row)
{
	const struct issue *issue = row;
	char created[MOMENT_SIZE], updated[MOMENT_SIZE];
	json_t *json = json_pack("{s:I, s:I, s:I, s:s, s:s?, s:s, s:s, s:s, s:o, s:o, s:O}",
		"id", (json_int_t)issue->id, "iid", (json_int_t)issue->iid, "project_id",
		(json_int_t)issue->project->id, "title", issue->title, "description",
		issue->description, "state", issue->closed_at ? "closed" : "opened",
		"created_at", moment_print(issue->created_at, created), "updated_at",
		moment_print(issue->updated_at, updated), "closed_at",
		moment_json(issue->closed_at), "closed_by",
		issue->closed_by
			? user_basic(sim, request, list_at(&sim->world.users, issue->closed_by))
			: json_null(),
		"labels", issue->labels);

	json_object_set_new(json, "author",
		user_basic(sim, request, list_at(&sim->world.users, issue->author_id)));
	json_object_set_new(json, "type", json_string("ISSUE"));
	json_object_set_new(
		json, "user_notes_count", json_integer((json_int_t)issue->notes.count));
	json_object_set_new(json, "confidential", json_boolean(issue->confidential));
	json_object_set_new(json, "issue_type", json_string("issue"));
	return json;
}

static json_t *
note_view(struct sim *sim, struct request *request, void *row)
{
	const struct note *note = row;
	char created[MOMENT_SIZE];
	json_t *json = json_pack("{s:I, s:n, s:s, s:s, s:b, s:s}", "id", (json_int_t)note->id,
		"type", "body", note->body, "created_at",
		moment_print(note->created_at, created), "system", 0, "noteable_type", "Issue");

	json_object_set_new(json, "author",
		user_basic(sim, request, list_at(&sim->world.users, note->author_id)));
	return json;
}

static bool
may_see(struct sim *sim, struct request *request, const struct issue *issue)
{
	return !issue->confidential || issue->author_id == request->user->id ||
	       has_level(sim, request, issue->project, LEVEL_REPORTER);
}

/* Every word, in any case, in one of the named texts. */
static bool
is_found(const struct request *request, const struct issue *issue)
{
	const char *in = param_text(request, "in"), *search = param_text(request, "search");
	char *words, *rest, *word;
	bool found = true;

	if (!search)
		return true;
	words = rest = must_copy(search);
	while (found && (word = strsep(&rest, " ")))
		found = (strstr(in, "title") && strcasestr(issue->title, word)) ||
		        (strstr(in, "description") && issue->description &&
				strcasestr(issue->description, word));
	free(words);
	return found;
}

static void
issues_list(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct resource *project = resource_require(sim, request, PROJECT, answer);
	const struct list *issues = &sim->world.extras.issues;
	const char *state;
	struct list found = { 0 };

	if (!project)
		return;
	state = param_text(request, "state");
	/* The newest first, as GitLab has it where nobody says. */
	for (size_t i = issues->count; i-- > 0;) {
		struct issue *issue = issues->items[i];

		if (issue->project == project && may_see(sim, request, issue) &&
			(!strcmp(state, "all") ||
				!strcmp(state, issue->closed_at ? "closed" : "opened")) &&
			is_found(request, issue))
			list_add(&found, issue);
	}
	page_answer(sim, request, &found, issue_view, answer);
	list_done(&found);
}

static struct issue *
issue_require(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct resource *project = resource_require(sim, request, PROJECT, answer);
	const struct list *issues = &sim->world.extras.issues;

	if (!project)
		return NULL;
	for (size_t i = 0; i < issues->count; i++) {
		struct issue *issue = issues->items[i];

		if (issue->project == project &&
			issue->iid == param_number(request, "issue_iid") &&
			may_see(sim, request, issue))
			return issue;
	}
	error_record_not_found(answer);
	return NULL;
}

static void
issue_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct issue *issue = issue_require(sim, request, answer);

	if (issue)
		answer_json(answer, 200, issue_view(sim, request, issue));
}

static bool
check_title(const struct request *request, struct answer *answer)
{
	const char *title = param_text(request, "title");

	if (title && !*title)
		error_validation(answer, "title", "can't be blank");
	else if (title && strlen(title) > TITLE_MAX)
		error_validation(answer, "title", "is too long (maximum is 255 characters)");
	else
		return true;
	answer->status = 400;
	return false;
}

static void
set_text(char **text, const struct request *request, const char *name)
{
	if (!param_given(request, name))
		return;
	free(*text);
	*text = param_text(request, name) ? must_copy(param_text(request, name)) : NULL;
}

static void
issue_set(struct issue *issue, const struct request *request)
{
	set_text(&issue->title, request, "title");
	set_text(&issue->description, request, "description");
	if (param_given(request, "confidential"))
		issue->confidential = param_true(request, "confidential");
	if (param_given(request, "labels")) {
		json_decref(issue->labels);
		issue->labels = json_deep_copy(json_object_get(request->params, "labels"));
	}
}

static void
issue_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = resource_require(sim, request, PROJECT, answer);
	struct issue *issue;

	if (!project)
		return;
	if (project->archived || !has_level(sim, request, project, LEVEL_GUEST)) {
		error_forbidden(answer);
		return;
	}
	if (!check_title(request, answer))
		return;
	issue = issue_add(&sim->world.extras, project, request->user->id);
	issue->created_at = issue->updated_at = clock_now(&sim->clock);
	issue_set(issue, request);
	answer_json(answer, 201, issue_view(sim, request, issue));
}

static void
issue_update(struct sim *sim, struct request *request, struct answer *answer)
{
	struct issue *issue = issue_require(sim, request, answer);
	const char *event;

	if (!issue)
		return;
	if (issue->project->archived ||
		(issue->author_id != request->user->id &&
			!has_level(sim, request, issue->project, LEVEL_REPORTER))) {
		error_forbidden(answer);
		return;
	}
	/* `id` and `issue_iid` are always there. */
	if (json_object_size(request->params) <= 2) {
		error_error(answer, 400,
			"title, description, confidential, labels, state_event are missing, at "
			"least one parameter must be provided");
		return;
	}
	if (!check_title(request, answer))
		return;
	issue_set(issue, request);
	event = param_text(request, "state_event");
	issue->updated_at = clock_now(&sim->clock);
	if (event && !strcmp(event, "close") && !issue->closed_at) {
		issue->closed_at = issue->updated_at;
		issue->closed_by = request->user->id;
	} else if (event && !strcmp(event, "reopen")) {
		issue->closed_at = issue->closed_by = 0;
	}
	answer_json(answer, 200, issue_view(sim, request, issue));
}

static void
notes_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct issue *issue = issue_require(sim, request, answer);

	if (issue)
		page_answer(sim, request, &issue->notes, note_view, answer);
}

static void
note_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct issue *issue = issue_require(sim, request, answer);
	struct note *note;

	if (!issue)
		return;
	if (issue->project->archived || !has_level(sim, request, issue->project, LEVEL_GUEST)) {
		error_forbidden(answer);
		return;
	}
	note = note_add(
		&sim->world.extras, issue, request->user->id, param_text(request, "body"));
	note->created_at = issue->updated_at = clock_now(&sim->clock);
	answer_json(answer, 201, note_view(sim, request, note));
}

/* clang-format off */
#define IID { "issue_iid", PARAM_NUMBER, .required = true }
#define SETTINGS \
	{ "description", PARAM_TEXT }, { "confidential", PARAM_TRUE }, { "labels", PARAM_COMMAS }
static const struct param list_params[] = {
	{ "state", PARAM_TEXT, .fallback = "all", .values = "opened,closed,all" },
	{ "search", PARAM_TEXT }, { "in", PARAM_TEXT, .fallback = "title,description" },
	PAGE_PARAMS, { 0 }
};
static const struct param create_params[] = { { "title", PARAM_TEXT, .required = true }, SETTINGS, { 0 } };
static const struct param update_params[] = {
	IID, { "title", PARAM_TEXT }, SETTINGS, { "state_event", PARAM_TEXT, .values = "reopen,close" }, { 0 }
};
static const struct param iid_params[] = { IID, { 0 } };
static const struct param notes_params[] = { IID, PAGE_PARAMS, { 0 } };
static const struct param note_params[] = { IID, { "body", PARAM_TEXT, .required = true }, { 0 } };

const struct route issue_routes[] = {
	{ "GET",  "/projects/:id/issues",                  issues_list,  list_params },
	{ "POST", "/projects/:id/issues",                  issue_create, create_params },
	{ "GET",  "/projects/:id/issues/:issue_iid",       issue_get,    iid_params },
	{ "PUT",  "/projects/:id/issues/:issue_iid",       issue_update, update_params },
	{ "GET",  "/projects/:id/issues/:issue_iid/notes", notes_list,   notes_params },
	{ "POST", "/projects/:id/issues/:issue_iid/notes", note_create,  note_params },
	{ 0 }
};
/* clang-format on */
