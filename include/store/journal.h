/* journal.h: what was promised and what was done: tokens with their pinned ids, rotations, deliveries, events.
 * Touches the database in the state directory, through db.h. A writer is shared by all workers and thread-safe.
 *
 * A move into INTENDED or HELD returns when it is on the disk, together with whatever other workers were waiting; every
 * other change rides in the next such commit, or in journal_flush(), for a crash only repeats what may be repeated. After
 * any failure to write, every later call fails too, ERR_STORE: the run ends. The one exception is a move from INTENDED into
 * HELD, which holds a secret that nobody else has: calling journal_move() again with the same row tries again, with a new
 * transaction over what is on the disk, as often as the caller likes. The other calls stay refused after it succeeded.
 *
 * A journal must not be carried across a fork(): SQLite's locks would be shared by mistake. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/state.h"

/* Numbers stand in the database: never renumber. */
enum state_of_row {
	STATE_PLANNED,
	STATE_INTENDED,
	STATE_DOUBTED,
	STATE_HELD,
	STATE_DELIVERED,
	STATE_VERIFIED,
	STATE_SWEPT,
	STATE_FOREIGN,
	STATE_LOST,
	STATE_CLOSED,  /* done */
	STATE_DROPPED, /* given up before anything was changed */
	/* REPLACE alone, open: */
	STATE_ORPHANED, /* our new token lives, and its secret is lost */
	STATE_OVERLAP,  /* every destination holds the new secret; the old one works beside it */
	STATE_RETIRING, /* a request to end the old token may have left */
	STATE_RETIRED,
	STATE_SETTLED,
	STATE_COUNT,
};
/* Which of the two step tables a row walks. Stands in the database. */
enum row_strategy { ROW_ROTATES, ROW_REPLACES };
const char *row_state_name(enum state_of_row state); /* "INTENDED" */
bool row_state_is_open(enum state_of_row state);

/* Who does it, and under what: stands in every event of this run. Borrowed for the journal's life. */
struct run_facts {
	const char *actor;       /* "timer", or "alice (sudo from bob)" */
	const char *reason;      /* --reason, or "" */
	const char *revision;    /* policies.revision */
	const char *correlation; /* 16 hex digits, new for each run */
};

struct journal;

/* Opens or creates `journal.db`; runs migrations, writes the filler row, opens the key, proves the fingerprint.
 * Fails: ERR_STORE (disk), ERR_PERSON GLR-101 (damaged, or not a database of ours), GLR-104 (newer than this program), GLR-102
 * (key missing or another). A refused database is left untouched. */
must_check bool journal_open(struct state *state, const struct run_facts *facts,
	struct journal **journal, struct err *err);
/* A copy in memory (sqlite3_backup), for status, plan and history: holds up no commit once it returns. An absent database
 * is an empty one. Secrets cannot be opened through it. */
must_check bool journal_open_reader(struct state *state, struct journal **journal, struct err *err);
/* A reader's: whether a writer would find the key that its secrets are sealed with. Fails: ERR_PERSON (GLR-102). */
must_check bool journal_key_is_there(
	const struct journal *journal, struct state *state, struct err *err);
void journal_close(struct journal *journal); /* flushes what rides */
must_check bool journal_flush(struct journal *journal, struct err *err);

/* 32 hex digits, made with the database: who we are in stamps. "" for a reader of a database that is not there. */
const char *journal_uuid(const struct journal *journal);

/* Small facts that are not rows: "gitlab_url", "credential", "last_run", "last_good_run", "own_token_id", … "" when unset. */
must_check bool journal_get(struct journal *journal, const char *key, struct arena *arena,
	const char **value, struct err *err);
must_check bool journal_set(
	struct journal *journal, const char *key, const char *value, struct err *err);

/* --- tokens: what is managed, pinned by number, as last seen --- */
struct token_record {
	int64_t number;            /* ours; 0 before journal_adopt() */
	const char *address;
	int64_t owner_id;          /* project or group id */
	int64_t user_id;           /* owner or bot */
	int64_t token_id;          /* 0: declared, not created yet */
	int64_t created_msec;
	int64_t expires_on;        /* NO_DATE: never */
	int64_t last_used_msec;    /* as last seen; NO_MOMENT */
	int64_t generation;        /* of the secret; 0 until our first rotation */
	int64_t adopted_at;        /* seconds */
	int64_t rotated_at;        /* our last one; 0: never */
	const char *rule;          /* the lifetime line last applied, as text: "max 30d renew 10d" */
	int64_t rule_since;        /* since when; the ramp counts from here */
	const char *destinations;  /* JSON: the pinned destinations (flow writes and reads it) */
	int64_t released_at;       /* when its entry went from the policy; 0: managed */
	int64_t seen_at;           /* last reading */
	int64_t in_project;        /* 1: a service account whose home is a project */
	const char *username;      /* of a deploy token; "" for all others */
};
struct token_records {
	struct token_record *items;
	size_t count;
};
must_check bool journal_tokens(struct journal *journal, struct arena *arena,
	struct token_records *records, struct err *err);
/* journal_adopt() inserts when the number is 0, which is set on return, and updates all columns by number else; `event` is the
 * sentence of the event `token.adopted` (inserted) or `token.changed`, NULL: none. journal_seen() updates all columns, no event.
 * Fails: ERR_LATER when another record has the address. */
must_check bool journal_adopt(
	struct journal *journal, struct token_record *record, const char *event, struct err *err);
must_check bool journal_seen(
	struct journal *journal, const struct token_record *record, struct err *err);

/* --- rotations --- */
struct rotation {
	int64_t id;                /* 0 before journal_begin() */
	int64_t token;             /* token_record.number */
	const char *address;
	enum row_strategy strategy; /* set by journal_begin() */
	enum state_of_row state;
	const char *frozen;        /* JSON: rules as they stood at preflight (flow writes and reads it) */
	const char *actor, *reason, *revision, *correlation; /* of the run that opened it */
	int64_t opened_at, moved_at;
	int64_t target_id;         /* the token to rotate; 0: create one */
	int64_t wanted_on;         /* the expires_at asked for */
	int64_t intent_at;         /* server time at which the request may have left; 0: none did */
	int64_t highest_id;        /* the owner's highest token id before it */
	const char *nonce;         /* of a create */
	int64_t read_at;           /* server time of the first reading that says "it never happened"; 0 */
	int64_t old_id;            /* what HELD replaced, to be proven dead; 0: nothing */
	int64_t new_id, new_user_id, new_created_msec, new_expires_on;
	const char *new_username;  /* of a deploy token; "" for all others */
	int64_t retire_after;      /* server time; the old token lives until then at the least; 0: not set */
	int64_t generation;        /* of the secret held */
	struct secret *secret;     /* from HELD until closed; sealed on disk; rotation_done() frees it */
	bool keeps_secret;         /* not stored: when it is done its secret stays sealed, in place of the one before */
	const char *trouble;       /* why it does not go on, for people; "" */
	int advice;                /* GLR-nnn or 0 */
	int64_t trouble_since;     /* 0: none */
};
void rotation_done(struct rotation *rotation);
struct rotations {
	struct rotation *items;
	size_t count;
};
void rotations_done(struct rotations *rotations); /* rotation_done() on each */

/* The open rows with their secrets (a writer) or without (a reader), oldest first. */
must_check bool journal_open_rows(struct journal *journal, struct arena *arena,
	struct rotations *rotations, struct err *err);

/* One place's part of a rotation. */
enum delivery_state { DELIVERY_PENDING, DELIVERY_WRITTEN, DELIVERY_PROVEN, DELIVERY_UNPROVEN,
	DELIVERY_SET_ASIDE };
struct delivery {
	int64_t id;                /* 0 before journal_begin() */
	const char *place;         /* destination.text */
	const char *spec;          /* JSON: the frozen destination */
	enum delivery_state state;
	int64_t attempts, next_at, failing_since; /* seconds; 0: not failing */
	const char *trouble;
};
struct deliveries {
	struct delivery *items;
	size_t count;
};

/* A new row at PLANNED with its deliveries; row->id and the ids of deliveries are set.
 * Fails: ERR_LATER when the token has an open row already. */
must_check bool journal_begin(struct journal *journal, struct rotation *row,
	struct deliveries *deliveries, struct err *err);

/* Moves the row: every column as it stands in `row` but those set by journal_begin() (token, run, opened_at), its state to `to`,
 * and the event `rotation.held` and so on, in one transaction. From INTENDED into HELD it also seals row->secret, which must be
 * there, into the reserved room, and sets token_id, user_id, created, expires_on, generation and rotated_at of the token record
 * from the row's new_…; a move back into HELD leaves both as they are. Into a closed state it erases the sealed secret,
 * unless row->keeps_secret and it is done: then that of earlier rows is erased.
 * `row->state` and moved_at are changed on success. `text` is the event's sentence. `deliveries` NULL, or rows to replace those frozen at begin (PLANNED only).
 * Fails: ERR_STORE, also when the row on disk is not where `row` says. */
must_check bool journal_move(struct journal *journal, struct rotation *row, enum state_of_row to,
	const struct deliveries *deliveries, const char *text, struct err *err);

/* --- secrets that outlive their row: of tokens that are rotated with their own secret, our credential among them --- */
struct sealed_secret {
	int64_t token_id;          /* 0: nothing of the token is sealed */
	struct secret *secret;     /* the caller's; NULL: a reader cannot open it */
};
/* The newest secret of the token `number` that an open row holds, or a done one kept. */
must_check bool journal_sealed(
	struct journal *journal, int64_t number, struct sealed_secret *sealed, struct err *err);
/* Erases what done rows of the token kept. */
must_check bool journal_erase_sealed(struct journal *journal, int64_t number, struct err *err);
/* A hash keyed with the sealing key: tells whether a secret is one that was seen before, and nothing else of it. Writers only. */
#define SECRET_MARK_TEXT 33
void journal_mark(const struct journal *journal, const struct secret *secret, char text[SECRET_MARK_TEXT]);

/* Has the record `old->number` mean `old`'s token (id, user, dates, username, when we made it) again, if it means `new_id`; generation and the rest
 * stay. */
must_check bool journal_aim(struct journal *journal, int64_t new_id, const struct token_record *old,
	struct err *err);

/* Closes `old`, whose secret is erased, and begins `row` at INTENDED in its place, with its deliveries: in one transaction, which is on
 * the disk when this returns. Both are changed as by journal_begin() and journal_move(). */
must_check bool journal_supersede(struct journal *journal, struct rotation *old,
	struct rotation *row, struct deliveries *deliveries, const char *text, struct err *err);

/* Writes trouble, advice, read_at without a move and without an event. */
must_check bool journal_trouble(struct journal *journal, const struct rotation *row, struct err *err);

must_check bool journal_deliveries(struct journal *journal, int64_t rotation, struct arena *arena,
	struct deliveries *deliveries, struct err *err);
/* Writes one delivery; with `text` also an event under the row, `delivery.written` and so on. */
must_check bool journal_delivery(struct journal *journal, const struct rotation *row,
	const struct delivery *delivery, const char *text, struct err *err);

/* One delivery more of an open row; its id is set. With `text` also an event, as above. */
must_check bool journal_add_delivery(struct journal *journal, const struct rotation *row,
	struct delivery *delivery, const char *text, struct err *err);

/* The deliveries of the last closed rotation of a token: who holds the present secret. */
must_check bool journal_holders(struct journal *journal, int64_t token, struct arena *arena,
	struct deliveries *deliveries, struct err *err);

/* Adds one to them, or takes the place of one with the same text: it got the secret later; with the event `delivery.proven` and so on.
 * Fails: ERR_STORE, also when no rotation of the token was closed. */
must_check bool journal_hold(struct journal *journal, const struct token_record *record,
	const struct delivery *delivery, const char *text, struct err *err);

/* Whether a rotation of any token gave that one, by its number in GitLab, its secret as that generation. */
must_check bool journal_gave(struct journal *journal, int64_t token_id, int64_t generation,
	bool *gave, struct err *err);

/* When a closed rotation of that token found `token_id` dead, which it had replaced; 0: none did. */
must_check bool journal_died_at(struct journal *journal, int64_t token, int64_t token_id,
	int64_t *died_at, struct err *err);

/* --- pauses: for which tokens nothing new is begun, until when, and who wants that --- */
struct pause {
	int64_t id;                /* 0 before journal_pause() */
	const char *pattern;       /* as address.h has it */
	int64_t is_exact;          /* 1: it is one token's address to the letter, whatever stars its name holds */
	int64_t until, since;      /* seconds */
	const char *actor, *reason;
};
struct pauses {
	struct pause *items;
	size_t count;
};
/* All that nobody ended, those among them whose time is over; the first to end first. */
must_check bool journal_pauses(struct journal *journal, struct arena *arena,
	struct pauses *pauses, struct err *err);
/* Takes the place of one over the same pattern; since, actor and reason are this run's. With the event `pause.begun`. */
must_check bool journal_pause(
	struct journal *journal, struct pause *pause, const char *text, struct err *err);
/* With the event `pause.ended`. */
must_check bool journal_resume(
	struct journal *journal, const struct pause *pause, const char *text, struct err *err);

/* --- events: append only, each hashed (BLAKE2b) over the one before --- */
struct event {
	int64_t id, at;            /* seconds */
	const char *actor, *reason, *revision, *correlation;
	const char *address;       /* "" for those of a run */
	int64_t rotation;          /* 0: none */
	const char *name;          /* "run.begin", "token.adopted", "rotation.held", … */
	const char *text;
};
struct events {
	struct event *items;
	size_t count;
};
must_check bool journal_event(struct journal *journal, const char *address, int64_t rotation,
	const char *name, const char *text, struct err *err);
/* The last `most` (0: all) of the address (NULL: all), oldest first. */
must_check bool journal_events(struct journal *journal, const char *address, size_t most,
	struct arena *arena, struct events *events, struct err *err);
/* Walks the chain. `head` gets the last hash (hex), `broken` the id of the first event that does not fit, or 0. */
#define EVENT_HASH_TEXT 65
must_check bool journal_verify(struct journal *journal, char head[EVENT_HASH_TEXT], int64_t *broken,
	struct err *err);
/* The last hash alone, without the walk. */
must_check bool journal_head(
	struct journal *journal, char head[EVENT_HASH_TEXT], struct err *err);
/* The moment that events, opened_at and moved_at get; server time, set by the run before its workers start. The local clock
 * until then. `now` is called from all workers. */
void journal_set_now(struct journal *journal, int64_t (*now)(void *), void *context);

CLEANUP(journal, struct journal *, journal_close)
#define auto_journal __attribute__((cleanup(journal_cleanup)))
#define auto_rotations __attribute__((cleanup(rotations_done)))

#endif
