#include "sim_jobs.h"

#include "job_variables.h"
#include "world_extras.h"

#include <stdlib.h>
#include <string.h>

static json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return moment ? json_string(moment_print(moment, text)) : json_null();
}

static json_t *
job_json(const struct job *job)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s?, s:b, s:o, s:o, s:O?}", "id",
		(json_int_t)job->id, "project", job->project->path, "name", job->name, "status",
		job->status, "environment", job->environment, "protected", job->protected,
		"started_at", moment_json(job->started_at), "finished_at",
		moment_json(job->finished_at), "variables", job->variables);
}

static struct job *
job_of(struct sim *sim, const json_t *act, struct answer *answer)
{
	const struct list *jobs = &sim->world.extras.jobs;

	for (size_t i = 0; i < jobs->count; i++) {
		struct job *job = jobs->items[i];

		if (job->id == json_integer_value(json_object_get(act, "job")))
			return job;
	}
	error_error(answer, 404, "there is no such job");
	return NULL;
}

/* What the act says of a new job, without what it says to the simulator. */
static struct job *
job_make(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct resource *project =
		resource_by_path(&sim->world, PROJECT, act_text(act, "project"));
	json_t *attributes = json_copy((json_t *)act);
	struct job *job = NULL;
	char wrong[512];

	json_object_del(attributes, "act");
	json_object_del(attributes, "project");
	if (!project)
		error_error(answer, 404, "there is no such project");
	else if (!(job = world_extras_job(sim, attributes, project, wrong)))
		error_error(answer, 400, "%s", wrong);
	json_decref(attributes);
	return job;
}

/* One that waits, or a new one. */
static void
act_start_job(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct job *job = json_object_get(act, "job") ? job_of(sim, act, answer)
	                                              : job_make(sim, act, answer);

	if (!job)
		return;
	world_extras_job_start(sim, job, clock_now(&sim->clock));
	answer_json(answer, 200, job_json(job));
}

static void
act_finish_job(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct job *job = job_of(sim, act, answer);
	const char *status = act_text(act, "status");

	if (!job)
		return;
	free(job->status);
	job->status = must_copy(status ? status : "success");
	job->finished_at = clock_now(&sim->clock);
	answer_json(answer, 200, job_json(job));
}

/* What "Revoke" in the pages does: the row stays, and says so. */
static void
act_revoke_deploy_token(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct resource *resource = act_resource(sim, act, answer);
	const json_int_t id = json_integer_value(json_object_get(act, "deploy_token"));

	if (!resource)
		return;
	for (size_t i = 0; i < resource->deploy_tokens.count; i++) {
		struct deploy_token *token = resource->deploy_tokens.items[i];

		if (token->id != id)
			continue;
		token->revoked = true;
		answer_json(answer, 200,
			json_pack("{s:I, s:s, s:b}", "id", id, "name", token->name, "revoked",
				1));
		return;
	}
	error_error(answer, 404, "there is no such deploy token");
}

const struct act job_acts[] = {
	{ "start_job", act_start_job },
	{ "finish_job", act_finish_job },
	{ "revoke_deploy_token", act_revoke_deploy_token },
	{ 0 },
};

static bool
asked(const struct request *request, const char *name, const char *value)
{
	const char *wanted = param_text(request, name);

	return !wanted || (value && strcmp(wanted, value) == 0);
}

void
sim_jobs_get(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct list *jobs = &sim->world.extras.jobs;
	json_t *out = json_array();

	for (size_t i = 0; i < jobs->count; i++) {
		const struct job *job = jobs->items[i];

		if (asked(request, "project", job->project->path) &&
			asked(request, "status", job->status))
			json_array_append_new(out, job_json(job));
	}
	answer_json(answer, 200, out);
}

void
sim_webhooks_get(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct list *webhooks = &sim->world.extras.webhooks;
	json_t *out = json_array();

	for (size_t i = 0; i < webhooks->count; i++) {
		const struct webhook *webhook = webhooks->items[i];

		if (asked(request, "owner", webhook->home->path))
			json_array_append_new(
				out, json_pack("{s:I, s:s, s:s?, s:O}", "id",
					     (json_int_t)webhook->id, "owner",
					     webhook->home->path, "token", webhook->secret,
					     "settings", webhook->settings));
	}
	answer_json(answer, 200, out);
}

void
sim_runners_get(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct list *runners = &sim->world.extras.runners;
	json_t *out = json_array();

	for (size_t i = 0; i < runners->count; i++) {
		const struct runner *runner = runners->items[i];
		const char *owner = runner->home ? runner->home->path : NULL;

		if (asked(request, "owner", owner))
			json_array_append_new(out,
				json_pack("{s:I, s:s?, s:s?, s:s, s:o}", "id",
					(json_int_t)runner->id, "owner", owner, "description",
					runner->description, "token", runner->secret,
					"expires_at", moment_json(runner->expires_at)));
	}
	answer_json(answer, 200, out);
}

void
sim_agent_tokens_get(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct list *agents = &sim->world.extras.agents;
	json_t *out = json_array();

	for (size_t i = 0; i < agents->count; i++) {
		const struct agent *agent = agents->items[i];

		for (size_t j = 0; j < agent->tokens.count; j++) {
			const struct agent_token *token = agent->tokens.items[j];

			if (asked(request, "owner", agent->project->path) &&
				asked(request, "agent", agent->name))
				json_array_append_new(
					out, json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "id",
						     (json_int_t)token->id, "owner",
						     agent->project->path, "agent", agent->name,
						     "name", token->name, "token",
						     token->secret, "revoked", token->revoked));
		}
	}
	answer_json(answer, 200, out);
}
