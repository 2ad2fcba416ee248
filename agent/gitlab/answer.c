#include "gitlab/answer.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"

/* What an answer says, taken apart once. */
struct said {
	int status;
	bool changes;        /* the method changes something */
	bool is_json;        /* GitLab itself speaks; a proxy speaks HTML or plain text */
	const char *error;   /* {"error": …} */
	const char *message; /* {"message": …} or {"error_description": …}, for people */
};

static struct said
read_answer(const char *method, const struct http_answer *answer, struct arena *arena)
{
	struct said said = {
		.status = answer->status,
		.changes = strcmp(method, "GET") != 0,
		.is_json = strstr(answer->content_type, "json") != NULL,
	};

	if (!said.is_json)
		return said;
	said.error = json_member(answer->body, "error", arena);
	said.message = json_member(answer->body, "error_description", arena);
	if (!said.message)
		said.message = json_member(answer->body, "message", arena);
	if (!said.message)
		said.message = said.error;
	return said;
}

static enum err_kind
kind_of_4xx(const struct said *said)
{
	if (said->status == 429)
		return ERR_LATER;
	/* What stands in front of GitLab knows nothing of what GitLab did. */
	if (!said->is_json && said->changes)
		return ERR_DOUBT;
	switch (said->status) {
	case 400:
		return said->message && strcasestr(said->message, "token already revoked")
		               ? ERR_MOVED
		               : ERR_REFUSED;
	case 401:
		return said->error && (!strcmp(said->error, "invalid_token") ||
					      !strcmp(said->error, "dpop_error"))
		               ? ERR_CREDENTIAL
		               : ERR_REFUSED;
	case 403:
	case 405:
	case 412:
	case 422:
		return ERR_REFUSED;
	case 404:
		return ERR_MOVED;
	case 409:
		return said->message && strcasestr(said->message, "resource lock")
		               ? ERR_LATER
		               : ERR_REFUSED;
	default:
		return said->changes ? ERR_DOUBT : ERR_LATER;
	}
}

static enum err_kind
kind_of_answer(const struct said *said)
{
	switch (said->status) {
	case 301:
	case 302:
	case 307:
	case 308:
		return ERR_MOVED;
	case 503:
		/* Maintenance mode refuses before any work; a proxy's 503 may come after it. */
		return said->is_json || !said->changes ? ERR_LATER : ERR_DOUBT;
	default:
		if (said->status >= 400 && said->status < 500)
			return kind_of_4xx(said);
		return said->changes ? ERR_DOUBT : ERR_LATER;
	}
}

bool
answer_check(const char *method, const struct http_answer *answer, struct err *err)
{
	auto_arena struct arena *arena = NULL;
	struct said said;

	if (answer->status >= 200 && answer->status < 300)
		return true;
	arena = arena_new();
	said = read_answer(method, answer, arena);
	if (said.message && !strncmp(said.message, "40", 2))
		return err_set(
			err, kind_of_answer(&said), 0, "GitLab said: %.200s", said.message);
	if (said.message)
		return err_set(err, kind_of_answer(&said), 0, "GitLab said: %d %.200s",
			answer->status, said.message);
	if (*answer->location)
		return err_set(err, kind_of_answer(&said), 0,
			"GitLab said: %d, it is at %.200s now", answer->status,
			answer->location);
	return err_set(err, kind_of_answer(&said), 0, "GitLab said: %d%s", answer->status,
		said.is_json ? "" : ", without a reason in JSON");
}

enum credential_state
answer_credential_state(const struct http_answer *answer)
{
	auto_arena struct arena *arena = NULL;
	struct said said;

	if (answer->status >= 200 && answer->status < 300)
		return CREDENTIAL_ALIVE;
	if (answer->status != 401)
		return CREDENTIAL_UNKNOWN;
	arena = arena_new();
	said = read_answer("GET", answer, arena);
	if (!said.error || strcmp(said.error, "invalid_token") != 0 || !said.message)
		return CREDENTIAL_UNKNOWN;
	if (strcasestr(said.message, "expired"))
		return CREDENTIAL_EXPIRED;
	return strcasestr(said.message, "revoked") ? CREDENTIAL_REVOKED : CREDENTIAL_UNKNOWN;
}
