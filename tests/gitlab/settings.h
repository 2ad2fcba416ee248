/* settings.h: /application/settings, and who the simulator says it is. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "request.h"

#include <jansson.h>

json_t *settings_defaults(void);

/* What the request wants to set. False: `answer` says 400, and why. */
bool settings_check(
	const struct sim *sim, const struct request *request, struct answer *answer);

#endif
