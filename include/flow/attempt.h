/* attempt.h: one row in one worker's hands, and the table of steps it walks.
 * Touches nothing itself. */
#ifndef FLOW_ATTEMPT_H
#define FLOW_ATTEMPT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/secret.h"
#include "destination/destination.h"
#include "flow/bearer.h"
#include "flow/breaker.h"
#include "flow/identity.h"
#include "gitlab/gitlab.h"
#include "gitlab/token.h"
#include "store/journal.h"

/* The rules and the identity as they stood at preflight, kept in the row as JSON: whatever the policy says later, the row is
 * finished by these. */
struct frozen {
	struct place at;
	int64_t type;                  /* enum token_type */
	int64_t owner_id, user_id;     /* user_id 0: not known before the token is created */
	enum stated in_project;        /* a service account's home */
	const char *owner, *name;
	int64_t created_msec;          /* of the target; identity, not age */
	int64_t expires_on;            /* of the target: until when the old secret works */
	int64_t max_lifetime_sec, settle_sec;
	struct texts scopes;           /* for creation */
	int64_t access_level;
	const char *description;
	int64_t first_target;          /* the id that was in use when the row was opened; 0: none was */
	enum stated takes_over;        /* on_foreign_rotation: takeover */
	enum stated recreates;         /* on_loss: recreate */
	int64_t taken_over_at;         /* when this row was last aimed at what somebody else made; 0: never */
	enum stated shortened;         /* GitLab refused the date asked for, and is asked again with its own */
	enum stated recreating;        /* the token to create takes the place of one that is lost: dead namesakes are its own */
	int64_t idle_sec;              /* how long it waits for a moment without running jobs; 0: not at all */
	enum stated hurries;           /* it was begun by an order, or in place of a secret that not all have: waits for nothing */
	enum stated ordered;           /* a person, who saw how the row stands, wants it rotated; until the next intent */
	int64_t rotate_with;           /* enum rotate_with; 0: our credential */
	const char *secret;            /* of a token that rotates itself: the credential or file that its first one stood in */
	enum stated is_own;            /* it is our own credential */
	/* REPLACE alone: */
	int64_t overlap_sec;           /* how long the old one lives beside the new */
	int64_t quiet_sec;             /* and how long nobody may have used it before it is retired; 0: does not matter */
	int64_t rotated_at;            /* when the target was made by us; 0: it was not */
	const char *username;          /* of a deploy token: the target's, and the one to create */
	struct list orphans;           /* struct orphan, see below */
};
/* `orphans`: made by a request of this row whose answer was lost, and kept until the old one ends (slot.h). */
struct orphan {
	struct place at;
	int64_t id;
};
extern const struct shape frozen_shape;
struct owner frozen_owner(const struct frozen *frozen);
/* Puts attempt->frozen into the row, to be written with its next move. */
struct attempt;
void attempt_freeze(struct attempt *attempt);
/* Whether the row keeps its secret when it is done, by the rules as they are now: a token that rotates itself needs it again. */
void attempt_note_secret(struct attempt *attempt);

/* What the run has to say to a row whose token is lost. */
enum repair {
	REPAIR_WAITS,    /* it is not known yet how many are */
	REPAIR_GOES_ON,
	REPAIR_TOO_MANY, /* more than can be by chance: none is repaired */
};

/* What a look at the jobs of the destinations came to, when the row goes on. */
struct idle {
	int64_t looked_msec;           /* clock.h: when all were found idle; 0: that did not matter any more */
	size_t jobs;                   /* that lose the old secret while they run */
	const char *hit;               /* which, or why that is not known; NULL: none */
};

struct attempt {
	/* Shared by all workers, borrowed. */
	struct journal *journal;
	struct identity *identity;
	struct breaker *breaker;       /* NULL: none */
	struct remotes *remotes;       /* servers other than GitLab's */
	const volatile int *stop;
	const char *rescue;            /* the rescue credential's name; NULL: none */
	const struct texts *own;       /* what is shown to nobody else, see context.h */
	/* This worker's. A row that came to the rescue credential reads and rotates with that, and delivers with ours, `agent`. */
	struct gitlab *gitlab, *agent;
	struct arena *arena;
	/* This row's. */
	struct rotation *row;
	struct frozen frozen;
	struct deliveries deliveries;
	struct destination *destinations; /* one a delivery, decoded from its spec */
	struct stamp last_stamp;       /* what our last secret gets in its destinations; generation 0 before the first */
	int64_t rotated_at;            /* our last rotation of the token; 0: none */
	int64_t known_highest;         /* the owner's highest token id in this run's inventory; 0: not read */
	/* Of a token that rotates itself, see self.h. */
	struct bearer self, rescuer;
	int lock;                      /* on the file of its secret; 0: none */
	/* Within this run. */
	int64_t preflight_msec;        /* clock.h; when the first destination was asked, before all passed; 0: not yet */
	bool was_spent;                /* a preflight was too old when the request's turn came, and was asked for again */
	struct idle idle;
	bool alive;                    /* the held secret was proven in this run */
	unsigned unseen;               /* how often GitLab did not know it yet */
	bool verified;                 /* every destination not set aside was read back in this run */
	bool replaced, retired;        /* both lived side by side from this run on; the old one ended in it */
	const char *waits;             /* why a row rests that is as it should be, for people; NULL: it is not, or does not rest */
	bool went_back;
	struct attempt *superseded;    /* a row of a held secret, whose place this one takes; NULL: none */
	bool was_superseded;
	bool was_let_go;               /* its held secret, in this run: another is made */
	bool is_fresh;                 /* this run began it */
	bool was_walked;
	bool is_lost;                  /* it waits for `repair`, and could be made anew */
	enum repair repair;
	bool doubted;                  /* it stood at DOUBTED in this run */
	unsigned delivered;            /* destinations written in this run */
	int64_t wait_until;            /* server time before which asking again is useless; 0: none */
	const char *told;              /* what a person should know though the row goes on; NULL: nothing */
	int told_advice;               /* GLR-nnn of it, or 0 */
	struct err trouble;            /* why it rests, or was given up; kind ERR_NONE: all is well */
};

/* What its destinations are written with. */
struct destination_tools attempt_tools(const struct attempt *attempt);

/* How a step ended. */
enum step_end { STEP_DONE, STEP_NOT_YET, STEP_REFUSED, STEP_MOVED, STEP_DOUBT, STEP_END_COUNT };

struct step {
	bool (*does)(struct attempt *attempt, struct err *err);
	enum state_of_row next[STEP_END_COUNT];
};

/* Indexed by state; empty where a table does not go, and where a row is closed. The program's own data: the loop in walk.c and the
 * test that walks it read the same. */
extern const struct step rotate_steps[STATE_COUNT];
extern const struct step replace_steps[STATE_COUNT];
const struct step *attempt_steps(const struct rotation *row);
/* The next token is made beside the present one, or there is none yet: the request is a creation. */
bool attempt_creates(const struct attempt *attempt);

/* Which column an error points at. */
enum step_end step_end_of(bool ok, enum state_of_row state, const struct err *err);

/* Where a row that stands at `from` of that table goes (`*to`, which may be `from`), and whether it goes on from there in this run: forward
 * always, back once (`*went_back` remembers), nowhere after "not yet". So every walk ends. */
bool step_decide(const struct step *steps, enum state_of_row from, enum step_end end,
	bool *went_back, enum state_of_row *to);

/* --- rotate.c: what both preflights ask --- */
/* Everything that can refuse is asked before the intent is written; nothing dies by it. On success the row says what is asked for next,
 * and what it is known by. */
must_check bool preflight(struct attempt *attempt,
	bool (*target_is_ready)(struct attempt *, struct err *), struct err *err);
/* The path leads to the pinned owner, and its user is not blocked. */
must_check bool preflight_owner(struct attempt *attempt, struct err *err);

/* --- preflight.c --- */
/* Every destination takes a secret; what it held of an earlier try is dead.
 * Fails: ERR_LATER also when that took too long for the rotation; a person is told when it did so in the run before too. */
must_check bool preflight_destinations(struct attempt *attempt, struct err *err);
/* They were asked so lately that the old secret may die. */
bool preflight_is_fresh(const struct attempt *attempt);
must_check bool preflight_holds(const struct attempt *attempt, struct err *err);
/* For the breaker. */
void attempt_note(
	const struct attempt *attempt, enum breaker_kind kind, bool ok, const struct err *err);

/* --- overlap.c --- */
/* How long the old one lives on once the new one is everywhere; 0 where there is none. */
int64_t attempt_overlap_sec(const struct attempt *attempt);

/* --- deliver.c --- */
/* Writes one destination, with a few tries, and remembers how it went. `why`: what kept it from it; ERR_NONE: `err` says it, and the
 * journal failed. */
must_check bool deliver_one(
	struct attempt *attempt, size_t which, struct err *why, struct err *err);

/* --- verify.c --- */
must_check bool verify_destinations(struct attempt *attempt, struct err *err);
/* The bot of a project's or group's token is a member there. */
must_check bool verify_membership(struct attempt *attempt, struct err *err);

/* --- reconcile.c: believed only after `settle` of server time and by two agreeing readings; ERR_LATER before. --- */
must_check bool reconcile_never_happened(struct attempt *attempt, struct err *err);

/* --- evidence.c: what readings of GitLab say about a row --- */
/* The exact end asked for of a deploy token; its time of day is the nonce, for nothing else of it can carry one. */
int64_t evidence_wanted_msec(const struct rotation *row);
/* A reading shows the token that the row froze: all that identifies it is the same. */
bool evidence_is_target(const struct attempt *attempt, const struct token *token);
/* The held secret, row->secret, opens the API as row->new_id. Fails: ERR_MOVED it is dead; ERR_LATER not seen yet. */
must_check bool evidence_of_life(struct attempt *attempt, struct err *err);
/* So soon after it was made that GitLab may not know it everywhere. */
bool evidence_is_young(const struct attempt *attempt);
/* Later in this run, after a pause that grows. */
void evidence_ask_again(struct attempt *attempt);
/* All of the owner's tokens. What keeps us from looking settles nothing: ERR_PERSON (GLR-118), or what the credential's state is. */
must_check bool evidence_list(struct attempt *attempt, struct tokens *all, struct err *err);
const struct token *evidence_find(const struct tokens *all, int64_t id); /* or NULL */
/* A living token of the row's name and user that came after its first intent, other than its target and its new token. */
bool evidence_is_fork(const struct attempt *attempt, const struct token *token);
/* Such a one, or row->new_id, that only our own request can have made: a secret whose answer was lost cannot have been used. */
bool evidence_is_ours(const struct attempt *attempt, const struct token *token);
/* The target is dead, and so is all that came after it, which our own request made and whose secret nobody ever had. */
bool evidence_is_loss_of_ours(const struct attempt *attempt, const struct tokens *all);

/* From here on the row is about that token, whose secret nobody of us holds. */
void attempt_aim_at(struct attempt *attempt, const struct token *token);

/* --- proof.c --- */
/* A deploy token that its owner's list shows alive as row->new_id: whether row->secret opens its door, where it has one that answers.
 * Fails: ERR_LATER not seen yet; ERR_PERSON (GLR-127) it is refused. */
must_check bool proof_of_deploy_token(
	struct attempt *attempt, const struct token *token, struct err *err);

/* --- reconcile.c: what is left of a request in doubt; for self.c too --- */
must_check bool reconcile_never_happened(struct attempt *attempt, struct err *err);
must_check bool reconcile_rotation(
	struct attempt *attempt, const struct tokens *all, struct err *err);

/* The steps, a file each: rotate.c, reconcile.c, respond.c, deliver.c, verify.c, retire.c. Each says in its file what it proves; all fail
 * with the kinds that the table's columns mean. */
must_check bool step_preflight(struct attempt *attempt, struct err *err);
must_check bool step_request(struct attempt *attempt, struct err *err);
must_check bool step_reconcile(struct attempt *attempt, struct err *err);
must_check bool step_respond(struct attempt *attempt, struct err *err);
must_check bool step_recover(struct attempt *attempt, struct err *err);
must_check bool step_deliver(struct attempt *attempt, struct err *err);
must_check bool step_verify(struct attempt *attempt, struct err *err);
must_check bool step_sweep(struct attempt *attempt, struct err *err);
must_check bool step_forget(struct attempt *attempt, struct err *err);
/* REPLACE alone: replace.c, orphan.c and overlap.c. */
must_check bool step_replace_preflight(struct attempt *attempt, struct err *err);
must_check bool step_replace_reconcile(struct attempt *attempt, struct err *err);
must_check bool step_discard(struct attempt *attempt, struct err *err);
must_check bool step_replace_verify(struct attempt *attempt, struct err *err);
must_check bool step_wait(struct attempt *attempt, struct err *err);
must_check bool step_retire(struct attempt *attempt, struct err *err);
must_check bool step_settle(struct attempt *attempt, struct err *err);

#endif
