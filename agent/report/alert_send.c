#include "report/alert_send.h"

#include <string.h>

#include "base/blot.h"
#include "base/child.h"
#include "base/credential.h"
#include "base/http.h"
#include "base/notify.h"
#include "base/source.h"

#define SENDMAIL "/usr/sbin/sendmail"
#define CONNECT_MSEC 5000
#define ANSWER_MAX_BYTES ((size_t)64 * 1024)
#define FACT_BYTES ((size_t)16 * 1024)

/* --- programs --- */

/* "ended with 75: no route to host". */
static bool
tell_end(const char *program, const struct child_end *end, struct err *err)
{
	char said[BLOT_TEXT_BYTES];

	if (end->timed_out)
		return err_set(err, ERR_LATER, 0, "'%s' took too long", program);
	if (end->signal)
		return err_set(
			err, ERR_LATER, 0, "'%s' was ended by signal %d", program, end->signal);
	blot(end->complaint, NULL, secret_length(end->complaint) == CHILD_OUTPUT_MAX_BYTES,
		said);
	source_clean(NULL, said);
	return err_set(err, ERR_LATER, 0, "'%s' ended with %d%s%.200s", program, end->exit_code,
		*said ? ": " : "", said);
}

static bool
run_program(const char *const *argv, const char *const *environment, const char *text,
	int64_t timeout_sec, struct err *err)
{
	auto_secret struct secret *input = secret_copy(text, strlen(text));
	auto_child_end struct child_end end = { 0 };
	const struct child child = { .argv = argv,
		.environment = environment,
		.input = input,
		.timeout_msec = timeout_sec * 1000 };

	if (!child_run(&child, &end, err))
		return false;
	return !end.exit_code || tell_end(argv[0], &end, err);
}

/* Each word once, and as many as an environment takes. */
static const char *
add_word(const char *words, const char *word, struct arena *arena)
{
	const size_t length = word ? strlen(word) : 0;

	if (strlen(words) + length > FACT_BYTES)
		return words;
	for (const char *at = words; length && (at = strstr(at, word)); at++)
		if ((at == words || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return words;
	return length ? arena_format(arena, "%s%s%s", words, *words ? " " : "", word) : words;
}

static const char *const *
facts_of(const struct alert_message *message, struct arena *arena)
{
	const char *events = "", *kinds = "", *codes = "", *tokens = "";
	const char **facts = arena_alloc(arena, 8 * sizeof(*facts));
	size_t count = 0;

	for (size_t i = 0; i < message->items->count; i++) {
		const struct alert_item *item = &message->items->items[i];
		const struct condition *condition = item->condition;
		const int advice =
			condition ? condition->trouble.advice : (int)item->told->advice;

		events = add_word(events, alert_reason_word(item->reason), arena);
		if (condition)
			kinds = add_word(kinds, alert_kind_word(condition->kind), arena);
		if (advice)
			codes = add_word(codes, arena_format(arena, "GLR-%d", advice), arena);
		tokens = add_word(tokens,
			condition ? condition->trouble.address : item->told->address, arena);
	}
	facts[count++] = arena_format(arena, "GLROTATE_SUBJECT=%s", message->subject);
	facts[count++] = arena_format(arena, "GLROTATE_GITLAB=%s", message->gitlab);
	facts[count++] = arena_format(arena, "GLROTATE_EVENTS=%s", events);
	facts[count++] = arena_format(arena, "GLROTATE_KINDS=%s", kinds);
	facts[count++] = arena_format(arena, "GLROTATE_CODES=%s", codes);
	facts[count++] = arena_format(arena, "GLROTATE_TOKENS=%s", tokens);
	return facts;
}

static bool
send_exec(const struct alert_exec *exec, const struct alert_message *message,
	struct arena *arena, struct err *err)
{
	const char **argv = arena_alloc(arena, (exec->run.count + 1) * sizeof(*argv));

	memcpy(argv, exec->run.items, exec->run.count * sizeof(*argv));
	return run_program(argv, facts_of(message, arena), message->text,
		exec->timeout_sec ? exec->timeout_sec : ALERT_SEC, err);
}

/* -i: a line of one dot is a line. */
static bool
send_mail(const struct alert_mail *mail, const struct alert_message *message,
	struct arena *arena, struct err *err)
{
	const char *const argv[] = { mail->sendmail ? mail->sendmail : SENDMAIL, "-i", "-t",
		NULL };

	return run_program(argv, NULL, alert_mail_text(mail, message, arena), ALERT_SEC, err);
}

/* --- HTTP --- */

static bool
read_target(const char *target, struct secret **url, struct err *err)
{
	if (!alert_is_url(target))
		return credential_read(target, url, err);
	*url = secret_copy(target, strlen(target));
	return true;
}

bool
alert_ask(const char *target, const char *suffix, const char *ca_file,
	const struct secret *body, struct err *err)
{
	const struct http_options options = { .ca_file = ca_file,
		.connect_msec = CONNECT_MSEC,
		.answer_msec = ALERT_SEC * 1000,
		.answer_max_bytes = ANSWER_MAX_BYTES };
	auto_secret struct secret *url = NULL, *path = NULL;
	auto_http_site struct http_site *site = NULL;
	auto_http struct http *http = NULL;
	auto_http_answer struct http_answer answer = { 0 };

	if (!read_target(target, &url, err) ||
		!http_site_of_secret(url, suffix, &options, &site, &path, err))
		return false;
	http = http_new(site);
	if (!http_send(http,
		    &(struct http_request){ .method = body ? "POST" : "GET",
			    .path = "/…",
			    .body = body,
			    .secret_path = path },
		    &answer, err))
		return false;
	/* What it says besides may repeat the URL. */
	return (answer.status >= 200 && answer.status < 300) ||
	       err_set(err, ERR_LATER, 0, "%s answered %d", http_site_url(site), answer.status);
}

static bool
send_webhook(const struct alert_webhook *webhook, const struct alert_message *message,
	struct err *err)
{
	const enum alert_format format =
		webhook->format ? (enum alert_format)webhook->format : ALERT_JSON;
	auto_secret struct secret *body = alert_body(format, message);

	return alert_ask(webhook->url, "", webhook->ca_file, body, err);
}

bool
alert_send(const struct alert *alert, const struct alert_message *message, struct arena *arena,
	struct err *err)
{
	const void *value = alert->rules;

	notify_extend(ALERT_SEC + 60);
	switch (alert->kind) {
	case ALERT_EXEC:
		return send_exec(value, message, arena, err);
	case ALERT_MAIL:
		return send_mail(value, message, arena, err);
	case ALERT_WEBHOOK:
		return send_webhook(value, message, err);
	case ALERT_GITLAB_ISSUE:
		break;
	}
	return err_set(err, ERR_REFUSED, 0, "is no message");
}

bool
alert_can_send(const struct alert *alert, struct err *err)
{
	const struct alert_exec *exec = (const void *)alert->rules;
	const struct alert_mail *mail = (const void *)alert->rules;
	const struct alert_webhook *webhook = (const void *)alert->rules;
	auto_secret struct secret *url = NULL;

	switch (alert->kind) {
	case ALERT_EXEC:
		return child_is_safe(exec->run.items[0], err);
	case ALERT_MAIL:
		return child_is_safe(mail->sendmail ? mail->sendmail : SENDMAIL, err);
	case ALERT_WEBHOOK:
		return read_target(webhook->url, &url, err);
	case ALERT_GITLAB_ISSUE:
		break;
	}
	return true;
}
