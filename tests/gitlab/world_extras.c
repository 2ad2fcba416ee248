#include "world_extras.h"

#include "job_variables.h"
#include "runners.h"

#include <stdlib.h>
#include <string.h>

static bool
agent_tokens_load(struct sim *sim, const json_t *list, struct agent *agent, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *name = world_text(item, "name"),
			   *secret = world_text(item, "secret");
		char body[51];
		struct agent_token *token;

		if (!world_keys(item, "an agent's token",
			    "name description secret revoked created", wrong))
			return false;
		random_text(body, sizeof(body) - 1, "abcdefghijklmnopqrstuvwxyz0123456789");
		token = agent_token_add(&sim->world.extras, agent, name ? name : "token",
			world_text(item, "description"),
			secret ? must_copy(secret) : must_print("glagent-%s", body));
		token->revoked = world_true(item, "revoked");
		token->creator_id = 1;
		token->created_at = clock_now(&sim->clock);
		if (!world_moment(sim, item, "created", &token->created_at, wrong))
			return false;
	}
	return true;
}

static bool
agent_load(struct sim *sim, const json_t *json, struct resource *project, char wrong[512])
{
	const char *name = world_text(json, "name");
	struct agent *agent;

	if (!world_keys(json, "an agent", "name tokens", wrong))
		return false;
	agent = agent_add(&sim->world.extras, project, name ? name : "agent");
	agent->creator_id = 1;
	agent->created_at = clock_now(&sim->clock);
	return agent_tokens_load(sim, json_object_get(json, "tokens"), agent, wrong);
}

static bool
runner_load(struct sim *sim, const json_t *json, struct resource *home, char wrong[512])
{
	const char *secret = world_text(json, "secret");
	struct runner *runner;

	if (!world_keys(json, "a runner", "description secret paused expires deadline", wrong))
		return false;
	runner = runner_add(&sim->world.extras, home, world_text(json, "description"),
		secret ? must_copy(secret) : runner_secret_new(sim, home));
	runner->creator_id = 1;
	runner->created_at = clock_now(&sim->clock);
	runner->paused = world_true(json, "paused");
	return world_moment(sim, json, "expires", &runner->expires_at, wrong) &&
	       world_moment(sim, json, "deadline", &runner->deadline, wrong);
}

/* All other keys are settings, and shown where GitLab has one of that name. */
static bool
webhook_load(struct sim *sim, const json_t *json, struct resource *home, char wrong[512])
{
	const char *secret = world_text(json, "token");
	struct webhook *webhook;

	if (!world_text(json, "url"))
		return world_fail(wrong, "a webhook of '%s' has no url", home->path);
	webhook = webhook_add(&sim->world.extras, home);
	webhook->created_at = clock_now(&sim->clock);
	webhook->secret = secret ? must_copy(secret) : NULL;
	json_object_update(webhook->settings, (json_t *)json);
	json_object_del(webhook->settings, "token");
	return true;
}

static bool
trigger_load(struct sim *sim, const json_t *json, struct resource *project, char wrong[512])
{
	const char *secret = world_text(json, "secret"), *owner = world_text(json, "owner"),
		   *description = world_text(json, "description");
	struct user *user =
		owner ? map_get(&sim->world.usernames, owner) : list_at(&sim->world.users, 1);
	struct trigger *trigger;
	char body[41];

	if (!world_keys(json, "a trigger", "description owner secret", wrong))
		return false;
	if (!user)
		return world_fail(wrong, "a trigger has the unknown owner '%s'", owner);
	random_text(body, sizeof(body) - 1, "0123456789abcdef");
	trigger = trigger_add(&sim->world, project, user, description ? description : "",
		secret ? must_copy(secret) : must_print("glptt-%s", body));
	trigger->created_at = trigger->updated_at = clock_now(&sim->clock);
	return true;
}

void
world_extras_job_start(struct sim *sim, struct job *job, int64_t at)
{
	free(job->status);
	job->status = must_copy("running");
	job->started_at = at;
	job->finished_at = 0;
	json_decref(job->variables);
	job->variables = job_variables(sim, job);
}

struct job *
world_extras_job(struct sim *sim, const json_t *json, struct resource *project, char wrong[512])
{
	const char *name = world_text(json, "name"), *stage = world_text(json, "stage"),
		   *ref = world_text(json, "ref"), *status = world_text(json, "status");
	int64_t created = clock_now(&sim->clock), started = 0, finished = 0;
	struct job *job;

	if (!world_keys(json, "a job",
		    "name stage ref status environment protected created started finished",
		    wrong) ||
		!world_moment(sim, json, "created", &created, wrong) ||
		!world_moment(sim, json, "started", &started, wrong) ||
		!world_moment(sim, json, "finished", &finished, wrong))
		return NULL;
	job = job_add(&sim->world.extras, project, name ? name : "job", stage ? stage : "test",
		ref ? ref : "main");
	job->protected = world_true(json, "protected");
	job->created_at = started && started < created ? started : created;
	world_text_take(json, "environment", &job->environment);
	if (started || (status && strcmp(status, "running") == 0))
		world_extras_job_start(sim, job, started ? started : created);
	job->finished_at = finished;
	world_text_take(json, "status", &job->status);
	return job;
}

static bool
job_load(struct sim *sim, const json_t *json, struct resource *project, char wrong[512])
{
	return world_extras_job(sim, json, project, wrong) != NULL;
}

static bool
enterprise_load(struct sim *sim, const json_t *name, struct resource *group, char wrong[512])
{
	const char *username = json_string_value(name);
	struct user *user = map_get(&sim->world.usernames, username);

	if (!user)
		return world_fail(wrong, "'%s' has the unknown enterprise user '%s'",
			group->path, username ? username : "");
	user->enterprise = group;
	return true;
}

static const struct {
	const char *key;
	bool projects, groups, instance;
	bool (*load)(
		struct sim *sim, const json_t *json, struct resource *home, char wrong[512]);
} parts[] = {
	/* clang-format off */
	{ "agents",           true,  false, false, agent_load },
	{ "runners",          true,  true,  true,  runner_load },
	{ "hooks",            true,  true,  false, webhook_load },
	{ "triggers",         true,  false, false, trigger_load },
	{ "enterprise_users", false, true,  false, enterprise_load },
	{ "jobs",             true,  false, false, job_load },
	/* clang-format on */
};

static bool
parts_load(struct sim *sim, const json_t *json, struct resource *home, char wrong[512])
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const json_t *list = json_object_get(json, parts[i].key);
		const bool fits = !home                   ? parts[i].instance
		                  : home->kind == PROJECT ? parts[i].projects
		                                          : parts[i].groups;
		size_t at;
		json_t *item;

		if (list && !fits)
			return world_fail(wrong, "'%s' has no '%s'", home ? home->path : "",
				parts[i].key);
		json_array_foreach(list, at, item)
		{
			if (!parts[i].load(sim, item, home, wrong))
				return false;
		}
	}
	return true;
}

static bool
resources_load(struct sim *sim, enum resource_kind kind, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		if (!parts_load(sim, item,
			    resource_by_path(&sim->world, kind, world_text(item, "path")),
			    wrong))
			return false;
	}
	return true;
}

bool
world_extras_load(struct sim *sim, const json_t *world, char wrong[512])
{
	const json_t *runners = json_object_get(world, "runners");
	json_t *instance = runners ? json_pack("{s:O}", "runners", runners) : json_object();
	const bool loaded = parts_load(sim, instance, NULL, wrong);

	json_decref(instance);
	return loaded && resources_load(sim, GROUP, json_object_get(world, "groups"), wrong) &&
	       resources_load(sim, PROJECT, json_object_get(world, "projects"), wrong);
}
