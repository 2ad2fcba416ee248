/* instance.c: version, metadata and the instance's settings. */
#include "access.h"
#include "keys.h"
#include "route.h"
#include "settings.h"

#include <stdlib.h>

json_t *
settings_defaults(void)
{
	return json_pack(
		"{s:b, s:n, s:b, s:i, s:s, s:s, s:b, s:i, s:i, s:s, s:b, s:b, s:b, s:b,"
		" s:b,"
		" s:n, s:n, s:n, s:b, s:b, s:b, s:s}",
		"require_personal_access_token_expiry", 1, "max_personal_access_token_lifetime",
		"service_access_tokens_expiration_enforced", 1,
		"inactive_resource_access_tokens_delete_after_days", 30,
		"personal_access_token_prefix", "glpat-", "instance_token_prefix", "",
		"throttle_authenticated_api_enabled", 0,
		"throttle_authenticated_api_requests_per_period", 7200,
		"throttle_authenticated_api_period_in_seconds", 3600,
		"rate_limiting_response_text", "Retry later", "protected_ci_variables", 1,
		"maintenance_mode", 0, "admin_mode", 0, "buffered_token_expiration_limit", 0,
		"allow_top_level_group_owners_to_create_service_accounts", 0,
		"runner_token_expiration_interval", "group_runner_token_expiration_interval",
		"project_runner_token_expiration_interval", "saas", 0,
		"granular_tokens_enforced", 0, "registry_enabled", 1, "deploy_token_choice",
		"oldest");
}

static void
version_get(struct sim *sim, struct request *request, struct answer *answer)
{
	char *version = must_print("%s-ee", sim->version_text);

	(void)request;
	answer_json(answer, 200,
		json_pack("{s:s, s:s}", "version", version, "revision", "0123456789a"));
	free(version);
}

static void
metadata_get(struct sim *sim, struct request *request, struct answer *answer)
{
	version_get(sim, request, answer);
	json_object_set_new(answer->json, "kas",
		json_pack("{s:b, s:o, s:o, s:s}", "enabled", 1, "externalUrl",
			url_json(request, "ws", "-/kubernetes-agent/"), "externalK8sProxyUrl",
			url_json(request, "http", "-/kubernetes-agent/k8s-proxy/"), "version",
			sim->version_text));
	json_object_set_new(answer->json, "enterprise", json_true());
}

static void
settings_get(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)request;
	answer_json(answer, 200, json_deep_copy(sim->settings));
}

static void
settings_put(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *name;
	json_t *value;

	if (json_object_size(request->params) == 0) {
		error_error(
			answer, 400, "… are missing, at least one parameter must be provided");
		return;
	}
	if (!settings_check(sim, request, answer))
		return;
	json_object_foreach(request->params, name, value)
		json_object_set(sim->settings, name, value);
	settings_get(sim, request, answer);
}

/* clang-format off */
static const struct param settings_params[] = {
	{ "require_personal_access_token_expiry", PARAM_TRUE, .from = V(17, 3) },
	{ "max_personal_access_token_lifetime", PARAM_NUMBER },
	{ "service_access_tokens_expiration_enforced", PARAM_TRUE },
	{ "inactive_resource_access_tokens_delete_after_days", PARAM_NUMBER, .from = V(17, 9) },
	{ "personal_access_token_prefix", PARAM_TEXT },
	{ "instance_token_prefix", PARAM_TEXT, .from = V(17, 10) },
	{ "throttle_authenticated_api_enabled", PARAM_TRUE },
	{ "throttle_authenticated_api_requests_per_period", PARAM_NUMBER },
	{ "throttle_authenticated_api_period_in_seconds", PARAM_NUMBER },
	{ "rate_limiting_response_text", PARAM_TEXT },
	{ "protected_ci_variables", PARAM_TRUE },
	{ "maintenance_mode", PARAM_TRUE },
	{ "admin_mode", PARAM_TRUE },
	{ "saas", PARAM_TRUE },
	{ "registry_enabled", PARAM_TRUE },
	{ "deploy_token_choice", PARAM_TEXT, .values = "oldest,newest,by_turns" },
	{ "granular_tokens_enforced", PARAM_TRUE, .from = V(19, 0) },
	{ "runner_token_expiration_interval", PARAM_NUMBER },
	{ "group_runner_token_expiration_interval", PARAM_NUMBER },
	{ "project_runner_token_expiration_interval", PARAM_NUMBER },
	{ "allow_top_level_group_owners_to_create_service_accounts", PARAM_TRUE, .from = V(17, 6) },
	{ 0 }
};

const struct route instance_routes[] = {
	{ "GET", "/version",              version_get,  NULL, SCOPE_USER },
	{ "GET", "/metadata",             metadata_get, NULL, SCOPE_USER },
	{ "GET", "/application/settings", settings_get, NULL,            .admin = true },
	{ "PUT", "/application/settings", settings_put, settings_params, .admin = true },
	{ 0 }
};
/* clang-format on */
