/* fuzz_token.c: GitLab's answers about tokens, and what the journal keeps as JSON: decoded or refused, and then nothing is left. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "destination/destination.h"
#include "flow/attempt.h"
#include "gitlab/token.h"
#include "target.h"

static void
check_token(const struct token *token)
{
	/* Whatever its numbers are, these may be asked. */
	(void)token_is_revoked(token);
	(void)token_is_alive(token, 0);
	(void)token_is_alive(token, INT64_MAX);
	assert(token->name);
}

/* A journal's text is ours: read, it is written as it was read. */
static void
check_kept(const char *text, const struct shape *shape, void *target, struct arena *arena)
{
	const char *once, *twice;
	struct err err = { 0 };

	if (!json_decode_text(text, shape, arena, target, &err)) {
		assert(*err.text);
		return;
	}
	once = json_encode_text(shape, target, arena);
	assert(json_decode_text(once, shape, arena, target, &err));
	twice = json_encode_text(shape, target, arena);
	assert(!strcmp(once, twice));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *arena = arena_new();
	auto_secret struct secret *body = NULL;
	struct destination destination;
	struct frozen frozen;
	struct token token;
	struct list list;
	struct err err;

	body = secret_copy(data, size);
	if (json_decode(body, &token_shape, arena, &token, &err)) {
		check_token(&token);
		secret_free(token.secret);
	}
	if (json_decode_list(body, &token_shape, arena, &list, &err))
		for (size_t i = 0; i < list.count; i++) {
			check_token((struct token *)list.items + i);
			secret_free(((struct token *)list.items)[i].secret);
		}
	check_kept(secret_reveal(body), &frozen_shape, &frozen, arena);
	check_kept(secret_reveal(body), &destination_shape, &destination, arena);
	return 0;
}
