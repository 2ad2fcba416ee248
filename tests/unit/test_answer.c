#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/secret.h"
#include "gitlab/answer.h"

#define JSON "application/json"
#define HTML "text/html"
#define PLAIN "text/plain"
#define REVOKED_BODY                                                                           \
	"{\"error\":\"invalid_token\",\"error_description\":"                                  \
	"\"Token was revoked. You have to re-authorize from the user.\"}"
#define EXPIRED_BODY                                                                           \
	"{\"error\":\"invalid_token\",\"error_description\":"                                  \
	"\"Token is expired. You can either do re-authorization or token refresh.\"}"

static struct http_answer
answer_of(int status, const char *content_type, const char *body)
{
	struct http_answer answer = { .status = status,
		.body = secret_copy(body, strlen(body)),
		.retry_after_sec = -1,
		.rate_remaining = -1 };

	snprintf(answer.content_type, sizeof(answer.content_type), "%s", content_type);
	return answer;
}

static enum err_kind
kind_of_answer(const char *method, const struct http_answer *answer, struct err *err)
{
	*err = (struct err){ 0 };
	return answer_check(method, answer, err) ? ERR_NONE : err->kind;
}

/* clang-format off */
static const struct {
	int status;
	const char *type, *body;
	enum err_kind get, change;
} classes[] = {
	{ 200, JSON,  "{\"id\":1}", ERR_NONE, ERR_NONE },
	{ 201, JSON,  "{\"id\":1}", ERR_NONE, ERR_NONE },
	{ 204, "",    "", ERR_NONE, ERR_NONE },
	{ 200, HTML,  "<h1>Sign in</h1>", ERR_LATER, ERR_DOUBT },
	{ 200, PLAIN, "ok", ERR_LATER, ERR_DOUBT },
	{ 301, JSON,  "{\"message\":\"Moved\"}", ERR_MOVED, ERR_MOVED },
	{ 302, HTML,  "", ERR_MOVED, ERR_MOVED },
	{ 307, HTML,  "", ERR_MOVED, ERR_MOVED },
	{ 308, HTML,  "", ERR_MOVED, ERR_MOVED },
	{ 400, JSON,  "{\"message\":\"400 Bad request - Token already revoked\"}", ERR_MOVED, ERR_MOVED },
	{ 400, JSON,  "{\"message\":\"400 Bad request - token already revoked\"}", ERR_MOVED, ERR_MOVED },
	{ 400, JSON,  "{\"message\":\"400 Bad request - Expiration date must be before 2027-08-07\"}", ERR_REFUSED, ERR_REFUSED },
	{ 400, JSON,  "{\"message\":{\"value\":[\"is invalid\"]}}", ERR_REFUSED, ERR_REFUSED },
	{ 400, JSON,  "{\"error\":\"expires_at is invalid\"}", ERR_REFUSED, ERR_REFUSED },
	{ 400, HTML,  "<h1>Bad Request</h1>", ERR_LATER, ERR_DOUBT },
	{ 401, JSON,  REVOKED_BODY, ERR_CREDENTIAL, ERR_CREDENTIAL },
	{ 401, JSON,  EXPIRED_BODY, ERR_CREDENTIAL, ERR_CREDENTIAL },
	{ 401, JSON,  "{\"error\":\"dpop_error\",\"error_description\":\"DPoP validation error\"}", ERR_CREDENTIAL, ERR_CREDENTIAL },
	{ 401, JSON,  "{\"message\":\"401 Unauthorized\"}", ERR_REFUSED, ERR_REFUSED },
	{ 401, HTML,  "", ERR_LATER, ERR_DOUBT },
	{ 403, JSON,  "{\"error\":\"insufficient_scope\",\"error_description\":\"more\",\"scope\":\"api\"}", ERR_REFUSED, ERR_REFUSED },
	{ 403, JSON,  "{\"message\":\"403 Forbidden - Your account has been blocked.\"}", ERR_REFUSED, ERR_REFUSED },
	{ 404, JSON,  "{\"message\":\"404 Project Not Found\"}", ERR_MOVED, ERR_MOVED },
	{ 404, HTML,  "<h1>404</h1>", ERR_LATER, ERR_DOUBT },
	{ 405, JSON,  "{\"message\":\"405 Method Not Allowed\"}", ERR_REFUSED, ERR_REFUSED },
	{ 408, JSON,  "{}", ERR_LATER, ERR_DOUBT },
	{ 409, JSON,  "{\"message\":\"409 Conflict: Resource lock\"}", ERR_LATER, ERR_LATER },
	{ 409, JSON,  "{\"message\":\"There are multiple variables with provided parameters.\"}", ERR_REFUSED, ERR_REFUSED },
	{ 412, JSON,  "{\"message\":\"412 Precondition Failed\"}", ERR_REFUSED, ERR_REFUSED },
	{ 422, JSON,  "{\"message\":\"Expiration date must be before 2027-08-07\"}", ERR_REFUSED, ERR_REFUSED },
	{ 429, PLAIN, "Retry later", ERR_LATER, ERR_LATER },
	{ 429, JSON,  "{\"message\":{\"error\":\"too many\"}}", ERR_LATER, ERR_LATER },
	{ 500, JSON,  "{\"message\":\"500 Internal Server Error\"}", ERR_LATER, ERR_DOUBT },
	{ 502, HTML,  "<h1>Bad Gateway</h1>", ERR_LATER, ERR_DOUBT },
	{ 503, JSON,  "{\"message\":\"GitLab Maintenance: system is in maintenance mode\"}", ERR_LATER, ERR_LATER },
	{ 503, HTML,  "<h1>Service Unavailable</h1>", ERR_LATER, ERR_DOUBT },
	{ 504, HTML,  "", ERR_LATER, ERR_DOUBT },
	{ 599, "",    "", ERR_LATER, ERR_DOUBT },
};
/* clang-format on */

static void
check_class(size_t row, const char *method, enum err_kind expected)
{
	auto_http_answer struct http_answer answer =
		answer_of(classes[row].status, classes[row].type, classes[row].body);
	struct err err;

	if (kind_of_answer(method, &answer, &err) != expected)
		fail_msg("%s, %d %s: %d, %s", method, classes[row].status, classes[row].body,
			err.kind, err.text);
}

static void
answer_is_classed_by_its_body_and_by_what_was_asked(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		check_class(i, "GET", classes[i].get);
		check_class(i, "POST", classes[i].change);
		check_class(i, "PUT", classes[i].change);
		check_class(i, "DELETE", classes[i].change);
	}
}

static void
answer_is_told_in_gitlabs_own_words(void **state)
{
	static const struct {
		int status;
		const char *type, *body, *text;
	} rows[] = {
		{ 404, JSON, "{\"message\":\"404 Project Not Found\"}",
			"GitLab said: 404 Project Not Found" },
		{ 422, JSON, "{\"message\":\"Expiration date must be before 2027-08-07\"}",
			"GitLab said: 422 Expiration date must be before 2027-08-07" },
		{ 400, JSON, "{\"message\":{\"value\":[\"is invalid\"]}}",
			"GitLab said: 400 value: is invalid" },
		{ 400, JSON, "{\"error\":\"name is missing\"}",
			"GitLab said: 400 name is missing" },
		{ 429, JSON, "{\"message\":{\"error\":\"too many\"}}",
			"GitLab said: 429 too many" },
		{ 401, JSON, REVOKED_BODY,
			"GitLab said: 401 Token was revoked. You have to re-authorize from the user." },
		{ 502, HTML, "<h1>glpat-echoed</h1>",
			"GitLab, or a proxy before it, said: 502, without a reason in JSON" },
		{ 500, JSON, "{}", "GitLab, or a proxy before it, said: 500" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_http_answer struct http_answer answer =
			answer_of(rows[i].status, rows[i].type, rows[i].body);
		struct err err;

		kind_of_answer("GET", &answer, &err);
		assert_string_equal(err.text, rows[i].text);
	}
}

static void
answer_cuts_long_messages_between_characters(void **state)
{
	(void)state;

	for (size_t lead = 0; lead < 3; lead++) {
		static const char *const leads[] = { "", "x", "xx" };
		char body[2000];
		struct err err;

		snprintf(body, sizeof(body), "{\"message\":\"%s", leads[lead]);
		for (int i = 0; i < 300; i++)
			strcat(body, "€");
		strcat(body, "\"}");
		auto_http_answer struct http_answer answer = answer_of(400, JSON, body);
		kind_of_answer("GET", &answer, &err);
		assert_string_equal(err.text + strlen(err.text) - strlen("€"), "€");
		assert_in_range(strlen(err.text), 200, 240);
	}
}

static void
answer_tells_where_a_redirect_leads(void **state)
{
	auto_http_answer struct http_answer answer = answer_of(301, HTML, "");
	struct err err;
	(void)state;

	snprintf(answer.location, sizeof(answer.location), "https://gitlab.example.com/new");
	assert_int_equal(kind_of_answer("GET", &answer, &err), ERR_MOVED);
	assert_string_equal(
		err.text, "GitLab said: 301, it is at https://gitlab.example.com/new now");
}

static void
answer_of_absence_is_about_the_thing_itself(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		bool is_absence;
	} rows[] = {
		{ 404, JSON, "{\"message\":\"404 Variable Not Found\"}", true },
		{ 404, JSON, "{\"message\":\"404 GroupVariable Not Found\"}", true },
		{ 404, JSON, "{\"message\":\"404 project Access Token Not Found\"}", true },
		{ 404, JSON, "{\"message\":\"404 Personal Access Token Not Found\"}", true },
		{ 404, JSON, "{\"message\":\"404 Not found\"}", true },
		{ 404, JSON, "{\"message\":\"404 Not Found\"}", true },
		{ 404, JSON, "{\"message\":\"404 Project Not Found\"}", false },
		{ 404, JSON, "{\"message\":\"404 Group Not Found\"}", false },
		{ 404, JSON, "{\"message\":\"404 User Not Found\"}", false },
		{ 404, JSON, "{\"error\":\"404 Not Found\"}", false },
		{ 404, JSON, "not json", false },
		{ 404, HTML, "{\"message\":\"404 Not found\"}", false },
		{ 401, JSON, "{\"message\":\"401 Unauthorized\"}", false },
		{ 301, JSON, "{\"message\":\"404 Not found\"}", false },
		{ 200, JSON, "{\"message\":\"404 Not found\"}", false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_http_answer struct http_answer answer =
			answer_of(rows[i].status, rows[i].type, rows[i].body);

		if (answer_is_absence(&answer) != rows[i].is_absence)
			fail_msg("%d %s %s", rows[i].status, rows[i].type, rows[i].body);
	}
}

static void
answer_says_how_a_credential_died(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		enum credential_state state;
	} rows[] = {
		{ 200, JSON, "{\"id\":1}", CREDENTIAL_ALIVE },
		{ 401, JSON, EXPIRED_BODY, CREDENTIAL_EXPIRED },
		{ 401, JSON, REVOKED_BODY, CREDENTIAL_REVOKED },
		{ 401, JSON, "{\"message\":\"401 Unauthorized\"}", CREDENTIAL_UNKNOWN },
		{ 401, JSON, "{\"error\":\"dpop_error\",\"error_description\":\"expired\"}",
			CREDENTIAL_UNKNOWN },
		{ 401, HTML, REVOKED_BODY, CREDENTIAL_UNKNOWN },
		{ 403, JSON, REVOKED_BODY, CREDENTIAL_UNKNOWN },
		{ 502, HTML, "", CREDENTIAL_UNKNOWN },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_http_answer struct http_answer answer =
			answer_of(rows[i].status, rows[i].type, rows[i].body);

		assert_int_equal(answer_credential_state(&answer), rows[i].state);
	}
}

/* --- what real GitLabs answered, where a recording is at hand --- */

struct recorded {
	struct place at;
	const char *method, *type;
	int64_t status;
	struct secret *response;
};
#define FILLS(member) offsetof(struct recorded, member)
static const struct field recorded_fields[] = {
	{ "method", FIELD_TEXT, FILLS(method), .required = true },
	{ "status", FIELD_INT, FILLS(status), .required = true },
	{ "content_type", FIELD_TEXT, FILLS(type) },
	{ "response", FIELD_SECRET, FILLS(response) },
	{ NULL },
};
static const struct shape recorded_shape = { "a recorded answer", recorded_fields,
	sizeof(struct recorded), .tolerant = true };

static enum err_kind
expected_kind(const struct recorded *recorded, const char *body)
{
	switch (recorded->status) {
	case 401:
		return strstr(body, "invalid_token") ? ERR_CREDENTIAL : ERR_REFUSED;
	case 403:
		return ERR_REFUSED;
	case 404:
		return ERR_MOVED;
	default:
		assert_true(recorded->status < 300);
		return ERR_NONE;
	}
}

static void
check_recorded(const char *line)
{
	auto_arena struct arena *arena = arena_new();
	struct recorded recorded;
	struct http_answer answer = { 0 };
	struct err err;
	const char *body;

	assert_true(json_decode_text(line, &recorded_shape, arena, &recorded, &err));
	answer = answer_of((int)recorded.status, recorded.type ? recorded.type : "", "");
	secret_free(answer.body);
	answer.body = recorded.response ? recorded.response : secret_new(1);
	body = secret_reveal(answer.body);
	if (kind_of_answer(recorded.method, &answer, &err) != expected_kind(&recorded, body))
		fail_msg("%s: %d, %s", line, err.kind, err.text);
	if (answer_is_absence(&answer) !=
		(recorded.status == 404 && !strstr(body, "Project Not Found") &&
			!strstr(body, "Group Not Found")))
		fail_msg("%s: an absence, or not", line);
	http_answer_done(&answer);
}

static size_t
check_file(const char *path)
{
	auto_stdio FILE *file = fopen(path, "r");
	auto_free char *line = NULL;
	size_t size = 0, count = 0;

	assert_non_null(file);
	for (; getline(&line, &size, file) > 0; count++)
		check_recorded(line);
	return count;
}

static void
answer_of_a_real_gitlab_is_classed_so(void **state)
{
	/* optional: a folder with files of recorded answers, a JSON object a line */
	const char *folder = getenv("GLROTATE_RECORDED");
	char pattern[4096];
	glob_t files;
	(void)state;

	if (!folder) {
		print_message("skipped: GLROTATE_RECORDED names no folder\n");
		skip();
	}
	snprintf(pattern, sizeof(pattern), "%s/*.jsonl", folder);
	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		assert_true(check_file(files.gl_pathv[i]) > 0);
	globfree(&files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_classed_by_its_body_and_by_what_was_asked),
		cmocka_unit_test(answer_is_told_in_gitlabs_own_words),
		cmocka_unit_test(answer_cuts_long_messages_between_characters),
		cmocka_unit_test(answer_tells_where_a_redirect_leads),
		cmocka_unit_test(answer_of_absence_is_about_the_thing_itself),
		cmocka_unit_test(answer_says_how_a_credential_died),
		cmocka_unit_test(answer_of_a_real_gitlab_is_classed_so),
	};
	struct err err;

	json_start();
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
