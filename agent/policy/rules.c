#include "policy/rules.h"

#include <limits.h>
#include <string.h>

#include "base/when.h"
#include "destination/destination.h"
#include "policy/brake.h"
#include "policy/claims.h"
#include "policy/strategy.h"

/* What one check of all files works on. */
struct checking {
	const struct policies *policies;
	bool whole;
	struct diags *diags;
};

/* A systemd credential is a copy that systemd made: what it was made from must be said. */
static bool
check_own(const struct gitlab_section *gitlab, struct diags *diags)
{
	const char *rescue = gitlab->rescue_credential, *file = gitlab->credential_file;

	if (rescue && (!strcmp(rescue, gitlab->credential) || (file && !strcmp(rescue, file))))
		return diags_add(diags, gitlab->at,
			"'rescue_credential' is our own credential: expected another token, "
			"which lives on when ours is lost");
	if (gitlab->rotate == STATED_YES && !file)
		return diags_add(diags, gitlab->at,
			"'rotate: yes' has nowhere to write the new secret, since '%s' is a copy that "
			"systemd made: expected 'credential_file', the file that LoadCredential= names "
			"(an encrypted one cannot be written in this version)",
			gitlab->credential);
	if (gitlab->rotate != STATED_YES && file && strcmp(file, gitlab->credential) != 0)
		return diags_add(diags, gitlab->at,
			"'credential_file' does not belong here: nothing is written without 'rotate: yes'");
	return true;
}

bool
rules_check_gitlab(const struct gitlab_section *gitlab, struct diags *diags)
{
	if (!gitlab->url || !gitlab->credential)
		return false; /* The decoder has told it. */
	if (strlen(gitlab->url) > 1000)
		return diags_add(diags, gitlab->at, "the url is longer than 1000 characters");
	return check_own(gitlab, diags);
}

/* --- lifetimes --- */

static const struct lifetime *
lifetime_at(const struct policies *policies, size_t index)
{
	return &((const struct lifetime *)policies->lifetimes.items)[index];
}

static void
check_lifetime(const struct lifetime *lifetime, struct diags *diags)
{
	char renew[WHEN_TEXT_BYTES], max[WHEN_TEXT_BYTES], third[WHEN_TEXT_BYTES];

	if (lifetime->max_lifetime_sec <= 0)
		return;
	span_text(lifetime->renew_before_sec, renew);
	span_text(lifetime->max_lifetime_sec, max);
	span_text(lifetime->max_lifetime_sec / 3, third);
	if (lifetime->renew_before_sec >= lifetime->max_lifetime_sec)
		diags_add(diags, lifetime->at,
			"renew_before (%s) is not less than max_lifetime (%s): a token would be due "
			"as soon as it is made; a third is %s",
			renew, max, third);
	else if (lifetime->renew_before_sec > lifetime->max_lifetime_sec / 3)
		diags_warn(diags, lifetime->at,
			"renew_before (%s) is more than a third of max_lifetime: %s is what counts",
			renew, third);
}

static void
check_lifetimes(const struct checking *checking)
{
	const struct policies *policies = checking->policies;

	if (checking->whole && !policies->lifetimes.count)
		diags_add(checking->diags, (struct place){ policies->file, 1, 1 },
			"'lifetimes' is empty: expected at least one line, as in "
			"{ for: \"*\", max_lifetime: 365d }");
	for (size_t i = 0; i < policies->lifetimes.count; i++)
		check_lifetime(lifetime_at(policies, i), checking->diags);
}

/* --- one entry by itself --- */

static const struct token_entry *
entry_at(const struct policies *policies, size_t index)
{
	return &((const struct token_entry *)policies->tokens.items)[index];
}

/* Whether the decoder has found something between this entry and the next, so that what is missing here is
 * not told twice. */
static bool
is_told(const struct checking *checking, size_t index)
{
	const struct place at = entry_at(checking->policies, index)->at;
	struct place next = { .line = INT_MAX };
	const struct diag *diag;

	if (index + 1 < checking->policies->tokens.count)
		next = entry_at(checking->policies, index + 1)->at;
	if (!next.file || strcmp(next.file, at.file) != 0)
		next.line = INT_MAX;
	diag = diags_from(checking->diags, at.file, at.line);
	return diag && diag->place.file && !strcmp(diag->place.file, at.file) &&
	       diag->place.line <= next.line;
}

static bool
type_is_manageable(enum token_type type)
{
	return type == TYPE_PERSONAL || type == TYPE_SERVICE_ACCOUNT ||
	       type == TYPE_IMPERSONATION || type == TYPE_PROJECT || type == TYPE_GROUP ||
	       type == TYPE_PROJECT_DEPLOY || type == TYPE_GROUP_DEPLOY;
}

static bool
type_has_level(enum token_type type)
{
	return type == TYPE_PROJECT || type == TYPE_GROUP;
}

static void
check_type(const struct token_entry *entry, struct diags *diags)
{
	bool pattern = address_is_pattern(&entry->token);

	if (pattern && !type_has_level(entry->token.type) &&
		!strategy_is_deploy(entry->token.type))
		diags_add(diags, entry->at,
			"'%s': patterns find tokens of projects and groups in this version; expected "
			"project:…, group:…, project_deploy:… or group_deploy:…",
			entry->token.text);
	else if (!type_is_manageable(entry->token.type))
		diags_add(diags, entry->at,
			"'%s': tokens of type %s are not in this version yet; expected project, "
			"group, project_deploy, group_deploy, personal, service_account or "
			"impersonation",
			entry->token.text, token_type_name(entry->token.type));
}

/* Keys that say nothing where they stand would be passed over in silence. */
static void
check_belongs(const struct token_entry *entry, struct diags *diags)
{
	const bool pattern = address_is_pattern(&entry->token);
	const struct {
		const char *key;
		bool stated, belongs;
		const char *why;
	} keys[] = {
		{ "id", entry->id, !pattern, "a pattern means many tokens" },
		{ "description", entry->description, !pattern, "a pattern creates no token" },
		{ "scopes", entry->scopes.count, !pattern,
			"a pattern creates no token; 'scopes_at_most' limits what it finds" },
		{ "access_level", entry->access_level, !pattern,
			"a pattern creates no token; 'level_at_most' limits what it finds" },
		{ "access_level", entry->access_level && !pattern,
			type_has_level(entry->token.type),
			"only tokens of projects and groups have a level" },
		{ "except", entry->except.count, pattern, "only a pattern has exceptions" },
		{ "scopes_at_most", entry->scopes_at_most.count, pattern,
			"it limits what a pattern finds" },
		{ "level_at_most", entry->level_at_most, pattern,
			"it limits what a pattern finds" },
		{ "outside_owner", entry->outside_owner, pattern,
			"an exact token may deliver anywhere" },
		{ "rotate_with", entry->rotate_with == ROTATE_WITH_SELF, !pattern,
			"a pattern means many tokens, and one that rotates itself is known by its secret" },
		{ "secret", entry->secret && !pattern, entry->rotate_with == ROTATE_WITH_SELF,
			"only a token that rotates itself (rotate_with: self) is read from there" },
		{ "secret", entry->secret && pattern, !pattern, "a pattern means many tokens" },
		{ "scopes", entry->scopes.count && !pattern,
			entry->rotate_with != ROTATE_WITH_SELF,
			"a token that rotates itself is there already, and is never created" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].stated && !keys[i].belongs)
			diags_add(diags, entry->at, "'%s': '%s' does not belong here: %s",
				entry->token.text, keys[i].key, keys[i].why);
}

/* A token that rotates itself is known by its secret, so it exists, and has a secret of its own. */
static void
check_self(const struct checking *checking, const struct token_entry *entry)
{
	struct err err;

	if (address_is_pattern(&entry->token))
		return;
	if (entry->rotate_with == ROTATE_WITH_SELF && !entry->secret)
		diags_add(checking->diags, entry->at,
			"'%s': 'rotate_with: self' needs 'secret', where its present secret is read",
			entry->token.text);
	if (!entry->secret)
		return;
	if (!brake_allows_secret(checking->policies, entry, &err))
		diags_add(checking->diags, entry->at, "'%s': %s", entry->token.text, err.text);
}

static void
check_scopes(const struct token_entry *entry, const struct texts *scopes, struct diags *diags)
{
	static const char *const known[] = { "api", "read_api", "read_user", "create_runner",
		"manage_runner", "k8s_proxy", "self_rotate", "read_repository",
		"write_repository", "read_registry", "write_registry", "read_virtual_registry",
		"write_virtual_registry", "read_package_registry", "write_package_registry",
		"read_observability", "write_observability", "ai_features", "ai_workflows",
		"sudo", "admin_mode", "read_service_ping", NULL };

	for (size_t i = 0; i < scopes->count; i++) {
		const char *nearest = nearest_word(scopes->items[i], known);

		/* Later versions of GitLab have more of them, so this is no error. */
		if (nearest && strcmp(nearest, scopes->items[i]) != 0)
			diags_warn(diags, entry->at,
				"'%s': no scope '%s' is known to this version; the nearest is '%s'",
				entry->token.text, scopes->items[i], nearest);
	}
}

static void
check_lifetime_is_there(const struct checking *checking, const struct token_entry *entry)
{
	if (!checking->whole || policies_lifetime(checking->policies, &entry->token))
		return;
	diags_add(checking->diags, entry->at,
		"'%s': no line of 'lifetimes' holds for it; expected one, as in "
		"{ for: \"%s:*\", max_lifetime: 90d }",
		entry->token.text, token_type_name(entry->token.type));
}

static void
check_entry(const struct checking *checking, size_t index)
{
	const struct token_entry *entry = entry_at(checking->policies, index);

	if (!entry->token.text)
		return;
	check_type(entry, checking->diags);
	check_belongs(entry, checking->diags);
	check_self(checking, entry);
	strategy_check(checking->policies, entry, checking->diags);
	check_scopes(entry, &entry->scopes, checking->diags);
	check_scopes(entry, &entry->scopes_at_most, checking->diags);
	check_lifetime_is_there(checking, entry);
	if (!entry->deliver.count && !is_told(checking, index))
		diags_add(checking->diags, entry->at,
			"'%s': 'deliver' is empty: expected at least one place, for a rotation that "
			"nobody hears of only breaks things",
			entry->token.text);
	else if (slot_is_of(entry->token.type, entry->token.name) && entry->deliver.count &&
		 !token_entry_delivers(entry, DESTINATION_SLOT))
		diags_add(checking->diags, entry->at,
			"'%s': GitLab itself hands a token of that name to jobs: expected 'slot' in 'deliver'",
			entry->token.text);
}

void
rules_check(const struct policies *policies, bool whole, struct diags *diags)
{
	const struct checking checking = { policies, whole, diags };

	check_lifetimes(&checking);
	alerts_check(&policies->alerts, diags);
	for (size_t i = 0; i < policies->tokens.count; i++)
		check_entry(&checking, i);
	claims_check(policies, diags);
}
