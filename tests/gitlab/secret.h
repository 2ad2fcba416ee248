/* secret.h: what token secrets look like. */
#ifndef SECRET_H
#define SECRET_H

#include "sim.h"

/* glpat- and 20 characters; from 18.0 on the routable form, which tells the user. */
char *secret_new(const struct sim *sim, const struct user *user);

#endif
