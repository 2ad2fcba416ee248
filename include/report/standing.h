/* standing.h: how each token stands, by the journal and the policy alone.
 * Touches the journal, read-only. */
#ifndef REPORT_STANDING_H
#define REPORT_STANDING_H

#include "flow/brake.h"
#include "flow/due.h"
#include "flow/outcome.h"
#include "flow/own_end.h"
#include "policy/policy.h"
#include "store/journal.h"

/* The worse the further up. */
enum standing {
	STANDING_PERSON,   /* it waits for a person */
	STANDING_DEAD,     /* managed, and past its date */
	STANDING_OPEN,     /* a rotation is under way, or something that passes keeps one from beginning */
	STANDING_LAGS,     /* a destination does not hold the present secret */
	STANDING_DUE,
	STANDING_IDLE,     /* due, and waits for running jobs to end, as the policy says */
	STANDING_OVERLAP,  /* replaced, and the old one lives on for a while, as the policy says */
	STANDING_SOON,     /* due within a week */
	STANDING_RELEASED, /* nobody renews it */
	STANDING_UNMANAGED, /* nor this one: a pattern means it, and does not keep it alive */
	STANDING_WELL,
};

struct standing_item {
	const struct token_record *record; /* number 0: of one that is not remembered, the address alone */
	const struct rotation *row;      /* open, or NULL */
	struct deliveries deliveries;    /* of the open row, else of who holds the present secret */
	const struct lifetime *lifetime; /* NULL: the policy cannot be read, or names it no more; `due` is empty then */
	struct due due;
	const struct trouble *trouble;   /* what the last run told of it; NULL: nothing, or the row knows better */
	const char *unmanaged;           /* why, as the last run saw it; NULL: it is managed */
	enum standing standing;
	const struct brake *brake;       /* that holds it; NULL: none, or nobody renews it anyway */
	bool dies_braked;                /* it dies before that ends */
	const char *words;               /* "ok", "due", "HELD GLR-113" */
};

struct standings {
	struct token_records records;    /* with those that only a trouble names */
	const struct trouble *end;       /* what ended the last run early; NULL: it went through */
	struct own_end own_end;          /* of the credential, as the last run saw it */
	struct brakes brakes;
	struct rotations rows;           /* open ones; rotations_done() by the caller */
	struct standing_item *items;     /* one an address, the worst first, then by due date */
	size_t count;
	int64_t last_run, last_good_run; /* NO_MOMENT: never */
};

/* `policies` NULL: none can be read; `now` in UTC seconds. */
must_check bool standings_read(struct journal *journal, const struct policies *policies, int64_t now,
	struct arena *arena, struct standings *standings, struct err *err);

/* That our own credential is about to die; only where own_end_warns(). */
struct trouble standing_own_end(
	const struct standings *standings, int64_t now, struct arena *arena);

/* The worst that is known of a token that needs a person. */
struct trouble standing_trouble(const struct standing_item *item);

/* Not written yet, or set aside. */
bool delivery_lags(const struct delivery *delivery);

#endif
