/* hook.h: other hands that wait for a request to come. The lock is held. */
#ifndef HOOK_H
#define HOOK_H

#include "base.h"

#include <stdbool.h>

#include <jansson.h>

struct sim;
struct request;
struct answer;

enum when { BEFORE, AFTER };

struct hooks {
	struct list waiting;
};

/* Whether this act is one for later. */
bool hook_wanted(const json_t *act);
/* Keeps it, and answers its row. */
void hook_add(struct sim *sim, const json_t *act, struct answer *answer);
/* Right before, or after, a request is handled: carries out what waited for that one. */
void hooks_run(struct sim *sim, const struct request *request, enum when when);
json_t *hooks_json(const struct hooks *hooks);
void hooks_clear(struct hooks *hooks);

#endif
