/* alerts.h: who is told that a person is needed, and how the watcher is watched: `alerts:` and `heartbeat:` of the main file.
 * Touches nothing: it is data. */
#ifndef POLICY_ALERTS_H
#define POLICY_ALERTS_H

#include <stdint.h>

#include "base/fields.h"

/* Stands in the journal. */
enum alert_kind { ALERT_EXEC = 1, ALERT_MAIL, ALERT_WEBHOOK, ALERT_GITLAB_ISSUE };
enum alert_format { ALERT_JSON = 1, ALERT_SLACK, ALERT_MATTERMOST, ALERT_TEAMS };

/* What all of them have, first of all. */
struct alert_rules {
	struct place at;
	struct texts when;    /* "person", "unfinished", "margin"; none: all three */
	int64_t again_sec;    /* 7d when unstated, as are the next two */
	int64_t margin_sec;
	int64_t lasting_sec;  /* 1d when unstated */
};

struct alert_exec {
	struct alert_rules rules;
	struct texts run;
	int64_t timeout_sec;  /* 0: as all others */
};
struct alert_mail {
	struct alert_rules rules;
	struct texts to;
	const char *from;     /* NULL: as sendmail has it */
	const char *sendmail; /* NULL: /usr/sbin/sendmail */
};
struct alert_webhook {
	struct alert_rules rules;
	const char *url;      /* a URL, or where it is kept: see alert_is_url() */
	int format;           /* enum alert_format; 0: JSON */
	const char *ca_file;
};
struct alert_issue {
	struct alert_rules rules;
	const char *project;  /* NULL: the project that owns the token */
	struct texts labels;
	enum stated confidential; /* yes when unstated */
};
/* For policy/keys.c; `choice.value` is one of the structs above. */
extern const struct arm alert_arms[];

struct heartbeat_variable {
	struct place at;
	const char *project, *key; /* NULL: there is none */
};
struct heartbeat {
	struct place at;
	const char *url, *ca_file; /* url NULL: there is none */
	struct heartbeat_variable ci_variable;
};
extern const struct shape heartbeat_shape;

/* "https://…", not a credential's name or path. */
bool alert_is_url(const char *text);

/* Whether the rules ask for that word of `when`. */
bool alert_wants(const struct alert_rules *rules, const char *word);

/* What no table says. */
void alerts_check(const struct list *alerts, struct diags *diags);

/* What nobody said of a list of struct choice. */
void alerts_fill_in(struct list *alerts);

#endif
