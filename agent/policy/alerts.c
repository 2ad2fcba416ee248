#include "policy/alerts.h"

#include <stdio.h>
#include <string.h>

#include "base/checks.h"
#include "base/when.h"
#include "policy/keys.h"
#include "policy/policy.h"

#define TEXT_MOST 255

bool
alert_is_url(const char *text)
{
	return strstr(text, "://") != NULL;
}

/* A webhook's URL may have a query, and its path is often a secret: it is not repeated. */
static bool
check_target(const char *text, char *why, size_t why_bytes)
{
	static const char *const starts[] = { "https://", "http://localhost",
		"http://127.0.0.1", "http://[::1]" };

	if (!alert_is_url(text))
		return check_credential(text, why, why_bytes);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(text, starts[i], strlen(starts[i])) && !strpbrk(text, "@# \t\\") &&
			(!i || strchr(":/", text[strlen(starts[i])])))
			return true;
	snprintf(why, why_bytes,
		"expected https://HOST/…, without user or fragment, or a credential that holds it");
	return false;
}

static bool
check_when(const char *text, char *why, size_t why_bytes)
{
	if (!strcmp(text, "person") || !strcmp(text, "unfinished") || !strcmp(text, "margin"))
		return true;
	snprintf(why, why_bytes, "expected person, unfinished or margin, not '%s'", text);
	return false;
}

/* It stands in a header: one address, of characters that mean nothing there. */
static bool
check_mail(const char *text, char *why, size_t why_bytes)
{
	/* The first one must not be taken for an option. */
	if (text_is_made_of(text, ".!#$%&'*+/=?^_`{|}~-@") && strlen(text) < TEXT_MOST &&
		*text != '-')
		return true;
	snprintf(why, why_bytes, "expected one mail address, as ops@example.com, not '%s'",
		text);
	return false;
}

static bool
check_label(const char *text, char *why, size_t why_bytes)
{
	if (*text && strlen(text) <= TEXT_MOST && !strchr(text, ','))
		return true;
	snprintf(why, why_bytes, "expected a label without a comma, not '%s'", text);
	return false;
}

static bool
check_path(const char *text, char *why, size_t why_bytes)
{
	if (*text && *text != '/' && strchr(text, '/') && !strpbrk(text, " ?#%"))
		return true;
	snprintf(why, why_bytes, "expected a project's full path, not '%s'", text);
	return false;
}

static bool
check_key(const char *text, char *why, size_t why_bytes)
{
	if (text_is_made_of(text, "_") && strlen(text) <= TEXT_MOST)
		return true;
	snprintf(why, why_bytes, "expected letters, digits and '_', not '%s'", text);
	return false;
}

/* clang-format off */
#define RULES(type) \
	{ "when",    FIELD_TEXTS, offsetof(struct type, rules.when), .check = check_when, \
	  .help = "what it is told of: person (a person is needed), margin (a token is about to die and nobody renews it), unfinished (runs do not come to an end); unstated: all" }, \
	{ "again",   FIELD_DELAY, offsetof(struct type, rules.again_sec), .min = HOUR_SEC, .max = 365 * DAY_SEC, \
	  .help = "after how long what still holds is told again; unstated: 7d" }, \
	{ "margin",  FIELD_DELAY, offsetof(struct type, rules.margin_sec), .min = HOUR_SEC, .max = 365 * DAY_SEC, \
	  .help = "how long before its death a token that nobody renews is told; unstated: 7d" }, \
	{ "lasting", FIELD_DELAY, offsetof(struct type, rules.lasting_sec), .min = 1, .max = 365 * DAY_SEC, \
	  .help = "how long something is unfinished before it is told; unstated: 1d" }, \
	{ NULL }

#define FILLS(member) offsetof(struct alert_exec, member)
static const struct field exec_fields[] = {
	{ "run",     FIELD_TEXTS, FILLS(run), .required = true, .min = 1,
	  .help = "the program's absolute path, and its arguments; it reads the text" },
	{ "timeout", FIELD_DELAY, FILLS(timeout_sec), .min = 1, .max = MINUTE_SEC,
	  .help = "how long it may take; unstated: 10s" },
	RULES(alert_exec),
};
static const struct shape exec_shape = {
	.name = "a program to tell", .fields = exec_fields, .bytes = sizeof(struct alert_exec), .scalar = "run",
};

#undef FILLS
#define FILLS(member) offsetof(struct alert_mail, member)
static const struct field mail_fields[] = {
	{ "to",       FIELD_TEXTS, FILLS(to), .required = true, .min = 1, .check = check_mail,
	  .help = "who gets it: mail addresses" },
	{ "from",     FIELD_TEXT,  FILLS(from), .check = check_mail,
	  .help = "who it comes from; unstated: the user that runs glrotate" },
	{ "sendmail", FIELD_TEXT,  FILLS(sendmail), .check = check_absolute,
	  .help = "the program that takes it, called with -i -t; unstated: /usr/sbin/sendmail" },
	RULES(alert_mail),
};
static const struct shape mail_shape = {
	.name = "a mail", .fields = mail_fields, .bytes = sizeof(struct alert_mail), .scalar = "to",
};

static const struct word formats[] = {
	{ "json", ALERT_JSON }, { "slack", ALERT_SLACK }, { "mattermost", ALERT_MATTERMOST },
	{ "teams", ALERT_TEAMS }, { NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct alert_webhook, member)
static const struct field webhook_fields[] = {
	{ "url",     FIELD_TEXT, FILLS(url), .required = true, .check = check_target,
	  .help = "where it is posted: a URL, or the credential (a name, or the absolute path of a file of mode 0600) that holds one which is a secret" },
	{ "format",  FIELD_WORD, FILLS(format), .words = formats,
	  .help = "json (the default): all facts; slack, mattermost, teams: a text as they show it" },
	{ "ca_file", FIELD_TEXT, FILLS(ca_file), .check = check_absolute,
	  .help = "certificates to trust instead of the system's: an absolute path" },
	RULES(alert_webhook),
};
static const struct shape webhook_shape = {
	.name = "a webhook", .fields = webhook_fields, .bytes = sizeof(struct alert_webhook), .scalar = "url",
};

#undef FILLS
#define FILLS(member) offsetof(struct alert_issue, member)
static const struct field issue_fields[] = {
	{ "project",      FIELD_TEXT,  FILLS(project), .check = check_path,
	  .help = "whose issue it is; unstated: of the project that owns the token, and what concerns no project's token is not told" },
	{ "labels",       FIELD_TEXTS, FILLS(labels), .check = check_label,
	  .help = "what it is labelled with" },
	{ "confidential", FIELD_BOOL,  FILLS(confidential),
	  .help = "whether it is confidential; unstated: yes" },
	RULES(alert_issue),
};
static const struct shape issue_shape = {
	.name = "an issue", .fields = issue_fields, .bytes = sizeof(struct alert_issue), .scalar = "project",
};

const struct arm alert_arms[] = {
	{ "exec",         &exec_shape,    ALERT_EXEC,         "a program, which reads the text on its standard input" },
	{ "mail",         &mail_shape,    ALERT_MAIL,         "a mail, through this machine's sendmail" },
	{ "webhook",      &webhook_shape, ALERT_WEBHOOK,      "an HTTP POST: Slack, Mattermost, Teams, or a program of one's own" },
	{ "gitlab_issue", &issue_shape,   ALERT_GITLAB_ISSUE, "an issue for each condition, closed when it ends" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct heartbeat_variable, member)
static const struct field variable_fields[] = {
	{ "project", FIELD_TEXT, FILLS(project), .required = true, .check = check_path,
	  .help = "whose variable it is, by its full path" },
	{ "key",     FIELD_TEXT, FILLS(key), .required = true, .check = check_key,
	  .help = "what it is called, as in GLROTATE_HEARTBEAT" },
	{ NULL },
};
static const struct shape variable_shape = {
	.name = "the heartbeat's variable", .fields = variable_fields, .bytes = sizeof(struct heartbeat_variable),
};

#undef FILLS
#define FILLS(member) offsetof(struct heartbeat, member)
static const struct field heartbeat_fields[] = {
	{ "url",         FIELD_TEXT,   FILLS(url), .check = check_target,
	  .help = "asked for at the end of a good run, and with /fail behind its path when a person is needed; a URL, or the credential that holds it" },
	{ "ca_file",     FIELD_TEXT,   FILLS(ca_file), .check = check_absolute,
	  .help = "certificates to trust instead of the system's: an absolute path" },
	{ "ci_variable", FIELD_STRUCT, FILLS(ci_variable), .shape = &variable_shape,
	  .help = "a CI/CD variable that says when the last good run was" },
	{ NULL },
};
const struct shape heartbeat_shape = {
	.name = "the heartbeat", .fields = heartbeat_fields, .bytes = sizeof(struct heartbeat), .scalar = "url",
};
/* clang-format on */

bool
alert_wants(const struct alert_rules *rules, const char *word)
{
	for (size_t i = 0; i < rules->when.count; i++)
		if (!strcmp(rules->when.items[i], word))
			return true;
	return !rules->when.count;
}

void
alerts_check(const struct list *alerts, struct diags *diags)
{
	const struct choice *choices = alerts->items;

	for (size_t i = 0; i < alerts->count; i++) {
		const struct alert_exec *exec = choices[i].value;
		char why[256];

		if (choices[i].kind == ALERT_EXEC && exec && exec->run.count &&
			!check_absolute(exec->run.items[0], why, sizeof(why)))
			diags_add(diags, choices[i].at, "%s", why);
	}
}

void
alerts_fill_in(struct list *alerts)
{
	struct choice *choices = alerts->items;

	for (size_t i = 0; i < alerts->count; i++) {
		struct alert_rules *rules = choices[i].value;

		if (!rules)
			continue;
		if (!rules->again_sec)
			rules->again_sec = 7 * DAY_SEC;
		if (!rules->margin_sec)
			rules->margin_sec = 7 * DAY_SEC;
		if (!rules->lasting_sec)
			rules->lasting_sec = DAY_SEC;
	}
}
