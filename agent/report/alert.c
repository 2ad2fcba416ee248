#include "report/alert.h"

#include <string.h>

#include "base/clock.h"
#include "report/alert_send.h"
#include "store/alerted.h"

#define FACT "alerts"
/* More of them than a run has seconds for are told by the next ones. */
#define ISSUES_MOST 10

/* --- which alerts there are --- */

static const char *
target_name(const char *target, struct arena *arena)
{
	const char *host = strstr(target, "://");

	return host ? arena_text_n(arena, host + 3, strcspn(host + 3, "/?")) : target;
}

static const char *
name_of(const struct choice *choice, struct arena *arena)
{
	switch ((enum alert_kind)choice->kind) {
	case ALERT_EXEC: {
		const struct alert_exec *exec = choice->value;

		return arena_format(arena, "exec %s", exec->run.items[0]);
	}
	case ALERT_MAIL: {
		const struct alert_mail *mail = choice->value;

		return arena_format(arena, mail->to.count > 1 ? "mail %s, …" : "mail %s",
			mail->to.items[0]);
	}
	case ALERT_WEBHOOK: {
		const struct alert_webhook *webhook = choice->value;

		return arena_format(arena, "webhook %s", target_name(webhook->url, arena));
	}
	case ALERT_GITLAB_ISSUE: {
		const struct alert_issue *issue = choice->value;

		return arena_format(arena, "gitlab_issue %s",
			issue->project ? issue->project : "of the token's project");
	}
	}
	return "";
}

/* Under a policy that is not valid, what an alert needs may be missing. */
static bool
is_usable(const struct choice *choice)
{
	const struct alert_exec *exec = choice->value;
	const struct alert_mail *mail = choice->value;
	const struct alert_webhook *webhook = choice->value;

	if (!choice->value)
		return false;
	switch ((enum alert_kind)choice->kind) {
	case ALERT_EXEC:
		return exec->run.count && exec->run.items[0][0] == '/';
	case ALERT_MAIL:
		return mail->to.count;
	case ALERT_WEBHOOK:
		return webhook->url;
	case ALERT_GITLAB_ISSUE:
		return true;
	}
	return false;
}

struct alerts
alerts_of(const struct policies *policies, struct arena *arena, bool *is_whole)
{
	const struct choice *choices = policies->alerts.items;
	const size_t count = policies->alerts.count;
	struct alerts alerts = { arena_alloc(arena, (count + 1) * sizeof(struct alert)) };

	for (size_t i = 0; i < count; i++) {
		const char *name;
		size_t same = 1;

		if (!is_usable(&choices[i]))
			continue;
		name = name_of(&choices[i], arena);
		for (size_t k = 0; k < alerts.count; k++)
			same += !strncmp(alerts.items[k].name, name, strlen(name));
		alerts.items[alerts.count++] = (struct alert){
			same > 1 ? arena_format(arena, "%s (%zu)", name, same) : name,
			(enum alert_kind)choices[i].kind,
			choices[i].value,
		};
	}
	if (is_whole)
		*is_whole = policies->is_valid;
	return alerts;
}

/* --- what was told --- */

struct page {
	struct place at;
	struct list told;
};
#define FILLS(member) offsetof(struct told, member)
static const struct field told_fields[] = {
	{ "alert", FIELD_TEXT, FILLS(alert), .required = true },
	{ "address", FIELD_TEXT, FILLS(address) },
	{ "destination", FIELD_TEXT, FILLS(destination) },
	{ "project", FIELD_TEXT, FILLS(project) },
	{ "headline", FIELD_TEXT, FILLS(headline) },
	{ "advice", FIELD_INT, FILLS(advice) },
	{ "kind", FIELD_INT, FILLS(kind) },
	{ "since", FIELD_INT, FILLS(since) },
	{ "told_at", FIELD_INT, FILLS(told_at) },
	{ "doubt_at", FIELD_INT, FILLS(doubt_at) },
	{ NULL },
};
static const struct shape told_shape = { "what was told", told_fields, sizeof(struct told) };
static const struct field page_fields[] = {
	{ "told", FIELD_LIST, offsetof(struct page, told), .shape = &told_shape },
	{ NULL },
};
static const struct shape page_shape = { "what alerts were told", page_fields,
	sizeof(struct page) };

bool
alert_memory_read(
	struct journal *journal, struct arena *arena, struct memory *memory, struct err *err)
{
	struct page page = { 0 };
	struct told *told;
	const char *text;

	if (!journal_get(journal, FACT, arena, &text, err))
		return false;
	if (*text && !json_decode_text(text, &page_shape, arena, &page, err)) {
		err->kind = ERR_STORE;
		return err_wrap(err, "what alerts were told");
	}
	told = page.told.items;
	for (size_t i = 0; i < page.told.count; i++) {
		told[i].address = told[i].address ? told[i].address : "";
		told[i].destination = told[i].destination ? told[i].destination : "";
		told[i].headline = told[i].headline ? told[i].headline : "";
	}
	*memory = (struct memory){ told, page.told.count };
	return true;
}

static bool
memory_write(struct journal *journal, const struct memory *memory, struct arena *arena,
	struct err *err)
{
	const struct page page = { .told = { memory->items, memory->count } };

	return journal_set(journal, FACT,
		       memory->count ? json_encode_text(&page_shape, &page, arena) : "", err) &&
	       journal_flush(journal, err);
}

/* --- telling --- */

struct telling {
	struct context *context;
	struct arena *arena;
	struct standings standings;
	struct memory before, after; /* what the last run left; what this one leaves */
	size_t capacity;
	int64_t now;
	struct alert_gitlab gitlab;
	struct err no_gitlab; /* why there is none; kind ERR_NONE: it was not tried */
};

static void
keep(struct telling *telling, const struct told *told)
{
	telling->after.items = arena_grow(telling->arena, telling->after.items,
		telling->after.count, &telling->capacity, sizeof(*told));
	telling->after.items[telling->after.count++] = *told;
}

/* How one item went: `err` NULL, it was told. */
static void
keep_item(struct telling *telling, const struct alert *alert, const struct alert_item *item,
	const struct err *err)
{
	const struct condition *condition = item->condition;
	const bool in_doubt = err && err->kind == ERR_DOUBT && item->reason == ALERT_NEW;
	/* A comment that may be there is not written twice. */
	const bool is_told = !err || (condition && !in_doubt && err->kind == ERR_DOUBT);

	if (is_told && !condition)
		return;
	if (!is_told && !in_doubt) {
		if (item->told)
			keep(telling, item->told);
		return;
	}
	keep(telling, &(struct told){ .alert = alert->name,
			      .address = condition->trouble.address,
			      .destination = condition->destination,
			      .project = condition->project,
			      .headline = alert_headline(condition),
			      .advice = condition->trouble.advice,
			      .kind = condition->kind,
			      .since = condition->trouble.since,
			      .told_at = is_told ? telling->now : 0,
			      .doubt_at = in_doubt ? telling->now : 0 });
}

/* What is due is kept, or not, by how it goes; all else of that alert stays. */
static void
keep_rest(struct telling *telling, const struct alert *alert, const struct alert_items *due)
{
	for (size_t i = 0; i < telling->before.count; i++) {
		const struct told *told = &telling->before.items[i];
		bool is_due = false;

		for (size_t k = 0; k < due->count; k++)
			is_due |= due->items[k].told == told;
		if (!is_due && !strcmp(told->alert, alert->name))
			keep(telling, told);
	}
}

static void
tell_message(struct telling *telling, const struct alert *alert, const struct alert_items *due)
{
	struct alert_items said = { arena_alloc(
		telling->arena, (due->count + 1) * sizeof(*said.items)) };
	struct alert_message message;
	struct err err;
	bool ok = true;

	for (size_t i = 0; i < due->count; i++)
		if (due->items[i].reason != ALERT_REPLACED)
			said.items[said.count++] = due->items[i];
	if (said.count) {
		message = alert_message_of(&said, telling->context->policies->gitlab.url,
			telling->now, telling->arena);
		ok = alert_send(alert, &message, telling->arena, &err);
		outcome_alert(alert->name, message.subject, ok ? NULL : &err);
	}
	for (size_t i = 0; i < due->count; i++)
		keep_item(telling, alert, &due->items[i], ok ? NULL : &err);
}

static bool
open_gitlab(struct telling *telling, struct err *err)
{
	if (!telling->gitlab.gitlab && telling->no_gitlab.kind == ERR_NONE &&
		!alert_gitlab_open(telling->context, &telling->gitlab, &telling->no_gitlab))
		telling->gitlab.gitlab = NULL;
	if (!telling->gitlab.gitlab)
		*err = telling->no_gitlab;
	return telling->gitlab.gitlab;
}

static void
tell_issues(struct telling *telling, const struct alert *alert, const struct alert_items *due)
{
	const int64_t until = clock_msec() + ALERT_SEC * 1000;
	struct err err = { 0 };
	bool goes_on = open_gitlab(telling, &err);

	if (!goes_on)
		outcome_alert(alert->name, "", &err);
	for (size_t i = 0; i < due->count; i++) {
		const struct alert_item *item = &due->items[i];
		bool ok;

		goes_on = goes_on && i < ISSUES_MOST && clock_msec() < until;
		if (!goes_on) {
			err.kind = ERR_LATER;
			keep_item(telling, alert, item, &err);
			continue;
		}
		ok = alert_issue_send(telling->gitlab.gitlab, (const void *)alert->rules,
			journal_uuid(telling->context->journal), item, telling->now,
			telling->arena, &err);
		outcome_alert(alert->name,
			item->condition ? item->condition->trouble.address
					: item->told->address,
			ok ? NULL : &err);
		keep_item(telling, alert, item, ok ? NULL : &err);
		goes_on = ok || err.kind == ERR_REFUSED || err.kind == ERR_MOVED;
	}
}

static void
tell_all(struct telling *telling, const struct alerts *alerts)
{
	for (size_t i = 0; i < alerts->count; i++) {
		const struct alert *alert = &alerts->items[i];
		const struct conditions conditions = alert_conditions(
			&telling->standings, alert, telling->now, telling->arena);
		const struct alert_items due = alert_due(alert->rules, alert->name, &conditions,
			&telling->before, telling->now, telling->arena);

		keep_rest(telling, alert, &due);
		if (!due.count)
			continue;
		/* Who is to end now tells it the next time. */
		if (*telling->context->stop)
			for (size_t k = 0; k < due.count; k++)
				keep_item(telling, alert, &due.items[k],
					&(struct err){ .kind = ERR_STOPPED });
		else if (alert->kind == ALERT_GITLAB_ISSUE)
			tell_issues(telling, alert, &due);
		else
			tell_message(telling, alert, &due);
	}
}

/* What an alert was told that the policy has no more; of one that cannot be read now it is kept. */
static void
keep_unknown(struct telling *telling, const struct alerts *alerts, bool is_whole)
{
	for (size_t i = 0; !is_whole && i < telling->before.count; i++) {
		bool is_known = false;

		for (size_t k = 0; k < alerts->count; k++)
			is_known |=
				!strcmp(alerts->items[k].name, telling->before.items[i].alert);
		if (!is_known)
			keep(telling, &telling->before.items[i]);
	}
}

void
alert_run(struct context *context, const struct err *end)
{
	auto_arena struct arena *arena = arena_new();
	struct telling telling = {
		.context = context, .arena = arena, .now = gitlab_now(context->server)
	};
	struct err err;
	struct alerts alerts;
	bool is_whole, ok;

	if (!context->policies->alerts.count)
		return;
	alerts = alerts_of(context->policies, arena, &is_whole);
	ok = standings_read(context->journal, context->policies, telling.now, arena,
		     &telling.standings, &err) &&
	     alert_memory_read(context->journal, arena, &telling.before, &err);
	if (ok) {
		tell_all(&telling, &alerts);
		keep_unknown(&telling, &alerts, is_whole);
		ok = memory_write(context->journal, &telling.after, arena, &err);
		alerted_forget(context->state);
	} else {
		alert_unopened(context, end ? end : &err);
	}
	if (!ok)
		outcome_alert("the journal", "", &err);
	alert_gitlab_close(&telling.gitlab);
	rotations_done(&telling.standings.rows);
}
