/* webhooks.c: webhooks of projects and groups. Their secret token goes in and never comes out. */
#include "access.h"
#include "page.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

enum { PROJECTS = 1 << PROJECT, GROUPS = 1 << GROUP, BOTH = PROJECTS | GROUPS };

/* What is shown after id, url, name, description and time, in this order. */
static const struct {
	const char *name;
	unsigned kinds;
	int from;
	enum { OFF, ON, NOTHING, EMPTY, WILDCARD, EXECUTABLE } fallback;
} shown[] = {
	/* clang-format off */
	{ "push_events", BOTH, 0, ON },
	{ "tag_push_events", BOTH },
	{ "merge_requests_events", BOTH },
	{ "repository_update_events", BOTH },
	{ "enable_ssl_verification", BOTH, 0, ON },
	{ "alert_status", BOTH, 0, EXECUTABLE },
	{ "disabled_until", BOTH, 0, NOTHING },
	{ "url_variables", BOTH, 0, EMPTY },
	{ "push_events_branch_filter", BOTH, 0, NOTHING },
	{ "branch_filter_strategy", BOTH, V(16, 0), WILDCARD },
	{ "custom_webhook_template", BOTH, V(16, 10), NOTHING },
	{ "custom_headers", BOTH, V(17, 1), EMPTY },
	{ "issues_events", BOTH },
	{ "confidential_issues_events", BOTH },
	{ "note_events", BOTH },
	{ "confidential_note_events", BOTH },
	{ "pipeline_events", BOTH },
	{ "wiki_page_events", BOTH },
	{ "deployment_events", BOTH },
	{ "feature_flag_events", BOTH, V(17, 0) },
	{ "job_events", BOTH },
	{ "releases_events", BOTH },
	{ "milestone_events", BOTH, V(17, 9) },
	{ "subgroup_events", GROUPS },
	{ "member_events", GROUPS, V(17, 4) },
	{ "project_events", GROUPS, V(17, 11) },
	{ "emoji_events", BOTH, V(16, 2) },
	{ "resource_access_token_events", BOTH, V(16, 10) },
	{ "resource_deploy_token_events", PROJECTS, V(18, 3) },
	{ "vulnerability_events", BOTH, V(17, 8) },
	/* clang-format on */
};

static json_t *
fallback_json(size_t i)
{
	switch (shown[i].fallback) {
	case ON:
		return json_true();
	case NOTHING:
		return json_null();
	case EMPTY:
		return json_array();
	case WILDCARD:
		return json_string("wildcard");
	case EXECUTABLE:
		return json_string("executable");
	default:
		return json_false();
	}
}

static void
setting_show(const struct webhook *webhook, const char *name, json_t *json)
{
	json_t *value = json_object_get(webhook->settings, name);

	json_object_set_new(json, name, value ? json_deep_copy(value) : json_null());
}

static json_t *
webhook_view(struct sim *sim, struct request *request, void *row)
{
	const struct webhook *webhook = row;
	const enum resource_kind kind = webhook->home->kind;
	json_t *json = json_pack("{s:I}", "id", (json_int_t)webhook->id);
	char created[MOMENT_SIZE];

	(void)request;
	setting_show(webhook, "url", json);
	if (sim->version >= V(17, 1)) {
		setting_show(webhook, "name", json);
		setting_show(webhook, "description", json);
	}
	json_object_set_new(
		json, "created_at", json_string(moment_print(webhook->created_at, created)));
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		json_t *value = json_object_get(webhook->settings, shown[i].name);

		if (!(shown[i].kinds & 1u << kind) || sim->version < shown[i].from)
			continue;
		json_object_set_new(
			json, shown[i].name, value ? json_deep_copy(value) : fallback_json(i));
	}
	json_object_set_new(json, kind == GROUP ? "group_id" : "project_id",
		json_integer(webhook->home->id));
	return json;
}

static struct resource *
home_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = resource_require(sim, request, kind, answer);

	if (!home ||
		has_level(sim, request, home, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER))
		return home;
	error_forbidden(answer);
	return NULL;
}

static struct webhook *
webhook_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	const struct resource *home = home_require(sim, request, kind, answer);
	const struct list *webhooks = &sim->world.extras.webhooks;

	if (!home)
		return NULL;
	for (size_t i = 0; i < webhooks->count; i++) {
		struct webhook *webhook = webhooks->items[i];

		if (webhook->home == home && webhook->id == param_number(request, "hook_id"))
			return webhook;
	}
	error_record_not_found(answer);
	return NULL;
}

static void
webhooks_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	const struct resource *home = home_require(sim, request, kind, answer);
	const struct list *webhooks = &sim->world.extras.webhooks;
	struct list found = { 0 };

	if (!home)
		return;
	for (size_t i = 0; i < webhooks->count; i++) {
		struct webhook *webhook = webhooks->items[i];

		if (webhook->home == home)
			list_add(&found, webhook);
	}
	page_answer(sim, request, &found, webhook_view, answer);
	list_done(&found);
}

static void
webhook_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct webhook *webhook = webhook_require(sim, request, kind, answer);

	if (webhook)
		answer_json(answer, 200, webhook_view(sim, request, webhook));
}

static bool
url_check(const struct request *request, struct answer *answer)
{
	const char *url = param_text(request, "url");

	if (!param_given(request, "url") ||
		(url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)))
		return true;
	error_error(answer, 422, "Invalid url given");
	return false;
}

/* Only what is sent changes, the secret among it. */
static void
webhook_set(struct webhook *webhook, const struct request *request)
{
	const char *name;
	json_t *value;

	json_object_foreach(request->params, name, value)
	{
		if (strcmp(name, "id") == 0 || strcmp(name, "hook_id") == 0)
			continue;
		if (strcmp(name, "token") != 0) {
			json_object_set_new(webhook->settings, name, json_deep_copy(value));
			continue;
		}
		free(webhook->secret);
		webhook->secret =
			json_is_null(value) ? NULL : must_copy(json_string_value(value));
	}
}

static void
webhook_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = home_require(sim, request, kind, answer);
	struct webhook *webhook;

	if (!home || !url_check(request, answer))
		return;
	webhook = webhook_add(&sim->world.extras, home);
	webhook->created_at = clock_now(&sim->clock);
	webhook_set(webhook, request);
	answer_json(answer, 201, webhook_view(sim, request, webhook));
}

static void
webhook_update(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct webhook *webhook = webhook_require(sim, request, kind, answer);

	if (!webhook)
		return;
	/* `id` and `hook_id` are always there. */
	if (json_object_size(request->params) <= 2) {
		error_error(answer, 400, "No parameters provided");
		return;
	}
	if (!url_check(request, answer))
		return;
	webhook_set(webhook, request);
	answer_json(answer, 200, webhook_view(sim, request, webhook));
}

static void
webhook_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct webhook *webhook = webhook_require(sim, request, kind, answer);

	if (!webhook)
		return;
	webhook_remove(&sim->world.extras, webhook);
	answer_no_content(answer);
}

FOR_BOTH(webhooks_list)
FOR_BOTH(webhook_get)
FOR_BOTH(webhook_create)
FOR_BOTH(webhook_update)
FOR_BOTH(webhook_delete)

/* clang-format off */
#define HOOK_ID { "hook_id", PARAM_NUMBER, .required = true }
#define SETTINGS \
	{ "token", PARAM_TEXT }, { "name", PARAM_TEXT, .from = V(17, 1) }, { "description", PARAM_TEXT, .from = V(17, 1) }, \
	{ "push_events", PARAM_TRUE }, { "tag_push_events", PARAM_TRUE }, { "merge_requests_events", PARAM_TRUE }, \
	{ "enable_ssl_verification", PARAM_TRUE }, { "push_events_branch_filter", PARAM_TEXT }, \
	{ "branch_filter_strategy", PARAM_TEXT, .values = "wildcard,regex,all_branches", .from = V(16, 0) }, \
	{ "custom_webhook_template", PARAM_TEXT, .from = V(16, 10) }, \
	{ "issues_events", PARAM_TRUE }, { "confidential_issues_events", PARAM_TRUE }, \
	{ "note_events", PARAM_TRUE }, { "confidential_note_events", PARAM_TRUE }, \
	{ "pipeline_events", PARAM_TRUE }, { "wiki_page_events", PARAM_TRUE }, { "deployment_events", PARAM_TRUE }, \
	{ "feature_flag_events", PARAM_TRUE, .from = V(17, 0) }, { "job_events", PARAM_TRUE }, \
	{ "releases_events", PARAM_TRUE }, { "milestone_events", PARAM_TRUE, .from = V(17, 9) }, \
	{ "emoji_events", PARAM_TRUE, .from = V(16, 2) }, \
	{ "resource_access_token_events", PARAM_TRUE, .from = V(16, 10) }, \
	{ "vulnerability_events", PARAM_TRUE, .from = V(17, 8) }
#define OF_project { "resource_deploy_token_events", PARAM_TRUE, .from = V(18, 3) }
#define OF_group \
	{ "subgroup_events", PARAM_TRUE }, { "member_events", PARAM_TRUE, .from = V(17, 4) }, \
	{ "project_events", PARAM_TRUE, .from = V(17, 11) }

#define PARAMS(prefix) \
static const struct param prefix##_create_params[] = { \
	{ "url", PARAM_TEXT, .required = true }, SETTINGS, OF_##prefix, { 0 } \
}; \
static const struct param prefix##_update_params[] = { \
	HOOK_ID, { "url", PARAM_TEXT }, SETTINGS, OF_##prefix, { 0 } \
};
static const struct param list_params[] = { PAGE_PARAMS, { 0 } };
static const struct param id_params[] = { HOOK_ID, { 0 } };
PARAMS(project)
PARAMS(group)

#define ROUTES(prefix, base) \
	{ "GET",    base,             prefix##_webhooks_list,  list_params }, \
	{ "POST",   base,             prefix##_webhook_create, prefix##_create_params }, \
	{ "GET",    base "/:hook_id", prefix##_webhook_get,    id_params }, \
	{ "PUT",    base "/:hook_id", prefix##_webhook_update, prefix##_update_params }, \
	{ "DELETE", base "/:hook_id", prefix##_webhook_delete, id_params }

const struct route webhook_routes[] = {
	ROUTES(project, "/projects/:id/hooks"),
	ROUTES(group, "/groups/:id/hooks"),
	{ 0 }
};
/* clang-format on */
