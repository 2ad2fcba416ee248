/* pace.h: how fast a GitLab wants to be asked; one for all workers.
 * Touches nothing but its own lock, never held over a request, and the clock. */
#ifndef GITLAB_PACE_H
#define GITLAB_PACE_H

#include <stdbool.h>

#include "base/http.h"
#include "gitlab/gitlab.h"

struct pace;
struct pace *pace_new(const volatile int *stop); /* stop may be NULL */
void pace_free(struct pace *pace);

/* Waits until a request of that urgency may go: at once, except where the server asked us to slow down. Then the
 * more urgent go first, and deliveries do not wait for the gaps between the others.
 * False when *stop was set while there was something to wait for. */
must_check bool pace_wait(struct pace *pace, enum urgency urgency);

/* What the answer says of the next requests:
 *   429, or 503 with Retry-After   nobody passes for that long, at most 60 s (unsaid: 1 s, twice as long each time
 *                                  in a row), then one after the other until an answer is no refusal
 *   RateLimit-Remaining            0: nobody passes until RateLimit-Reset; few: the rest is spread until then */
void pace_learn(struct pace *pace, const struct http_answer *answer);

#endif
