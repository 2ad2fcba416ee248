#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gitlab/kinds.h"

static void
kind_has_a_row_for_each_type(void **state)
{
	(void)state;

	for (int type = 0; type < TYPE_COUNT; type++) {
		const struct kind *kind = kind_of((enum token_type)type);

		assert_int_equal(kind->type, type);
		assert_non_null(kind->least_right);
	}
}

static void
kind_names_the_endpoints_of_each_owner(void **state)
{
	/* clang-format off */
	static const struct {
		struct owner owner;
		const char *tokens, *token, *create;
	} rows[] = {
		{ { .type = TYPE_PROJECT, .id = 7 },
			"/api/v4/projects/7/access_tokens", "/api/v4/projects/7/access_tokens/4711",
			"/api/v4/projects/7/access_tokens" },
		{ { .type = TYPE_GROUP, .id = 5000000000 },
			"/api/v4/groups/5000000000/access_tokens", "/api/v4/groups/5000000000/access_tokens/4711",
			"/api/v4/groups/5000000000/access_tokens" },
		{ { .type = TYPE_PERSONAL, .user_id = 3 },
			"/api/v4/personal_access_tokens", "/api/v4/personal_access_tokens/4711",
			"/api/v4/users/3/personal_access_tokens" },
		{ { .type = TYPE_SERVICE_ACCOUNT, .user_id = 3 },
			"/api/v4/personal_access_tokens", "/api/v4/personal_access_tokens/4711",
			"/api/v4/users/3/personal_access_tokens" },
		{ { .type = TYPE_SERVICE_ACCOUNT, .id = 5, .user_id = 3 },
			"/api/v4/groups/5/service_accounts/3/personal_access_tokens",
			"/api/v4/groups/5/service_accounts/3/personal_access_tokens/4711",
			"/api/v4/groups/5/service_accounts/3/personal_access_tokens" },
		{ { .type = TYPE_SERVICE_ACCOUNT, .id = 7, .user_id = 3, .in_project = true },
			"/api/v4/projects/7/service_accounts/3/personal_access_tokens",
			"/api/v4/projects/7/service_accounts/3/personal_access_tokens/4711",
			"/api/v4/projects/7/service_accounts/3/personal_access_tokens" },
		{ { .type = TYPE_IMPERSONATION, .user_id = 3 },
			"/api/v4/users/3/impersonation_tokens", "/api/v4/users/3/impersonation_tokens/4711",
			"/api/v4/users/3/impersonation_tokens" },
		{ { .type = TYPE_PROJECT_DEPLOY, .id = 7 },
			"/api/v4/projects/7/deploy_tokens", "/api/v4/projects/7/deploy_tokens/4711",
			"/api/v4/projects/7/deploy_tokens" },
		{ { .type = TYPE_GROUP_DEPLOY, .id = 5 },
			"/api/v4/groups/5/deploy_tokens", "/api/v4/groups/5/deploy_tokens/4711",
			"/api/v4/groups/5/deploy_tokens" },
	};
	/* clang-format on */
	auto_arena struct arena *arena = arena_new();
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(kind_tokens_path(&rows[i].owner, arena), rows[i].tokens);
		assert_string_equal(
			kind_token_path(&rows[i].owner, 4711, arena), rows[i].token);
		assert_string_equal(kind_create_path(&rows[i].owner, arena), rows[i].create);
		assert_true(kind_of(rows[i].owner.type)->manageable);
	}
}

static void
role_names_go_both_ways(void **state)
{
	static const struct {
		int64_t level;
		const char *name;
	} rows[] = { { 10, "guest" }, { 15, "planner" }, { 20, "reporter" },
		{ 30, "developer" }, { 40, "maintainer" }, { 50, "owner" } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(role_name(rows[i].level), rows[i].name);
		assert_int_equal(role_parse(rows[i].name), rows[i].level);
	}
	assert_null(role_name(0));
	assert_null(role_name(25));
	assert_int_equal(role_parse("admin"), ROLE_NONE);
	assert_int_equal(role_parse(""), ROLE_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kind_has_a_row_for_each_type),
		cmocka_unit_test(kind_names_the_endpoints_of_each_owner),
		cmocka_unit_test(role_names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
