/* advice.h: what a person is told when one is needed: always the same six lines.
 * Touches the stream it is given. */
#ifndef REPORT_ADVICE_H
#define REPORT_ADVICE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/advice.h"
#include "flow/outcome.h"

/* What stands in `action` for the token's address. */
#define ADVICE_TOKEN "{token}"

/* What a condition means, as fixed texts. */
struct advice_text {
	int advice;
	const char *headline;   /* "somebody else rotated this token" */
	const char *works;      /* what still works; a known date is told behind it */
	const char *why;
	const char *action;     /* commands to paste, a line each */
	const char *risk;
	const char *more;       /* whole sentences for the manual alone */
	bool is_dead;           /* the secret in the destinations is dead: no date is told */
};
const struct advice_text *advice_of(int advice); /* NULL for 0 and unknown ones */

/* The six lines: what happened and since when; what still works, until when; why; what to do; the risk; the code. Further commands
 * of "What to do" stand indented below it. `now` in UTC seconds. */
void advice_print(const struct trouble *trouble, int64_t now, FILE *stream);
/* The same in other words than its code's; NULL: those of a condition that has no code. */
void advice_print_as(const struct advice_text *text, const struct trouble *trouble,
	int64_t now, FILE *stream);

#endif
