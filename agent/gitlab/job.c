#include "gitlab/job.h"

#include <inttypes.h>
#include <string.h>

#include "gitlab/people.h"

#define RUNNER(member) offsetof(struct job_runner, member)
static const struct field runner_fields[] = {
	{ "id", FIELD_INT, RUNNER(id) },
	{ NULL },
};
static const struct shape runner_shape = { "a job's runner", runner_fields,
	sizeof(struct job_runner), .tolerant = true };

#define PIPELINE(member) offsetof(struct job_pipeline, member)
static const struct field pipeline_fields[] = {
	{ "id", FIELD_INT, PIPELINE(id) },
	{ "web_url", FIELD_TEXT, PIPELINE(web_url) },
	{ NULL },
};
static const struct shape pipeline_shape = { "a job's pipeline", pipeline_fields,
	sizeof(struct job_pipeline), .tolerant = true };

#define FILLS(member) offsetof(struct job, member)
static const struct field job_fields[] = {
	{ "id", FIELD_INT, FILLS(id), .required = true },
	{ "status", FIELD_TEXT, FILLS(status), .required = true },
	{ "name", FIELD_TEXT, FILLS(name) },
	{ "stage", FIELD_TEXT, FILLS(stage) },
	{ "ref", FIELD_TEXT, FILLS(ref) },
	{ "web_url", FIELD_TEXT, FILLS(web_url) },
	{ "created_at", FIELD_MOMENT, FILLS(created_msec) },
	{ "started_at", FIELD_MOMENT, FILLS(started_msec) },
	{ "pipeline", FIELD_STRUCT, FILLS(pipeline), .shape = &pipeline_shape },
	{ "runner", FIELD_STRUCT, FILLS(runner), .shape = &runner_shape },
	{ NULL },
};
static const struct shape job_shape = { "a job", job_fields, sizeof(struct job),
	.tolerant = true };

/* Runners that take jobs in two steps have been given everything while the job still is pending, which then names its runner.
 * A scope that a release does not know is refused, and with it the others. */
static const char *
active_path(struct gitlab *gitlab, int64_t project_id, struct arena *arena)
{
	struct gitlab_server *server = gitlab_server_of(gitlab);
	const char *version;
	struct err ignored;
	const bool knows = gitlab_knows_version(server) ||
	                   people_version(gitlab, arena, &version, &ignored);

	return arena_format(arena,
		"/api/v4/projects/%" PRId64
		"/jobs?scope%%5B%%5D=running&scope%%5B%%5D=pending%s",
		project_id,
		knows && gitlab_at_least(server, 17, 0) ? "&scope%5B%5D=canceling" : "");
}

/* Passes over what waits for a runner. */
static void
keep_taken(struct list *jobs)
{
	struct job *items = jobs->items;
	size_t kept = 0;

	for (size_t i = 0; i < jobs->count; i++)
		if (strcmp(items[i].status, "pending") != 0 || items[i].runner.id)
			items[kept++] = items[i];
	jobs->count = kept;
}

bool
job_list_active(struct gitlab *gitlab, int64_t project_id, struct arena *arena,
	struct list *jobs, struct err *err)
{
	struct list draft;

	if (!gitlab_list(gitlab, active_path(gitlab, project_id, arena), &job_shape, arena,
		    &draft, err))
		return err_wrap(err, "reading the jobs of project %" PRId64, project_id);
	keep_taken(&draft);
	*jobs = draft;
	return true;
}

bool
job_is_unreadable(const struct err *err)
{
	return err->kind == ERR_REFUSED || err->kind == ERR_MOVED;
}
