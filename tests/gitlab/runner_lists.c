/* runner_lists.c: who may see and change which runner, and the lists of them. */
#include "access.h"
#include "page.h"
#include "route.h"
#include "runner_access.h"
#include "views.h"

#include <string.h>

bool
runner_may_see(
	const struct sim *sim, const struct request *request, const struct runner *runner)
{
	return !runner->home || has_level(sim, request, runner->home, LEVEL_MAINTAINER);
}

bool
runner_may_change(
	const struct sim *sim, const struct request *request, const struct runner *runner)
{
	if (!runner->home)
		return is_admin(sim, request);
	return has_level(sim, request, runner->home,
		runner->home->kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER);
}

/* The row is looked up before the permission, so an unknown id is 404 for everybody. */
struct runner *
runner_require(struct sim *sim, struct request *request,
	bool (*may)(const struct sim *sim, const struct request *request,
		const struct runner *runner),
	struct answer *answer)
{
	const struct list *runners = &sim->world.extras.runners;

	for (size_t i = 0; i < runners->count; i++) {
		struct runner *runner = runners->items[i];

		if (runner->id != param_number(request, "id"))
			continue;
		if (may(sim, request, runner))
			return runner;
		error_message(answer, 403, "403 Forbidden - No access granted");
		return NULL;
	}
	error_record_not_found(answer);
	return NULL;
}

static bool
filter_matches(const struct request *request, const struct runner *runner)
{
	const char *type = param_text(request, "type");
	const char *own = !runner->home                 ? "instance_type"
	                  : runner->home->kind == GROUP ? "group_type"
	                                                : "project_type";

	if (type && strcmp(type, own) != 0)
		return false;
	return !param_given(request, "paused") ||
	       param_true(request, "paused") == runner->paused;
}

static void
list_answer(struct sim *sim, struct request *request,
	bool (*chosen)(struct sim *sim, struct request *request, const struct runner *runner,
		const struct resource *of),
	const struct resource *of, struct answer *answer)
{
	const struct list *runners = &sim->world.extras.runners;
	struct list found = { 0 };

	for (size_t i = 0; i < runners->count; i++) {
		struct runner *runner = runners->items[i];

		if (filter_matches(request, runner) && chosen(sim, request, runner, of))
			list_add(&found, runner);
	}
	page_answer(sim, request, &found, runner_view, answer);
	list_done(&found);
}

/* Being an administrator makes nobody an owner. */
static bool
owned(struct sim *sim, struct request *request, const struct runner *runner,
	const struct resource *of)
{
	(void)sim;
	(void)of;
	return runner->home &&
	       level_in(request->user, runner->home) >=
	               (runner->home->kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER);
}

static bool
any(struct sim *sim, struct request *request, const struct runner *runner,
	const struct resource *of)
{
	(void)sim;
	(void)request;
	(void)runner;
	(void)of;
	return true;
}

/* Its own, those of the groups above it, and the instance's. */
static bool
serves(struct sim *sim, struct request *request, const struct runner *runner,
	const struct resource *of)
{
	(void)sim;
	(void)request;
	for (; of; of = of->parent) {
		if (runner->home == of)
			return true;
	}
	return !runner->home;
}

static void
owned_list(struct sim *sim, struct request *request, struct answer *answer)
{
	list_answer(sim, request, owned, NULL, answer);
}

static void
all_list(struct sim *sim, struct request *request, struct answer *answer)
{
	list_answer(sim, request, any, NULL, answer);
}

static void
runners_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);

	if (!resource)
		return;
	if (has_level(sim, request, resource, LEVEL_MAINTAINER))
		list_answer(sim, request, serves, resource, answer);
	else
		error_forbidden(answer);
}

FOR_BOTH(runners_list)

/* clang-format off */
static const struct param list_params[] = {
	{ "type", PARAM_TEXT, .values = "instance_type,group_type,project_type" },
	{ "paused", PARAM_TRUE }, PAGE_PARAMS, { 0 }
};

const struct route runner_list_routes[] = {
	{ "GET", "/runners",              owned_list,           list_params },
	{ "GET", "/runners/all",          all_list,             list_params, .admin = true },
	{ "GET", "/projects/:id/runners", project_runners_list, list_params },
	{ "GET", "/groups/:id/runners",   group_runners_list,   list_params },
	{ 0 }
};
/* clang-format on */
