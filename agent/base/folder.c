#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINKS_MOST 40 /* as many as the kernel follows */

/* `at` is where it stands, `rest` what is still to go, which every link on the way is put before. */
struct walk {
	const char *path;
	int at, links;
	char rest[PATH_MAX];
};

static bool
failed(const struct walk *walk, int code, struct err *err)
{
	return err_set(err, ERR_REFUSED, code, "cannot open the folder of '%s'", walk->path);
}

static bool
start_at_root(struct walk *walk, struct err *err)
{
	close_cleanup(&walk->at);
	walk->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return walk->at >= 0 || failed(walk, errno, err);
}

static bool
follow(struct walk *walk, int link, const struct stat *facts, const char *name, struct err *err)
{
	const size_t rest = strlen(walk->rest) + 1;
	char target[PATH_MAX];
	ssize_t length;

	if (facts->st_uid && facts->st_uid != geteuid())
		return err_set(err, ERR_REFUSED, 0,
			"'%s' on the way to '%s' is a link of user %u, which is not followed: only root's "
			"and our own are",
			name, walk->path, facts->st_uid);
	if (++walk->links > LINKS_MOST)
		return failed(walk, ELOOP, err);
	length = readlinkat(link, "", target, sizeof(target));
	if (length <= 0)
		return failed(walk, length ? errno : ENOENT, err);
	if ((size_t)length + 1 + rest > sizeof(walk->rest))
		return failed(walk, ENAMETOOLONG, err);
	memmove(walk->rest + length + 1, walk->rest, rest);
	memcpy(walk->rest, target, (size_t)length);
	walk->rest[length] = '/';
	return target[0] != '/' || start_at_root(walk, err);
}

/* Takes the next part off `rest`; "" at the end. With a slash behind it. */
static bool
next_part(struct walk *walk, char part[NAME_MAX + 2], struct err *err)
{
	const char *begin = walk->rest + strspn(walk->rest, "/");
	const size_t length = strcspn(begin, "/");

	if (length > NAME_MAX)
		return failed(walk, ENAMETOOLONG, err);
	memcpy(part, begin, length);
	memcpy(part + length, "/", 2);
	if (!length)
		part[0] = '\0';
	memmove(walk->rest, begin + length, strlen(begin + length) + 1);
	return true;
}

static bool
step(struct walk *walk, char part[NAME_MAX + 2], struct err *err)
{
	auto_close int next = -1;
	struct stat facts;

	/* What is opened as a mere path is not mounted by an automounter; what is looked up with a slash behind it is. */
	(void)faccessat(walk->at, part, F_OK, 0);
	part[strlen(part) - 1] = '\0';
	next = openat(walk->at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 || fstat(next, &facts))
		return failed(walk, errno, err);
	if (S_ISLNK(facts.st_mode))
		return follow(walk, next, &facts, part, err);
	if (!S_ISDIR(facts.st_mode))
		return failed(walk, ENOTDIR, err);
	close_cleanup(&walk->at);
	walk->at = next;
	next = -1;
	return true;
}

static bool
walk_all(struct walk *walk, struct err *err)
{
	char part[NAME_MAX + 2];

	if (!start_at_root(walk, err) || !next_part(walk, part, err))
		return false;
	while (part[0])
		if (!step(walk, part, err) || !next_part(walk, part, err))
			return false;
	return true;
}

bool
folder_open(const char *path, int *folder, const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct walk walk = { .path = path, .at = -1 };

	if (path[0] != '/' || !slash[1])
		return err_set(err, ERR_REFUSED, 0, "'%s' is no absolute path of a file", path);
	if ((size_t)(slash - path) >= sizeof(walk.rest))
		return err_set(err, ERR_REFUSED, ENAMETOOLONG, "cannot open the folder");
	memcpy(walk.rest, path, (size_t)(slash - path));
	if (!walk_all(&walk, err)) {
		close_cleanup(&walk.at);
		return false;
	}
	*folder = walk.at;
	*name = slash + 1;
	return true;
}
