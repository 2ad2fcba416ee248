/* sim_api.h: how /sim shows things. */
#ifndef SIM_API_H
#define SIM_API_H

#include "request.h"

json_t *sim_token_json(const struct sim *sim, const struct token *token);
json_t *sim_variable_json(
	const char *level, const char *owner, const struct variable *variable);

#endif
