#include "route.h"

#include "access.h"
#include "audit.h"

#include <stdlib.h>
#include <string.h>

static const struct route *const tables[] = {
	token_routes,
	resource_token_routes,
	service_account_routes,
	variable_routes,
	user_routes,
	member_routes,
	resource_routes,
	instance_routes,
	deploy_token_routes,
	trigger_routes,
	agent_routes,
	runner_list_routes,
	runner_routes,
	webhook_routes,
	issue_routes,
	admin_token_routes,
	inventory_routes,
	audit_routes,
	job_routes,
};

/* One segment against one of the pattern; captures land in `captures`. */
static bool
segment_match(const char *pattern, size_t pattern_length, const char *segment, size_t length,
	json_t *captures)
{
	char *name, *value;

	if (*pattern != ':')
		return pattern_length == length && memcmp(pattern, segment, length) == 0;
	if (length == 0)
		return false;
	name = strndup(pattern + 1, pattern_length - 1);
	value = percent_decode(segment, length);
	json_object_set_new(captures, name, json_string(value));
	free(name);
	free(value);
	return true;
}

static bool
path_match(const char *pattern, const char *path, json_t *captures)
{
	json_object_clear(captures);
	while (*pattern == '/' && *path == '/') {
		size_t pattern_length = strcspn(++pattern, "/");
		size_t length = strcspn(++path, "/");
		/* Grape takes any path with a format behind it. */
		bool json = path[length] == '\0' && length > 5 &&
		            memcmp(path + length - 5, ".json", 5) == 0;

		if (!segment_match(pattern, pattern_length, path, length, captures) &&
			!(json && segment_match(
					  pattern, pattern_length, path, length - 5, captures)))
			return false;
		pattern += pattern_length;
		path += length;
	}
	return *pattern == '\0' && *path == '\0';
}

/* `known` tells whether the path exists with another method. */
static const struct route *
route_find(const struct sim *sim, const struct request *request, const char *path,
	json_t *captures, bool *known)
{
	*known = false;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct route *route = tables[i]; route->method; route++) {
			if (sim->version < route->from ||
				!path_match(route->path, path, captures))
				continue;
			*known = true;
			if (strcmp(route->method, request->method) == 0)
				return route;
		}
	}
	return NULL;
}

/* Query, then body, then what the path captured: the later wins. */
static void
params_gather(struct request *request, json_t *captures)
{
	json_decref(request->params);
	request->params = json_object();
	form_decode(request->query, request->params);
	if (json_is_object(request->body))
		json_object_update(request->params, request->body);
	json_object_update(request->params, captures);
}

/* The captures that no declaration coerces stay the text they are. */
static void
captures_keep(struct request *request, json_t *captures)
{
	const char *name;
	json_t *value;

	json_object_foreach(captures, name, value)
	{
		if (!param_given(request, name))
			json_object_set(request->params, name, value);
	}
}

static void
route_run(struct sim *sim, const struct route *route, struct request *request, json_t *captures,
	struct answer *answer)
{
	params_gather(request, captures);
	if (route->scope != SCOPE_NONE && !auth_check(sim, request, route->scope, answer))
		return;
	/* Reading goes on, and the way out of it has to stay open. */
	if (setting_true(sim, "maintenance_mode") && strcmp(request->method, "GET") != 0 &&
		strcmp(route->path, "/application/settings") != 0) {
		error_message(answer, 503, "GitLab Maintenance: system is in maintenance mode");
		return;
	}
	if (route->admin && !is_admin(sim, request)) {
		error_forbidden(answer);
		return;
	}
	if (!params_validate(request, sim->version, route->params, answer))
		return;
	captures_keep(request, captures);
	route->handle(sim, request, answer);
	audit_write(sim, route, request, answer);
}

void
api_handle(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *path = request->path + strlen("/api/v4");
	json_t *captures = json_object();
	const struct route *route;
	bool known;

	auth_identify(sim, request);
	route = route_find(sim, request, path, captures, &known);
	if (route)
		route_run(sim, route, request, captures, answer);
	else if (known)
		error_error(answer, 405, "405 Not Allowed");
	else
		error_error(answer, 404, "404 Not Found");
	json_decref(captures);
}
