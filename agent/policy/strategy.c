#include "policy/strategy.h"

#include "base/when.h"
#include "destination/destination.h"

#define LEAVES_NOTHING "only 'strategy: replace' leaves an old token beside the new one"

bool
strategy_is_deploy(enum token_type type)
{
	return type == TYPE_PROJECT_DEPLOY || type == TYPE_GROUP_DEPLOY;
}

static bool
has_bot(enum token_type type)
{
	return type == TYPE_PROJECT || type == TYPE_GROUP;
}

bool
token_entry_replaces(const struct token_entry *entry)
{
	return entry->strategy == STRATEGY_REPLACE || strategy_is_deploy(entry->token.type);
}

static bool
has_jobs(const struct token_entry *entry)
{
	const struct choice *places = entry->deliver.items;

	for (size_t i = 0; i < entry->deliver.count; i++)
		if (destination_kind_has_home(places[i].kind))
			return true;
	return false;
}

/* A variable of the instance is given to the jobs of all projects. */
static bool
has_all_jobs(const struct token_entry *entry)
{
	const struct choice *places = entry->deliver.items;

	for (size_t i = 0; i < entry->deliver.count; i++) {
		const struct ci_variable_entry *variable = places[i].value;

		if (places[i].kind == DESTINATION_CI_VARIABLE && variable &&
			variable->instance == STATED_YES)
			return true;
	}
	return false;
}

/* Keys that say nothing where they stand would be passed over in silence. */
static void
check_belongs(const struct token_entry *entry, struct diags *diags)
{
	const bool pattern = address_is_pattern(&entry->token);
	const bool deploy = strategy_is_deploy(entry->token.type);
	const bool replaces = token_entry_replaces(entry);
	const struct {
		const char *key;
		bool stated, belongs;
		const char *why;
	} keys[] = {
		{ "description", entry->description && !pattern, !deploy,
			"a deploy token has none" },
		{ "level_at_most", entry->level_at_most && pattern, !deploy,
			"a deploy token has no level" },
		{ "on_foreign_rotation", entry->on_foreign_rotation, !deploy,
			"nobody can rotate a deploy token" },
		{ "on_loss", entry->on_loss, !deploy,
			"a deploy token is never lost through us: the old one lives until the new one is everywhere" },
		{ "username", entry->username, !pattern, "a pattern creates no token" },
		{ "username", entry->username && !pattern, deploy,
			"only deploy tokens have one of their own" },
		{ "when_idle", entry->idle_sec, !replaces,
			"no job loses its secret, for the old token lives beside the new for 'overlap'" },
		{ "when_idle", entry->idle_sec && !replaces, has_jobs(entry),
			"it waits for jobs of the projects and groups it is delivered to, and it is delivered to none" },
		{ "when_idle", entry->idle_sec, !has_all_jobs(entry),
			"a variable of the instance is given to the jobs of all projects, which are not looked at" },
		{ "overlap", entry->overlap_sec, replaces, LEAVES_NOTHING },
		{ "retire", entry->retire, replaces, LEAVES_NOTHING },
		{ "quiet", entry->quiet_sec, entry->retire == RETIRE_WHEN_UNUSED,
			"only 'retire: when_unused' waits for the old token to be quiet" },
		{ "new_bot", entry->new_bot, replaces && has_bot(entry->token.type),
			"only 'strategy: replace' of a project's or group's token makes a new bot user" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].stated && !keys[i].belongs)
			diags_add(diags, entry->at, "'%s': '%s' does not belong here: %s",
				entry->token.text, keys[i].key, keys[i].why);
}

/* Ways that GitLab does not know, or that break what they should not. */
static void
check_way(const struct token_entry *entry, struct diags *diags)
{
	const bool deploy = strategy_is_deploy(entry->token.type);

	if (deploy && entry->strategy == STRATEGY_ROTATE)
		diags_add(diags, entry->at,
			"'%s': 'strategy: rotate': GitLab cannot rotate a deploy token; it is "
			"replaced, whether 'strategy: replace' says so or not",
			entry->token.text);
	if (deploy && entry->retire == RETIRE_WHEN_UNUSED)
		diags_add(diags, entry->at,
			"'%s': 'retire: when_unused': GitLab does not tell when a deploy token was "
			"last used; expected after_overlap",
			entry->token.text);
	if (entry->strategy == STRATEGY_REPLACE && has_bot(entry->token.type) &&
		!entry->new_bot)
		diags_add(diags, entry->at,
			"'%s': 'strategy: replace' makes a new bot user, whom protected branches, "
			"approvals and CODEOWNERS do not know: say 'new_bot: accept', or rotate",
			entry->token.text);
	if (entry->rotate_with == ROTATE_WITH_SELF && token_entry_replaces(entry))
		diags_add(diags, entry->at,
			"'%s': 'rotate_with: self': a token can rotate itself, and cannot make "
			"another one beside itself",
			entry->token.text);
}

/* A new token that falls due while the old one still lives would be one too many. */
static void
check_span(const struct policies *policies, const struct token_entry *entry, const char *key,
	int64_t span, struct diags *diags)
{
	const struct lifetime *lifetime = policies_lifetime(policies, &entry->token);
	char stated[WHEN_TEXT_BYTES], third[WHEN_TEXT_BYTES];

	if (!lifetime || lifetime->max_lifetime_sec <= 0 ||
		span <= lifetime->max_lifetime_sec / 3)
		return;
	diags_add(diags, entry->at,
		"'%s': '%s: %s' is more than a third of its max_lifetime: expected %s at the most",
		entry->token.text, key, span_text(span, stated),
		span_text(lifetime->max_lifetime_sec / 3, third));
}

void
strategy_check(
	const struct policies *policies, const struct token_entry *entry, struct diags *diags)
{
	check_belongs(entry, diags);
	check_way(entry, diags);
	check_span(policies, entry, "overlap", entry->overlap_sec, diags);
	check_span(policies, entry, "quiet", entry->quiet_sec, diags);
}
