/* jobs.c: the jobs of a project, to be looked at; they start and end by /sim/act alone. */
#include "access.h"
#include "page.h"
#include "people.h"
#include "route.h"

#include <string.h>

static json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return moment ? json_string(moment_print(moment, text)) : json_null();
}

static json_t *
seconds_json(int64_t from, int64_t to)
{
	return from && to ? json_real((double)(to - from) / 1000) : json_null();
}

/* Any will do: who was given its variables was given them by one. */
static json_t *
runner_json(const struct job *job)
{
	return job->variables ? json_pack("{s:i, s:s, s:b}", "id", 1, "description", "any",
					"paused", 0)
	                      : json_null();
}

static json_t *
job_view(struct sim *sim, struct request *request, void *row)
{
	const struct job *job = row;
	const int64_t now = clock_now(&sim->clock);
	const int64_t end = job->finished_at ? job->finished_at : now;

	return json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:b, s:n, s:b, s:o, s:o, s:o, s:n, s:o, s:o,"
		" s:o, s:n, s:{s:I, s:I, s:s, s:s}, s:[], s:o, s:n, s:[]}",
		"id", (json_int_t)job->id, "status", job->status, "stage", job->stage, "name",
		job->name, "ref", job->ref, "tag", 0, "coverage", "allow_failure", 0,
		"created_at", moment_json(job->created_at), "started_at",
		moment_json(job->started_at), "finished_at", moment_json(job->finished_at),
		"erased_at", "duration", seconds_json(job->started_at, end), "queued_duration",
		seconds_json(job->created_at, job->started_at ? job->started_at : now), "user",
		user_basic(sim, request, list_at(&sim->world.users, 1)), "commit", "pipeline",
		"id", (json_int_t)job->id, "project_id", (json_int_t)job->project->id, "ref",
		job->ref, "status", job->status, "artifacts", "runner", runner_json(job),
		"artifacts_expire_at", "tag_list");
}

/* Before 17.0 a job that is to end is one that runs. */
static bool
scope_valid(const struct sim *sim, const json_t *scope)
{
	static const char *const statuses[] = { "created", "waiting_for_resource", "preparing",
		"waiting_for_callback", "pending", "running", "success", "failed", "canceling",
		"canceled", "skipped", "manual", "scheduled" };
	size_t i, known;
	json_t *status;

	json_array_foreach(scope, i, status)
	{
		for (known = 0; known < ARRAY_SIZE(statuses); known++)
			if (strcmp(statuses[known], json_string_value(status)) == 0)
				break;
		if (known == ARRAY_SIZE(statuses) ||
			(sim->version < V(17, 0) && strcmp(statuses[known], "canceling") == 0))
			return false;
	}
	return true;
}

static bool
scope_has(const json_t *scope, const char *status)
{
	size_t i;
	json_t *item;

	if (json_array_size(scope) == 0)
		return true;
	json_array_foreach(scope, i, item)
	{
		if (strcmp(json_string_value(item), status) == 0)
			return true;
	}
	return false;
}

/* NULL: answered. */
static struct resource *
builds_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = resource_require(sim, request, PROJECT, answer);

	if (!project || (!project->no_repository && !project->no_builds))
		return project;
	error_forbidden(answer);
	return NULL;
}

/* Newest first, and not counted. */
static void
jobs_list(struct sim *sim, struct request *request, struct answer *answer)
{
	const json_t *scope = json_object_get(request->params, "scope");
	struct resource *project = NULL;
	const struct list *jobs = &sim->world.extras.jobs;
	struct list found = { 0 };

	if (!scope_valid(sim, scope)) {
		error_error(answer, 400, "scope does not have a valid value");
		return;
	}
	project = builds_require(sim, request, answer);
	if (!project)
		return;
	for (size_t i = jobs->count; i-- > 0;) {
		struct job *job = jobs->items[i];

		if (job->project == project && scope_has(scope, job->status))
			list_add(&found, job);
	}
	page_answer_uncounted(sim, request, &found, job_view, answer);
	list_done(&found);
}

static void
job_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = builds_require(sim, request, answer);
	const struct list *jobs = &sim->world.extras.jobs;

	if (!project)
		return;
	for (size_t i = 0; i < jobs->count; i++) {
		struct job *job = jobs->items[i];

		if (job->project != project || job->id != param_number(request, "job_id"))
			continue;
		answer_json(answer, 200, job_view(sim, request, job));
		return;
	}
	error_record_not_found(answer);
}

/* clang-format off */
static const struct param list_params[] = { { "scope", PARAM_TEXTS }, PAGE_PARAMS, { 0 } };
static const struct param id_params[] = { { "job_id", PARAM_NUMBER, .required = true }, { 0 } };

const struct route job_routes[] = {
	{ "GET", "/projects/:id/jobs",         jobs_list, list_params },
	{ "GET", "/projects/:id/jobs/:job_id", job_get,   id_params },
	{ 0 }
};
/* clang-format on */
