/* resource_keys.c: the keys of projects and groups, GitLab's entities BasicProjectDetails, Project, ProjectWithAccess,
 * Group and GroupDetail. What differs between 17.11 and 18.11 is taken to have changed with 18.0. */
#include "access.h"
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many projects a group shows at most. */
enum { PROJECTS_MAX = 100 };

static json_t *
resource_ssh_url(const struct look *look)
{
	return json_sprintf("git@%.*s:%s.git", (int)strcspn(look->request->host, ":"),
		look->request->host, look->resource->path);
}

static json_t *
resource_http_url(const struct look *look)
{
	return url_json(look->request, "http", "%s.git", look->resource->path);
}

static json_t *
resource_links(const struct look *look)
{
	/* Each is the project's own address and its path. */
	static const char *const links[][2] = { { "self", "" }, { "issues", "/issues" },
		{ "merge_requests", "/merge_requests" },
		{ "repo_branches", "/repository/branches" }, { "labels", "/labels" },
		{ "events", "/events" }, { "members", "/members" },
		{ "cluster_agents", "/cluster_agents" } };
	json_t *json = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		json_object_set_new(json, links[i][0],
			url_json(look->request, "http", "api/v4/projects/%ld%s",
				look->resource->id, links[i][1]));
	return json;
}

/* Its clean-up of images is off, and would come a day after it was made. */
static json_t *
resource_policy(const struct look *look)
{
	return json_pack("{s:s, s:b, s:i, s:s, s:s, s:n, s:o}", "cadence", "1d", "enabled", 0,
		"keep_n", 10, "older_than", "90d", "name_regex", ".*", "name_regex_keep",
		"next_run_at", moment_json(look->resource->created_at + DAY_MSEC));
}

static json_t *
resource_can_merge(const struct look *look)
{
	return json_boolean(
		has_level(look->sim, look->request, look->resource, LEVEL_DEVELOPER));
}

/* One paragraph: Markdown is not understood here. */
static json_t *
resource_html(const struct look *look)
{
	const char *text = look->resource->description;
	json_t *json;
	char *html = NULL;
	size_t size;
	FILE *out;

	if (!text || !*text)
		return json_string("");
	out = open_memstream(&html, &size);
	fprintf(out, "<p data-sourcepos=\"1:1-1:%zu\" dir=\"auto\">", strlen(text));
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			fputc(*text, out);
	}
	fprintf(out, "</p>");
	fclose(out);
	json = json_string(html);
	free(html);
	return json;
}

static json_t *
access_json(int level)
{
	return level ? json_pack("{s:i, s:i}", "access_level", level, "notification_level", 3)
	             : json_null();
}

static json_t *
resource_archived(const struct look *look)
{
	return json_boolean(look->resource->archived);
}

static json_t *
resource_repository(const struct look *look)
{
	return json_string(look->resource->no_repository ? "disabled" : "enabled");
}

static json_t *
resource_builds(const struct look *look)
{
	return json_string(look->resource->no_builds ? "disabled" : "enabled");
}

static json_t *
resource_jobs(const struct look *look)
{
	return json_boolean(!look->resource->no_builds);
}

static json_t *
resource_permissions(const struct look *look)
{
	return json_pack("{s:o, s:o}", "project_access",
		access_json(level_direct(look->request->user, look->resource)), "group_access",
		access_json(level_in(look->request->user, look->resource->parent)));
}

static json_t *
resource_projects(const struct look *look)
{
	const struct list *children = &look->resource->children;
	json_t *json = json_array();

	for (size_t i = 0; i < children->count && json_array_size(json) < PROJECTS_MAX; i++) {
		const struct resource *child = children->items[i];

		if (child->kind == PROJECT && resource_visible(look->sim, look->request, child))
			json_array_append_new(
				json, resource_view(look->sim, look->request, child, SEE_MORE));
	}
	return json;
}

/* clang-format off */
enum { SETTINGS = SEE_MORE | SEE_SETTINGS };

static const struct key project_keys[] = {
	{ 0,        "id",                                                .make = resource_id },
	{ 0,        "description",                                       .make = resource_description },
	{ 0,        "name",                                              .make = resource_name },
	{ 0,        "name_with_namespace",                               .make = resource_full_name },
	{ 0,        "path",                                              .make = resource_own_path },
	{ 0,        "path_with_namespace",                               .make = resource_full_path },
	{ 0,        "created_at",                                        .make = resource_created },
	{ SEE_CODE, "default_branch",                                    TEXT("main") },
	{ 0,        "tag_list",                                          "[]" },
	{ 0,        "topics",                                            "[]" },
	{ 0,        "ssh_url_to_repo",                                   .make = resource_ssh_url },
	{ 0,        "http_url_to_repo",                                  .make = resource_http_url },
	{ 0,        "web_url",                                           .make = resource_url },
	{ SEE_CODE, "readme_url",                                        "null" },
	{ SEE_CODE, "forks_count",                                       "0" },
	{ 0,        "avatar_url",                                        "null" },
	{ 0,        "star_count",                                        "0" },
	{ 0,        "last_activity_at",                                  .make = resource_created },
	{ 0,        "visibility",                                        .make = resource_visibility, .from = V(18, 0) },
	{ 0,        "namespace",                                         .make = resource_namespace },
	{ SEE_MORE | SEE_ADMIN, "repository_storage",                    TEXT("default") },
	{ SEE_MORE, "_links",                                            .make = resource_links },
	{ SEE_MORE, "marked_for_deletion_at",                            "null", .from = V(18, 0) },
	{ SEE_MORE, "marked_for_deletion_on",                            "null", .from = V(18, 0) },
	{ SEE_MORE, "packages_enabled",                                  "true" },
	{ SEE_MORE, "empty_repo",                                        "true" },
	{ SEE_MORE, "archived",                                          .make = resource_archived },
	{ SEE_MORE, "visibility",                                        .make = resource_visibility, .before = V(18, 0) },
	{ SEE_MORE, "resolve_outdated_diff_discussions",                 "false" },
	{ SEE_MORE, "container_expiration_policy",                       .make = resource_policy },
	{ SEE_MORE, "repository_object_format",                          TEXT("sha1") },
	{ SEE_MORE, "issues_enabled",                                    "true" },
	{ SEE_MORE, "merge_requests_enabled",                            "true" },
	{ SEE_MORE, "wiki_enabled",                                      "true" },
	{ SEE_MORE, "jobs_enabled",                                      .make = resource_jobs },
	{ SEE_MORE, "snippets_enabled",                                  "true" },
	{ SEE_MORE, "container_registry_enabled",                        "true" },
	{ SEE_MORE, "service_desk_enabled",                              "false" },
	{ SEE_MORE | SEE_CODE, "service_desk_address",                   "null" },
	{ SEE_MORE, "can_create_merge_request_in",                       .make = resource_can_merge },
	{ SEE_MORE, "issues_access_level",                               TEXT("enabled") },
	{ SEE_MORE, "repository_access_level",                           .make = resource_repository },
	{ SEE_MORE, "merge_requests_access_level",                       TEXT("enabled") },
	{ SEE_MORE, "forking_access_level",                              TEXT("enabled") },
	{ SEE_MORE, "wiki_access_level",                                 TEXT("enabled") },
	{ SEE_MORE, "builds_access_level",                               .make = resource_builds },
	{ SEE_MORE, "snippets_access_level",                             TEXT("enabled") },
	{ SEE_MORE, "pages_access_level",                                TEXT("private") },
	{ SEE_MORE, "analytics_access_level",                            TEXT("enabled") },
	{ SEE_MORE, "container_registry_access_level",                   TEXT("enabled") },
	{ SEE_MORE, "security_and_compliance_access_level",              TEXT("private") },
	{ SEE_MORE, "releases_access_level",                             TEXT("enabled") },
	{ SEE_MORE, "environments_access_level",                         TEXT("enabled") },
	{ SEE_MORE, "feature_flags_access_level",                        TEXT("enabled") },
	{ SEE_MORE, "infrastructure_access_level",                       TEXT("enabled") },
	{ SEE_MORE, "monitor_access_level",                              TEXT("enabled") },
	{ SEE_MORE, "model_experiments_access_level",                    TEXT("enabled") },
	{ SEE_MORE, "model_registry_access_level",                       TEXT("enabled") },
	{ SEE_MORE, "package_registry_access_level",                     TEXT("enabled"), .from = V(18, 0) },
	{ SEE_MORE, "emails_disabled",                                   "false" },
	{ SEE_MORE, "emails_enabled",                                    "true" },
	{ SEE_MORE, "show_diff_preview_in_email",                        "true", .from = V(18, 0) },
	{ SEE_MORE, "shared_runners_enabled",                            "true" },
	{ SEE_MORE, "lfs_enabled",                                       "true" },
	{ SEE_MORE, "creator_id",                                        "1" },
	{ SETTINGS, "import_url",                                        "null" },
	{ SETTINGS, "import_type",                                       "null" },
	{ SEE_MORE, "import_status",                                     TEXT("none") },
	{ SETTINGS | SEE_ONE, "import_error",                            "null" },
	{ SEE_MORE, "open_issues_count",                                 "0" },
	{ SEE_MORE, "description_html",                                  .make = resource_html },
	{ SEE_MORE, "updated_at",                                        .make = resource_created },
	{ SETTINGS, "ci_default_git_depth",                              "20" },
	{ SETTINGS, "ci_delete_pipelines_in_seconds",                    "null" },
	{ SETTINGS, "ci_forward_deployment_enabled",                     "true" },
	{ SETTINGS, "ci_forward_deployment_rollback_allowed",            "true" },
	{ SETTINGS, "ci_job_token_scope_enabled",                        "false" },
	{ SETTINGS, "ci_separated_caches",                               "true" },
	{ SETTINGS, "ci_allow_fork_pipelines_to_run_in_parent_project",  "true" },
	{ SETTINGS, "ci_id_token_sub_claim_components",                  "[\"project_path\", \"ref_type\", \"ref\"]" },
	{ SETTINGS, "build_git_strategy",                                TEXT("fetch") },
	{ SETTINGS, "keep_latest_artifact",                              "true" },
	{ SETTINGS, "restrict_user_defined_variables",                   "false" },
	{ SETTINGS, "ci_pipeline_variables_minimum_override_role",       TEXT("developer") },
	{ SETTINGS, "runner_token_expiration_interval",                  "null" },
	{ SETTINGS, "group_runners_enabled",                             "true" },
	{ SETTINGS, "resource_group_default_process_mode",               TEXT("unordered"), .from = V(18, 0) },
	{ SETTINGS, "auto_cancel_pending_pipelines",                     TEXT("enabled") },
	{ SETTINGS, "build_timeout",                                     "3600" },
	{ SETTINGS, "auto_devops_enabled",                               "true" },
	{ SETTINGS, "auto_devops_deploy_strategy",                       TEXT("continuous") },
	{ SETTINGS, "ci_push_repository_for_job_token_allowed",          "false" },
	{ SETTINGS, "protect_merge_request_pipelines",                   "true", .from = V(18, 0) },
	{ SETTINGS, "ci_display_pipeline_variables",                     "false", .from = V(18, 0) },
	{ SETTINGS, "runners_token",                                     TEXT("GR1348941-of-nobody") },
	{ SEE_MORE | SEE_CODE, "ci_config_path",                         "null" },
	{ SEE_MORE, "public_jobs",                                       "true" },
	{ SEE_MORE, "shared_with_groups",                                "[]" },
	{ SEE_MORE, "only_allow_merge_if_pipeline_succeeds",             "false" },
	{ SEE_MORE, "allow_merge_on_skipped_pipeline",                   "null" },
	{ SEE_MORE, "request_access_enabled",                            "true" },
	{ SEE_MORE, "only_allow_merge_if_all_discussions_are_resolved",  "false" },
	{ SEE_MORE, "remove_source_branch_after_merge",                  "true" },
	{ SEE_MORE, "printing_merge_request_link_enabled",               "true" },
	{ SEE_MORE, "merge_method",                                      TEXT("merge") },
	{ SEE_MORE, "squash_option",                                     TEXT("default_off") },
	{ SEE_MORE, "enforce_auth_checks_on_uploads",                    "true" },
	{ SEE_MORE, "suggestion_commit_message",                         "null" },
	{ SEE_MORE, "merge_commit_template",                             "null" },
	{ SEE_MORE, "squash_commit_template",                            "null" },
	{ SEE_MORE, "issue_branch_template",                             "null" },
	{ SEE_MORE, "warn_about_potentially_unwanted_characters",        "true" },
	{ SEE_MORE, "autoclose_referenced_issues",                       "true" },
	{ SEE_MORE, "max_artifacts_size",                                "null" },
	{ SEE_MORE, "requirements_enabled",                              "false" },
	{ SEE_MORE, "requirements_access_level",                         TEXT("enabled") },
	{ SEE_MORE, "security_and_compliance_enabled",                   "true" },
	{ SEE_MORE, "compliance_frameworks",                             "[]" },
	{ SEE_MORE | SEE_PERMISSIONS, "permissions",                     .make = resource_permissions },
	{ 0 }
};

static const struct key group_keys[] = {
	{ 0,        "id",                                                  .make = resource_id },
	{ 0,        "web_url",                                             .make = resource_url },
	{ 0,        "name",                                                .make = resource_name },
	{ 0,        "path",                                                .make = resource_own_path },
	{ 0,        "description",                                         .make = resource_description },
	{ 0,        "visibility",                                          .make = resource_visibility },
	{ 0,        "share_with_group_lock",                               "false" },
	{ 0,        "require_two_factor_authentication",                   "false" },
	{ 0,        "two_factor_grace_period",                             "48" },
	{ 0,        "project_creation_level",                              TEXT("developer") },
	{ 0,        "auto_devops_enabled",                                 "null" },
	{ 0,        "subgroup_creation_level",                             TEXT("maintainer") },
	{ 0,        "emails_disabled",                                     "false" },
	{ 0,        "emails_enabled",                                      "true" },
	{ 0,        "show_diff_preview_in_email",                          "true", .from = V(18, 0) },
	{ 0,        "mentions_disabled",                                   "null" },
	{ 0,        "lfs_enabled",                                         "true" },
	{ 0,        "archived",                                            "false", .from = V(18, 0) },
	{ 0,        "math_rendering_limits_enabled",                       "true" },
	{ 0,        "lock_math_rendering_limits_enabled",                  "false" },
	{ 0,        "default_branch",                                      "null" },
	{ 0,        "default_branch_protection",                           "2" },
	{ 0,        "default_branch_protection_defaults",
		"{\"allowed_to_push\": [{\"access_level\": 40}], \"allow_force_push\": false,"
		" \"allowed_to_merge\": [{\"access_level\": 40}], \"developer_can_initial_push\": false}" },
	{ 0,        "avatar_url",                                          "null" },
	{ 0,        "request_access_enabled",                              "true" },
	{ 0,        "full_name",                                           .make = resource_full_name },
	{ 0,        "full_path",                                           .make = resource_full_path },
	{ 0,        "created_at",                                          .make = resource_created },
	{ 0,        "parent_id",                                           .make = resource_parent_id },
	{ 0,        "organization_id",                                     "1" },
	{ 0,        "shared_runners_setting",                              TEXT("enabled") },
	{ 0,        "max_artifacts_size",                                  "null" },
	{ 0,        "marked_for_deletion_on",                              "null", .from = V(18, 0) },
	{ 0,        "ldap_cn",                                             "null" },
	{ 0,        "ldap_access",                                         "null" },
	{ 0,        "wiki_access_level",                                   TEXT("enabled") },
	{ SEE_ROOT, "duo_namespace_access_rules",                          "[]", .from = V(18, 0) },
	{ SEE_ONE,  "shared_with_groups",                                  "[]" },
	{ SEE_ONE | SEE_SETTINGS, "runners_token",                         TEXT("GR1348941-of-nobody") },
	{ SEE_ONE | SEE_ROOT, "enabled_git_access_protocol",               TEXT("all") },
	{ SEE_ONE | SEE_ROOT, "prevent_sharing_groups_outside_hierarchy",  "false" },
	{ SEE_PROJECTS, "projects",                                        .make = resource_projects },
	{ SEE_PROJECTS, "shared_projects",                                 "[]" },
	{ SEE_ONE,  "shared_runners_minutes_limit",                        "null" },
	{ SEE_ONE,  "extra_shared_runners_minutes_limit",                  "null" },
	{ SEE_ONE,  "prevent_forking_outside_group",                       "null" },
	{ SEE_ONE | SEE_ROOT, "service_access_tokens_expiration_enforced", "true", .from = V(18, 0) },
	{ SEE_ONE,  "membership_lock",                                     "false" },
	{ 0 }
};
/* clang-format on */

static json_t *
resource_level(const struct look *look)
{
	return json_integer(level_in(look->request->user, look->resource));
}

static json_t *
resource_levels(const struct look *look)
{
	int own = level_direct(look->request->user, look->resource);
	int above = level_in(look->request->user, look->resource->parent);

	return json_pack("{s:o, s:o}", "project_access_level",
		own ? json_integer(own) : json_null(), "group_access_level",
		above ? json_integer(above) : json_null());
}

/* clang-format off */
static const struct key group_association_keys[] = {
	{ 0, "id",              .make = resource_id },
	{ 0, "web_url",         .make = resource_url },
	{ 0, "name",            .make = resource_name },
	{ 0, "parent_id",       .make = resource_parent_id },
	{ 0, "organization_id", "1" },
	{ 0, "access_levels",   .make = resource_level },
	{ 0, "visibility",      .make = resource_visibility },
	{ 0 }
};

static const struct key project_association_keys[] = {
	{ 0, "id",                  .make = resource_id },
	{ 0, "description",         .make = resource_description },
	{ 0, "name",                .make = resource_name },
	{ 0, "name_with_namespace", .make = resource_full_name },
	{ 0, "path",                .make = resource_own_path },
	{ 0, "path_with_namespace", .make = resource_full_path },
	{ 0, "created_at",          .make = resource_created },
	{ 0, "access_levels",       .make = resource_levels },
	{ 0, "visibility",          .make = resource_visibility },
	{ 0, "web_url",             .make = resource_url },
	{ 0, "namespace",           .make = resource_namespace },
	{ 0 }
};
/* clang-format on */

json_t *
association_view(
	struct sim *sim, const struct request *request, const struct resource *resource)
{
	const struct look look = { sim, request, NULL, resource, 0 };

	return keys_show(
		resource->kind == GROUP ? group_association_keys : project_association_keys,
		&look);
}

/* What who asks may see of it. */
static unsigned
seen_by(struct sim *sim, const struct request *request, const struct resource *resource)
{
	const bool group = resource->kind == GROUP;
	unsigned seen = 0;

	if (strcmp(resource->visibility, "private") != 0 ||
		has_level(sim, request, resource, LEVEL_GUEST + 1))
		seen |= SEE_CODE;
	if (has_level(sim, request, resource, group ? LEVEL_OWNER : LEVEL_MAINTAINER))
		seen |= SEE_SETTINGS;
	if (is_admin(sim, request))
		seen |= SEE_ADMIN;
	if (group && !resource->parent)
		seen |= SEE_ROOT;
	return seen;
}

json_t *
resource_view(struct sim *sim, const struct request *request, const struct resource *resource,
	unsigned how)
{
	const struct look look = { sim, request, NULL, resource,
		how | seen_by(sim, request, resource) };

	return keys_show(resource->kind == GROUP ? group_keys : project_keys, &look);
}
