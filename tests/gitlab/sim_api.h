/* sim_api.h: what /sim and /sim/act share. */
#ifndef SIM_API_H
#define SIM_API_H

#include "request.h"

json_t *sim_token_json(const struct sim *sim, const struct token *token);
json_t *sim_variable_json(
	const char *level, const char *owner, const struct variable *variable);

/* POST /sim/act: another hand does something at once, with nobody's leave. */
void sim_act(struct sim *sim, struct request *request, struct answer *answer);

#endif
