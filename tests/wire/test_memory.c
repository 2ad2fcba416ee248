/* No copy of a secret outlives it. The process that is searched never holds them but through the agent's
 * own hands: the server is another process, and what stands in the program's image is masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/http.h"
#include "base/json.h"
#include "server.h"

#define MASK 0x55
/* A secret is looked for in pieces, for what overwrites a copy may leave some of it. */
#define PIECE_BYTES ((size_t)8)
#define ANSWER_BYTES ((size_t)100000)
#define ROUNDS 5

enum { TOKEN, SENT, ANSWERED, SECRET_COUNT };
#define SECRET_BYTES ((size_t)40)

/* Drawn anew by each run, and never here in the clear. */
static unsigned char masked[SECRET_COUNT][SECRET_BYTES];

static void
draw_secrets(void)
{
	unsigned char *bytes = &masked[0][0];

	random_bytes(masked, sizeof(masked));
	for (size_t i = 0; i < sizeof(masked); i++)
		bytes[i] = (unsigned char)('a' + bytes[i] % 26) ^ MASK;
}

static void
append_secret(struct secret *to, int which)
{
	for (size_t i = 0; i < SECRET_BYTES; i++) {
		const char character = (char)(masked[which][i] ^ MASK);

		assert_true(secret_append(to, &character, 1));
	}
}

/* --- the search --- */

struct found {
	bool any[SECRET_COUNT];
	char where[256]; /* the last */
};

/* Byte by byte, so that no copy in the clear comes into being here. */
static bool
is_piece(const unsigned char *bytes, const unsigned char *piece)
{
	for (size_t i = 0; i < PIECE_BYTES; i++)
		if ((bytes[i] ^ MASK) != piece[i])
			return false;
	return true;
}

static bool
search_bytes(const unsigned char *bytes, size_t length, struct found *found)
{
	bool any = false;

	for (size_t i = 0; i + PIECE_BYTES <= length; i++)
		for (size_t at = 0; at < sizeof(masked); at += PIECE_BYTES)
			if (is_piece(bytes + i, &masked[0][0] + at)) {
				found->any[at / SECRET_BYTES] = true;
				any = true;
			}
	return any;
}

static bool
search_region(int memory, uint64_t start, uint64_t end, struct found *found)
{
	static unsigned char bytes[64 * 1024];
	bool any = false;

	while (start < end) {
		const size_t wanted =
			end - start < sizeof(bytes) ? (size_t)(end - start) : sizeof(bytes);
		const ssize_t count = pread(memory, bytes, wanted, (off_t)start);

		if (count < (ssize_t)PIECE_BYTES)
			break;
		any = search_bytes(bytes, (size_t)count, found) || any;
		start += (uint64_t)count;
		/* What two reads share is searched twice, so that nothing is cut. */
		if (start < end)
			start -= PIECE_BYTES - 1;
	}
	secret_wipe(bytes, sizeof(bytes));
	return any;
}

static void
search_memory(struct found *found)
{
	auto_stdio FILE *maps = fopen("/proc/self/maps", "re");
	auto_close int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[256];

	*found = (struct found){ 0 };
	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 &&
			search_region(memory, start, end, found))
			snprintf(found->where, sizeof(found->where), "%.200s", line);
	}
}

/* --- the server, in a process of its own --- */

enum { WHOLE, LONG, CUT, REPLY_COUNT };
struct reply_texts {
	char texts[REPLY_COUNT][ANSWER_BYTES + 1000];
	struct reply replies[ROUNDS * REPLY_COUNT];
};

static void
unmask(char *to, int which)
{
	for (size_t i = 0; i < SECRET_BYTES; i++)
		to[i] = (char)(masked[which][i] ^ MASK);
	to[SECRET_BYTES] = '\0';
}

static void
write_replies(struct reply_texts *said)
{
	static const size_t padding[] = { [WHOLE] = 0, [LONG] = ANSWER_BYTES, [CUT] = 0 };
	static const size_t missing[] = { [WHOLE] = 0, [LONG] = 0, [CUT] = 1 };
	char token[SECRET_BYTES + 1];

	unmask(token, ANSWERED);
	for (size_t i = 0; i < REPLY_COUNT; i++)
		snprintf(said->texts[i], sizeof(said->texts[i]),
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n"
			"{\"token\":\"%s\",\"text\":\"%*s\"}",
			strlen("{'token':'','text':''}") + SECRET_BYTES + padding[i] +
				missing[i],
			token, (int)padding[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(said->replies); i++)
		said->replies[i] = (struct reply){ said->texts[i % REPLY_COUNT],
			i % REPLY_COUNT == CUT ? CLOSE : KEEP };
}

/* Says on `say` which port it has, and serves until nobody holds the other end of `until`. The exit status is
 * 0 when all came to it that was to come. */
static void
serve_apart(int say, int until, const char *certificate)
{
	struct reply_texts *said = calloc(1, sizeof(*said));
	char token[SECRET_BYTES + 1], sent[SECRET_BYTES + 1], nothing;
	struct server *server;
	struct seen seen;
	int port;

	if (!said)
		abort();
	write_replies(said);
	server = server_start(said->replies, ARRAY_SIZE(said->replies), certificate);
	port = server_port(server);
	if (write(say, &port, sizeof(port)) != sizeof(port))
		abort();
	(void)!read(until, &nothing, 1);
	server_stop(server, &seen);
	unmask(token, TOKEN);
	unmask(sent, SENT);
	_exit(seen.requests != ROUNDS * REPLY_COUNT || !strstr(seen.last, token) ||
		!strstr(seen.last, sent));
}

struct apart {
	pid_t process;
	int until, port;
	char certificate[32];
};

static void
apart_start(struct apart *apart)
{
	int said[2], until[2];

	*apart = (struct apart){ .certificate = "/tmp/glrotate-wire-XXXXXX" };
	close(mkstemp(apart->certificate));
	assert_int_equal(pipe2(said, O_CLOEXEC) | pipe2(until, O_CLOEXEC), 0);
	apart->process = fork();
	assert_true(apart->process >= 0);
	if (!apart->process) {
		close(until[1]);
		serve_apart(said[1], until[0], apart->certificate);
	}
	close(said[1]);
	close(until[0]);
	apart->until = until[1];
	assert_int_equal(read(said[0], &apart->port, sizeof(apart->port)), sizeof(apart->port));
	close(said[0]);
}

static void
apart_stop(struct apart *apart)
{
	int status;

	close(apart->until);
	unlink(apart->certificate);
	assert_int_equal(waitpid(apart->process, &status, 0), apart->process);
	assert_int_equal(status, 0);
}

/* --- the client --- */

struct message {
	struct place at;
	const char *text;
	struct secret *token;
};
#define FILLS(member) offsetof(struct message, member)
static const struct field message_fields[] = {
	{ "token", FIELD_SECRET, FILLS(token), .required = true },
	{ "text", FIELD_TEXT, FILLS(text) },
	{ 0 },
};
#undef FILLS
static const struct shape message_shape = { "a message", message_fields,
	sizeof(struct message) };

static struct secret *
secret_of(int which)
{
	struct secret *secret = secret_new(SECRET_BYTES);

	append_secret(secret, which);
	return secret;
}

static struct secret *
request_body(void)
{
	struct message message = { .text = "x", .token = secret_of(SENT) };
	struct secret *body = json_encode(&message_shape, &message);

	secret_free(message.token);
	return body;
}

/* As the agent does it: what is answered is decoded, held and let go. */
static void
exchange(struct http *http, bool is_cut)
{
	auto_secret struct secret *token = secret_of(TOKEN), *body = request_body(),
				  *expected = secret_of(ANSWERED);
	const struct http_request request = { "POST", "/api/v4/x", token, body };
	auto_arena struct arena *arena = arena_new();
	auto_http_answer struct http_answer answer = { 0 };
	struct message message;
	struct err err;

	if (http_send(http, &request, &answer, &err) == is_cut)
		fail_msg("%s", is_cut ? "a cut answer" : err.text);
	if (is_cut)
		return;
	assert_true(json_decode(answer.body, &message_shape, arena, &message, &err));
	assert_true(secret_equal(message.token, expected));
	secret_free(message.token);
}

static void
no_copy_of_a_secret_outlives_it(void **state)
{
	struct apart apart;
	struct found found;
	struct err err;
	char url[64];
	(void)state;

	apart_start(&apart);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d", apart.port);
	{
		const struct http_options options = { .url = url,
			.ca_file = apart.certificate };
		auto_http_site struct http_site *site = NULL;
		auto_http struct http *http = NULL;

		assert_true(http_site_new(&options, &site, &err));
		http = http_new(site);
		for (int i = 0; i < ROUNDS * REPLY_COUNT; i++)
			exchange(http, i % REPLY_COUNT == CUT);
	}
	apart_stop(&apart);
	search_memory(&found);
	if (*found.where)
		fail_msg("token %d, sent %d, answered %d, in %s", found.any[TOKEN],
			found.any[SENT], found.any[ANSWERED], found.where);
}

/* Without an exchange around it, whose own memory would soon lie over what the decoder left. */
static void
no_copy_of_a_secret_outlives_its_decoding(void **state)
{
	auto_secret struct secret *text = request_body();
	auto_arena struct arena *arena = arena_new();
	struct message message;
	struct found found;
	struct err err;
	(void)state;

	assert_true(json_decode(text, &message_shape, arena, &message, &err));
	secret_free(message.token);
	secret_free(take(text));
	search_memory(&found);
	if (*found.where)
		fail_msg("in %s", found.where);
}

/* Else the tests above would prove nothing. */
static void
a_secret_that_is_held_is_found(void **state)
{
	struct secret *held[SECRET_COUNT];
	struct found found;
	(void)state;

	for (int i = 0; i < SECRET_COUNT; i++) {
		held[i] = secret_of(i);
		search_memory(&found);
		for (int j = 0; j < SECRET_COUNT; j++)
			assert_int_equal(found.any[j], j <= i);
	}
	for (int i = 0; i < SECRET_COUNT; i++)
		secret_free(held[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_copy_of_a_secret_outlives_it),
		cmocka_unit_test(no_copy_of_a_secret_outlives_its_decoding),
		cmocka_unit_test(a_secret_that_is_held_is_found),
	};
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	json_start();
	if (!secret_start(&err) || !http_start(&err))
		return 1;
	/* secret_start() closes our memory even to ourselves, unless we are root. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	draw_secrets();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
