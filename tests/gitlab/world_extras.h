/* world_extras.h: agents, runners, webhooks, jobs, triggers and enterprise users, as the world
 * file writes them. */
#ifndef WORLD_EXTRAS_H
#define WORLD_EXTRAS_H

#include "world_file.h"

/* What stands in the world, its groups and its projects, which are there by now with all their
 * variables and deploy tokens, so that running jobs have been given theirs. */
bool world_extras_load(struct sim *sim, const json_t *world, char wrong[512]);

/* One JOB; NULL: `wrong` says what. */
struct job *world_extras_job(
	struct sim *sim, const json_t *json, struct resource *project, char wrong[512]);
void world_extras_job_start(struct sim *sim, struct job *job, int64_t at);

#endif
