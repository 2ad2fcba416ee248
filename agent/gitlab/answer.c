#include "gitlab/answer.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/source.h"

#define MESSAGE_BYTES 200

/* What an answer says, taken apart once. */
struct said {
	int status;
	bool changes;      /* the method changes something */
	bool is_json;      /* GitLab itself speaks; a proxy speaks HTML or plain text */
	const char *error; /* {"error": …} */
	const char
		*message; /* for people: the most telling of what GitLab's error bodies hold */
};

static bool
is_json(const struct http_answer *answer)
{
	return strstr(answer->content_type, "json") != NULL;
}

static struct said
read_answer(const char *method, const struct http_answer *answer, struct arena *arena)
{
	static const char *const places[] = { "error_description", "message.error", "message",
		"error" };
	struct said said = {
		.status = answer->status,
		.changes = strcmp(method, "GET") != 0,
		.is_json = is_json(answer),
	};

	if (!said.is_json)
		return said;
	said.error = json_member(answer->body, "error", arena);
	for (size_t i = 0; i < ARRAY_SIZE(places) && !said.message; i++)
		said.message = json_member(answer->body, places[i], arena);
	return said;
}

static enum err_kind
kind_of_400(const struct said *said)
{
	return said->message && strcasestr(said->message, "token already revoked")
	               ? ERR_MOVED
	               : ERR_REFUSED;
}

static enum err_kind
kind_of_401(const struct said *said)
{
	return said->error && (!strcmp(said->error, "invalid_token") ||
				      !strcmp(said->error, "dpop_error"))
	               ? ERR_CREDENTIAL
	               : ERR_REFUSED;
}

static enum err_kind
kind_of_409(const struct said *said)
{
	return said->message && strcasestr(said->message, "resource lock") ? ERR_LATER
	                                                                   : ERR_REFUSED;
}

static enum err_kind
kind_of_4xx(const struct said *said)
{
	if (said->status == 429)
		return ERR_LATER;
	/* What stands in front of GitLab knows nothing of what GitLab did, or has. */
	if (!said->is_json)
		return said->changes ? ERR_DOUBT : ERR_LATER;
	switch (said->status) {
	case 400:
		return kind_of_400(said);
	case 401:
		return kind_of_401(said);
	case 403:
	case 405:
	case 412:
	case 422:
		return ERR_REFUSED;
	case 404:
		return ERR_MOVED;
	case 409:
		return kind_of_409(said);
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

/* {"value":["is invalid"]} is for programs; people read: value: is invalid. What is cut ends with a whole character. */
static const char *
for_people(const char *message, char *text)
{
	const bool is_object = *message == '{' || *message == '[';
	size_t length = 0;

	for (; *message && length < MESSAGE_BYTES - 1; message++) {
		if (is_object && strchr("{}[]\"", *message))
			continue;
		text[length++] = *message;
		if (is_object && strchr(":,", *message))
			text[length++] = ' ';
	}
	if (*message)
		while (length && ((unsigned char)*message & 0xc0) == 0x80) {
			message--;
			length--;
		}
	text[length] = '\0';
	/* Whatever echoes requests may quote a new secret. */
	source_clean(NULL, text);
	return text;
}

static bool
refuse(const struct said *said, const struct http_answer *answer, struct err *err)
{
	const enum err_kind kind = kind_of_answer(said);
	char status[16], text[MESSAGE_BYTES + 1];

	if (!said->message && *answer->location)
		return err_set(err, kind, 0, "GitLab said: %d, it is at %.200s now",
			said->status, answer->location);
	if (!said->message)
		return err_set(err, kind, 0, "GitLab, or a proxy before it, said: %d%s",
			said->status, said->is_json ? "" : ", without a reason in JSON");
	snprintf(status, sizeof(status), "%d ", said->status);
	/* Most messages begin with the status, some do not. */
	return err_set(err, kind, 0, "GitLab said: %s%s",
		strncmp(said->message, status, strlen(status)) != 0 ? status : "",
		for_people(said->message, text));
}

bool
answer_check(const char *method, const struct http_answer *answer, struct err *err)
{
	auto_arena struct arena *arena = NULL;
	struct said said;

	if (answer->status >= 200 && answer->status < 300 &&
		(is_json(answer) || !secret_length(answer->body)))
		return true;
	arena = arena_new();
	said = read_answer(method, answer, arena);
	return refuse(&said, answer, err);
}

bool
answer_is_absence(const struct http_answer *answer)
{
	static const char *const homes[] = { "404 Project Not Found", "404 Group Not Found",
		"404 User Not Found", "404 Namespace Not Found" };
	auto_arena struct arena *arena = NULL;
	const char *message;

	if (answer->status != 404 || !is_json(answer))
		return false;
	arena = arena_new();
	message = json_member(answer->body, "message", arena);
	for (size_t i = 0; i < ARRAY_SIZE(homes) && message; i++)
		if (!strcasecmp(message, homes[i]))
			return false;
	return message != NULL;
}

bool
answer_was_forbidden(const struct err *err)
{
	return err->kind == ERR_REFUSED && strstr(err->text, "said: 403");
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
