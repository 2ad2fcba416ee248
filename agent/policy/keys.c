#include "policy/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/checks.h"
#include "base/when.h"
#include "destination/destination.h"

#define NAME_MOST 255

/* A key that would change what is done must not be passed over in silence. */
static bool
check_later(const char *text, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "'%s' is not in this version yet; remove this line", text);
	return false;
}

bool
field_is_later(const struct field *field)
{
	return field->check == check_later;
}

static bool
check_pattern(const char *text, char *why, size_t why_bytes)
{
	auto_arena struct arena *arena = arena_new();
	struct address address;
	struct err err;

	if (address_parse(arena, text, true, &address, &err))
		return true;
	snprintf(why, why_bytes, "%s", err.text);
	return false;
}

/* Only systemd-creds makes what may stand there, and the file's key is root's. */
static bool
check_credential_file(const char *text, char *why, size_t why_bytes)
{
	if (!check_absolute(text, why, why_bytes))
		return false;
	if (!strstr(text, "/credstore.encrypted/"))
		return true;
	snprintf(why, why_bytes,
		"'%s' is an encrypted credential, which cannot be written in this version: expected "
		"the file that LoadCredential= names, or no 'rotate: yes' and glrotate setup with a "
		"new token before the old one's day",
		text);
	return false;
}

static bool
check_username(const char *text, char *why, size_t why_bytes)
{
	if (text_is_made_of(text, "_-+.") && strlen(text) <= NAME_MOST)
		return true;
	snprintf(why, why_bytes,
		"expected letters, digits and '_ - + .', 255 at the most, not '%s'", text);
	return false;
}

/* clang-format off */
#define FILLS(member) offsetof(struct gitlab_section, member)
static const struct field gitlab_fields[] = {
	{ "url",               FIELD_TEXT, FILLS(url), .required = true, .check = check_url,
	  .help = "GitLab's address: https://HOST, with a path where GitLab has one; http:// only for this machine itself" },
	{ "credential",        FIELD_TEXT, FILLS(credential), .required = true, .check = check_credential,
	  .help = "our own token: a systemd credential's name, or the absolute path of a file of mode 0600" },
	{ "ca_file",           FIELD_TEXT, FILLS(ca_file), .check = check_absolute,
	  .help = "certificates to trust instead of the system's: an absolute path" },
	{ "requests_at_once",  FIELD_INT,  FILLS(requests_at_once), .min = 1, .max = 64,
	  .help = "connections at the same time; unstated: 8" },
	{ "rotate",            FIELD_BOOL, FILLS(rotate),
	  .help = "yes: our own token is rotated too, as the last act of a run; unstated: no" },
	{ "credential_file",   FIELD_TEXT, FILLS(credential_file), .check = check_credential_file,
	  .help = "with rotate: the file that our token's new secret is written to, where credential is only a name" },
	{ "rescue_credential", FIELD_TEXT, FILLS(rescue_credential), .check = check_credential,
	  .help = "another token, used only to get back one that rotates itself and lost its secret" },
	{ NULL },
};
static const struct shape gitlab_shape = {
	.name = "the gitlab section", .fields = gitlab_fields, .bytes = sizeof(struct gitlab_section),
};

#undef FILLS
#define FILLS(member) offsetof(struct lifetime, member)
static const struct field lifetime_fields[] = {
	{ "for",          FIELD_ADDRESS, FILLS(holds_for), .required = true, .pattern = true,
	  .help = "which tokens this line holds for, as an address with stars; the first line that matches holds" },
	{ "max_lifetime", FIELD_SPAN,    FILLS(max_lifetime_sec), .required = true,
	  .min = 3 * DAY_SEC, .max = 3650 * DAY_SEC, /* tokens die at midnight, a day is the least between two rotations, and runs are an hour apart */
	  .help = "how long one secret may live" },
	{ "renew_before", FIELD_SPAN,    FILLS(renew_before_sec), .min = DAY_SEC, .max = 3650 * DAY_SEC,
	  .help = "how long before its end a token is rotated; never more than a third of what GitLab granted; unstated: a third of max_lifetime" },
	{ "on_unmanaged", FIELD_TEXT,    offsetof(struct lifetime, at.file), .check = check_later },
	{ NULL },
};
static const struct shape lifetime_shape = {
	.name = "a lifetime", .fields = lifetime_fields, .bytes = sizeof(struct lifetime),
};

#undef FILLS
#define FILLS(member) offsetof(struct limits, member)
static const struct field limits_fields[] = {
	{ "rotations_per_run", FIELD_INT,   FILLS(rotations_per_run), .min = 1, .max = 10000,
	  .help = "how many rotations one run begins; tokens in the second half of their window are not held back; unstated: 20" },
	{ "ramp",              FIELD_SPAN,  FILLS(ramp_sec), .min = HOUR_SEC, .max = 365 * DAY_SEC,
	  .help = "over how long tokens are spread that are due only because they were adopted or a line was edited; unstated: 30d" },
	{ "settle",            FIELD_DELAY, FILLS(settle_sec), .min = 1, .max = DAY_SEC,
	  .help = "how long after a lost answer it is believed that nothing happened; unstated: 5m" },
	{ "clock_skew",        FIELD_DELAY, FILLS(clock_skew_sec), .min = 1, .max = 3650 * DAY_SEC,
	  .help = "how far this host's clock may be from GitLab's before nothing is rotated; unstated: 5m" },
	{ "programs",          FIELD_TEXTS, FILLS(programs), .check = check_absolute,
	  .help = "which programs the files of policies.d may have run: absolute paths, with stars within a part; unstated: none" },
	{ "units",             FIELD_TEXTS, FILLS(units), .min = 1, .max = NAME_MOST,
	  .help = "which units the files of policies.d may have restarted: names, with stars; unstated: none" },
	{ "files",             FIELD_TEXTS, FILLS(files), .check = check_absolute,
	  .help = "which files of this machine the files of policies.d may have written: absolute paths, with stars within a part; unstated: none" },
	{ "credentials",       FIELD_TEXTS, FILLS(credentials), .check = check_credential,
	  .help = "which of glrotate's credentials the files of policies.d may use: names, absolute paths, in_cluster, with stars within a part; unstated: none" },
	{ NULL },
};
static const struct shape limits_shape = {
	.name = "the limits", .fields = limits_fields, .bytes = sizeof(struct limits),
};

static const struct word levels[] = {
	{ "guest", 10 }, { "planner", 15 }, { "reporter", 20 }, { "developer", 30 },
	{ "maintainer", 40 }, { "owner", 50 }, { NULL },
};
static const struct word strategies[] = {
	{ "rotate", STRATEGY_ROTATE }, { "replace", STRATEGY_REPLACE }, { NULL },
};
static const struct word foreign_answers[] = {
	{ "alert", FOREIGN_ALERT }, { "takeover", FOREIGN_TAKEOVER }, { NULL },
};
static const struct word loss_answers[] = {
	{ "alert", LOSS_ALERT }, { "recreate", LOSS_RECREATE }, { NULL },
};
static const struct word retirements[] = {
	{ "after_overlap", RETIRE_AFTER_OVERLAP }, { "when_unused", RETIRE_WHEN_UNUSED }, { NULL },
};
static const struct word new_bots[] = {
	{ "accept", NEW_BOT_ACCEPT }, { NULL },
};
static const struct word rotators[] = {
	{ "agent", ROTATE_WITH_AGENT }, { "self", ROTATE_WITH_SELF }, { NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct token_entry, member)
static const struct field entry_fields[] = {
	{ "token",           FIELD_ADDRESS, FILLS(token), .required = true, .pattern = true,
	  .help = "TYPE:OWNER:NAME; with stars it is a pattern that finds tokens and deploy tokens of projects or groups" },
	{ "deliver",         FIELD_CHOICES, FILLS(deliver), .required = true, .arms = destination_arms,
	  .help = "where the new secret is put; at least one place" },
	{ "id",              FIELD_INT,     FILLS(id), .min = 1,
	  .help = "GitLab's number of the token, where several of that name are alive" },
	{ "access_level",    FIELD_WORD,    FILLS(access_level), .words = levels,
	  .help = "for creating a project's or group's token" },
	{ "scopes",          FIELD_TEXTS,   FILLS(scopes), .min = 1, .max = NAME_MOST,
	  .help = "for creating the token; what it must be able to do, in GitLab's words" },
	{ "description",     FIELD_TEXT,    FILLS(description), .max = 200,
	  .help = "for creating the token; what GitLab's page says of it" },
	{ "strategy",        FIELD_WORD,    FILLS(strategy), .words = strategies,
	  .help = "rotate (the default): the same owner or bot, the old secret dies at once; replace (the only way of deploy tokens): a new token beside the old, which is retired later" },
	{ "when_idle",       FIELD_DELAY,   FILLS(idle_sec), .min = MINUTE_SEC, .max = 30 * DAY_SEC,
	  .help = "rotate only: how long it waits, from run to run, for a moment without running jobs in the projects it is delivered to" },
	{ "overlap",         FIELD_DELAY,   FILLS(overlap_sec), .min = 1, .max = 365 * DAY_SEC,
	  .help = "replace only: how long the old token lives on once every destination holds the new secret; unstated: 1d" },
	{ "retire",          FIELD_WORD,    FILLS(retire), .words = retirements,
	  .help = "replace only: after_overlap (the default), or when_unused: the old token is retired when nobody has used it for 'quiet' either" },
	{ "quiet",           FIELD_DELAY,   FILLS(quiet_sec), .min = HOUR_SEC, .max = 365 * DAY_SEC,
	  .help = "with 'retire: when_unused': how long the old token's last use must lie back; unstated: 1d" },
	{ "new_bot",         FIELD_WORD,    FILLS(new_bot), .words = new_bots,
	  .help = "accept: replacing a project's or group's token makes a new bot user, which protected branches and CODEOWNERS do not know" },
	{ "username",        FIELD_TEXT,    FILLS(username), .check = check_username,
	  .help = "for creating a deploy token: its user name; unstated: one is made up; a replacement keeps the old one's" },
	{ "rotate_with",     FIELD_WORD,    FILLS(rotate_with), .words = rotators,
	  .help = "agent (the default): our credential rotates it; self: it rotates itself, with its own secret" },
	{ "secret",          FIELD_TEXT,    FILLS(secret), .check = check_credential,
	  .help = "with rotate_with self: where its present secret is read the first time; a credential's name, or a file of mode 0600" },
	{ "on_foreign_rotation", FIELD_WORD, FILLS(on_foreign_rotation), .words = foreign_answers,
	  .help = "when somebody else rotated it: alert (the default) tells a person; takeover rotates their token, at most once a day" },
	{ "on_loss",         FIELD_WORD,    FILLS(on_loss), .words = loss_answers,
	  .help = "when it is lost through us, or ran out and was removed while nobody looked: alert (the default) tells a person; recreate makes a new one" },
	{ "except",          FIELD_TEXTS,   FILLS(except), .check = check_pattern,
	  .help = "patterns only: addresses, with stars, that the pattern does not mean" },
	{ "scopes_at_most",  FIELD_TEXTS,   FILLS(scopes_at_most), .min = 1, .max = NAME_MOST,
	  .help = "patterns only: a token that can do more is told, and not kept alive" },
	{ "level_at_most",   FIELD_WORD,    FILLS(level_at_most), .words = levels,
	  .help = "patterns only: a token above that level is told, and not kept alive" },
	{ "outside_owner",   FIELD_BOOL,    FILLS(outside_owner),
	  .help = "patterns only: yes lets it deliver outside the project or group that owns the token" },
	{ "window",              FIELD_TEXT, FILLS(description), .check = check_later },
	{ NULL },
};
static const struct shape entry_shape = {
	.name = "a token", .fields = entry_fields, .bytes = sizeof(struct token_entry),
};

#undef FILLS
#define FILLS(member) offsetof(struct policy_file, member)
static const struct field policy_file_fields[] = {
	{ "gitlab",    FIELD_STRUCT, FILLS(gitlab), .required = true, .shape = &gitlab_shape,
	  .help = "which GitLab, and as whom" },
	{ "lifetimes", FIELD_LIST,   FILLS(lifetimes), .required = true, .shape = &lifetime_shape,
	  .help = "how long secrets may live, by type and owner; the first line that matches holds" },
	{ "limits",    FIELD_STRUCT, FILLS(limits), .shape = &limits_shape,
	  .help = "how much happens at once" },
	{ "alerts",    FIELD_CHOICES, FILLS(alerts), .arms = alert_arms,
	  .help = "who is told that a person is needed" },
	{ "heartbeat", FIELD_STRUCT, FILLS(heartbeat), .shape = &heartbeat_shape,
	  .help = "how others see that runs still happen" },
	{ "tokens",    FIELD_LIST,   FILLS(tokens), .shape = &entry_shape,
	  .help = "the tokens; more of them stand in policies.d/*.yaml beside this file" },
	{ NULL },
};
const struct shape policy_file_shape = {
	.name = "a policy", .fields = policy_file_fields, .bytes = sizeof(struct policy_file),
};

#undef FILLS
#define FILLS(member) offsetof(struct tokens_file, member)
static const struct field tokens_file_fields[] = {
	{ "tokens", FIELD_LIST, FILLS(tokens), .required = true, .shape = &entry_shape,
	  .help = "the tokens; nothing else stands in a file of policies.d" },
	{ NULL },
};
const struct shape tokens_file_shape = {
	.name = "a file of policies.d", .fields = tokens_file_fields, .bytes = sizeof(struct tokens_file),
};
/* clang-format on */
