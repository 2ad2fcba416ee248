/* runners.h: the secret of a runner, for whoever makes or replaces one. */
#ifndef RUNNERS_H
#define RUNNERS_H

#include "sim.h"

char *runner_secret_new(const struct sim *sim, const struct resource *home);
/* A new secret and a new end; the old secret is worthless at once. */
void runner_reset(struct sim *sim, struct runner *runner);
/* NULL: nobody's, or past its end. */
struct runner *runner_by_secret(const struct sim *sim, const char *secret);

#endif
