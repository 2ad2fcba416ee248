/* sim_hands.c: more acts: members, archives, the instance, backups, and several at once. */
#include "sim_act.h"

#include "sim_api.h"
#include "world_file.h"

#include <stdlib.h>
#include <string.h>

/* Another of the same name: what is not given is as with the first. */
static void
act_create_namesake(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct token *token = act_token(sim, act, answer);
	struct user *user = token ? token->user : NULL;
	bool bot = user && user->kind == USER_BOT;
	json_t *like, *attributes;

	if (!token)
		return;
	like = json_pack("{s:s, s:O}", "name", token->name, "scopes", token->scopes);
	if (bot)
		json_object_set_new(like, "access_level", json_integer(user->bot_level));
	else
		json_object_set_new(like, "impersonation", json_boolean(token->impersonation));
	attributes = json_copy((json_t *)act);
	json_object_update_missing(attributes, like);
	act_token_make(sim, attributes, bot ? NULL : user, bot ? user->home : NULL, answer);
	json_decref(attributes);
	json_decref(like);
}

/* A bot is a member by its own level. */
static void
level_set(struct resource *resource, struct user *user, int level)
{
	struct member *member = member_find(resource, user);

	if (user->kind == USER_BOT && user->home == resource)
		user->bot_level = level;
	else if (level)
		member_set(resource, user, level);
	else if (member) {
		list_remove(&resource->members, member);
		free(member);
	}
}

static void
member_act(struct sim *sim, const json_t *act, int level, struct answer *answer)
{
	struct resource *resource = act_resource(sim, act, answer);
	struct user *user = resource ? act_user(sim, act, "user", answer) : NULL;

	if (!user)
		return;
	level_set(resource, user, level);
	answer_json(answer, 200,
		json_pack("{s:s, s:s, s:i}", "owner", resource->path, "user", user->username,
			"level", level));
}

static void
act_set_member(struct sim *sim, const json_t *act, struct answer *answer)
{
	int level = level_parse(json_object_get(act, "level"));

	if (level)
		member_act(sim, act, level, answer);
	else
		error_error(answer, 400, "wants a level");
}

static void
act_remove_member(struct sim *sim, const json_t *act, struct answer *answer)
{
	member_act(sim, act, LEVEL_NONE, answer);
}

static void
archived_set(struct sim *sim, const json_t *act, bool archived, struct answer *answer)
{
	struct resource *project =
		resource_by_path(&sim->world, PROJECT, act_text(act, "path"));

	if (!project) {
		error_error(answer, 404, "there is no such project");
		return;
	}
	project->archived = archived;
	answer_json(answer, 200,
		json_pack("{s:I, s:s, s:b}", "id", (json_int_t)project->id, "path",
			project->path, "archived", archived));
}

static void
act_archive_project(struct sim *sim, const json_t *act, struct answer *answer)
{
	archived_set(sim, act, true, answer);
}

static void
act_unarchive_project(struct sim *sim, const json_t *act, struct answer *answer)
{
	archived_set(sim, act, false, answer);
}

/* Those that it names. */
static void
act_set_features(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct resource *project =
		resource_by_path(&sim->world, PROJECT, act_text(act, "path"));
	const json_t *builds = json_object_get(act, "builds");
	const json_t *repository = json_object_get(act, "repository");

	if (!project) {
		error_error(answer, 404, "there is no such project");
		return;
	}
	if (json_is_boolean(builds))
		project->no_builds = json_is_false(builds);
	if (json_is_boolean(repository))
		project->no_repository = json_is_false(repository);
	answer_json(answer, 200,
		json_pack("{s:s, s:b, s:b}", "path", project->path, "builds",
			!project->no_builds, "repository", !project->no_repository));
}

static void
act_set_settings(struct sim *sim, const json_t *act, struct answer *answer)
{
	json_t *settings = json_object_get(act, "settings");
	const char *key;
	json_t *value;

	json_object_foreach(settings, key, value)
	{
		if (!json_object_get(sim->settings, key)) {
			error_error(answer, 400, "there is no setting '%s'", key);
			return;
		}
	}
	json_object_update(sim->settings, settings);
	answer_json(answer, 200, json_deep_copy(sim->settings));
}

/* What GitLab does some hours after a limit is lowered: who may live longer than that, or for
 * ever, lives no more. */
static void
act_revoke_too_long(struct sim *sim, const json_t *act, struct answer *answer)
{
	const json_t *limit =
		json_object_get(sim->settings, "max_personal_access_token_lifetime");
	int last = clock_today(&sim->clock) + (int)json_integer_value(limit);
	json_t *ids = json_array();

	(void)act;
	for (size_t i = 0; json_is_integer(limit) && i < sim->world.tokens.count; i++) {
		struct token *token = sim->world.tokens.items[i];

		if (!token || token->revoked || token->expires <= last)
			continue;
		token->revoked = true;
		json_array_append_new(ids, json_integer(token->id));
	}
	answer_json(answer, 200, json_pack("{s:o}", "revoked", ids));
}

static const char *
backup_name(const json_t *act)
{
	return act_text(act, "name") ? act_text(act, "name") : "";
}

static void
act_snapshot(struct sim *sim, const json_t *act, struct answer *answer)
{
	snapshot_take(sim, backup_name(act));
	answer_json(answer, 200, json_pack("{s:s}", "name", backup_name(act)));
}

static void
act_restore(struct sim *sim, const json_t *act, struct answer *answer)
{
	if (snapshot_restore(sim, backup_name(act)))
		answer_json(answer, 200, json_pack("{s:s}", "name", backup_name(act)));
	else
		error_error(answer, 404, "there is no such snapshot");
}

/* One after the other, up to the first that fails, whose answer it is then. */
static void
act_several(struct sim *sim, const json_t *act, struct answer *answer)
{
	json_t *answers = json_array(), *each;
	size_t i;

	json_array_foreach(json_object_get(act, "acts"), i, each)
	{
		struct answer one = { 0 };

		act_run(sim, each, &one);
		if (one.status != 200) {
			json_decref(answers);
			*answer = one;
			return;
		}
		json_array_append(answers, one.json);
		answer_done(&one);
	}
	answer_json(answer, 200, answers);
}

const struct act more_acts[] = {
	{ "create_namesake", act_create_namesake },
	{ "set_member", act_set_member },
	{ "remove_member", act_remove_member },
	{ "archive_project", act_archive_project },
	{ "unarchive_project", act_unarchive_project },
	{ "set_features", act_set_features },
	{ "set_settings", act_set_settings },
	{ "revoke_too_long", act_revoke_too_long },
	{ "snapshot", act_snapshot },
	{ "restore", act_restore },
	{ "several", act_several },
	{ 0 },
};
