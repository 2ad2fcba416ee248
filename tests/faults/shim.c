/* Preloaded into the program under test: counts what it does to watched files and to sockets, and fails, tears or kills
 * the nth of these calls. Its naps take no time: its clock and the simulator's jump instead. Known by environment:
 *
 * SHIM_WATCH  folders, with colons between; a call on any file in them counts
 * SHIM_LOG    a file that gets a line for each call that counts: its number, name, file and size
 * SHIM_FAULT  N:EFFECT[:M]: what happens at the Nth call (effects: see below; M: for so many calls, 1 without, 0: to the end;
 *             of `wait`, so many seconds)
 * SHIM_HIT    a file that is made when that comes to pass
 * SHIM_CLOCK  127.0.0.1's port of the simulator, whose clock is moved on
 * SHIM_FLUSH  what is flushed goes to the disk, but not that whose path matches this pattern
 *
 * Without the last nothing is flushed: a killed process loses nothing by that, and `cut` takes back what had not been. */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"
#include "undo.h"

/* --- the order --- */

static const char *const effect_names[] = {
	[NONE] = "none",
	[KILL] = "kill",
	[AFTER] = "after",
	[TORN] = "torn",
	[CUT] = "cut",
	[STOP] = "stop",
	[HALT] = "halt",
	[BROKEN] = "eio",
	[FULL] = "enospc",
	[SHORT] = "short",
	[WAIT] = "wait",
};

static struct {
	pthread_mutex_t lock;
	char watch[PATH_MAX];
	char log[PATH_MAX];
	long count, at, most; /* calls so far; the order's first, and for how many */
	enum effect effect;
	bool wants_room, is_hit;
} shim = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
read_order(const char *order)
{
	char name[16] = "";

	shim.most = 1;
	if (!order || sscanf(order, "%ld:%15[a-z]:%ld", &shim.at, name, &shim.most) < 2)
		return;
	for (size_t i = 0; i < sizeof(effect_names) / sizeof(*effect_names); i++)
		if (!strcmp(effect_names[i], name))
			shim.effect = (enum effect)i;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *watch = getenv("SHIM_WATCH"), *log = getenv("SHIM_LOG");

	snprintf(shim.watch, sizeof(shim.watch), "%s", watch ? watch : "");
	snprintf(shim.log, sizeof(shim.log), "%s", log ? log : "");
	read_order(getenv("SHIM_FAULT"));
	/* What the program starts is itself. */
	unsetenv("LD_PRELOAD");
}

/* --- what counts --- */

static bool
is_watched(const char *path)
{
	char folders[PATH_MAX], *rest = folders, *folder;

	snprintf(folders, sizeof(folders), "%s", shim.watch);
	while ((folder = strsep(&rest, ":")))
		if (*folder && !strncmp(path, folder, strlen(folder)))
			return true;
	return false;
}

static bool
path_of(int fd, const char *name, char *path)
{
	char link[64];
	ssize_t length;

	if (name && *name == '/')
		return snprintf(path, PATH_MAX, "%s", name) > 0;
	snprintf(
		link, sizeof(link), fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	if (name)
		snprintf(path + length, (size_t)(PATH_MAX - length), "/%s", name);
	return true;
}

bool
shim_watches(int fd, const char *name, char *path)
{
	return path_of(fd, name, path) && is_watched(path);
}

enum effect
shim_effect(void)
{
	return shim.effect;
}

static void
write_line(const char *name, const char *path, size_t bytes)
{
	char line[PATH_MAX + 64];
	const char *slash = strrchr(path, '/');
	int length = snprintf(line, sizeof(line), "%ld %s %s %zu\n", shim.count, name,
		slash ? slash + 1 : path, bytes);

	int fd;

	if (!*shim.log)
		return;
	/* Anew for each line: the program closes what it did not open itself, and gives its number to the next. */
	fd = (int)syscall(SYS_openat, AT_FDCWD, shim.log,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	syscall(SYS_write, fd, line, (size_t)length);
	syscall(SYS_close, fd);
}

static void
say_hit(void)
{
	const char *file = getenv("SHIM_HIT");

	if (file && !shim.is_hit)
		close((int)syscall(
			SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	shim.is_hit = true;
}

/* Under the lock. */
static bool
is_meant(void)
{
	const long calls = shim.effect == WAIT ? 1 : shim.most;

	return shim.effect && shim.count >= shim.at && (!calls || shim.count < shim.at + calls);
}

enum effect
shim_count(const char *name, const char *path, size_t bytes, bool room)
{
	enum effect effect = NONE;

	pthread_mutex_lock(&shim.lock);
	shim.count++;
	write_line(name, path, bytes);
	if (is_meant())
		effect = shim.effect;
	/* A disk that stays full takes what needs no room. */
	if (effect == FULL && shim.most != 1 && !room)
		effect = NONE;
	if (effect)
		say_hit();
	pthread_mutex_unlock(&shim.lock);
	if (effect == STOP || effect == HALT)
		raise(SIGSTOP);
	if (effect == WAIT)
		shim_let_pass(shim.most);
	if (effect == CUT)
		undo_all();
	if (effect == KILL || effect == CUT)
		kill(getpid(), SIGKILL);
	return effect;
}

int
shim_fails(enum effect effect)
{
	if (effect != BROKEN && effect != FULL)
		return 0;
	errno = effect == FULL ? ENOSPC : EIO;
	return -1;
}

void
shim_dies_after(enum effect effect)
{
	if (effect == AFTER || effect == TORN)
		kill(getpid(), SIGKILL);
}
