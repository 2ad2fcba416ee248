#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "gitlab/answer.h"
#include "target.h"

/* The first line is "STATUS TYPE LOCATION", the rest is the body. */
static void
read_answer(const uint8_t *data, size_t size, struct http_answer *answer)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const size_t head = end ? (size_t)(end - data) + 1 : size;
	auto_arena struct arena *arena = arena_new();
	const char *line = arena_text_n(arena, (const char *)data, head);

	*answer = (struct http_answer){ .body = secret_copy(data + head, size - head) };
	(void)!sscanf(line, "%3d %63s %511s", &answer->status, answer->content_type,
		answer->location);
	for (char *c = answer->content_type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

/* What a person's terminal may be given. */
static void
check_text(const char *text)
{
	assert(*text);
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static enum err_kind
kind_of(const char *method, const struct http_answer *answer)
{
	struct err err = { 0 };

	if (answer_check(method, answer, &err)) {
		assert(answer->status / 100 == 2 && err.kind == ERR_NONE);
		return ERR_NONE;
	}
	check_text(err.text);
	return err.kind;
}

/* What an answer to a change may mean beside what it means to a GET. */
static void
check_kinds(enum err_kind get, enum err_kind change, int status)
{
	switch (get) {
	case ERR_LATER:
		/* Nothing but a refusal before any work lets a change be asked for again. */
		assert(change == ERR_DOUBT ||
			(change == ERR_LATER &&
				(status == 409 || status == 429 || status == 503)));
		return;
	case ERR_CREDENTIAL:
		assert(status == 401);
		break;
	case ERR_REFUSED:
		assert(status / 100 == 4);
		break;
	case ERR_MOVED:
		assert(status / 100 == 3 || status == 400 || status == 404);
		break;
	default:
		assert(get == ERR_NONE);
	}
	assert(change == get);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const changes[] = { "POST", "PUT", "DELETE" };
	auto_http_answer struct http_answer answer = { 0 };
	enum err_kind get;

	read_answer(data, size, &answer);
	get = kind_of("GET", &answer);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		check_kinds(get, kind_of(changes[i], &answer), answer.status);
	/* Only an answer that is about the credential says how it died. */
	if (answer_credential_state(&answer) > CREDENTIAL_ALIVE)
		assert(get == ERR_CREDENTIAL);
	if (answer_is_absence(&answer))
		assert(get == ERR_MOVED);
	return 0;
}
