/* job.h: a project's jobs that hold what they were given.
 * Touches GitLab, read-only. Source: lib/api/ci/jobs.rb, app/models/concerns/ci/has_status.rb. A job is given its variables, and
 * CI_DEPLOY_USER and CI_DEPLOY_PASSWORD, when a runner takes it, and keeps them to its end. */
#ifndef GITLAB_JOB_H
#define GITLAB_JOB_H

#include "base/arena.h"
#include "base/fields.h"
#include "gitlab/gitlab.h"

struct job_runner {
	struct place at;
	int64_t id; /* 0: none took it */
};

struct job_pipeline {
	struct place at;
	int64_t id;
	const char *web_url;
};

/* What GitLab leaves out is NULL, 0 or NO_MOMENT. */
struct job {
	struct place at;
	int64_t id;
	const char *status;          /* "running", "canceling", "pending" of which a runner has not yet said that it began */
	const char *name, *stage, *ref, *web_url;
	int64_t created_msec, started_msec;
	struct job_pipeline pipeline;
	struct job_runner runner;
};

/* A list of struct job: those a runner has and that have not ended, newest first. Those of triggered pipelines in other projects are
 * not among them. Where more than a hundred run, one can be missed while others end; an empty list is empty.
 * Fails: ERR_REFUSED when CI is off there or we may not read its jobs, ERR_MOVED when the project is gone or not for us to see: both
 *        hold for as long as nobody changes that. ERR_LATER, ERR_REACH and others as gitlab_call(): the next time may help. */
must_check bool job_list_active(struct gitlab *gitlab, int64_t project_id, struct arena *arena,
	struct list *jobs, struct err *err);

/* Whether a failure of job_list_active() says that these jobs cannot be read, as opposed to not now. */
bool job_is_unreadable(const struct err *err);

#endif
