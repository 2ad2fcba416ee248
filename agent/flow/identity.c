#include "flow/identity.h"

#include <pthread.h>
#include <string.h>

#include "base/advice.h"
#include "base/clock.h"
#include "base/memory.h"

/* Rule 4 allows 30 s between the proof and the request; a commit to a slow disk stands between. */
#define ASK_AGAIN_MSEC 20000

struct identity {
	pthread_mutex_t lock;
	bool known, distrusted;
	int64_t token_id, user_id, expires_on;
	char scopes[1024]; /* " api self_rotate " */
	int64_t proven_msec;
};

struct identity *
identity_new(void)
{
	struct identity *identity = memory_or_abort(calloc(1, sizeof(*identity)));

	pthread_mutex_init(&identity->lock, NULL);
	return identity;
}

void
identity_free(struct identity *identity)
{
	if (!identity)
		return;
	pthread_mutex_destroy(&identity->lock);
	free(identity);
}

static bool
refuse(struct identity *identity, struct err *err)
{
	identity_distrust(identity);
	err->kind = ERR_CREDENTIAL;
	return err_advise(err, GLR_OWN_CREDENTIAL);
}

static void
remember_scopes(struct identity *identity, const struct texts *scopes)
{
	size_t used = 1;

	strcpy(identity->scopes, " ");
	for (size_t i = 0; i < scopes->count; i++) {
		int wrote = snprintf(identity->scopes + used, sizeof(identity->scopes) - used,
			"%s ", scopes->items[i]);
		if (wrote < 0 || used + (size_t)wrote >= sizeof(identity->scopes))
			break;
		used += (size_t)wrote;
	}
}

/* Under the lock. False when the credential is now another token than the one this run began with. */
static bool
remember(struct identity *identity, const struct token *token, int64_t asked_msec)
{
	if (identity->known && identity->token_id != token->id)
		return false;
	identity->known = true;
	identity->token_id = token->id;
	identity->user_id = token->user_id;
	identity->expires_on = token->expires_on;
	identity->proven_msec = asked_msec;
	remember_scopes(identity, &token->scopes);
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
		err_set(err, ERR_CREDENTIAL, 0, "our own credential was refused in this run");
		return err_advise(err, GLR_OWN_CREDENTIAL);
	}
	if (!token_self(gitlab, arena, &token, &state, err)) {
		err_wrap(err, "our own credential");
		if (err->kind == ERR_CREDENTIAL || err->kind == ERR_REFUSED)
			return refuse(identity, err);
		return false;
	}
	pthread_mutex_lock(&identity->lock);
	same = remember(identity, &token, asked_msec);
	pthread_mutex_unlock(&identity->lock);
	if (!same) {
		err_set(err, ERR_CREDENTIAL, 0,
			"our own credential is token #%lld now, and was another when the run began",
			(long long)token.id);
		return refuse(identity, err);
	}
	return true;
}

bool
identity_fresh(struct identity *identity, struct gitlab *gitlab, struct err *err)
{
	int64_t age_msec;
	bool known;

	pthread_mutex_lock(&identity->lock);
	known = identity->known && !identity->distrusted;
	age_msec = clock_msec() - identity->proven_msec;
	pthread_mutex_unlock(&identity->lock);
	return (known && age_msec < ASK_AGAIN_MSEC) || identity_prove(identity, gitlab, err);
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

int64_t
identity_token_id(const struct identity *identity)
{
	return identity->token_id;
}

int64_t
identity_expires_on(const struct identity *identity)
{
	return identity->expires_on;
}

bool
identity_has_scope(const struct identity *identity, const char *scope)
{
	char padded[80];

	snprintf(padded, sizeof(padded), " %s ", scope);
	return strstr(identity->scopes, padded) != NULL;
}
