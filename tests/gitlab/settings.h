/* settings.h: /application/settings, and who the simulator says it is. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <jansson.h>

json_t *settings_defaults(void);

#endif
