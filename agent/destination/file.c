#include "destination/kind.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/memory.h"

#define READ_MAX_BYTES ((size_t)4096)
#define LOOKUP_BYTES ((size_t)1 << 20) /* a group's members are read along with it */

/* clang-format off */
#define FILLS(member) offsetof(struct file_entry, member)
static const struct field entry_fields[] = {
	{ "path",  FIELD_TEXT, FILLS(path), .required = true,
	  .help = "absolute; may hold templates; what a reader sees is the old content or the new, whole" },
	{ "user",  FIELD_TEXT, FILLS(user), .help = "the file's user; unstated: that of the present file" },
	{ "group", FIELD_TEXT, FILLS(group), .help = "the file's group; unstated: that of the present file" },
	{ "mode",  FIELD_MODE, FILLS(mode), .help = "octal; unstated: that of the present file, else 0600" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct file_place, member)
static const struct field place_fields[] = {
	{ "path",  FIELD_TEXT, FILLS(path), .required = true },
	{ "user",  FIELD_TEXT, FILLS(user) },
	{ "group", FIELD_TEXT, FILLS(group) },
	{ "mode",  FIELD_INT,  FILLS(mode) },
	{ NULL },
};
/* clang-format on */

const struct shape file_entry_shape = {
	.name = "a file",
	.fields = entry_fields,
	.bytes = sizeof(struct file_entry),
	.scalar = "path",
};
const struct shape file_place_shape = {
	.name = "a file's place",
	.fields = place_fields,
	.bytes = sizeof(struct file_place),
};

static const struct file_place *
place_of(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_FILE);
	return destination->to.value;
}

static bool
path_is_clean(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		const size_t segment = strcspn(slash + 1, "/");

		if (!segment || (segment == 1 && slash[1] == '.') ||
			(segment == 2 && slash[1] == '.' && slash[2] == '.'))
			return false;
	}
	return true;
}

static bool
file_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct file_entry *entry = value;
	struct file_place file = {
		.at = entry->at, .user = entry->user, .group = entry->group, .mode = entry->mode
	};

	if (!template_fill(entry->path, expansion->token, expansion->arena, &file.path, err))
		return false;
	if (!path_is_clean(file.path))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no absolute path of a file without '..', '.' and empty parts",
			file.path);
	if (file.mode & ~INT64_C(0770))
		return err_set(err, ERR_POLICY, 0,
			"mode %04" PRIo64 " lets more than user and group use '%s'",
			(uint64_t)file.mode, file.path);
	expansion_add(expansion, DESTINATION_FILE,
		arena_format(expansion->arena, "file %s", file.path), &file, sizeof(file));
	return true;
}

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

static bool
file_of(const struct file_place *place, const char *stamp, struct atomic_file *file,
	struct err *err)
{
	struct atomic_file draft = { .path = place->path,
		.mode = (mode_t)place->mode,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.stamp = stamp };

	if (place->user && !find_user(place->user, &draft.uid, err))
		return false;
	if (place->group && !find_group(place->group, &draft.gid, err))
		return false;
	*file = draft;
	return true;
}

static bool
fence(const struct file_place *place, const struct stamp *ours, struct err *err)
{
	char text[STAMP_TEXT_BYTES];
	struct stamp found;

	if (!atomic_file_stamp(place->path, NULL, text, sizeof(text), err))
		return false;
	stamp_parse(text, NULL, &found, NULL);
	return stamp_allows(&found, ours, err);
}

static bool
file_preflight(const struct destination_tools *tools, const struct destination *destination,
	const struct stamp *ours, struct err *err)
{
	const struct file_place *place = place_of(destination);
	char text[STAMP_TEXT_BYTES];
	struct atomic_file file;

	(void)tools;
	return file_of(place, stamp_text(ours, text), &file, err) && fence(place, ours, err) &&
	       atomic_file_probe(&file, err);
}

static bool
file_deliver(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	const struct file_place *place = place_of(destination);
	char text[STAMP_TEXT_BYTES];
	struct atomic_file file;

	(void)tools;
	return file_of(place, stamp_text(stamp, text), &file, err) &&
	       fence(place, stamp, err) && atomic_file_replace(&file, secret, false, err);
}

/* What stands there; NULL when there is no file. ERR_MOVED when it is nothing that we wrote. */
static bool
read_back(const char *path, struct secret **secret, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat facts;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
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
file_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_secret struct secret *present = NULL;

	(void)tools;
	(void)stamp;
	if (!read_back(place_of(destination)->path, &present, err))
		return false;
	if (!present)
		return err_set(err, ERR_MOVED, 0, "is gone");
	if (!secret_equal(present, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	*proof = PROOF_VALUE;
	return true;
}

static bool
file_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	struct secret *present = NULL;

	(void)tools;
	if (!read_back(place_of(destination)->path, &present, err)) {
		if (err->kind == ERR_LATER)
			return false;
		present = NULL;
	}
	*secret = present;
	return true;
}

static const char *
inspect_absent(const struct destination_tools *tools, const struct file_place *place)
{
	const int64_t mode = place->mode ? place->mode : 0600;
	const char *slash = strrchr(place->path, '/');
	const char *folder =
		arena_text_n(tools->arena, place->path, (size_t)(slash - place->path) + 1);

	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
		return arena_format(
			tools->arena, "cannot: the folder '%s': %s", folder, strerror(errno));
	return arena_format(tools->arena, "created (mode %04" PRIo64 "%s%s)", (uint64_t)mode,
		place->user ? ", user " : "", place->user ? place->user : "");
}

static const char *
inspect_present(const struct destination_tools *tools, const struct file_place *place,
	const struct stat *facts, const struct atomic_file *file)
{
	const char *text = "new value";

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
file_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	const struct file_place *place = place_of(destination);
	struct atomic_file file;
	struct stat facts;
	struct err err;

	if (!file_of(place, NULL, &file, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (lstat(place->path, &facts))
		return errno == ENOENT
		               ? inspect_absent(tools, place)
		               : arena_format(tools->arena, "cannot: %s", strerror(errno));
	if (!S_ISREG(facts.st_mode))
		return "cannot: is not a regular file";
	return inspect_present(tools, place, &facts, &file);
}

const struct destination_row file_row = {
	.expand = file_expand,
	.preflight = file_preflight,
	.deliver = file_deliver,
	.verify = file_verify,
	.inspect = file_inspect,
	.read = file_read,
};
