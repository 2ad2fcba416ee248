/* bearer.h: a token that we present as a credential: our own, the rescue credential, one that rotates itself. Which secret of it is
 * the present one, and whether it lives.
 * Touches the journal, the file that an operator gives it in, and GitLab, read-only.
 *
 * A secret of ours stands sealed in the journal, one of the operator's in a file. A file that is neither what we wrote nor what was
 * there when we last looked is the operator's word: it wins if it lives. Everything else in a file is an old copy, and is presented
 * nowhere; one that proved dead is remembered by a mark (a keyed hash), and not asked about again. */
#ifndef FLOW_BEARER_H
#define FLOW_BEARER_H

#include "base/err.h"
#include "base/secret.h"
#include "flow/identity.h"
#include "gitlab/gitlab.h"
#include "store/journal.h"

struct bearer_source {
	const char *what;      /* for people: "our own credential" */
	const char *key;       /* of its mark in the journal: the token's address, or "own" */
	const char *file;      /* a credential's name, or a path */
	const struct texts *apart; /* see credential_read_apart(); NULL: it is one of ours itself */
	int64_t number;        /* of its token's record; 0: none */
};

struct bearer {
	struct secret *secret;
	bool from_file;        /* the operator's; else we made it */
	bool old_file;         /* the file holds an old copy, or nothing */
	struct identity *identity;
	struct gitlab *gitlab;
};
void bearer_done(struct bearer *bearer);

/* What stands in the file. */
enum bearer_file { BEARER_FILE_ABSENT, BEARER_FILE_OURS, BEARER_FILE_SEEN, BEARER_FILE_NEW };
enum bearer_choice { BEARER_NONE, BEARER_TAKE_FILE, BEARER_TAKE_OURS, BEARER_PROBE_FILE };
enum bearer_choice bearer_choose(bool has_ours, enum bearer_file file);

/* Its present secret, with a connection of its own; proven only where there was a choice.
 * Fails: ERR_POLICY when there is none; ERR_REACH, ERR_LATER while a choice cannot be made. */
must_check bool bearer_open(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, struct bearer *bearer, struct err *err);

/* By its file alone. */
must_check bool bearer_open_file(
	struct gitlab_server *server, const struct bearer_source *source, struct bearer *bearer, struct err *err);

/* identity_prove(), but for a secret that was proven dead before: that is remembered, where there is a journal to write to (else
 * NULL), and not asked about again. */
must_check bool bearer_prove(struct journal *journal, const struct bearer_source *source,
	const struct bearer *bearer, struct err *err);

/* Whether a secret is the one that stood in the file when it was last looked at. */
must_check bool bearer_knows(struct journal *journal, const struct bearer_source *source,
	const struct secret *secret, bool *knows, struct err *err);

/* Whether the operator gave another token since the row began that is about `ids` (0: none): its file is new, and lives. */
must_check bool bearer_is_replaced(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, const int64_t ids[2], bool *replaced, struct err *err);

/* The journal follows the token that the bearer proved to be, where its record says another; what it kept sealed of the other is erased.
 * `arena` is the record's. */
must_check bool bearer_adopt(struct journal *journal, const struct bearer *bearer,
	const struct bearer_source *source, struct token_record *record, struct arena *arena,
	struct err *err);

#define auto_bearer __attribute__((cleanup(bearer_done)))

#endif
