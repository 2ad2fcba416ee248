/* verbs.h: the verb table: what each is called, needs, allows and says of itself; for main.c and completion.c.
 * Touches nothing: it is data. */
#ifndef VERB_VERBS_H
#define VERB_VERBS_H

#include "verb/verb.h"

struct verb {
	const char *name;
	bool (*does)(struct context *context, const struct options *options, int *exit_code,
		struct err *err);
	unsigned needs;  /* enum need */
	unsigned allows; /* enum option_bit */
	size_t least_tokens, most_tokens;
	bool wants_reason;
	/* Done instead when this flag of struct options is given; 0: there is none. */
	size_t milder;
	bool (*milder_does)(struct context *context, const struct options *options,
		int *exit_code, struct err *err);
	unsigned milder_needs, milder_allows;
	const char *synopsis, *summary, *help;
};

#define VERB_COUNT 12
extern const struct verb verbs[VERB_COUNT];

#endif
