/* people.h: how a user looks in other objects. */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "request.h"

/* What everybody may see of a user. */
json_t *user_basic(struct sim *sim, const struct request *request, const struct user *user);

#endif
