/* answer.c: the shapes of GitLab's answers, errors first. */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
answer_json(struct answer *answer, int status, json_t *json)
{
	json_decref(answer->json);
	answer->status = status;
	answer->json = json;
	answer->content_type = "application/json";
}

void
answer_no_content(struct answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
	answer->status = 204;
	answer->content_type = NULL;
}

void
answer_header(struct answer *answer, const char *name, const char *format, ...)
{
	va_list args;

	if (answer->header_count == HEADERS_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&answer->headers[answer->header_count].value, format, args) < 0)
		abort();
	va_end(args);
	answer->headers[answer->header_count++].name = name;
}

void
answer_done(struct answer *answer)
{
	json_decref(answer->json);
	free(answer->text);
	for (int i = 0; i < answer->header_count; i++)
		free(answer->headers[i].value);
	*answer = (struct answer){ 0 };
}

static void
error_text(struct answer *answer, int status, const char *key, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	answer_json(answer, status, json_pack("{s:s}", key, text));
}

void
error_message(struct answer *answer, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_text(answer, status, "message", format, args);
	va_end(args);
}

void
error_error(struct answer *answer, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_text(answer, status, "error", format, args);
	va_end(args);
}

void
error_unauthorized(struct answer *answer)
{
	error_message(answer, 401, "401 Unauthorized");
}

void
error_forbidden(struct answer *answer)
{
	error_message(answer, 403, "403 Forbidden");
}

void
error_bad_request(struct answer *answer, const char *reason)
{
	error_message(answer, 400, "400 Bad request - %s", reason);
}

void
error_not_found(struct answer *answer, const char *what)
{
	if (what)
		error_message(answer, 404, "404 %s Not Found", what);
	else
		error_message(answer, 404, "404 Not Found");
}

/* Rails' own exception has a lower-case f. */
void
error_record_not_found(struct answer *answer)
{
	error_message(answer, 404, "404 Not found");
}

void
error_invalid_token(struct answer *answer, const char *description)
{
	answer_json(answer, 401,
		json_pack("{s:s, s:s}", "error", "invalid_token", "error_description",
			description));
	answer_header(answer, "Www-Authenticate",
		"Bearer realm=\"Protected by OAuth 2.0\", error=\"invalid_token\", "
		"error_description=\"%s\"",
		description);
}

void
error_scope(struct answer *answer, const char *scopes)
{
	answer_json(answer, 403,
		json_pack("{s:s, s:s, s:s}", "error", "insufficient_scope", "error_description",
			"The request requires higher privileges than provided by the access "
			"token.",
			"scope", scopes));
}

void
error_validation(struct answer *answer, const char *attribute, const char *text)
{
	json_t *message = json_object_get(answer->json, "message");
	json_t *texts;

	if (answer->status != 400 || !json_is_object(message)) {
		answer_json(answer, 400, json_pack("{s:{}}", "message"));
		message = json_object_get(answer->json, "message");
	}
	texts = json_object_get(message, attribute);
	if (!texts) {
		texts = json_array();
		json_object_set_new(message, attribute, texts);
	}
	json_array_append_new(texts, json_string(text));
}
