/* alert_due.h: what is told, to whom, once: a function of the conditions, of what was told, and of now.
 * Touches nothing. */
#ifndef REPORT_ALERT_DUE_H
#define REPORT_ALERT_DUE_H

#include "base/arena.h"
#include "flow/outcome.h"
#include "policy/alerts.h"

/* Stands in the journal. */
enum condition_kind { CONDITION_PERSON = 1, CONDITION_MARGIN, CONDITION_UNFINISHED };

/* What is wrong now. One is told from another by advice, address and destination. */
struct condition {
	enum condition_kind kind;
	struct trouble trouble;
	const char *destination; /* "" */
	const char *project;     /* that owns the token, as gitlab/issue.h wants it; NULL: none does */
};
struct conditions {
	const struct condition *items;
	size_t count;
};

/* What one alert was told. */
struct told {
	struct place at;
	const char *alert;       /* its name, see alert.h */
	const char *address, *destination, *project, *headline;
	int64_t advice, kind, since;
	int64_t told_at;         /* 0: not yet, or nobody knows */
	int64_t doubt_at;        /* when a change was sent whose answer was lost; 0: none was */
};
struct memory {
	struct told *items;
	size_t count;
};

enum alert_reason {
	ALERT_NEW,
	ALERT_CHANGED,  /* it is of another kind now */
	ALERT_AGAIN,
	ALERT_OVER,     /* all clear */
	ALERT_REPLACED, /* over, and something else is wrong with the same token: forgotten in silence */
};
struct alert_item {
	enum alert_reason reason;
	const struct condition *condition; /* NULL: over, or replaced */
	const struct told *told;           /* NULL: new */
};
struct alert_items {
	struct alert_item *items;
	size_t count;
};

/* How long what was asked and not answered may still happen. */
#define ALERT_DOUBT_SEC (5 * 60)

/* Whether that alert is told such a condition at all. */
bool alert_is_for(
	const struct alert_rules *rules, const struct condition *condition, int64_t now);

/* What that alert was told of the condition; NULL: nothing. */
const struct told *alert_told_of(
	const struct memory *memory, const char *alert, const struct condition *condition);

/* In the order of the conditions; what is over comes last. */
struct alert_items alert_due(const struct alert_rules *rules, const char *alert,
	const struct conditions *conditions, const struct memory *memory, int64_t now,
	struct arena *arena);

#endif
