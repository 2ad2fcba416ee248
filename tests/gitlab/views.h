/* views.h: rows in answers of others than their own endpoints. Secrets are not in them. */
#ifndef VIEWS_H
#define VIEWS_H

#include "request.h"

json_t *deploy_token_view(struct sim *sim, struct request *request, void *token);
json_t *trigger_view(struct sim *sim, struct request *request, void *trigger);
json_t *agent_token_view(struct sim *sim, struct request *request, void *token);
json_t *runner_view(struct sim *sim, struct request *request, void *runner);

#endif
