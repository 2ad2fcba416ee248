/* alert_send.h: one message to one alert, within its seconds; for alert.c, alert_issue.c and heartbeat.c.
 * Touches what the alert names. Every failure is one to be told in the log, and holds no secret. */
#ifndef REPORT_ALERT_SEND_H
#define REPORT_ALERT_SEND_H

#include "base/json.h"
#include "base/secret.h"
#include "report/alert.h"

#define ALERT_SEC 10

struct alert_message {
	const char *subject; /* one line */
	const char *text;    /* the first of the items whole, and how many more there are: what a chat takes */
	const struct alert_items *items;
	const char *gitlab;  /* its URL */
	int64_t now;
};

/* --- alert_text.c: the words; touches nothing --- */
struct alert_message alert_message_of(const struct alert_items *items, const char *gitlab,
	int64_t now, struct arena *arena);
/* "GLR-113 platform/api: a destination does not take the secret" */
const char *alert_headline(const struct condition *condition);
/* The six lines of one of them; of what is over, that it is. */
const char *alert_item_text(const struct alert_item *item, int64_t now, struct arena *arena);
struct json *alert_json(const struct alert_message *message);
const char *alert_reason_word(enum alert_reason reason);
const char *alert_kind_word(enum condition_kind kind);
/* The body of a POST, as that service reads it. */
struct secret *alert_body(enum alert_format format, const struct alert_message *message);

/* --- alert_mail.c --- */
/* Header and body for sendmail -t: nothing in it begins a header of its own. */
const char *alert_mail_text(const struct alert_mail *mail, const struct alert_message *message,
	struct arena *arena);

/* --- alert_send.c --- */
/* exec, mail and webhook. */
must_check bool alert_send(const struct alert *alert, const struct alert_message *message,
	struct arena *arena, struct err *err);

/* Whether it could be tried, without trying it: its program may be run, its URL can be read. */
must_check bool alert_can_send(const struct alert *alert, struct err *err);

/* A POST of `body` to the URL, or a GET without one; `target` as the policy has it, `suffix` behind its path. */
must_check bool alert_ask(const char *target, const char *suffix, const char *ca_file,
	const struct secret *body, struct err *err);

/* --- alert_issue.c --- */
/* One item: opens, comments or closes the issue. Fails: ERR_DOUBT when a change was sent and its answer lost. */
must_check bool alert_issue_send(struct gitlab *gitlab, const struct alert_issue *issue,
	const char *uuid, const struct alert_item *item, int64_t now, struct arena *arena,
	struct err *err);

/* --- a GitLab to be asked in haste --- */
struct alert_gitlab {
	struct http_site *site;
	struct gitlab_server *server;
	struct gitlab *gitlab;
};
/* Fails: ERR_LATER where nothing may be asked: our credential is refused, in doubt, or was rotated in this run. */
must_check bool alert_gitlab_open(
	struct context *context, struct alert_gitlab *opened, struct err *err);
void alert_gitlab_close(struct alert_gitlab *opened);

#endif
