/* summary.h: what a run did, in a line, and the six lines of each trouble that needs a person.
 * Touches stdout and stderr. */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "flow/outcome.h"

/* "rotated 4, delivered to 6 destinations; nothing needs you"; "" when nothing was done and nothing is wrong. */
const char *summary_text(const struct outcome *outcome, struct arena *arena);

enum summary_when {
	SUMMARY_NEVER,
	SUMMARY_WHEN_DONE, /* only when something was done */
	SUMMARY_ALWAYS,
};
/* The line on stdout; on stderr, whatever `when` says, what needs a person. `now` in UTC seconds. */
void summary_print(const struct outcome *outcome, int64_t now, enum summary_when when);

#endif
