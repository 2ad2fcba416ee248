#include "extras.h"

#include <stdlib.h>
#include <string.h>

static char *
copy_or_null(const char *text)
{
	return text ? must_copy(text) : NULL;
}

struct agent *
agent_add(struct extras *extras, struct resource *project, const char *name)
{
	struct agent *agent = must_alloc(sizeof(*agent));

	*agent = (struct agent){
		.id = ++extras->agent_id, .project = project, .name = must_copy(name)
	};
	list_add(&extras->agents, agent);
	return agent;
}

struct agent_token *
agent_token_add(struct extras *extras, struct agent *agent, const char *name,
	const char *description, char *secret)
{
	struct agent_token *token = must_alloc(sizeof(*token));

	*token = (struct agent_token){ .id = ++extras->agent_token_id,
		.agent_id = agent->id,
		.name = must_copy(name),
		.description = copy_or_null(description),
		.secret = secret };
	list_add(&agent->tokens, token);
	return token;
}

struct runner *
runner_add(struct extras *extras, struct resource *home, const char *description, char *secret)
{
	struct runner *runner = must_alloc(sizeof(*runner));

	*runner = (struct runner){ .id = ++extras->runner_id,
		.home = home,
		.description = copy_or_null(description),
		.secret = secret,
		.settings = json_object() };
	list_add(&extras->runners, runner);
	return runner;
}

struct webhook *
webhook_add(struct extras *extras, struct resource *home)
{
	struct webhook *webhook = must_alloc(sizeof(*webhook));

	*webhook = (struct webhook){
		.id = ++extras->webhook_id, .home = home, .settings = json_object()
	};
	list_add(&extras->webhooks, webhook);
	return webhook;
}

struct job *
job_add(struct extras *extras, struct resource *project, const char *name, const char *stage,
	const char *ref)
{
	struct job *job = must_alloc(sizeof(*job));

	*job = (struct job){ .id = ++extras->job_id,
		.project = project,
		.name = must_copy(name),
		.stage = must_copy(stage),
		.ref = must_copy(ref),
		.status = must_copy("created") };
	list_add(&extras->jobs, job);
	return job;
}

/* Its number counts within its project. */
struct issue *
issue_add(struct extras *extras, struct resource *project, long author_id)
{
	struct issue *issue = must_alloc(sizeof(*issue));

	*issue = (struct issue){ .id = ++extras->issue_id,
		.iid = 1,
		.author_id = author_id,
		.project = project,
		.labels = json_array() };
	for (size_t i = 0; i < extras->issues.count; i++)
		issue->iid += ((struct issue *)extras->issues.items[i])->project == project;
	list_add(&extras->issues, issue);
	return issue;
}

struct note *
note_add(struct extras *extras, struct issue *issue, long author_id, const char *body)
{
	struct note *note = must_alloc(sizeof(*note));

	*note = (struct note){
		.id = ++extras->note_id, .author_id = author_id, .body = must_copy(body)
	};
	list_add(&issue->notes, note);
	return note;
}

static void
issue_free(void *item)
{
	struct issue *issue = item;

	for (size_t i = 0; i < issue->notes.count; i++) {
		struct note *note = issue->notes.items[i];

		free(note->body);
		free(note);
	}
	list_done(&issue->notes);
	free(issue->title);
	free(issue->description);
	json_decref(issue->labels);
	free(issue);
}

static void
agent_free(void *item)
{
	struct agent *agent = item;

	for (size_t i = 0; i < agent->tokens.count; i++) {
		struct agent_token *token = agent->tokens.items[i];

		free(token->name);
		free(token->description);
		free(token->secret);
		free(token);
	}
	list_done(&agent->tokens);
	free(agent->name);
	free(agent);
}

static void
runner_free(void *item)
{
	struct runner *runner = item;

	free(runner->description);
	free(runner->secret);
	json_decref(runner->settings);
	free(runner);
}

static void
webhook_free(void *item)
{
	struct webhook *webhook = item;

	free(webhook->secret);
	json_decref(webhook->settings);
	free(webhook);
}

static void
job_free(void *item)
{
	struct job *job = item;

	free(job->name);
	free(job->stage);
	free(job->ref);
	free(job->status);
	free(job->environment);
	json_decref(job->variables);
	free(job);
}

static void
event_free(void *item)
{
	struct audit_event *event = item;

	json_decref(event->details);
	free(event);
}

/* The older half goes at once, so that a full log costs nothing for each event. */
static void
events_trim(struct list *events)
{
	const size_t half = events->count / 2;

	if (events->count < AUDIT_EVENTS_MAX)
		return;
	for (size_t i = 0; i < half; i++)
		event_free(events->items[i]);
	memmove(events->items, events->items + half,
		(events->count - half) * sizeof(*events->items));
	events->count -= half;
}

struct audit_event *
audit_event_add(struct extras *extras)
{
	struct audit_event *event = must_alloc(sizeof(*event));

	*event = (struct audit_event){ .id = ++extras->event_id };
	events_trim(&extras->events);
	list_add(&extras->events, event);
	return event;
}

void
agent_remove(struct extras *extras, struct agent *agent)
{
	list_remove(&extras->agents, agent);
	agent_free(agent);
}

void
runner_remove(struct extras *extras, struct runner *runner)
{
	list_remove(&extras->runners, runner);
	runner_free(runner);
}

void
webhook_remove(struct extras *extras, struct webhook *webhook)
{
	list_remove(&extras->webhooks, webhook);
	webhook_free(webhook);
}

void
extras_forget(struct extras *extras, const struct resource *resource)
{
	for (size_t i = extras->agents.count; i-- > 0;) {
		struct agent *agent = extras->agents.items[i];

		if (agent->project == resource)
			agent_remove(extras, agent);
	}
	for (size_t i = extras->runners.count; i-- > 0;) {
		struct runner *runner = extras->runners.items[i];

		if (runner->home == resource)
			runner_remove(extras, runner);
	}
	for (size_t i = extras->webhooks.count; i-- > 0;) {
		struct webhook *webhook = extras->webhooks.items[i];

		if (webhook->home == resource)
			webhook_remove(extras, webhook);
	}
	for (size_t i = extras->jobs.count; i-- > 0;) {
		struct job *job = extras->jobs.items[i];

		if (job->project != resource)
			continue;
		list_remove(&extras->jobs, job);
		job_free(job);
	}
	for (size_t i = extras->issues.count; i-- > 0;) {
		struct issue *issue = extras->issues.items[i];

		if (issue->project != resource)
			continue;
		list_remove(&extras->issues, issue);
		issue_free(issue);
	}
}

static void
all_free(struct list *list, void (*item_free)(void *))
{
	for (size_t i = 0; i < list->count; i++)
		item_free(list->items[i]);
	list_done(list);
}

void
extras_done(struct extras *extras)
{
	all_free(&extras->agents, agent_free);
	all_free(&extras->runners, runner_free);
	all_free(&extras->webhooks, webhook_free);
	all_free(&extras->jobs, job_free);
	all_free(&extras->issues, issue_free);
	all_free(&extras->events, event_free);
}

static void *
row_copy(const void *row, size_t size)
{
	void *copy = must_alloc(size);

	memcpy(copy, row, size);
	return copy;
}

static void
agents_copy(struct list *to, const struct list *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	for (size_t i = 0; i < from->count; i++) {
		const struct agent *old = from->items[i];
		struct agent *agent = row_copy(old, sizeof(*old));

		agent->project = copy_of(old->project);
		agent->name = must_copy(old->name);
		agent->tokens = (struct list){ 0 };
		for (size_t j = 0; j < old->tokens.count; j++) {
			struct agent_token *token =
				row_copy(old->tokens.items[j], sizeof(*token));

			token->name = must_copy(token->name);
			token->description = copy_or_null(token->description);
			token->secret = must_copy(token->secret);
			list_add(&agent->tokens, token);
		}
		list_add(to, agent);
	}
}

static void
runners_copy(struct list *to, const struct list *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	for (size_t i = 0; i < from->count; i++) {
		struct runner *runner = row_copy(from->items[i], sizeof(*runner));

		runner->home = runner->home ? copy_of(runner->home) : NULL;
		runner->description = copy_or_null(runner->description);
		runner->secret = must_copy(runner->secret);
		runner->settings = json_deep_copy(runner->settings);
		list_add(to, runner);
	}
}

static void
webhooks_copy(struct list *to, const struct list *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	for (size_t i = 0; i < from->count; i++) {
		struct webhook *webhook = row_copy(from->items[i], sizeof(*webhook));

		webhook->home = copy_of(webhook->home);
		webhook->secret = copy_or_null(webhook->secret);
		webhook->settings = json_deep_copy(webhook->settings);
		list_add(to, webhook);
	}
}

static void
jobs_copy(struct list *to, const struct list *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	for (size_t i = 0; i < from->count; i++) {
		struct job *job = row_copy(from->items[i], sizeof(*job));

		job->project = copy_of(job->project);
		job->name = must_copy(job->name);
		job->stage = must_copy(job->stage);
		job->ref = must_copy(job->ref);
		job->status = must_copy(job->status);
		job->environment = copy_or_null(job->environment);
		job->variables = json_deep_copy(job->variables);
		list_add(to, job);
	}
}

static void
issues_copy(struct list *to, const struct list *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	for (size_t i = 0; i < from->count; i++) {
		const struct issue *old = from->items[i];
		struct issue *issue = row_copy(old, sizeof(*old));

		issue->project = copy_of(issue->project);
		issue->title = must_copy(issue->title);
		issue->description = copy_or_null(issue->description);
		issue->labels = json_deep_copy(issue->labels);
		issue->notes = (struct list){ 0 };
		for (size_t j = 0; j < old->notes.count; j++) {
			struct note *note = row_copy(old->notes.items[j], sizeof(*note));

			note->body = must_copy(note->body);
			list_add(&issue->notes, note);
		}
		list_add(to, issue);
	}
}

void
extras_copy(struct extras *to, const struct extras *from,
	struct resource *(*copy_of)(const struct resource *resource))
{
	*to = *from;
	to->agents = to->runners = to->webhooks = to->jobs = (struct list){ 0 };
	to->issues = to->events = (struct list){ 0 };
	agents_copy(&to->agents, &from->agents, copy_of);
	runners_copy(&to->runners, &from->runners, copy_of);
	webhooks_copy(&to->webhooks, &from->webhooks, copy_of);
	jobs_copy(&to->jobs, &from->jobs, copy_of);
	issues_copy(&to->issues, &from->issues, copy_of);
	for (size_t i = 0; i < from->events.count; i++) {
		struct audit_event *event = row_copy(from->events.items[i], sizeof(*event));

		event->details = json_deep_copy(event->details);
		list_add(&to->events, event);
	}
}
