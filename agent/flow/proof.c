/* Whether the held secret of a deploy token works. Its owner's list says that the token lives; its door says that the secret does. */
#include "base/advice.h"
#include "base/log.h"
#include "flow/attempt.h"
#include "gitlab/door.h"

/* What it refused once is not good for its silence later. */
static bool
was_refused(const struct attempt *attempt)
{
	return attempt->door_refused || attempt->row->advice == GLR_SECRET_REFUSED;
}

/* The old one lives on, and nobody gets the new one. GitLab's list is what says that a token is dead. */
static bool
refuse(struct attempt *attempt, const char *why, struct err *err)
{
	const long long id = attempt->row->new_id;

	attempt->door_refused = true;
	if (evidence_is_young(attempt)) {
		evidence_ask_again(attempt);
		return err_set(err, ERR_LATER, 0,
			"GitLab does not know the new secret of #%lld yet: %s", id, why);
	}
	err_set(err, ERR_PERSON, 0, "GitLab lists #%lld as alive and refuses its secret: %s",
		id, why);
	return err_advise(err, GLR_SECRET_REFUSED);
}

bool
proof_of_deploy_token(struct attempt *attempt, const struct token *token, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	const struct door_login login = { &owner, token->username, token->scopes,
		attempt->row->secret };
	enum door_word word;
	const char *why;

	if (!door_ask(attempt->gitlab, &login, attempt->arena, &word, &why, err))
		return err_wrap(err, "proving the new secret of #%lld", (long long)token->id);
	if (word == DOOR_REFUSES || (word == DOOR_SILENT && was_refused(attempt)))
		return refuse(attempt, why, err);
	log_line(LOG_LEVEL_DEBUG, "%s: the secret of #%lld %s: %s", attempt->row->address,
		(long long)token->id,
		word == DOOR_OPENS ? "works" : "is alive by its owner's list alone", why);
	return true;
}
