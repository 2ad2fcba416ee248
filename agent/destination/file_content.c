/* The file itself: read, changed, looked at. */
#include "destination/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/hash.h"
#include "base/memory.h"

#define READ_MAX_BYTES ((size_t)4096)
#define LOOKUP_BYTES ((size_t)1 << 20) /* a group's members are read along with it */
#define TRIES_MOST 8
#define PLACEHOLDER "glrotate-preflight"

/* Workers of one run that write entries of the same file come one after the other: each sweeps what it takes for left over. Other
 * processes and people are noticed by what the file holds. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static bool
unknown_name(const char *what, const char *name, int code, struct err *err)
{
	if (code && code != ENOENT && code != ESRCH && code != EPERM)
		return err_set(err, ERR_LATER, code, "cannot look up the %s '%s'", what, name);
	return err_set(err, ERR_REFUSED, 0, "this machine knows no %s '%s'", what, name);
}

static bool
find_user(const char *name, uid_t *uid, struct err *err)
{
	auto_free char *room = memory_or_abort(malloc(LOOKUP_BYTES));
	struct passwd entry, *found = NULL;
	int code = getpwnam_r(name, &entry, room, LOOKUP_BYTES, &found);

	if (!found)
		return unknown_name("user", name, code, err);
	*uid = entry.pw_uid;
	return true;
}

static bool
find_group(const char *name, gid_t *gid, struct err *err)
{
	auto_free char *room = memory_or_abort(malloc(LOOKUP_BYTES));
	struct group entry, *found = NULL;
	int code = getgrnam_r(name, &entry, room, LOOKUP_BYTES, &found);

	if (!found)
		return unknown_name("group", name, code, err);
	*gid = entry.gr_gid;
	return true;
}

/* A hash keeps the entries of one file apart. */
static void
name_stamp(struct file_target *target)
{
	auto_arena struct arena *arena = arena_new();
	const char *text = format_entry_text(&target->place->entry, arena);

	snprintf(target->stamp_of, sizeof(target->stamp_of), "%016" PRIx64,
		hash_bytes(HASH_START, text, strlen(text)));
	target->file.stamp_of = target->stamp_of;
}

bool
file_aim(const struct file_place *place, const struct stamp *stamp, struct file_target *target,
	struct err *err)
{
	*target = (struct file_target){ .place = place,
		.file = { .path = place->path,
			.mode = (mode_t)place->mode,
			.uid = (uid_t)-1,
			.gid = (gid_t)-1 } };
	if (stamp)
		target->file.stamp = stamp_text(stamp, target->stamp);
	if (!format_is_raw(&place->entry))
		name_stamp(target);
	return (!place->user || find_user(place->user, &target->file.uid, err)) &&
	       (!place->group || find_group(place->group, &target->file.gid, err));
}

static bool
kept_stamp(const struct file_target *target, struct stamp *found, struct err *err)
{
	char text[STAMP_TEXT_BYTES];

	if (!atomic_file_stamp(
		    target->file.path, target->file.stamp_of, text, sizeof(text), err))
		return false;
	stamp_parse(text, NULL, found, NULL);
	return true;
}

static bool
fence(const struct destination_tools *tools, const struct file_target *target,
	const struct stamp *ours, struct err *err)
{
	struct stamp found;

	return kept_stamp(target, &found, err) && stamp_allows(tools, &found, ours, err);
}

bool
file_would_allow(
	const struct destination_tools *tools, const struct file_place *place, struct err *err)
{
	struct file_target target;
	struct stamp found;

	return file_aim(place, NULL, &target, err) && kept_stamp(&target, &found, err) &&
	       stamp_would_allow(tools, &found, err);
}

/* --- a file that holds more --- */

static const char *
login_of(const struct destination_tools *tools)
{
	return tools->delivered ? tools->delivered->username : NULL;
}

static bool
is_stamped(const struct file_place *place)
{
	char text[STAMP_TEXT_BYTES];
	struct file_target target;
	struct stamp found = { 0 };
	struct err ignored;

	if (!file_aim(place, NULL, &target, &ignored) ||
		!atomic_file_stamp(place->path, target.stamp_of, text, sizeof(text), &ignored))
		return false;
	stamp_parse(text, NULL, &found, NULL);
	return found.generation != 0;
}

/* A machine's entry may be a person's, who logs in by another name than this token: what we did not write is not taken. */
static bool
check_login(const struct destination_tools *tools, const struct file_place *place,
	const struct secret *present, struct err *err)
{
	struct format_entry own = place->entry;
	auto_secret struct secret *any = NULL, *ours = NULL;

	own.username = login_of(tools);
	if (own.format != FORMAT_NETRC || place->entry.username || !own.username || !present ||
		is_stamped(place))
		return true;
	if (!format_read(&place->entry, present, &any, err) ||
		!format_read(&own, present, &ours, err))
		return false;
	return !any || ours ||
	       err_set(err, ERR_REFUSED, 0,
		       "another login's entry of '%s' stands there: add 'username: %s', or remove it",
		       own.host, own.username);
}

static bool
merge(const struct destination_tools *tools, const struct file_place *place,
	const struct secret *secret, struct secret **present, struct secret **merged,
	struct err *err)
{
	return atomic_file_read(place->path, FORMAT_MAX_BYTES, present, err) &&
	       check_login(tools, place, *present, err) &&
	       format_merge(&place->entry, login_of(tools), *present, secret, merged, err);
}

static bool
change_once(const struct destination_tools *tools, const struct stamp *stamp,
	const struct file_target *target, const struct secret *secret, bool *changed,
	struct err *err)
{
	auto_secret struct secret *present = NULL, *merged = NULL;

	if (!fence(tools, target, stamp, err) ||
		!merge(tools, target->place, secret, &present, &merged, err) ||
		!atomic_file_change(&target->file, present, merged, err))
		return false;
	*changed = !secret_equal(present, merged);
	return true;
}

static bool
change(const struct destination_tools *tools, const struct stamp *stamp,
	const struct file_target *target, const struct secret *secret, bool *changed,
	struct err *err)
{
	bool ok = false;

	pthread_mutex_lock(&changing);
	for (int i = 0; !ok && i < TRIES_MOST; i++) {
		ok = change_once(tools, stamp, target, secret, changed, err);
		if (!ok && err->code != ESTALE)
			break;
	}
	pthread_mutex_unlock(&changing);
	return ok;
}

static bool
prove_change(const struct destination_tools *tools, const struct file_target *target,
	struct err *err)
{
	auto_secret struct secret *placeholder = secret_copy(PLACEHOLDER, strlen(PLACEHOLDER));
	auto_secret struct secret *present = NULL, *merged = NULL;
	bool ok;

	if (!merge(tools, target->place, placeholder, &present, &merged, err))
		return false;
	pthread_mutex_lock(&changing);
	ok = atomic_file_probe(&target->file, err);
	pthread_mutex_unlock(&changing);
	return ok;
}

/* --- what stands there --- */

/* What stands there; NULL when there is no file. ERR_MOVED when it is nothing that we wrote. */
static bool
read_back(const char *path, struct secret **secret, struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	auto_close int folder = -1, fd = -1;
	const char *name;
	struct stat facts;

	if (folder_open(path, &folder, &name, err))
		fd = openat(folder, name, flags);
	else if (err->code != ENOENT && err->code != ENOTDIR)
		return false;
	if (folder < 0 || (fd < 0 && errno == ENOENT)) {
		*secret = NULL;
		return true;
	}
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_MOVED, 0, "is a link now");
	if (fd < 0 || fstat(fd, &facts))
		return err_set(err, ERR_REFUSED, errno, "cannot be read back");
	if (!S_ISREG(facts.st_mode))
		return err_set(err, ERR_MOVED, 0, "is not a regular file");
	if (secret_read(fd, READ_MAX_BYTES, secret, err))
		return true;
	err->kind = err->code ? ERR_LATER : ERR_MOVED;
	return false;
}

static bool
read_entry(const struct file_place *place, struct secret **secret, struct err *err)
{
	auto_secret struct secret *whole = NULL;

	*secret = NULL;
	return atomic_file_read(place->path, FORMAT_MAX_BYTES, &whole, err) &&
	       (!whole || format_read(&place->entry, whole, secret, err));
}

bool
file_present(const struct file_place *place, struct secret **secret, struct err *err)
{
	return format_is_raw(&place->entry) ? read_back(place->path, secret, err)
	                                    : read_entry(place, secret, err);
}

/* Everything of the entry: a docker or netrc file may hold the secret under another name. */
static bool
is_as_merged(const struct destination_tools *tools, const struct file_place *place,
	const struct secret *secret, struct err *err)
{
	auto_secret struct secret *present = NULL, *merged = NULL;

	if (!merge(tools, place, secret, &present, &merged, err))
		return false;
	return secret_equal(present, merged) ||
	       err_set(err, ERR_MOVED, 0, "its entry has another user name or place");
}

bool
file_holds(const struct destination_tools *tools, const struct file_place *place,
	const struct secret *secret, struct err *err)
{
	auto_secret struct secret *present = NULL;

	if (!file_present(place, &present, err))
		return false;
	if (!present)
		return err_set(err, ERR_MOVED, 0, "is gone");
	if (!secret_equal(present, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	return format_is_raw(&place->entry) || is_as_merged(tools, place, secret, err);
}

/* --- what is written --- */

bool
file_prove(const struct destination_tools *tools, const struct stamp *ours,
	const struct file_target *target, struct err *err)
{
	if (!fence(tools, target, ours, err))
		return false;
	return format_is_raw(&target->place->entry) ? atomic_file_probe(&target->file, err)
	                                            : prove_change(tools, target, err);
}

static bool
replace(const struct destination_tools *tools, const struct stamp *stamp,
	const struct file_target *target, const struct secret *secret, bool *changed,
	struct err *err)
{
	auto_secret struct secret *present = NULL;
	struct err ignored;

	if (!read_back(target->file.path, &present, &ignored))
		present = NULL;
	*changed = !secret_equal(present, secret);
	return fence(tools, target, stamp, err) &&
	       atomic_file_replace(&target->file, secret, false, err);
}

bool
file_write(const struct destination_tools *tools, const struct stamp *stamp,
	const struct file_target *target, const struct secret *secret, bool *changed,
	struct err *err)
{
	return format_is_raw(&target->place->entry)
	               ? replace(tools, stamp, target, secret, changed, err)
	               : change(tools, stamp, target, secret, changed, err);
}

/* --- what would change --- */

static const char *
inspect_absent(
	const struct destination_tools *tools, const struct file_place *place, int folder)
{
	const int64_t mode = place->mode ? place->mode : 0600;

	if (faccessat(folder, ".", W_OK | X_OK, AT_EACCESS))
		return arena_format(tools->arena, "cannot: the folder of '%s': %s", place->path,
			strerror(errno));
	return arena_format(tools->arena, "created (mode %04" PRIo64 "%s%s)", (uint64_t)mode,
		place->user ? ", user " : "", place->user ? place->user : "");
}

static const char *
inspect_present(const struct destination_tools *tools, const char *text,
	const struct file_place *place, const struct stat *facts,
	const struct atomic_file *file)
{
	if (file->mode && file->mode != (facts->st_mode & 0777))
		text = arena_format(tools->arena, "%s, mode %04o → %04o", text,
			facts->st_mode & 0777U, file->mode);
	if (file->uid != (uid_t)-1 && file->uid != facts->st_uid)
		text = arena_format(
			tools->arena, "%s, user %u → %s", text, facts->st_uid, place->user);
	if (file->gid != (gid_t)-1 && file->gid != facts->st_gid)
		text = arena_format(
			tools->arena, "%s, group %u → %s", text, facts->st_gid, place->group);
	return text;
}

static const char *
entry_outlook(const struct destination_tools *tools, const struct file_place *place)
{
	auto_secret struct secret *placeholder = secret_copy(PLACEHOLDER, strlen(PLACEHOLDER));
	auto_secret struct secret *present = NULL, *merged = NULL, *entry = NULL;
	struct err err;

	if (!merge(tools, place, placeholder, &present, &merged, &err) ||
		(present && !format_read(&place->entry, present, &entry, &err)))
		return arena_format(tools->arena, "cannot: %s", err.text);
	return entry ? "new value" : "new entry";
}

const char *
file_outlook(const struct destination_tools *tools, const struct file_place *place)
{
	const char *text = "new value", *name;
	auto_close int folder = -1;
	struct file_target target;
	struct stat facts;
	struct err err;

	if (!file_aim(place, NULL, &target, &err) ||
		!folder_open(place->path, &folder, &name, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT
		               ? inspect_absent(tools, place, folder)
		               : arena_format(tools->arena, "cannot: %s", strerror(errno));
	if (!S_ISREG(facts.st_mode))
		return "cannot: is not a regular file";
	if (!format_is_raw(&place->entry))
		text = entry_outlook(tools, place);
	if (!strncmp(text, "cannot: ", 8))
		return text;
	return inspect_present(tools, text, place, &facts, &target.file);
}
