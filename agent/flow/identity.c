#include "flow/identity.h"

#include <pthread.h>
#include <string.h>

#include "base/advice.h"
#include "base/clock.h"
#include "base/memory.h"

/* Rule 4 allows 30 s between the proof and the request; connecting may take ten. */
#define ASK_AGAIN_MSEC 20000

struct identity {
	pthread_mutex_t lock;
	bool known, distrusted, dead;
	const char *what;
	struct arena *arena;
	struct token token; /* in `arena`, of the first proof */
	int64_t proven_msec;
};

struct identity *
identity_new(const char *what)
{
	struct identity *identity = memory_or_abort(calloc(1, sizeof(*identity)));

	identity->what = what;
	identity->arena = arena_new();
	pthread_mutex_init(&identity->lock, NULL);
	return identity;
}

void
identity_free(struct identity *identity)
{
	if (!identity)
		return;
	pthread_mutex_destroy(&identity->lock);
	arena_free(identity->arena);
	free(identity);
}

static bool
refuse(struct identity *identity, struct err *err)
{
	identity_distrust(identity);
	err->kind = ERR_CREDENTIAL;
	return err_advise(err, GLR_OWN_CREDENTIAL);
}

/* Under the lock. False when the credential is now another token than the one this run began with. `arena`, where the token's
 * texts are, is taken over by the first proof. */
static bool
remember(struct identity *identity, const struct token *token, struct arena **arena,
	int64_t asked_msec)
{
	if (identity->known && identity->token.id != token->id)
		return false;
	identity->proven_msec = asked_msec;
	if (identity->known)
		return true;
	arena_keep(identity->arena, take(*arena));
	identity->token = *token;
	identity->known = true;
	return true;
}

bool
identity_prove(struct identity *identity, struct gitlab *gitlab, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	enum credential_state state = CREDENTIAL_UNKNOWN;
	const int64_t asked_msec = clock_msec();
	struct token token;
	bool same;

	if (identity_is_distrusted(identity)) {
		err_set(err, ERR_CREDENTIAL, 0, "%s was refused in this run", identity->what);
		return err_advise(err, GLR_OWN_CREDENTIAL);
	}
	if (!token_self(gitlab, arena, &token, &state, err)) {
		err_wrap(err, "%s", identity->what);
		if (state == CREDENTIAL_EXPIRED || state == CREDENTIAL_REVOKED)
			identity->dead = true;
		if (err->kind == ERR_CREDENTIAL || err->kind == ERR_REFUSED)
			return refuse(identity, err);
		return false;
	}
	pthread_mutex_lock(&identity->lock);
	same = remember(identity, &token, &arena, asked_msec);
	pthread_mutex_unlock(&identity->lock);
	if (!same) {
		err_set(err, ERR_CREDENTIAL, 0,
			"%s is token #%lld now, and was another when the run began",
			identity->what, (long long)token.id);
		return refuse(identity, err);
	}
	return true;
}

bool
identity_is_fresh(const struct identity *identity)
{
	/* The lock is the one part of the object that reading changes. */
	struct identity *locked = (struct identity *)identity;
	bool is_fresh;

	pthread_mutex_lock(&locked->lock);
	is_fresh = identity->known && !identity->distrusted &&
	           clock_msec() - identity->proven_msec < ASK_AGAIN_MSEC;
	pthread_mutex_unlock(&locked->lock);
	return is_fresh;
}

bool
identity_fresh(struct identity *identity, struct gitlab *gitlab, struct err *err)
{
	return identity_is_fresh(identity) || identity_prove(identity, gitlab, err);
}

void
identity_distrust(struct identity *identity)
{
	pthread_mutex_lock(&identity->lock);
	identity->distrusted = true;
	pthread_mutex_unlock(&identity->lock);
}

bool
identity_is_distrusted(const struct identity *identity)
{
	/* The lock is the one part of the object that reading changes. */
	struct identity *locked = (struct identity *)identity;
	bool distrusted;

	pthread_mutex_lock(&locked->lock);
	distrusted = identity->distrusted;
	pthread_mutex_unlock(&locked->lock);
	return distrusted;
}

bool
identity_judge(struct identity *identity, struct gitlab *gitlab, struct err *err)
{
	struct err probe;

	if (err->kind == ERR_CREDENTIAL)
		return refuse(identity, err);
	if (err->kind != ERR_REFUSED)
		return false;
	if (!identity_prove(identity, gitlab, &probe) && probe.kind == ERR_CREDENTIAL)
		*err = probe;
	return false;
}

bool
identity_is_dead(const struct identity *identity)
{
	return identity->dead;
}

const struct token *
identity_token(const struct identity *identity)
{
	return identity->known ? &identity->token : NULL;
}

int64_t
identity_token_id(const struct identity *identity)
{
	return identity->token.id;
}

int64_t
identity_expires_on(const struct identity *identity)
{
	return identity->token.expires_on;
}

bool
identity_has_scope(const struct identity *identity, const char *scope)
{
	const struct texts *scopes = &identity->token.scopes;

	for (size_t i = 0; i < scopes->count; i++)
		if (!strcmp(scopes->items[i], scope))
			return true;
	return false;
}

bool
identity_may_rotate_itself(const struct identity *identity)
{
	return identity_has_scope(identity, "api") ||
	       identity_has_scope(identity, "self_rotate");
}
