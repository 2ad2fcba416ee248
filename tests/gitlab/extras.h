/* extras.h: what else there is in a GitLab: agents, runners, webhooks, jobs, issues, audit events.
 * Belongs to the world and follows its rules: no rule of GitLab's in here, the caller holds the
 * lock. What belongs to a project or group goes when that goes; audit events stay. */
#ifndef EXTRAS_H
#define EXTRAS_H

#include "base.h"

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct resource;
struct user;

struct agent_token {
	long id, agent_id;
	char *name, *description, *secret;
	bool revoked;
	long creator_id;
	int64_t created_at;
};

struct agent {
	long id;
	struct resource *project;
	char *name;
	long creator_id;
	int64_t created_at;
	struct list tokens; /* struct agent_token */
};

struct runner {
	long id;
	struct resource *home; /* NULL: the instance's */
	char *description, *secret;
	json_t *settings; /* what else can be set: tags, timeouts … */
	bool paused;
	long creator_id;
	int64_t created_at, contacted_at; /* 0: never */
	int64_t expires_at, deadline;     /* 0: none */
};

struct webhook {
	long id;
	struct resource *home;
	char *secret;     /* or NULL; GitLab never shows it */
	json_t *settings; /* everything it does show: url, name, the events … */
	int64_t created_at;
};

struct job {
	long id;
	struct resource *project;
	char *name, *stage, *ref, *status;
	char *environment; /* or NULL */
	bool protected;    /* runs for a protected branch or tag */
	json_t *variables; /* what it was given when it started, or NULL */
	int64_t created_at, started_at, finished_at; /* 0: not yet */
};

struct note {
	long id, author_id;
	char *body;
	int64_t created_at;
};

struct issue {
	long id, iid, author_id, closed_by; /* closed_by: 0 while it is open */
	struct resource *project;
	char *title, *description; /* or NULL */
	json_t *labels;
	bool confidential;
	int64_t created_at, updated_at, closed_at; /* 0: open */
	struct list notes;                         /* struct note */
};

struct audit_event {
	long id, author_id, entity_id;
	const char *entity_type, *name; /* constants */
	json_t *details;
	int64_t created_at;
};

/* Of audit events the last ones are kept, so that reading for days does not fill the memory. */
enum { AUDIT_EVENTS_MAX = 20000 };

struct extras {
	struct list agents, runners, webhooks, jobs, issues,
		events; /* each in the order of its ids */
	long agent_id, agent_token_id, runner_id, webhook_id, job_id, issue_id, note_id,
		event_id; /* the last given */
};

/* Secrets are taken, other texts are copied. */
struct agent *agent_add(struct extras *extras, struct resource *project, const char *name);
struct agent_token *agent_token_add(struct extras *extras, struct agent *agent,
	const char *name, const char *description, char *secret);
struct runner *runner_add(
	struct extras *extras, struct resource *home, const char *description, char *secret);
struct webhook *webhook_add(struct extras *extras, struct resource *home);
struct job *job_add(struct extras *extras, struct resource *project, const char *name,
	const char *stage, const char *ref);
struct issue *issue_add(struct extras *extras, struct resource *project, long author_id);
struct note *note_add(
	struct extras *extras, struct issue *issue, long author_id, const char *body);
struct audit_event *audit_event_add(struct extras *extras);

void agent_remove(struct extras *extras, struct agent *agent);
void runner_remove(struct extras *extras, struct runner *runner);
void webhook_remove(struct extras *extras, struct webhook *webhook);

/* Everything of a project or group that is about to go. */
void extras_forget(struct extras *extras, const struct resource *resource);
void extras_done(struct extras *extras);

/* All of it once more; `copy_of` tells what stands for a project or group in the copy. */
void extras_copy(struct extras *to, const struct extras *from,
	struct resource *(*copy_of)(const struct resource *resource));

#endif
