#include "store/refusals.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define FRESH_SEC INT64_C(180)
/* More than ten lines of ten digits; what stands before them is old. */
#define TAIL_BYTES 256
#define FILE_MOST_BYTES 65536

struct refusals {
	int dirfd; /* the state's; -1: nothing is remembered */
};

struct refusals *
refusals_open(const struct state *state)
{
	struct refusals *refusals = memory_or_abort(calloc(1, sizeof(*refusals)));

	refusals->dirfd = state ? state_dirfd(state) : -1;
	return refusals;
}

void
refusals_close(struct refusals *refusals)
{
	free(refusals);
}

/* Who was never refused leaves no file. */
static int
open_file(const struct refusals *refusals, int how)
{
	if (refusals->dirfd < 0)
		return -1;
	return openat(refusals->dirfd, "refused",
		how | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
}

static off_t
length_of(int fd)
{
	const off_t length = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	return length < 0 ? 0 : length;
}

size_t
refusals_ages(struct refusals *refusals, int64_t *ages_sec, size_t most)
{
	auto_close int fd = open_file(refusals, O_RDONLY);
	const off_t length = length_of(fd);
	const off_t from = length > TAIL_BYTES ? length - TAIL_BYTES : 0;
	const int64_t now = clock_msec() / 1000;
	char text[TAIL_BYTES + 1], *line = text;
	size_t count = 0;
	const ssize_t got = length ? pread(fd, text, TAIL_BYTES, from) : 0;

	text[got > 0 ? got : 0] = '\0';
	/* The first of a tail may be a part of a line. */
	if (from)
		line = strchr(text, '\n');
	for (; line && *line && count < most; line = strchr(line + 1, '\n')) {
		const int64_t at = strtoll(line, NULL, 10);
		const int64_t age_sec = now - at;

		/* What seems to come was written before the host booted. */
		if (at > 0 && age_sec >= 0 && age_sec < FRESH_SEC)
			ages_sec[count++] = age_sec;
	}
	return count;
}

void
refusals_add(void *argument)
{
	auto_close int fd = open_file(argument, O_RDWR | O_CREAT);
	char line[24];
	const int length =
		snprintf(line, sizeof(line), "%lld\n", (long long)(clock_msec() / 1000));

	if (fd < 0)
		return;
	/* Nobody who is refused so often is told from one who begins anew. */
	if (length_of(fd) > FILE_MOST_BYTES && ftruncate(fd, 0))
		return;
	/* One line is one write, so that two runs do not mix theirs. */
	if (write(fd, line, (size_t)length) != length)
		return;
}
