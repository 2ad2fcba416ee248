/* checked.h: what `check` found, as lines or JSON; for check.c alone.
 * Touches nothing. */
#ifndef VERB_CHECKED_H
#define VERB_CHECKED_H

#include "flow/context.h"
#include "gitlab/people.h"

struct finding {
	bool ok;
	bool warns;          /* it is as the policy says, and yet somebody should know */
	const char *subject; /* "owner project platform/api" */
	const char *text;
	int advice;
};

struct checking {
	struct context *context;
	struct arena *arena;
	struct finding *findings;
	size_t count, capacity;
	size_t tokens, destinations;
	bool is_read; /* GitLab was asked, so tokens and destinations are counted */
	struct person me;
};

size_t checked_problems(const struct checking *checking);
void checked_print(const struct checking *checking);
must_check bool checked_print_json(const struct checking *checking, struct err *err);

#endif
