#include "store/alerted.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NAME "alerted"
#define WHAT_MOST 64

static int
open_file(const struct state *state, int how)
{
	if (!state || state_dirfd(state) < 0)
		return -1;
	return openat(state_dirfd(state), NAME,
		how | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
}

bool
alerted_lately(const struct state *state, const char *what, int64_t now, int64_t within_sec)
{
	auto_close int fd = open_file(state, O_RDONLY);
	char text[WHAT_MOST + 1] = "";
	struct stat facts;

	/* One that seems to come was noted by a clock that was wrong. */
	return fd >= 0 && !fstat(fd, &facts) && pread(fd, text, WHAT_MOST, 0) > 0 &&
	       !strcmp(text, what) && now >= facts.st_mtime &&
	       now - facts.st_mtime < within_sec;
}

bool
alerted_note(const struct state *state, const char *what)
{
	auto_close int fd = open_file(state, O_WRONLY | O_CREAT | O_TRUNC);
	const size_t length = strnlen(what, WHAT_MOST);

	return fd >= 0 && write(fd, what, length) == (ssize_t)length;
}

void
alerted_forget(const struct state *state)
{
	/* One that cannot be removed only keeps an alert back for a while. */
	if (state && state_dirfd(state) >= 0)
		(void)!unlinkat(state_dirfd(state), NAME, 0);
}
