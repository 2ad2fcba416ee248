/* job_variables.h: what a job is given when it starts. */
#ifndef JOB_VARIABLES_H
#define JOB_VARIABLES_H

#include "sim.h"

/* Key to value, as of now: CI_DEPLOY_USER and CI_DEPLOY_PASSWORD, then the variables of the
 * instance, of the groups from the top, and of the project, each over the ones before. Nothing
 * is expanded, and a file's place is its content. */
json_t *job_variables(const struct sim *sim, const struct job *job);

#endif
