#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/notify.h"

static char captured[4096];

/* Runs one log call with stderr on a pipe; what came out is in `captured`. */
static void
capture(enum log_level level, const char *text)
{
	int pipes[2], kept = dup(STDERR_FILENO);
	ssize_t length;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_line(level, "%s", text);
	dup2(kept, STDERR_FILENO);
	length = read(pipes[0], captured, sizeof(captured) - 1);
	captured[length > 0 ? length : 0] = '\0';
	close(kept);
	close(pipes[0]);
	close(pipes[1]);
}

static void
log_shows_a_level_and_all_above_it(void **state)
{
	static const struct {
		enum log_level most, level;
		bool shown;
	} rows[] = {
		{ LOG_LEVEL_NOTICE, LOG_LEVEL_NOTICE, true },
		{ LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, false },
		{ LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, false },
		{ LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, true },
		{ LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, true },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		log_start(rows[i].most);
		capture(rows[i].level, "hello");
		assert_string_equal(captured, rows[i].shown ? "hello\n" : "");
		assert_int_equal(log_shows(rows[i].level), rows[i].shown);
	}
	log_start(LOG_LEVEL_NOTICE);
}

static void
log_blots_what_would_move_a_cursor_or_begin_a_line(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\nb", "a?b\n" },
		{ "\x1b[2J", "?[2J\n" },
		{ "tab\tdel\x7f", "tab?del?\n" },
		{ "csi \xc2\x9b"
		  "2J",
			"csi ?2J\n" },
		{ "turned \xe2\x80\xae"
		  "back",
			"turned ?back\n" },
		{ "broken \xc2 \xff", "broken ? ?\n" },
		{ "Gr\xc3\xbc\xc3\x9f"
		  "e",
			"Gr\xc3\xbc\xc3\x9f"
			"e\n" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		capture(LOG_LEVEL_ERROR, rows[i].in);
		assert_string_equal(captured, rows[i].out);
	}
}

static void
log_cuts_a_long_line_and_still_ends_it(void **state)
{
	char text[3000];
	(void)state;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture(LOG_LEVEL_ERROR, text);
	assert_true(strlen(captured) < sizeof(text));
	assert_int_equal(captured[strlen(captured) - 1], '\n');
}

/* Somebody may read it through a pipe: what a run by hand says is words alone. */
static void
log_prefixes_nothing_in_a_unit_whose_stderr_is_a_pipe(void **state)
{
	(void)state;

	setenv("INVOCATION_ID", "0123", 1);
	capture(LOG_LEVEL_WARNING, "hello");
	unsetenv("INVOCATION_ID");
	assert_string_equal(captured, "hello\n");
}

/* Another stream's numbers must not silence us: what systemd gave the parent is not our stderr. */
static void
log_writes_to_stderr_when_the_stream_is_not_its_own(void **state)
{
	(void)state;

	setenv("JOURNAL_STREAM", "1:1", 1);
	capture(LOG_LEVEL_ERROR, "hello");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(captured, "hello\n");
}

#ifdef HAVE_SYSTEMD
static void
notify_status_is_one_assignment_whatever_stands_in_it(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[256];
	ssize_t length;
	(void)state;

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "glrotate-test-%ld",
		(long)getpid());
	assert_int_equal(bind(receiver, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					     strlen(address.sun_path + 1))),
		0);
	address.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	notify_status("rotating '%s'", "x\nMAINPID=1");
	notify_extend(90);
	unsetenv("NOTIFY_SOCKET");
	length = recv(receiver, message, sizeof(message) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	message[length] = '\0';
	assert_string_equal(message, "STATUS=rotating 'x?MAINPID=1'");
	length = recv(receiver, message, sizeof(message) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	message[length] = '\0';
	assert_string_equal(message, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=90000000");
	close(receiver);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_shows_a_level_and_all_above_it),
		cmocka_unit_test(log_blots_what_would_move_a_cursor_or_begin_a_line),
		cmocka_unit_test(log_cuts_a_long_line_and_still_ends_it),
		cmocka_unit_test(log_prefixes_nothing_in_a_unit_whose_stderr_is_a_pipe),
		cmocka_unit_test(log_writes_to_stderr_when_the_stream_is_not_its_own),
#ifdef HAVE_SYSTEMD
		cmocka_unit_test(notify_status_is_one_assignment_whatever_stands_in_it),
#endif
	};

	unsetenv("INVOCATION_ID");
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
