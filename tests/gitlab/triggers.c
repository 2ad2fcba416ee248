/* triggers.c: pipeline trigger tokens: replaced, never rotated; shown whole to whoever made them. */
#include "access.h"
#include "page.h"
#include "people.h"
#include "route.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

#define HEX "0123456789abcdef"
/* What everybody else sees of a secret. */
#define SHOWN 4

json_t *
trigger_view(struct sim *sim, struct request *request, void *row)
{
	const struct trigger *trigger = row;
	const bool whole = trigger->owner == request->user;
	char created[MOMENT_SIZE], updated[MOMENT_SIZE];

	return json_pack("{s:I, s:s%, s:s, s:s, s:s, s:n, s:n, s:o}", "id",
		(json_int_t)trigger->id, "token", trigger->secret,
		whole ? strlen(trigger->secret) : (size_t)SHOWN, "description",
		trigger->description, "created_at", moment_print(trigger->created_at, created),
		"updated_at", moment_print(trigger->updated_at, updated), "last_used",
		"expires_at", "owner", user_basic(sim, request, trigger->owner));
}

static struct resource *
project_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = resource_require(sim, request, PROJECT, answer);

	if (!project || has_level(sim, request, project, LEVEL_MAINTAINER))
		return project;
	error_forbidden(answer);
	return NULL;
}

static struct trigger *
trigger_require(struct sim *sim, struct request *request, struct resource **project,
	struct answer *answer)
{
	*project = project_require(sim, request, answer);
	if (!*project)
		return NULL;
	for (size_t i = 0; i < (*project)->triggers.count; i++) {
		struct trigger *trigger = (*project)->triggers.items[i];

		if (trigger->id == param_number(request, "trigger_id"))
			return trigger;
	}
	error_not_found(answer, "Trigger");
	return NULL;
}

static void
triggers_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = project_require(sim, request, answer);

	if (project)
		page_answer(sim, request, &project->triggers, trigger_view, answer);
}

static void
trigger_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project;
	struct trigger *trigger = trigger_require(sim, request, &project, answer);

	if (trigger)
		answer_json(answer, 200, trigger_view(sim, request, trigger));
}

static void
trigger_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = project_require(sim, request, answer);
	struct trigger *trigger;
	char body[41];

	if (!project)
		return;
	random_text(body, sizeof(body) - 1, HEX);
	trigger = trigger_add(&sim->world, project, request->user,
		param_text(request, "description"), must_print("glptt-%s", body));
	trigger->created_at = trigger->updated_at = clock_now(&sim->clock);
	answer_json(answer, 201, trigger_view(sim, request, trigger));
}

static void
trigger_update(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project;
	struct trigger *trigger = trigger_require(sim, request, &project, answer);
	const char *description = param_text(request, "description");

	if (!trigger)
		return;
	if (description) {
		free(trigger->description);
		trigger->description = must_copy(description);
	}
	trigger->updated_at = clock_now(&sim->clock);
	answer_json(answer, 200, trigger_view(sim, request, trigger));
}

static void
trigger_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project;
	struct trigger *trigger = trigger_require(sim, request, &project, answer);

	if (!trigger)
		return;
	trigger_remove(project, trigger);
	answer_no_content(answer);
}

/* clang-format off */
static const struct param list_params[] = { PAGE_PARAMS, { 0 } };
static const struct param id_params[] = { { "trigger_id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param create_params[] = { { "description", PARAM_TEXT, .required = true }, { 0 } };
static const struct param update_params[] = {
	{ "trigger_id", PARAM_NUMBER, .required = true }, { "description", PARAM_TEXT }, { 0 }
};

const struct route trigger_routes[] = {
	{ "GET",    "/projects/:id/triggers",             triggers_list,  list_params },
	{ "POST",   "/projects/:id/triggers",             trigger_create, create_params },
	{ "GET",    "/projects/:id/triggers/:trigger_id", trigger_get,    id_params },
	{ "PUT",    "/projects/:id/triggers/:trigger_id", trigger_update, update_params },
	{ "DELETE", "/projects/:id/triggers/:trigger_id", trigger_delete, id_params },
	{ 0 }
};
/* clang-format on */
