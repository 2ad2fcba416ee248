#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/notify.h"

/* What was killed and does not end is left to itself: it is another user's, or the kernel holds it. */
#define GIVE_UP_MSEC 10000
/* A child that never stops writing is not to keep us from looking at the clock. */
#define READS_MOST 16
#define LINKS_MOST 40 /* as many as the kernel follows */

/* Our ends of the three pipes, and what they carry. */
enum { IN, OUT, COMPLAINT, PIPES };
struct running {
	const struct child *child;
	const char *program; /* what is run as its argv[0] */
	pid_t pid;
	int ended; /* readable once it is a zombie */
	int ends[PIPES];
	size_t given;
	struct secret *kept[PIPES];
};

static const char *const inherited[] = { "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR" };

static const char **
environment_of(const struct child *child, struct arena *arena)
{
	size_t count = 0, more = 0;
	const char **all;

	while (child->environment && child->environment[more])
		more++;
	all = arena_alloc(arena, (ARRAY_SIZE(inherited) + more + 1) * sizeof(*all));
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		if (getenv(inherited[i]))
			all[count++] = arena_format(
				arena, "%s=%s", inherited[i], getenv(inherited[i]));
	for (size_t i = 0; i < more; i++)
		all[count++] = child->environment[i];
	all[count] = NULL;
	return all;
}

static void
close_end(int *end)
{
	if (*end >= 0)
		close(*end);
	*end = -1;
}

/* Both ends are close-on-exec; ours does not block. */
static bool
open_pipes(int ours[PIPES], int theirs[PIPES], struct err *err)
{
	for (int i = 0; i < PIPES; i++)
		ours[i] = theirs[i] = -1;
	for (int i = 0; i < PIPES; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC))
			return err_set(err, ERR_LATER, errno, "no pipe can be made");
		ours[i] = ends[i == IN];
		theirs[i] = ends[i != IN];
		if (fcntl(ours[i], F_SETFL, O_NONBLOCK))
			return err_set(err, ERR_LATER, errno, "no pipe can be made");
	}
	return true;
}

static int
spawn(const struct child *child, const char *program, const int theirs[PIPES], pid_t *pid)
{
	auto_arena struct arena *arena = arena_new();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int code;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < PIPES; i++)
		posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	/* Not all of libcurl's are close-on-exec. */
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	code = posix_spawnp(pid, program, &actions, &attributes,
		(char *const *)(uintptr_t)child->argv,
		(char *const *)(uintptr_t)environment_of(child, arena));
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

static bool
start(struct running *running, struct err *err)
{
	int theirs[PIPES];
	bool ok = open_pipes(running->ends, theirs, err);

	if (ok) {
		const int code = spawn(running->child, running->program, theirs, &running->pid);

		ok = !code ||
		     err_set(err, code == EAGAIN || code == ENOMEM ? ERR_LATER : ERR_REFUSED,
			     code, "cannot run '%s'", running->child->argv[0]);
	}
	for (int i = 0; i < PIPES; i++)
		close_end(&theirs[i]);
	if (!ok)
		return false;
	running->ended = (int)syscall(SYS_pidfd_open, running->pid, 0);
	return true;
}

/* --- while it runs --- */

static void
give_input(struct running *running)
{
	const struct secret *input = running->child->input;
	const size_t length = input ? secret_length(input) : 0;

	while (running->given < length) {
		const ssize_t sent = write(running->ends[IN],
			secret_reveal(input) + running->given, length - running->given);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* One that does not want it all may still do its work. */
		if (sent <= 0)
			break;
		running->given += (size_t)sent;
	}
	close_end(&running->ends[IN]);
}

/* What does not fit is read all the same, so that the child is not held up. */
static void
take_output(struct running *running, int which)
{
	char bytes[4096];
	ssize_t got = 1;

	for (int i = 0; got > 0 && i < READS_MOST; i++) {
		const size_t room =
			CHILD_OUTPUT_MAX_BYTES - secret_length(running->kept[which]);

		got = read(running->ends[which], bytes, sizeof(bytes));
		if (got > 0)
			(void)!secret_append(running->kept[which], bytes,
				(size_t)got < room ? (size_t)got : room);
	}
	secret_wipe(bytes, sizeof(bytes));
	if (!got || (got < 0 && errno != EAGAIN && errno != EINTR))
		close_end(&running->ends[which]);
}

static void
serve(struct running *running, int wait_msec)
{
	struct pollfd polled[PIPES + 1];

	for (int i = 0; i < PIPES; i++)
		polled[i] = (struct pollfd){ .fd = running->ends[i],
			.events = i == IN ? POLLOUT : POLLIN };
	polled[PIPES] = (struct pollfd){ .fd = running->ended, .events = POLLIN };
	if (poll(polled, PIPES + 1, wait_msec) <= 0)
		return;
	if (polled[IN].revents)
		give_input(running);
	for (int i = OUT; i < PIPES; i++)
		if (polled[i].revents)
			take_output(running, i);
}

/* Its own end counts, and not that of its pipes, which what it left behind may hold open. */
static bool
has_ended(const struct running *running, siginfo_t *facts)
{
	facts->si_pid = 0;
	return waitid(P_PID, (id_t)running->pid, facts, WEXITED | WNOHANG) || facts->si_pid;
}

static void
await(struct running *running, struct child_end *end)
{
	const int64_t until = clock_msec() + running->child->timeout_msec;
	siginfo_t facts = { 0 };

	while (!has_ended(running, &facts)) {
		const int64_t left = until - clock_msec();

		if (left <= -GIVE_UP_MSEC)
			break;
		/* It has a time limit of its own. */
		if (left > 0)
			notify_alive();
		if (left <= 0 && !end->timed_out) {
			end->timed_out = true;
			kill(-running->pid, SIGKILL);
		}
		/* Without a descriptor of its end (an old kernel) it is asked for now and then. */
		serve(running,
			running->ended < 0 || left > 1000 || left <= 0 ? 100 : (int)left);
	}
	for (int i = OUT; i < PIPES; i++)
		if (running->ends[i] >= 0)
			take_output(running, i);
	end->exit_code = facts.si_code == CLD_EXITED ? facts.si_status : -1;
	if (facts.si_code != CLD_EXITED)
		end->signal = facts.si_pid ? facts.si_status : SIGKILL;
}

/* --- who could change it --- */

/* Where the walk stands, a path without links ("" is the root); and what is still to go, which every link on the way is put before. */
struct way {
	const char *path;
	int links;
	char at[PATH_MAX], rest[PATH_MAX];
};

static bool
failed(const struct way *way, int code, struct err *err)
{
	return err_set(err, ERR_REFUSED, code, "cannot run '%s'", way->path);
}

/* A link has no mode of its own; in a folder with the sticky bit others replace nothing that is root's or ours. */
static bool
check_part(const struct way *way, const char *part, struct stat *facts, struct err *err)
{
	if (lstat(part, facts))
		return failed(way, errno, err);
	if (facts->st_uid && facts->st_uid != geteuid())
		return err_set(err, ERR_REFUSED, 0,
			"'%s' belongs to user %u, who could change what is run: root or the user that "
			"runs glrotate must own it",
			part, facts->st_uid);
	if (S_ISLNK(facts->st_mode) ||
		(S_ISDIR(facts->st_mode) && (facts->st_mode & S_ISVTX)) ||
		!(facts->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	return err_set(err, ERR_REFUSED, 0,
		"'%s' has mode %04o: others may change it, so nothing is run from there", part,
		facts->st_mode & 07777U);
}

static void
step_back(struct way *way)
{
	char *slash = strrchr(way->at, '/');

	if (slash)
		*slash = '\0';
}

static bool
follow(struct way *way, struct err *err)
{
	const size_t rest = strlen(way->rest) + 1;
	char target[PATH_MAX];
	const ssize_t length = readlink(way->at, target, sizeof(target));

	if (length <= 0)
		return failed(way, length ? errno : ENOENT, err);
	if (++way->links > LINKS_MOST)
		return failed(way, ELOOP, err);
	if ((size_t)length + rest > sizeof(way->rest))
		return failed(way, ENAMETOOLONG, err);
	memmove(way->rest + length, way->rest, rest);
	memcpy(way->rest, target, (size_t)length);
	if (target[0] == '/')
		way->at[0] = '\0';
	else
		step_back(way);
	return true;
}

/* Into what is named `part` where the walk stands. */
static bool
step_into(struct way *way, const char *part, size_t length, struct err *err)
{
	const size_t stands = strlen(way->at);
	struct stat facts;

	if (stands + 1 + length >= sizeof(way->at))
		return failed(way, ENAMETOOLONG, err);
	way->at[stands] = '/';
	memcpy(way->at + stands + 1, part, length);
	way->at[stands + 1 + length] = '\0';
	memmove(way->rest, part + length, strlen(part + length) + 1);
	if (!check_part(way, way->at, &facts, err))
		return false;
	if (S_ISLNK(facts.st_mode))
		return follow(way, err);
	return S_ISDIR(facts.st_mode) || !way->rest[0] || failed(way, ENOTDIR, err);
}

/* All of `rest`, part by part: whoever owns a link, or the folder that it stands in, says where the way goes on. */
static bool
walk_all(struct way *way, struct err *err)
{
	struct stat facts;

	if (!check_part(way, "/", &facts, err))
		return false;
	for (;;) {
		const char *part = way->rest + strspn(way->rest, "/");
		const size_t length = strcspn(part, "/");

		if (!length)
			return true;
		if (length > 2 || strncmp(part, "..", length) != 0) {
			if (!step_into(way, part, length, err))
				return false;
			continue;
		}
		if (length == 2)
			step_back(way);
		memmove(way->rest, part + length, strlen(part + length) + 1);
	}
}

/* What is run is what was looked at: a path without links, which nobody else can lead elsewhere any more. */
static bool
find_program(const char *path, char found[PATH_MAX], struct err *err)
{
	struct way way = { .path = path };
	struct stat facts;

	if (strlen(path) >= sizeof(way.rest))
		return failed(&way, ENAMETOOLONG, err);
	strcpy(way.rest, path);
	if (!walk_all(&way, err))
		return false;
	if (lstat(way.at, &facts) || faccessat(AT_FDCWD, way.at, X_OK, AT_EACCESS))
		return failed(&way, errno, err);
	if (!S_ISREG(facts.st_mode))
		return err_set(err, ERR_REFUSED, 0, "'%s' is no regular file", path);
	strcpy(found, way.at);
	return true;
}

bool
child_is_safe(const char *path, struct err *err)
{
	char found[PATH_MAX];

	return find_program(path, found, err);
}

/* --- running it --- */

bool
child_run(const struct child *child, struct child_end *end, struct err *err)
{
	char found[PATH_MAX];
	struct running running = { .child = child, .program = child->argv[0], .ended = -1 };
	struct child_end draft = { 0 };
	bool ok;

	if (child->argv[0][0] == '/') {
		if (!find_program(child->argv[0], found, err))
			return false;
		running.program = found;
	}
	ok = start(&running, err);
	if (ok) {
		for (int i = OUT; i < PIPES; i++)
			running.kept[i] = secret_new(CHILD_OUTPUT_MAX_BYTES);
		await(&running, &draft);
		draft.output = running.kept[OUT];
		draft.complaint = running.kept[COMPLAINT];
		*end = draft;
	}
	for (int i = 0; i < PIPES; i++)
		close_end(&running.ends[i]);
	close_end(&running.ended);
	return ok;
}

/* A terminal's signals reach both; one that was meant for us alone is for it. */
static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno == EINTR)
			kill(pid, SIGTERM);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool
child_stand_in(const char *const *argv, int *exit_code, struct err *err)
{
	posix_spawnattr_t attributes;
	sigset_t all;
	pid_t pid;
	int code;

	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &all);
	code = posix_spawnp(
		&pid, argv[0], NULL, &attributes, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (code)
		return err_set(err, code == EAGAIN || code == ENOMEM ? ERR_LATER : ERR_REFUSED,
			code, "cannot run '%s'", argv[0]);
	*exit_code = wait_for(pid);
	return true;
}

void
child_end_done(struct child_end *end)
{
	secret_free(take(end->output));
	secret_free(take(end->complaint));
}
