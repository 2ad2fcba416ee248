/* sim_jobs.h: the acts of jobs, and what /sim shows of jobs, webhooks, runners and agents. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "sim_act.h"

/* Closed by an empty row. */
extern const struct act job_acts[];

void sim_jobs_get(struct sim *sim, struct request *request, struct answer *answer);
void sim_webhooks_get(struct sim *sim, struct request *request, struct answer *answer);
void sim_runners_get(struct sim *sim, struct request *request, struct answer *answer);
void sim_agent_tokens_get(struct sim *sim, struct request *request, struct answer *answer);

#endif
