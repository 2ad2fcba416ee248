#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/secret.h"
#include "gitlab/door.h"

#define JSON "application/json"
#define PLAIN "text/plain"
#define GIT "application/x-git-upload-pack-advertisement"
#define REFUSED                                                                                \
	"{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"HTTP Basic: Access denied\"}]}"
#define FORBIDDEN                                                                              \
	"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"access forbidden\"}],"                \
	"\"http_status\":403}"
#define UNAVAILABLE                                                                            \
	"{\"errors\":[{\"code\":\"UNAVAILABLE\",\"message\":\"registry not enabled\"}],"       \
	"\"http_status\":404}"
#define REFS "001e# service=git-upload-pack\n0000"

static struct http_answer
answer_of(int status, const char *content_type, const char *body)
{
	struct http_answer answer = { .status = status,
		.body = body ? secret_copy(body, strlen(body)) : NULL };

	snprintf(answer.content_type, sizeof(answer.content_type), "%s", content_type);
	return answer;
}

struct row {
	int status;
	const char *type, *body; /* NULL: nothing came */
	enum door_word word;
};

static void
check(const struct row *rows, size_t count,
	enum door_word (*word_of)(const struct http_answer *answer))
{
	for (size_t i = 0; i < count; i++) {
		auto_http_answer struct http_answer answer =
			answer_of(rows[i].status, rows[i].type, rows[i].body);

		if (word_of(&answer) != rows[i].word)
			fail_msg("row %zu: %d %s", i, rows[i].status,
				rows[i].body ? rows[i].body : "");
	}
}

/* clang-format off */
static const struct row registry_rows[] = {
	{ 200, JSON,  "{\"token\":\"e.y.J\"}", DOOR_OPENS },
	{ 200, JSON,  "{\"token\":\"e.y.J\",\"expires_in\":300}", DOOR_OPENS },
	{ 200, JSON,  "{\"token\":\"\"}", DOOR_SILENT },
	{ 200, JSON,  "{\"token\":7}", DOOR_SILENT },
	{ 200, JSON,  "{}", DOOR_SILENT },
	{ 200, JSON,  "[]", DOOR_SILENT },
	{ 200, JSON,  "{\"token\":\"cut of", DOOR_SILENT },
	{ 200, "text/html", "{\"token\":\"e.y.J\"}", DOOR_SILENT },
	{ 201, JSON,  "{\"token\":\"e.y.J\"}", DOOR_SILENT },
	{ 401, JSON,  REFUSED, DOOR_REFUSES },
	{ 401, JSON,  "{\"errors\":[{\"code\":\"OTHER\"},{\"code\":\"UNAUTHORIZED\"}]}", DOOR_REFUSES },
	{ 401, JSON,  "{\"errors\":[{\"code\":null}]}", DOOR_SILENT },
	{ 401, JSON,  "{\"errors\":[]}", DOOR_SILENT },
	{ 401, JSON,  "{\"errors\":\"UNAUTHORIZED\"}", DOOR_SILENT },
	{ 401, JSON,  "{\"message\":\"401 Unauthorized\"}", DOOR_SILENT },
	{ 401, "text/html", REFUSED, DOOR_SILENT },
	{ 401, "",    "", DOOR_SILENT },
	{ 403, JSON,  FORBIDDEN, DOOR_SILENT },
	{ 403, JSON,  REFUSED, DOOR_SILENT },
	{ 404, JSON,  UNAVAILABLE, DOOR_SILENT },
	{ 302, "text/html", "", DOOR_SILENT },
	{ 429, PLAIN, "Retry later\n", DOOR_SILENT },
	{ 502, "text/html", "<html>", DOOR_SILENT },
	{ 0,   "",    NULL, DOOR_SILENT },
};

static const struct row git_rows[] = {
	{ 200, GIT,   REFS, DOOR_OPENS },
	{ 200, PLAIN, REFS, DOOR_SILENT },
	{ 200, GIT,   "001f# service=git-receive-pack\n0000", DOOR_SILENT },
	{ 200, GIT,   "", DOOR_SILENT },
	{ 200, "text/html", "<html>Please sign in</html>", DOOR_SILENT },
	{ 401, PLAIN, "HTTP Basic: Access denied. If a password was provided …", DOOR_REFUSES },
	{ 401, PLAIN, "Authorization Required", DOOR_SILENT },
	{ 401, "text/html", "HTTP Basic: Access denied", DOOR_SILENT },
	{ 403, PLAIN, "You are not allowed to download code.", DOOR_SILENT },
	{ 403, PLAIN, "HTTP Basic: Access denied", DOOR_SILENT },
	{ 404, PLAIN, "The project you were looking for could not be found", DOOR_SILENT },
	{ 301, "",    "", DOOR_SILENT },
	{ 0,   "",    NULL, DOOR_SILENT },
};
/* clang-format on */

static void
a_registry_opens_and_refuses_in_its_own_words_alone(void **state)
{
	(void)state;
	check(registry_rows, ARRAY_SIZE(registry_rows), door_word_of_registry);
}

static void
git_opens_and_refuses_in_its_own_words_alone(void **state)
{
	(void)state;
	check(git_rows, ARRAY_SIZE(git_rows), door_word_of_git);
}

static enum door_word
is_registry(const struct http_answer *answer)
{
	return door_is_registry(answer) ? DOOR_OPENS : DOOR_SILENT;
}

static void
a_registry_is_known_by_what_it_says_to_nobody(void **state)
{
	const struct row rows[] = {
		{ 403, JSON, FORBIDDEN, DOOR_OPENS },
		{ 403, JSON, UNAVAILABLE, DOOR_SILENT },
		{ 403, PLAIN, "Too many failed authentication attempts from this IP",
			DOOR_SILENT },
		{ 404, JSON, UNAVAILABLE, DOOR_SILENT },
		{ 401, JSON, FORBIDDEN, DOOR_SILENT },
		{ 200, JSON, "{\"token\":\"e.y.J\"}", DOOR_SILENT },
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows), is_registry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registry_opens_and_refuses_in_its_own_words_alone),
		cmocka_unit_test(git_opens_and_refuses_in_its_own_words_alone),
		cmocka_unit_test(a_registry_is_known_by_what_it_says_to_nobody),
	};
	struct err err;

	json_start();
	return secret_start(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
