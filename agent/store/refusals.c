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
	int fd; /* -1: nothing is remembered */
};

struct refusals *
refusals_open(const struct state *state)
{
	struct refusals *refusals = memory_or_abort(calloc(1, sizeof(*refusals)));
	const int dirfd = state ? state_dirfd(state) : -1;

	refusals->fd = dirfd < 0 ? -1
	                         : openat(dirfd, "refused",
					   O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC |
						   O_NOFOLLOW | O_NOCTTY,
					   0600);
	return refusals;
}

void
refusals_close(struct refusals *refusals)
{
	if (!refusals)
		return;
	if (refusals->fd >= 0)
		close(refusals->fd);
	free(refusals);
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
	const off_t length = length_of(refusals->fd);
	const off_t from = length > TAIL_BYTES ? length - TAIL_BYTES : 0;
	const int64_t now = clock_msec() / 1000;
	char text[TAIL_BYTES + 1], *line = text;
	size_t count = 0;
	const ssize_t got = length ? pread(refusals->fd, text, TAIL_BYTES, from) : 0;

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
	struct refusals *refusals = argument;
	char line[24];
	const int length =
		snprintf(line, sizeof(line), "%lld\n", (long long)(clock_msec() / 1000));

	if (refusals->fd < 0)
		return;
	/* Nobody who is refused so often is told from one who begins anew. */
	if (length_of(refusals->fd) > FILE_MOST_BYTES && ftruncate(refusals->fd, 0))
		return;
	/* One line is one write, so that two runs do not mix theirs. */
	if (write(refusals->fd, line, (size_t)length) != length)
		return;
}
