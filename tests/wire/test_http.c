#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/http.h"
#include "server.h"

#define GOOD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
#define ANSWER_MSEC 500
#define ANSWER_MAX_BYTES 100000

/* A server, a site that leads there, and one connection. */
struct wire {
	struct server *server;
	struct http_site *site;
	struct http *http;
	struct seen seen;
};

static void
connect_to(struct wire *wire, const char *url, const char *ca_file)
{
	const struct http_options options = { .url = url,
		.ca_file = ca_file,
		.answer_msec = ANSWER_MSEC,
		.answer_max_bytes = ANSWER_MAX_BYTES };
	struct err err;

	assert_true(http_site_new(&options, &wire->site, &err));
	wire->http = http_new(wire->site);
}

static void
wire_up(struct wire *wire, const struct reply *replies, size_t reply_count)
{
	char url[64];

	*wire = (struct wire){ .server = server_start(replies, reply_count, NULL) };
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", server_port(wire->server));
	connect_to(wire, url, NULL);
}

static void
wire_down(struct wire *wire)
{
	http_free(wire->http);
	http_site_free(wire->site);
	if (wire->server)
		server_stop(wire->server, &wire->seen);
}

/* The error's kind, ERR_NONE for an answer. */
static enum err_kind
ask(struct wire *wire, const char *method, struct err *err)
{
	const struct http_request request = { .method = method, .path = "/api/v4/x" };
	auto_http_answer struct http_answer answer = { 0 };

	*err = (struct err){ 0 };
	return http_send(wire->http, &request, &answer, err) ? ERR_NONE : err->kind;
}

/* clang-format off */
static const struct {
	const char *what;
	struct reply reply;
} faults[] = {
	{ "closes",           { "", CLOSE } },
	{ "resets",           { "", RESET } },
	{ "is silent",        { "", SILENCE } },
	{ "half a line",      { "HTTP/1.1 20", CLOSE } },
	{ "half a line, RST", { "HTTP/1.1 20", RESET } },
	{ "a line",           { "HTTP/1.1 200 OK\r\n", CLOSE } },
	{ "half a head",      { "HTTP/1.1 200 OK\r\nContent-Type: appl", CLOSE } },
	{ "continue",         { "HTTP/1.1 100 Continue\r\n\r\n", CLOSE } },
	{ "cuts its body",    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"to", CLOSE } },
	{ "no body",          { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CLOSE } },
	{ "resets its body",  { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"to", RESET } },
	{ "stalls its body",  { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"to", SILENCE } },
	{ "cuts a chunk",     { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"to", CLOSE } },
	{ "no last chunk",    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", CLOSE } },
	{ "is no chunk",      { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat\r\n", CLOSE } },
	{ "has no end",       { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ENDLESS } },
	{ "says HTTP/2",      { "HTTP/2 200\r\nContent-Length: 2\r\n\r\n{}", CLOSE } },
	{ "says HTTP/0.9",    { "{\"token\":1}", CLOSE } },
	{ "speaks SSH",       { "SSH-2.0-OpenSSH_9.2\r\n", CLOSE } },
};
/* clang-format on */
static const char *const changes[] = { "POST", "PUT", "DELETE", "PATCH" };

static void
http_send_sends_a_change_once_and_is_in_doubt_when_its_answer_is_lost(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(faults) * ARRAY_SIZE(changes) * 2; i++) {
		const bool reused = i % 2;
		const char *method = changes[i / 2 % ARRAY_SIZE(changes)];
		const size_t fault = i / 2 / ARRAY_SIZE(changes);
		const struct reply replies[] = { { GOOD, KEEP }, faults[fault].reply };
		struct wire wire;
		struct err err;
		enum err_kind kind;

		/* The slow ones need not go by every method. */
		if (faults[fault].reply.after == SILENCE && strcmp(method, "POST"))
			continue;
		wire_up(&wire, replies + !reused, 1 + reused);
		if (reused)
			assert_int_equal(ask(&wire, "GET", &err), ERR_NONE);
		kind = ask(&wire, method, &err);
		wire_down(&wire);
		if (kind != ERR_DOUBT || wire.seen.requests != 1 + reused)
			fail_msg("%s, %s, reused %d: kind %d, %d requests: %s",
				faults[fault].what, method, reused, kind, wire.seen.requests,
				err.text);
	}
}

static void
http_send_asks_later_when_the_answer_to_a_get_is_lost(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		struct wire wire;
		struct err err;
		enum err_kind kind;

		wire_up(&wire, &faults[i].reply, 1);
		kind = ask(&wire, "GET", &err);
		wire_down(&wire);
		if (kind != ERR_LATER || wire.seen.requests != 1)
			fail_msg("%s: kind %d, %d requests: %s", faults[i].what, kind,
				wire.seen.requests, err.text);
	}
}

static void
http_send_sends_once_what_meets_a_connection_closed_while_idle(void **state)
{
	static const struct reply replies[] = { { GOOD, CLOSE } };
	struct wire wire;
	struct err err;
	(void)state;

	wire_up(&wire, replies, 1);
	assert_int_equal(ask(&wire, "GET", &err), ERR_NONE);
	server_await_closed(wire.server, 1);
	assert_int_equal(ask(&wire, "POST", &err), ERR_NONE);
	wire_down(&wire);
	assert_int_equal(wire.seen.requests, 2);
	assert_int_equal(wire.seen.connections, 2);
}

/* So large that the buffers of both sides cannot hold it. */
static void
http_send_knows_what_never_left_whole(void **state)
{
	static const struct reply replies[] = { { "", RESET, .head_only = true } };
	const size_t length = (size_t)32 * 1024 * 1024;
	auto_secret struct secret *body = secret_new(length);
	const struct http_request request = { "POST", "/x", .body = body };
	auto_http_answer struct http_answer answer = { 0 };
	char block[4096];
	struct wire wire;
	struct err err;
	(void)state;

	memset(block, 'x', sizeof(block));
	while (secret_append(body, block, sizeof(block)))
		;
	wire_up(&wire, replies, 1);
	assert_false(http_send(wire.http, &request, &answer, &err));
	wire_down(&wire);
	assert_int_equal(err.kind, ERR_REACH);
	assert_int_equal(wire.seen.requests, 0);
	assert_int_equal(wire.seen.connections, 1);
}

static void
http_send_cannot_reach_where_nobody_listens(void **state)
{
	static const char *const methods[] = { "GET", "POST" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct wire wire = { .server = server_start(NULL, 0, NULL) };
		char url[64];
		struct err err;

		snprintf(url, sizeof(url), "http://127.0.0.1:%d", server_port(wire.server));
		server_stop(take(wire.server), &wire.seen);
		connect_to(&wire, url, NULL);
		assert_int_equal(ask(&wire, methods[i], &err), ERR_REACH);
		assert_non_null(strstr(err.text, url));
		wire_down(&wire);
	}
}

static void
http_send_writes_the_request_to_the_letter(void **state)
{
	static const char head[] =
		" /gitlab/api/v4/x?y=z HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"User-Agent: glrotate/" GLROTATE_VERSION "\r\nAccept: application/json\r\n";
	static const char json[] = "Content-Type: application/json\r\n";
	static const char token[] = "PRIVATE-TOKEN: s3cret\r\n";
	/* clang-format off */
	static const struct {
		const char *method, *body, *length, *sent;
	} rows[] = {
		{ "GET",    NULL,        "",                      "" },
		{ "POST",   NULL,        "Content-Length: 2\r\n", "{}" },
		{ "POST",   "",          "Content-Length: 2\r\n", "{}" },
		{ "PUT",    "{\"a\":1}", "Content-Length: 7\r\n", "{\"a\":1}" },
		{ "DELETE", NULL,        "Content-Length: 2\r\n", "{}" },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_secret struct secret *secret = secret_copy("s3cret", 6);
		auto_secret struct secret *body =
			rows[i].body ? secret_copy(rows[i].body, strlen(rows[i].body)) : NULL;
		const struct http_request request = { rows[i].method, "/api/v4/x?y=z", secret,
			body };
		auto_http_answer struct http_answer answer = { 0 };
		struct wire wire = { .server = server_start(NULL, 0, NULL) };
		const char *port = arena_format(arena, "%d", server_port(wire.server));
		struct err err;

		connect_to(
			&wire, arena_format(arena, "http://127.0.0.1:%s/gitlab/", port), NULL);
		assert_true(http_send(wire.http, &request, &answer, &err));
		wire_down(&wire);
		assert_string_equal(wire.seen.last,
			arena_format(arena, "%s%.*s%s%s%s%s%s\r\n%s", rows[i].method,
				(int)(strstr(head, "%d") - head), head, port,
				strstr(head, "%d") + 2, *rows[i].length ? json : "", token,
				rows[i].length, rows[i].sent));
	}
}

#define DATE "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
#define DATE_SEC INT64_C(1795255200)

static void
http_send_reads_the_headers_of_an_answer(void **state)
{
	/* clang-format off */
	static const struct {
		const char *headers;
		int64_t date, retry_after_sec, rate_remaining, rate_reset;
		const char *next_page, *content_type;
	} rows[] = {
		{ "",                                             0, -1, -1, 0, "", "" },
		{ DATE,                                           DATE_SEC, -1, -1, 0, "", "" },
		{ "Date: yesterday\r\n",                          0, -1, -1, 0, "", "" },
		{ "Retry-After: 30\r\n",                          0, 30, -1, 0, "", "" },
		{ "Retry-After: soon\r\n",                        0, -1, -1, 0, "", "" },
		{ "Retry-After: -5\r\n",                          0, -1, -1, 0, "", "" },
		{ "Retry-After: 99999999999999999999\r\n",        0, -1, -1, 0, "", "" },
		{ DATE "Retry-After: Sat, 21 Nov 2026 10:01:00 GMT\r\n", DATE_SEC, 60, -1, 0, "", "" },
		{ DATE "Retry-After: Sat, 21 Nov 2026 09:00:00 GMT\r\n", DATE_SEC, 0, -1, 0, "", "" },
		{ "RateLimit-Remaining: 0\r\nratelimit-reset: 1795255260\r\n", 0, -1, 0, 1795255260, "", "" },
		{ "X-Next-Page: 3\r\n",                           0, -1, -1, 0, "3", "" },
		{ "X-Next-Page: \r\n",                            0, -1, -1, 0, "", "" },
		{ "X-Next-Page: 3&admin=1\r\n",                   0, -1, -1, 0, "3", "" },
		{ "X-Next-Page: 12345678901234567890\r\n",        0, -1, -1, 0, "", "" },
		{ "Link: <https://x/y?page=1>; rel=\"prev\", <https://x/y?per_page=9&page=3>; rel=\"next\"\r\n",
		                                                  0, -1, -1, 0, "3", "" },
		{ "Link: <https://x/y?page=1>; rel=\"first\"\r\n", 0, -1, -1, 0, "", "" },
		{ "Link: <https://x/y?per_page=9>; rel=\"next\"\r\n", 0, -1, -1, 0, "", "" },
		{ "Content-Type: Text/HTML; charset=utf-8\r\n",   0, -1, -1, 0, "", "text/html" },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct http_request request = { "GET", "/" };
		auto_arena struct arena *arena = arena_new();
		auto_http_answer struct http_answer answer = { 0 };
		const struct reply reply = { arena_format(arena,
			"HTTP/1.1 429 Slow\r\nContent-Length: 4\r\n%s\r\nbody",
			rows[i].headers) };
		struct wire wire;
		struct err err;

		wire_up(&wire, &reply, 1);
		assert_true(http_send(wire.http, &request, &answer, &err));
		wire_down(&wire);
		assert_int_equal(answer.status, 429);
		assert_string_equal(secret_reveal(answer.body), "body");
		assert_true(answer.date == rows[i].date);
		assert_true(answer.retry_after_sec == rows[i].retry_after_sec);
		assert_true(answer.rate_remaining == rows[i].rate_remaining);
		assert_true(answer.rate_reset == rows[i].rate_reset);
		assert_string_equal(answer.next_page, rows[i].next_page);
		assert_string_equal(answer.content_type, rows[i].content_type);
	}
}

static void
http_send_takes_answers_up_to_the_limit_and_no_longer(void **state)
{
	static const struct {
		size_t bytes;
		enum err_kind get, post;
	} rows[] = { { ANSWER_MAX_BYTES, ERR_NONE, ERR_NONE },
		{ ANSWER_MAX_BYTES + 1, ERR_LATER, ERR_DOUBT } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		const struct reply reply = { arena_format(arena,
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%0*d", rows[i].bytes,
			(int)rows[i].bytes, 0) };
		const struct reply replies[] = { reply, reply };
		struct wire wire;
		struct err err;

		wire_up(&wire, replies, ARRAY_SIZE(replies));
		assert_int_equal(ask(&wire, "GET", &err), rows[i].get);
		assert_int_equal(ask(&wire, "POST", &err), rows[i].post);
		wire_down(&wire);
		assert_int_equal(wire.seen.requests, 2);
	}
}

static void
http_send_follows_no_redirect(void **state)
{
	static const struct reply replies[] = { { "HTTP/1.1 308 Moved\r\nLocation: /there\r\n"
						  "Content-Length: 0\r\n\r\n" } };
	static const char *const methods[] = { "GET", "POST" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		const struct http_request request = { methods[i], "/here" };
		auto_http_answer struct http_answer answer = { 0 };
		struct wire wire;
		struct err err;

		wire_up(&wire, replies, 1);
		assert_true(http_send(wire.http, &request, &answer, &err));
		wire_down(&wire);
		assert_int_equal(answer.status, 308);
		assert_string_equal(answer.location, "/there");
		assert_int_equal(secret_length(answer.body), 0);
		assert_int_equal(wire.seen.requests, 1);
	}
}

static void
http_trusts_the_certificates_of_ca_file_for_the_host_that_they_name(void **state)
{
	static const struct {
		const char *host;
		bool given;
		enum err_kind kind;
	} rows[] = { { "127.0.0.1", true, ERR_NONE }, { "127.0.0.1", false, ERR_REACH },
		{ "localhost", true, ERR_REACH } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[] = "/tmp/glrotate-wire-XXXXXX", url[64];
		auto_close int fd = mkstemp(path);
		struct wire wire = { .server = server_start(NULL, 0, path) };
		struct err err;

		snprintf(url, sizeof(url), "https://%s:%d", rows[i].host,
			server_port(wire.server));
		connect_to(&wire, url, rows[i].given ? path : NULL);
		unlink(path);
		assert_int_equal(ask(&wire, "POST", &err), rows[i].kind);
		wire_down(&wire);
		assert_int_equal(wire.seen.requests, rows[i].kind == ERR_NONE);
	}
}

/* What a hand has damaged is told, and not made less of. */
static void
http_trusts_a_ca_file_as_a_whole_or_not_at_all(void **state)
{
	static const char *const more[] = { "and this\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		char path[] = "/tmp/glrotate-wire-XXXXXX";
		auto_close int fd = mkstemp(path);
		struct wire wire = { .server = server_start(NULL, 0, path) };
		const struct http_options options = { .url = "https://127.0.0.1",
			.ca_file = path };
		FILE *file = fopen(path, "ae");
		struct err err;

		assert_non_null(file);
		assert_true(fputs(more[i], file) >= 0);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(http_site_new(&options, &wire.site, &err), i == 0);
		unlink(path);
		wire_down(&wire);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			http_send_sends_a_change_once_and_is_in_doubt_when_its_answer_is_lost),
		cmocka_unit_test(http_send_asks_later_when_the_answer_to_a_get_is_lost),
		cmocka_unit_test(
			http_send_sends_once_what_meets_a_connection_closed_while_idle),
		cmocka_unit_test(http_send_knows_what_never_left_whole),
		cmocka_unit_test(http_send_cannot_reach_where_nobody_listens),
		cmocka_unit_test(http_send_writes_the_request_to_the_letter),
		cmocka_unit_test(http_send_reads_the_headers_of_an_answer),
		cmocka_unit_test(http_send_takes_answers_up_to_the_limit_and_no_longer),
		cmocka_unit_test(http_send_follows_no_redirect),
		cmocka_unit_test(
			http_trusts_the_certificates_of_ca_file_for_the_host_that_they_name),
		cmocka_unit_test(http_trusts_a_ca_file_as_a_whole_or_not_at_all),
	};
	struct err err;

	/* As main() does; and what a shell may have set leads nowhere. Parsing the system's roots for every
	 * row would take most of the time. */
	signal(SIGPIPE, SIG_IGN);
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	if (!secret_start(&err) || !http_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
