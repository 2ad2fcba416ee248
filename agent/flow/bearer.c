#include "flow/bearer.h"

#include <string.h>

#include "base/advice.h"
#include "base/atomic_file.h"
#include "base/credential.h"
#include "destination/destination.h"
#include "gitlab/token.h"

#define SEEN "seen"
/* A single word of GitLab's may be a mistake of a replica or a proxy: the second run that hears it believes it. */
#define DEAD "dead"
#define DEAD_AGAIN "dead again"

void
bearer_done(struct bearer *bearer)
{
	identity_free(bearer->identity);
	gitlab_free(bearer->gitlab);
	secret_free(bearer->secret);
	*bearer = (struct bearer){ 0 };
}

enum bearer_choice
bearer_choose(bool has_ours, enum bearer_file file)
{
	if (!has_ours)
		return file == BEARER_FILE_ABSENT ? BEARER_NONE : BEARER_TAKE_FILE;
	return file == BEARER_FILE_NEW ? BEARER_PROBE_FILE : BEARER_TAKE_OURS;
}

/* --- marks --- */

/* What is remembered of a secret: that it was seen in the file, or that it is dead. */
static const char *
fact_of(const char *what, const struct bearer_source *source, struct arena *arena)
{
	return arena_format(arena, "%s %s", what, source->key);
}

static bool
is_marked(struct journal *journal, const char *what, const struct bearer_source *source,
	const struct secret *secret, bool *is, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	char mark[SECRET_MARK_TEXT];
	const char *kept;

	if (!journal_get(journal, fact_of(what, source, arena), arena, &kept, err))
		return false;
	journal_mark(journal, secret, mark);
	*is = !strcmp(kept, mark);
	return true;
}

static bool
set_mark(struct journal *journal, const char *what, const struct bearer_source *source,
	const struct secret *secret, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	char mark[SECRET_MARK_TEXT];

	journal_mark(journal, secret, mark);
	return journal_set(journal, fact_of(what, source, arena), mark, err);
}

bool
bearer_knows(struct journal *journal, const struct bearer_source *source,
	const struct secret *secret, bool *knows, struct err *err)
{
	return is_marked(journal, SEEN, source, secret, knows, err);
}

/* --- which one --- */

/* Both copies, before anything is asked. */
struct copies {
	struct secret *file, *ours;
	enum bearer_file state;
	struct err unread; /* why there is no file */
};

static void
copies_done(struct copies *copies)
{
	secret_free(copies->file);
	secret_free(copies->ours);
}
#define auto_copies __attribute__((cleanup(copies_done)))

static bool
read_ours(struct journal *journal, const struct bearer_source *source, struct copies *copies,
	struct err *err)
{
	struct sealed_secret sealed = { 0 };

	if (source->number && !journal_sealed(journal, source->number, &sealed, err))
		return false;
	copies->ours = sealed.secret;
	return true;
}

static bool
read_copies(struct journal *journal, const struct bearer_source *source, struct copies *copies,
	struct err *err)
{
	bool seen = false;

	if (!read_ours(journal, source, copies, err))
		return false;
	if (!credential_read_apart(
		    source->file, source->apart, &copies->file, &copies->unread)) {
		copies->state = BEARER_FILE_ABSENT;
		return true;
	}
	if (!bearer_knows(journal, source, copies->file, &seen, err))
		return false;
	copies->state = secret_equal(copies->file, copies->ours) ? BEARER_FILE_OURS
	                : seen                                   ? BEARER_FILE_SEEN
	                                                         : BEARER_FILE_NEW;
	return true;
}

static void
present(struct gitlab_server *server, const struct bearer_source *source,
	struct secret **secret, struct bearer *bearer)
{
	bearer_done(bearer);
	bearer->secret = take(*secret);
	bearer->gitlab = gitlab_new(server, bearer->secret);
	bearer->identity = identity_new(source->what);
}

/* The file's word, where we hold a secret of our own: `*id` is its token's, 0 when it is dead. A dead one is marked, and not asked
 * about again; one that GitLab does not know (yet) is no old copy of ours. */
static bool
ask_file(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, struct copies *copies, struct bearer *bearer,
	int64_t *id, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct token token;

	*id = 0;
	present(server, source, &copies->file, bearer);
	if (token_self(bearer->gitlab, arena, &token, NULL, err)) {
		*id = token.id;
		return true;
	}
	if (err->kind == ERR_REFUSED)
		return true;
	return err->kind == ERR_CREDENTIAL &&
	       set_mark(journal, SEEN, source, bearer->secret, err);
}

static bool
take_file(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, struct copies *copies, struct bearer *bearer,
	struct err *err)
{
	if (!bearer->secret)
		present(server, source, &copies->file, bearer);
	bearer->from_file = true;
	/* What is in use now is known when it stands there again as an old copy. */
	return copies->state == BEARER_FILE_SEEN ||
	       set_mark(journal, SEEN, source, bearer->secret, err);
}

bool
bearer_open(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, struct bearer *bearer, struct err *err)
{
	auto_copies struct copies copies = { 0 };
	auto_bearer struct bearer draft = { 0 };
	enum bearer_choice choice;
	int64_t id = 0;

	if (!read_copies(journal, source, &copies, err))
		return false;
	choice = bearer_choose(copies.ours, copies.state);
	if (choice == BEARER_NONE) {
		*err = copies.unread;
		return false;
	}
	if (choice == BEARER_PROBE_FILE &&
		!ask_file(journal, server, source, &copies, &draft, &id, err))
		return false;
	if (choice == BEARER_TAKE_FILE || id) {
		if (!take_file(journal, server, source, &copies, &draft, err))
			return false;
	} else {
		present(server, source, &copies.ours, &draft);
		draft.old_file = copies.state != BEARER_FILE_OURS;
	}
	*bearer = draft;
	draft = (struct bearer){ 0 };
	return true;
}

bool
bearer_open_file(struct gitlab_server *server, const struct bearer_source *source,
	struct bearer *bearer, struct err *err)
{
	struct secret *secret;

	if (!credential_read_apart(source->file, source->apart, &secret, err))
		return false;
	present(server, source, &secret, bearer);
	bearer->from_file = true;
	return true;
}

bool
bearer_prove(struct journal *journal, const struct bearer_source *source,
	const struct bearer *bearer, struct err *err)
{
	bool dead = false, again = false;
	struct err why;

	if (journal &&
		(!is_marked(journal, DEAD, source, bearer->secret, &dead, err) ||
			!is_marked(journal, DEAD_AGAIN, source, bearer->secret, &again, err)))
		return false;
	if (again)
		return err_set(
			err, ERR_CREDENTIAL, 0, "%s ran out or was revoked", source->what);
	if (identity_prove(bearer->identity, bearer->gitlab, err))
		return true;
	if (!journal || !identity_is_dead(bearer->identity) ||
		set_mark(journal, dead ? DEAD_AGAIN : DEAD, source, bearer->secret, &why))
		return false;
	*err = why;
	return false;
}

bool
bearer_is_replaced(struct journal *journal, struct gitlab_server *server,
	const struct bearer_source *source, const int64_t ids[2], bool *replaced,
	struct err *err)
{
	auto_copies struct copies copies = { 0 };
	auto_bearer struct bearer file = { 0 };
	int64_t id = 0;

	*replaced = false;
	if (!read_copies(journal, source, &copies, err))
		return false;
	if (copies.state != BEARER_FILE_NEW)
		return true;
	if (!ask_file(journal, server, source, &copies, &file, &id, err))
		return false;
	*replaced = id && id != ids[0] && id != ids[1];
	return true;
}

/* --- the record --- */

/* Of the file's stamp, where it is ours: a journal that was put back from a backup is behind it. */
static bool
read_generation(struct journal *journal, const struct bearer_source *source,
	int64_t *generation, struct err *err)
{
	char text[STAMP_TEXT_BYTES];
	struct stamp stamp;

	if (source->file[0] != '/')
		return true;
	if (!atomic_file_stamp(source->file, NULL, text, sizeof(text), err))
		return false;
	stamp_parse(text, NULL, &stamp, NULL);
	if (!strcmp(stamp.agent, journal_uuid(journal)) && stamp.generation > *generation)
		*generation = stamp.generation;
	return true;
}

bool
bearer_adopt(struct journal *journal, const struct bearer *bearer,
	const struct bearer_source *source, struct token_record *record, struct arena *arena,
	struct err *err)
{
	const struct token *token = identity_token(bearer->identity);
	struct token_record now = *record;

	if (token->id == record->token_id)
		return true;
	now.token_id = token->id;
	now.user_id = token->user_id;
	now.created_msec = token->created_msec;
	now.expires_on = token->expires_on;
	now.last_used_msec = token->last_used_msec;
	if (!read_generation(journal, source, &now.generation, err) ||
		!journal_adopt(journal, &now,
			arena_format(arena,
				"'%s' holds #%lld now; it was #%lld, which nobody rotates any more",
				source->file, (long long)token->id,
				(long long)record->token_id),
			err) ||
		!journal_erase_sealed(journal, record->number, err) ||
		!journal_flush(journal, err))
		return false;
	*record = now;
	return true;
}
