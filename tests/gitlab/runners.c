/* runners.c: runners and their authentication tokens, which are reset in place: the runner
 * keeps its id, and its old secret is dead at once. */
#include "runners.h"

#include "access.h"
#include "page.h"
#include "route.h"
#include "runner_access.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

#define URL_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

char *
runner_secret_new(const struct sim *sim, const struct resource *home)
{
	char body[21];
	const int part = !home ? 1 : home->kind == GROUP ? 2 : 3;

	random_text(body, sizeof(body) - 1, URL_SAFE);
	if (sim->version < V(17, 7))
		return must_print("glrt-%s", body);
	return must_print("glrt-t%d_%s", part, body);
}

/* An interval of seconds, or nothing, for each kind of runner. */
static int64_t
secret_end(const struct sim *sim, const struct runner *runner)
{
	const char *name = !runner->home ? "runner_token_expiration_interval"
	                   : runner->home->kind == GROUP
	                           ? "group_runner_token_expiration_interval"
	                           : "project_runner_token_expiration_interval";
	const json_int_t seconds = json_integer_value(json_object_get(sim->settings, name));

	return seconds ? clock_now(&sim->clock) + seconds * 1000 : 0;
}

void
runner_reset(struct sim *sim, struct runner *runner)
{
	free(runner->secret);
	runner->secret = runner_secret_new(sim, runner->home);
	runner->expires_at = secret_end(sim, runner);
	runner->deadline = 0;
}

struct runner *
runner_by_secret(const struct sim *sim, const char *secret)
{
	const struct list *runners = &sim->world.extras.runners;

	for (size_t i = 0; i < runners->count; i++) {
		struct runner *runner = runners->items[i];

		if (strcmp(runner->secret, secret) == 0)
			return runner->expires_at && runner->expires_at < clock_now(&sim->clock)
			               ? NULL
			               : runner;
	}
	return NULL;
}

static json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return moment ? json_string(moment_print(moment, text)) : json_null();
}

static const char *
runner_type(const struct runner *runner)
{
	if (!runner->home)
		return "instance_type";
	return runner->home->kind == GROUP ? "group_type" : "project_type";
}

json_t *
runner_view(struct sim *sim, struct request *request, void *row)
{
	const struct runner *runner = row;
	const char *status = runner->paused         ? "paused"
	                     : runner->contacted_at ? "online"
	                                            : "never_contacted";

	(void)sim;
	(void)request;
	return json_pack("{s:I, s:s?, s:n, s:b, s:b, s:b, s:s, s:n, s:b, s:s}", "id",
		(json_int_t)runner->id, "description", runner->description, "ip_address",
		"active", !runner->paused, "paused", runner->paused, "is_shared", !runner->home,
		"runner_type", runner_type(runner), "name", "online", runner->contacted_at != 0,
		"status", status);
}

static json_t *
home_view(const struct resource *home, enum resource_kind kind)
{
	json_t *list = json_array();

	if (home && home->kind == kind)
		json_array_append_new(list,
			json_pack("{s:I, s:s, s:s}", "id", (json_int_t)home->id, "name",
				home->name, kind == GROUP ? "full_path" : "path_with_namespace",
				home->path));
	return list;
}

static json_t *
details_view(struct sim *sim, struct request *request, struct runner *runner)
{
	static const char *const unknown[] = { "version", "revision", "platform",
		"architecture" };
	json_t *json = runner_view(sim, request, runner);

	json_object_update(json, runner->settings);
	if (!runner_may_change(sim, request, runner))
		json_object_set_new(json, "maintenance_note", json_null());
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		json_object_set_new(json, unknown[i], json_null());
	json_object_set_new(json, "contacted_at", moment_json(runner->contacted_at));
	json_object_set_new(json, "projects", home_view(runner->home, PROJECT));
	json_object_set_new(json, "groups", home_view(runner->home, GROUP));
	return json;
}

/* What may be set, where the request says so; the rest stays. */
static void
runner_set(struct runner *runner, const struct request *request)
{
	static const char *const settings[] = { "tag_list", "run_untagged", "locked",
		"maximum_timeout", "access_level", "maintenance_note" };

	if (param_given(request, "description")) {
		free(runner->description);
		runner->description = param_text(request, "description")
		                              ? must_copy(param_text(request, "description"))
		                              : NULL;
	}
	if (param_given(request, "paused"))
		runner->paused = param_true(request, "paused");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		json_t *value = json_object_get(request->params, settings[i]);

		if (value)
			json_object_set_new(
				runner->settings, settings[i], json_deep_copy(value));
	}
}

/* The group or project a new runner is for. False: `answer` says what is wrong. */
static bool
home_choose(
	struct sim *sim, struct request *request, struct resource **home, struct answer *answer)
{
	const char *type = param_text(request, "runner_type");
	const bool group = strcmp(type, "group_type") == 0;
	const char *key = group ? "group_id" : "project_id";
	bool may = is_admin(sim, request);

	*home = NULL;
	if (strcmp(type, "instance_type") != 0) {
		if (!param_given(request, key)) {
			error_error(answer, 400, "%s is missing", key);
			return false;
		}
		*home = list_at(resource_list(&sim->world, group ? GROUP : PROJECT),
			param_number(request, key));
		if (!*home) {
			error_bad_request(answer, "Missing/invalid scope");
			return false;
		}
		may = has_level(sim, request, *home, group ? LEVEL_OWNER : LEVEL_MAINTAINER);
	}
	if (!may)
		error_message(answer, 403, "403 Forbidden - Insufficient permissions");
	return may;
}

static json_t *
secret_view(const struct runner *runner, bool with_id)
{
	json_t *json = json_object();

	if (with_id)
		json_object_set_new(json, "id", json_integer(runner->id));
	json_object_set_new(json, "token", json_string(runner->secret));
	json_object_set_new(json, "token_expires_at", moment_json(runner->expires_at));
	return json;
}

static void
runner_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *home;
	struct runner *runner;

	if (!home_choose(sim, request, &home, answer))
		return;
	runner = runner_add(&sim->world.extras, home, NULL, runner_secret_new(sim, home));
	runner->creator_id = request->user->id;
	runner->created_at = clock_now(&sim->clock);
	runner->expires_at = secret_end(sim, runner);
	runner_set(runner, request);
	answer_json(answer, 201, secret_view(runner, true));
}

static void
runner_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_require(sim, request, runner_may_see, answer);

	if (runner)
		answer_json(answer, 200, details_view(sim, request, runner));
}

static void
runner_update(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_require(sim, request, runner_may_change, answer);

	if (!runner)
		return;
	runner_set(runner, request);
	answer_json(answer, 200, details_view(sim, request, runner));
}

static void
runner_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_require(sim, request, runner_may_change, answer);

	if (!runner)
		return;
	runner_remove(&sim->world.extras, runner);
	answer_no_content(answer);
}

static void
reset_answer(struct sim *sim, struct runner *runner, struct answer *answer)
{
	if (runner->deadline && runner->deadline <= clock_now(&sim->clock)) {
		error_error(answer, 403, "Token rotation deadline has passed");
		return;
	}
	runner_reset(sim, runner);
	answer_json(answer, 201, secret_view(runner, false));
}

static void
token_reset(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_require(sim, request, runner_may_change, answer);

	if (runner)
		reset_answer(sim, runner, answer);
}

/* Whoever has the secret needs no other credential. */
static struct runner *
runner_authenticate(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *secret = param_text(request, "token");
	struct runner *runner = runner_by_secret(sim, secret ? secret : "");

	if (runner)
		runner->contacted_at = clock_now(&sim->clock);
	else
		error_forbidden(answer);
	return runner;
}

static void
token_reset_self(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_authenticate(sim, request, answer);

	if (runner)
		reset_answer(sim, runner, answer);
}

static void
runner_verify(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_authenticate(sim, request, answer);

	if (runner)
		answer_json(answer, 200, secret_view(runner, true));
}

static void
runner_delete_self(struct sim *sim, struct request *request, struct answer *answer)
{
	struct runner *runner = runner_authenticate(sim, request, answer);

	if (!runner)
		return;
	runner_remove(&sim->world.extras, runner);
	answer_no_content(answer);
}

/* clang-format off */
#define SETTINGS \
	{ "description", PARAM_TEXT }, { "paused", PARAM_TRUE }, { "locked", PARAM_TRUE }, \
	{ "run_untagged", PARAM_TRUE }, { "tag_list", PARAM_COMMAS }, { "maximum_timeout", PARAM_NUMBER }, \
	{ "access_level", PARAM_TEXT, .values = "not_protected,ref_protected" }, \
	{ "maintenance_note", PARAM_TEXT }
#define ID { "id", PARAM_NUMBER, .required = true }

static const struct param create_params[] = {
	{ "runner_type", PARAM_TEXT, .required = true, .values = "instance_type,group_type,project_type" },
	{ "group_id", PARAM_NUMBER }, { "project_id", PARAM_NUMBER }, SETTINGS, { 0 }
};
static const struct param id_params[] = { ID, { 0 } };
static const struct param update_params[] = { ID, SETTINGS, { 0 } };
static const struct param token_params[] = { { "token", PARAM_TEXT, .required = true }, { 0 } };

#define RESET "/reset_authentication_token"

const struct route runner_routes[] = {
	{ "POST",   "/user/runners",      runner_create,      create_params, SCOPE_CREATE_RUNNER },
	{ "POST",   "/runners" RESET,     token_reset_self,   token_params,  SCOPE_NONE },
	{ "POST",   "/runners/verify",    runner_verify,      token_params,  SCOPE_NONE },
	{ "DELETE", "/runners",           runner_delete_self, token_params,  SCOPE_NONE },
	{ "GET",    "/runners/:id",       runner_get,         id_params,     SCOPE_MANAGE_RUNNER },
	{ "PUT",    "/runners/:id",       runner_update,      update_params, SCOPE_MANAGE_RUNNER },
	{ "DELETE", "/runners/:id",       runner_delete,      id_params,     SCOPE_MANAGE_RUNNER },
	{ "POST",   "/runners/:id" RESET, token_reset,        id_params,     SCOPE_MANAGE_RUNNER },
	{ 0 }
};
/* clang-format on */
