#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/memory.h"

#define DEFAULT_PATH "/var/lib/glrotate"

struct state {
	char *path;
	int dirfd;  /* -1: a reader's, of a directory that does not exist yet */
	int lockfd; /* -1: a reader */
};

/* systemd gives several directories as a list with colons; ours is the first. */
static char *
chosen_path(const char *path)
{
	const char *given = path ? path : getenv("STATE_DIRECTORY");

	if (path)
		return memory_or_abort(strdup(path));
	if (!given || !*given)
		return memory_or_abort(strdup(DEFAULT_PATH));
	return memory_or_abort(strndup(given, strcspn(given, ":")));
}

/* The mode of mkdir() is cut by the umask; what we did not make keeps its own. */
static bool
create_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0700)) {
		if (errno == EEXIST)
			return true;
		return err_set(
			err, ERR_STORE, errno, "cannot make the state directory '%s'", path);
	}
	if (chmod(path, 0700))
		return err_set(err, ERR_STORE, errno, "cannot set the mode of '%s'", path);
	return true;
}

static bool
directory_is_private(const struct state *state, struct err *err)
{
	struct stat st;

	if (fstat(state->dirfd, &st))
		return err_set(err, ERR_STORE, errno, "state directory '%s'", state->path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_STORE, 0,
			"the state directory '%s' belongs to user %u, and this is user %u",
			state->path, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 0077)
		return err_set(err, ERR_STORE, 0,
			"others may enter the state directory '%s' (mode %04o); chmod 0700 it",
			state->path, (unsigned)st.st_mode & 07777);
	return true;
}

static bool
open_directory(struct state *state, bool writer, struct err *err)
{
	if (writer && !create_directory(state->path, err))
		return false;
	state->dirfd = open(state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->dirfd < 0) {
		if (!writer && errno == ENOENT)
			return true;
		return err_set(err, ERR_STORE, errno, "cannot open the state directory '%s'",
			state->path);
	}
	return directory_is_private(state, err);
}

static bool
say_who_holds(int lockfd, struct err *err)
{
	char text[24] = "";
	ssize_t length = pread(lockfd, text, sizeof(text) - 1, 0);
	long process = length > 0 ? strtol(text, NULL, 10) : 0;

	if (process > 0)
		return err_set(
			err, ERR_BUSY, 0, "another run (process %ld) holds the lock", process);
	return err_set(err, ERR_BUSY, 0, "another run holds the lock");
}

/* The number is for the other run's message alone, so a full disk is no reason to stop here. */
static void
write_process_id(int lockfd)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(lockfd, 0) || pwrite(lockfd, text, (size_t)length, 0) != length)
		return;
}

static bool
take_lock(struct state *state, struct err *err)
{
	state->lockfd = openat(state->dirfd, "lock",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (state->lockfd < 0)
		return err_set(err, ERR_STORE, errno, "cannot open '%s/lock'", state->path);
	if (flock(state->lockfd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return say_who_holds(state->lockfd, err);
		return err_set(err, ERR_STORE, errno, "cannot lock '%s/lock'", state->path);
	}
	write_process_id(state->lockfd);
	return true;
}

bool
state_open(const char *path, bool writer, struct state **state, struct err *err)
{
	auto_state struct state *draft = memory_or_abort(calloc(1, sizeof(*draft)));

	draft->dirfd = -1;
	draft->lockfd = -1;
	draft->path = chosen_path(path);
	if (!open_directory(draft, writer, err))
		return false;
	if (writer && !take_lock(draft, err))
		return false;
	*state = take(draft);
	return true;
}

void
state_close(struct state *state)
{
	if (!state)
		return;
	if (state->lockfd >= 0)
		close(state->lockfd);
	if (state->dirfd >= 0)
		close(state->dirfd);
	free(state->path);
	free(state);
}

const char *
state_path(const struct state *state)
{
	return state->path;
}

int
state_dirfd(const struct state *state)
{
	return state->dirfd;
}

bool
state_is_writer(const struct state *state)
{
	return state->lockfd >= 0;
}
