/* sim_api.c: /sim, where tests look behind the curtain and set the stage. */
#include "sim_api.h"

#include "auth.h"
#include "params.h"
#include "serve.h"
#include "sim_act.h"
#include "sim_jobs.h"

#include <stdlib.h>
#include <string.h>

static json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return moment ? json_string(moment_print(moment, text)) : json_null();
}

static const char *
token_kind(const struct token *token)
{
	if (token->user->kind == USER_BOT)
		return token->user->home->kind == GROUP ? "group" : "project";
	if (token->user->kind == USER_SERVICE)
		return "service_account";
	return token->impersonation ? "impersonation" : "personal";
}

static const char *
token_owner(const struct token *token)
{
	return token->user->kind == USER_BOT ? token->user->home->path : token->user->username;
}

json_t *
sim_token_json(const struct sim *sim, const struct token *token)
{
	char day[MOMENT_SIZE];
	json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:o, s:b}", "id",
		(json_int_t)token->id, "kind", token_kind(token), "owner", token_owner(token),
		"name", token->name, "user_id", (json_int_t)token->user->id, "username",
		token->user->username, "predecessor",
		token->predecessor ? json_integer(token->predecessor->id) : json_null(),
		"revoked", token->revoked);

	json_object_set_new(json, "expires_at",
		token->expires == NEVER ? json_null()
					: json_string(day_print(token->expires, day)));
	json_object_set_new(json, "created_at", moment_json(token->created_at));
	json_object_set_new(json, "last_used_at", moment_json(token->last_used_at));
	json_object_set(json, "scopes", token->scopes);
	json_object_set_new(json, "access_level",
		token->user->kind == USER_BOT ? json_integer(token->user->bot_level)
					      : json_null());
	json_object_set_new(json, "description",
		token->description ? json_string(token->description) : json_null());
	json_object_set_new(json, "secret", json_string(token->secret));
	json_object_set_new(json, "alive", json_boolean(token_alive(sim, token)));
	return json;
}

json_t *
sim_variable_json(const char *level, const char *owner, const struct variable *variable)
{
	return json_pack("{s:s, s:s?, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:s, s:s?}", "level",
		level, "owner", owner, "key", variable->key, "value", variable->value,
		"environment_scope", variable->environment_scope, "masked", variable->masked,
		"hidden", variable->hidden, "protected", variable->protected, "raw",
		variable->raw, "variable_type", variable->variable_type, "description",
		variable->description);
}

static bool
text_wanted(const struct request *request, const char *name, const char *text)
{
	const char *wanted = param_text(request, name);

	return !wanted || strcmp(wanted, text) == 0;
}

static void
tokens_get(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *id = param_text(request, "id");
	json_t *out = json_array();

	for (size_t i = 0; i < sim->world.tokens.count; i++) {
		const struct token *token = sim->world.tokens.items[i];

		if (token && (!id || atol(id) == token->id) &&
			text_wanted(request, "owner", token_owner(token)) &&
			text_wanted(request, "name", token->name))
			json_array_append_new(out, sim_token_json(sim, token));
	}
	answer_json(answer, 200, out);
}

static void
variables_add(const struct request *request, const char *level, const char *owner,
	const struct list *variables, json_t *out)
{
	for (size_t i = 0; i < variables->count; i++) {
		const struct variable *variable = variables->items[i];

		if (text_wanted(request, "owner", owner ? owner : "") &&
			text_wanted(request, "key", variable->key))
			json_array_append_new(out, sim_variable_json(level, owner, variable));
	}
}

static void
variables_get(struct sim *sim, struct request *request, struct answer *answer)
{
	json_t *out = json_array();

	for (enum resource_kind kind = GROUP; kind <= PROJECT; kind++) {
		const struct list *resources = resource_list(&sim->world, kind);

		for (size_t i = 0; i < resources->count; i++) {
			const struct resource *resource = resources->items[i];

			if (resource)
				variables_add(request, kind == GROUP ? "group" : "project",
					resource->path, &resource->variables, out);
		}
	}
	variables_add(request, "instance", NULL, &sim->world.variables, out);
	answer_json(answer, 200, out);
}

static void
deploy_tokens_add(const struct sim *sim, const struct request *request,
	const struct resource *resource, json_t *out)
{
	for (size_t i = 0; i < resource->deploy_tokens.count; i++) {
		const struct deploy_token *token = resource->deploy_tokens.items[i];

		if (text_wanted(request, "owner", resource->path) &&
			text_wanted(request, "name", token->name))
			json_array_append_new(
				out, json_pack("{s:I, s:s, s:s, s:s, s:o, s:O, s:s, s:b}", "id",
					     (json_int_t)token->id, "owner", resource->path,
					     "name", token->name, "username", token->username,
					     "expires_at", moment_json(token->expires_at),
					     "scopes", token->scopes, "secret", token->secret,
					     "alive", deploy_token_alive(sim, token)));
	}
}

static void
deploy_tokens_get(struct sim *sim, struct request *request, struct answer *answer)
{
	json_t *out = json_array();

	for (enum resource_kind kind = GROUP; kind <= PROJECT; kind++) {
		const struct list *resources = resource_list(&sim->world, kind);

		for (size_t i = 0; i < resources->count; i++) {
			if (resources->items[i])
				deploy_tokens_add(sim, request, resources->items[i], out);
		}
	}
	answer_json(answer, 200, out);
}

static void
requests_get(struct sim *sim, struct request *request, struct answer *answer)
{
	answer_json(answer, 200,
		record_json(&sim->record, param_text(request, "method"),
			param_text(request, "path")));
}

static void
requests_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)request;
	record_clear(&sim->record);
	answer_json(answer, 200, json_object());
}

static void
clock_get(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)request;
	answer_json(
		answer, 200, json_pack("{s:o}", "now", moment_json(clock_now(&sim->clock))));
}

static void
clock_post(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *set = json_string_value(json_object_get(request->body, "set"));
	const char *advance = json_string_value(json_object_get(request->body, "advance"));
	int64_t moment;

	if (set && moment_parse(set, &moment))
		clock_set(&sim->clock, moment);
	else if (advance && span_parse(advance, &moment))
		sim->clock.ahead_msec += moment;
	else {
		error_error(answer, 400, "wants set or advance");
		return;
	}
	clock_get(sim, request, answer);
}

static void
faults_get(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)request;
	answer_json(answer, 200, faults_json(&sim->faults));
}

static void
faults_post(struct sim *sim, struct request *request, struct answer *answer)
{
	char wrong[512];

	if (faults_add(&sim->faults, request->body, wrong))
		faults_get(sim, request, answer);
	else
		error_error(answer, 400, "%s", wrong);
}

static void
faults_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	faults_clear(&sim->faults);
	serve_held(sim);
	history_clear(&sim->history);
	faults_get(sim, request, answer);
}

static void
release_post(struct sim *sim, struct request *request, struct answer *answer)
{
	serve_held(sim);
	faults_get(sim, request, answer);
}

static void
acts_get(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)request;
	answer_json(answer, 200, hooks_json(&sim->hooks));
}

static void
acts_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	hooks_clear(&sim->hooks);
	acts_get(sim, request, answer);
}

static void
kinds_get(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)sim;
	(void)request;
	answer_json(answer, 200,
		json_pack("{s:o, s:o}", "faults", fault_kinds(), "acts", act_kinds()));
}

static const struct {
	const char *method, *path;
	void (*handle)(struct sim *sim, struct request *request, struct answer *answer);
} routes[] = {
	{ "GET", "/sim/requests", requests_get },
	{ "DELETE", "/sim/requests", requests_delete },
	{ "GET", "/sim/clock", clock_get },
	{ "POST", "/sim/clock", clock_post },
	{ "GET", "/sim/faults", faults_get },
	{ "POST", "/sim/faults", faults_post },
	{ "DELETE", "/sim/faults", faults_delete },
	{ "POST", "/sim/release", release_post },
	{ "GET", "/sim/tokens", tokens_get },
	{ "GET", "/sim/deploy_tokens", deploy_tokens_get },
	{ "GET", "/sim/variables", variables_get },
	{ "GET", "/sim/jobs", sim_jobs_get },
	{ "GET", "/sim/hooks", sim_webhooks_get },
	{ "GET", "/sim/runners", sim_runners_get },
	{ "GET", "/sim/agent_tokens", sim_agent_tokens_get },
	{ "POST", "/sim/act", sim_act },
	{ "GET", "/sim/kinds", kinds_get },
	{ "GET", "/sim/acts", acts_get },
	{ "DELETE", "/sim/acts", acts_delete },
};

/* Tests may leave the content type out: a body that looks like JSON is taken for it. */
static void
body_guess(struct request *request)
{
	const char *only = json_object_iter_key(json_object_iter(request->body));
	json_t *guess;

	if (json_object_size(request->body) == 0 || !only || *only != '{')
		return;
	guess = json_loads(only, 0, NULL);
	if (!guess)
		return;
	json_decref(request->body);
	request->body = guess;
}

void
sim_handle(struct sim *sim, struct request *request, struct answer *answer)
{
	request->params = json_object();
	form_decode(request->query, request->params);
	body_guess(request);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(routes[i].method, request->method) == 0 &&
			strcmp(routes[i].path, request->path) == 0) {
			routes[i].handle(sim, request, answer);
			return;
		}
	}
	error_error(answer, 404, "no such part of /sim");
}
