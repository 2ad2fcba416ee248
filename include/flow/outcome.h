/* outcome.h: what happened → log lines, summary, exit code.
 * Touches the log. Thread-safe, with its own lock. */
#ifndef FLOW_OUTCOME_H
#define FLOW_OUTCOME_H

#include "base/arena.h"
#include "base/err.h"
#include "store/journal.h"

/* One thing that did not go as it should. */
struct trouble {
	const char *address;     /* "" for the run itself */
	const char *text;        /* one sentence */
	int advice;              /* GLR-nnn, or 0 */
	bool person;             /* a person is needed; else a later run goes on by itself */
	int64_t since;
	int64_t works_until;     /* the secret in use lives until; NO_MOMENT: not known, or for ever */
};

struct troubles {
	const struct trouble *items;
	size_t count;
};

/* Since when this has been told: as `before` has it, when that is of the same address and kind; else its own `since`, else now. */
int64_t troubles_since(
	const struct troubles *before, const struct trouble *trouble, int64_t now);

struct outcome;
struct outcome *outcome_new(void);
void outcome_free(struct outcome *outcome);

enum outcome_count { COUNT_ROTATED, COUNT_CREATED, COUNT_DELIVERED /* destinations */, COUNT_ADOPTED, COUNT_RELEASED,
	COUNT_RETIRED,
	COUNT_REPAIRED, COUNT_IDLE /* due, waits for jobs to end */, COUNT_WAITING /* due, held back by a limit */, COUNT_COUNT };
void outcome_add(struct outcome *outcome, enum outcome_count what);
unsigned outcome_count(const struct outcome *outcome, enum outcome_count what);

/* So many jobs ran with a secret that died under them; `which` names them, or says why that is not known. Copied. */
void outcome_hit(struct outcome *outcome, size_t jobs, const char *which);
size_t outcome_hit_jobs(const struct outcome *outcome);
const char *outcome_hit_text(const struct outcome *outcome); /* "" when there was none */

/* One event of a row: logged with its fields. */
void outcome_event(struct outcome *outcome, const struct rotation *row, const char *text);
void outcome_trouble(struct outcome *outcome, const struct trouble *trouble); /* copied, logged */
/* What earlier runs told, borrowed: a trouble that goes on keeps its `since`; a new one without gets what `now` says. */
void outcome_before(struct outcome *outcome, const struct troubles *before,
	int64_t (*now)(void *), void *context);

size_t outcome_troubles(const struct outcome *outcome);
const struct trouble *outcome_trouble_at(const struct outcome *outcome, size_t index);

/* Whether an alert got its message; `failure` says why not. Logged. */
void outcome_alert(const char *alert, const char *about, const struct err *failure);

/* The MESSAGE_ID of a row's arrival in a state; units/glrotate.catalog explains each. */
const char *outcome_message_id(enum state_of_row state);
/* …and of a trouble, with and without a person. */
const char *outcome_trouble_id(bool person);
/* …and of an alert that could not be told. */
const char *outcome_alert_id(void);

/* The exit code: 3 when a person is needed, 1 when something is unfinished, else 0. */
int outcome_exit(const struct outcome *outcome);
/* What ended a run early, or kept it from beginning: ERR_USAGE, ERR_POLICY 2; ERR_BUSY 4; ERR_REACH 5; ERR_LATER, ERR_STOPPED, ERR_DOUBT 1; all
 * others 3. */
int outcome_exit_for(const struct err *err);

CLEANUP(outcome, struct outcome *, outcome_free)
#define auto_outcome __attribute__((cleanup(outcome_cleanup)))

#endif
