/* Whether the held secret of a deploy token works. Its owner's list says that the token lives; its door says that the secret does. */
#include <string.h>

#include "base/advice.h"
#include "base/log.h"
#include "flow/attempt.h"
#include "gitlab/door.h"

/* Which of the row's secrets a door refused last, and has not opened to since: what it refused once is not good for its silence later, in
 * whichever run. */
static const char *
fact_key(const struct attempt *attempt)
{
	return arena_format(attempt->arena, "door.refused.%lld", (long long)attempt->row->id);
}

static const char *
fact_value(const struct attempt *attempt)
{
	return arena_format(attempt->arena, "%lld", (long long)attempt->row->new_id);
}

static bool
was_refused(const struct attempt *attempt, bool *refused, struct err *err)
{
	const char *value;

	if (!journal_get(attempt->journal, fact_key(attempt), attempt->arena, &value, err))
		return false;
	*refused = value && !strcmp(value, fact_value(attempt));
	return true;
}

/* The old one lives on, and nobody gets the new one. GitLab's list is what says that a token is dead. */
static bool
refuse(struct attempt *attempt, const char *why, struct err *err)
{
	const long long id = attempt->row->new_id;

	if (!journal_set(attempt->journal, fact_key(attempt), fact_value(attempt), err))
		return false;
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
	bool refused;

	if (!door_ask(attempt->gitlab, &login, attempt->arena, &word, &why, err))
		return err_wrap(err, "proving the new secret of #%lld", (long long)token->id);
	if (!was_refused(attempt, &refused, err))
		return false;
	if (word == DOOR_REFUSES || (word == DOOR_SILENT && refused))
		return refuse(attempt, why, err);
	if (refused && !journal_set(attempt->journal, fact_key(attempt), "", err))
		return false;
	log_line(LOG_LEVEL_DEBUG, "%s: the secret of #%lld %s: %s", attempt->row->address,
		(long long)token->id,
		word == DOOR_OPENS ? "works" : "is alive by its owner's list alone", why);
	return true;
}
