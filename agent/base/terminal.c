#include "base/terminal.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define BYTES 8192
#define LINE_BYTES 1024

bool
terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Up to the end, of a terminal up to the end of the line. Not stdio's: it would keep a copy. */
static bool
read_bytes(char *bytes, size_t room, size_t *length, struct err *err)
{
	const bool is_line = isatty(STDIN_FILENO);

	*length = 0;
	while (*length < room) {
		const ssize_t got = read(STDIN_FILENO, bytes + *length, room - *length);

		if (got < 0 && errno == EINTR)
			return err_set(err, ERR_STOPPED, 0, "stopped by a signal");
		if (got < 0)
			return err_set(err, ERR_USAGE, errno, "cannot read standard input");
		*length += (size_t)got;
		if (!got || (is_line && bytes[*length - 1] == '\n'))
			return true;
	}
	return true;
}

static bool
take_bytes(
	const char *bytes, size_t length, size_t most, struct secret **secret, struct err *err)
{
	while (length && strchr("\r\n", bytes[length - 1]) && bytes[length - 1])
		length--;
	if (length > most)
		return err_set(err, ERR_USAGE, 0, "more than %zu bytes were given", most);
	if (memchr(bytes, '\0', length))
		return err_set(err, ERR_USAGE, 0, "what was given holds a zero byte");
	*secret = length ? secret_copy(bytes, length) : NULL;
	return true;
}

bool
terminal_secret(const char *prompt, size_t most, struct secret **secret, struct err *err)
{
	char bytes[BYTES];
	struct termios shown, hidden;
	const bool hides = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &shown);
	size_t length;
	bool ok;

	if (hides) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		/* Before the question, so that not even a quick answer is shown. */
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fputs(prompt, stderr);
	}
	ok = read_bytes(bytes, sizeof(bytes), &length, err);
	if (hides) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	ok = ok && take_bytes(bytes, length, most, secret, err);
	secret_wipe(bytes, sizeof(bytes));
	return ok;
}

bool
terminal_line(const char *prompt, struct arena *arena, const char **line, struct err *err)
{
	char bytes[LINE_BYTES];
	size_t length;

	fputs(prompt, stderr);
	if (!read_bytes(bytes, sizeof(bytes), &length, err))
		return false;
	while (length && strchr(" \t\r\n", bytes[length - 1]))
		length--;
	*line = arena_text_n(arena, bytes, length);
	return true;
}
