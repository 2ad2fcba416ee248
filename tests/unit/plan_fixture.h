/* plan_fixture.h: a policy, and a world of a few tokens that a test describes, for plan_build().
 * Touches a folder under /tmp, which it removes. */
#ifndef PLAN_FIXTURE_H
#define PLAN_FIXTURE_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/advice.h"
#include "base/json.h"
#include "base/when.h"
#include "flow/plan.h"

#define DAYS(count) ((count)*DAY_SEC)
#define TODAY 20000
#define NOW (DAYS(TODAY) + 10 * HOUR_SEC)
#define API "project:g/api:ci"
#define WEB "project:g/web:ci"

static const char policy_text[] =
	"gitlab: { url: https://gitlab.example.com, credential: c }\n"
	"lifetimes:\n"
	"  - { for: 'project:wide/**', max_lifetime: 30d, renew_before: 10d }\n"
	"  - { for: '*', max_lifetime: 90d, renew_before: 30d }\n"
	"tokens:\n"
	"  - { token: 'project:g/api:ci', scopes: [api], access_level: developer, deliver: [ ci_variable: A ] }\n"
	"  - { token: 'project:g/web:ci', deliver: [ ci_variable: A ] }\n"
	"  - { token: 'project:g/lost:ci', scopes: [api], deliver: [ ci_variable: A ] }\n"
	"  - { token: 'project:g/pick:ci', id: 7, deliver: [ ci_variable: A ] }\n"
	"  - { token: 'project:wide/a:ci', deliver: [ ci_variable: A ] }\n"
	"  - token: 'project:fleet/**:ci'\n"
	"    scopes_at_most: [read_api]\n"
	"    level_at_most: developer\n"
	"    deliver: [ ci_variable: A ]\n";

/* A world of at most a few tokens. */
struct world {
	struct arena *arena;
	struct policies *policies;
	struct holdings holdings;
	struct holding held[16];
	struct token_records records;
	struct token_record record[16];
	struct rotations open;
	struct rotation row[4];
	struct plan_options options;
	struct plan *plan;
};

static void
load_policy(struct world *world, const char *text)
{
	char folder[] = "/tmp/test_plan-XXXXXX";
	auto_diags struct diags *diags = diags_new();
	const char *file;
	FILE *stream;

	assert_non_null(mkdtemp(folder));
	file = arena_format(world->arena, "%s/glrotate.yaml", folder);
	stream = fopen(file, "we");
	assert_non_null(stream);
	fputs(text, stream);
	fchmod(fileno(stream), 0600);
	fclose(stream);
	policies_free(world->policies);
	world->policies = policies_load(file, diags);
	diags_print(diags, stderr);
	assert_true(world->policies->is_valid);
	unlink(file);
	rmdir(folder);
}

static int
open_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->arena = arena_new();
	world->holdings.items = world->held;
	world->records.items = world->record;
	world->open.items = world->row;
	world->options.limit = 20;
	load_policy(world, policy_text);
	*state = world;
	return 0;
}

static int
close_world(void **state)
{
	struct world *world = *state;

	plan_free(world->plan);
	policies_free(world->policies);
	arena_free(world->arena);
	free(world);
	return 0;
}

static inline struct token
living(int64_t id, int64_t age_days, int64_t dies_in_days)
{
	return (struct token){ .id = id,
		.user_id = 1000 + id,
		.name = "ci",
		.access_level = 30,
		.created_msec = (NOW - DAYS(age_days)) * 1000,
		.expires_on = dies_in_days ? TODAY + dies_in_days : NO_DATE,
		.last_used_msec = NO_MOMENT,
		.revoked = STATED_NO };
}

static inline struct token
revoked(int64_t id)
{
	struct token token = living(id, 10, 80);

	token.revoked = STATED_YES;
	return token;
}

static struct holding *
hold(struct world *world, const char *address, const struct token *tokens, size_t count)
{
	struct holding *holding = &world->held[world->holdings.count++];
	struct err err;

	*holding = (struct holding){ .is_readable = true };
	assert_true(address_parse(world->arena, address, false, &holding->address, &err));
	holding->entry = policies_entry(world->policies, &holding->address);
	assert_non_null(holding->entry);
	holding->namesakes.items = arena_alloc(world->arena, (count + 1) * sizeof(*tokens));
	holding->namesakes.count = count;
	if (count)
		memcpy(holding->namesakes.items, tokens, count * sizeof(*tokens));
	return holding;
}

/* A record as adoption would have left it; they are kept in the order of addresses, as the journal gives them. */
static inline struct token_record *
record(struct world *world, const char *address, const struct token *token)
{
	struct token_record *record = &world->record[world->records.count++];

	*record = (struct token_record){ .number = (int64_t)world->records.count,
		.address = address,
		.token_id = token ? token->id : 0,
		.user_id = token ? token->user_id : 0,
		.created_msec = token ? token->created_msec : 0,
		.expires_on = token ? token->expires_on : NO_DATE,
		.adopted_at = NOW - DAYS(200),
		.rule = "max 90d renew 30d",
		.rule_since = NOW - DAYS(200),
		.destinations = "" };
	return record;
}

static inline const struct plan_item *
build(struct world *world)
{
	struct err err = { 0 };

	plan_free(world->plan);
	world->plan = NULL;
	if (!plan_build(world->policies, &world->holdings, &world->records, &world->open, NOW,
		    &world->options, &world->plan, &err))
		fail_msg("%s", err.text);
	return world->plan->items;
}

static inline void
expect(const struct plan_item *item, enum plan_action action, int advice, const char *why)
{
	if (item->action != action || item->advice != advice || !strstr(item->why, why))
		fail_msg("%s: %s GLR-%d '%s', expected %s GLR-%d '%s'", item->address.text,
			plan_action_name(item->action), item->advice, item->why,
			plan_action_name(action), advice, why);
}

static inline bool
order_all(void *context, const struct address *address)
{
	(void)context;
	(void)address;
	return true;
}

#endif
