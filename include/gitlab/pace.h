/* pace.h: how fast a GitLab wants to be asked; one for all workers.
 * Touches nothing but its own lock and the clock. */
#ifndef GITLAB_PACE_H
#define GITLAB_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http.h"
#include "gitlab/gitlab.h"

struct pace;
struct pace *pace_new(const volatile int *stop); /* stop may be NULL */
void pace_free(struct pace *pace);

/* Waits until a request of that urgency may go: at once, but where the server asked for a pause. When it is over the more urgent
 * go first. False when a signal ended the wait. */
must_check bool pace_wait(struct pace *pace, enum urgency urgency);

/* What the answer says of the next one: Retry-After, RateLimit-Remaining and RateLimit-Reset. */
void pace_learn(struct pace *pace, const struct http_answer *answer);

#endif
