/* The drop-in of a setup: what the sandbox must allow, and no more. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "flow/drop_in.h"
#include "flow/setup.h"

#define SERVICE_USER "glrotate"
#define MOST_BYTES ((size_t)256 * 1024)

struct file {
	const char *folder, *path;
	struct secret *present; /* NULL: there is none */
};

static bool
read_present(struct file *file, struct err *err)
{
	auto_secret struct secret *head = secret_copy(DROP_IN_HEAD, strlen(DROP_IN_HEAD));
	auto_close int fd =
		open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return err_set(err, ERR_REFUSED, errno, "cannot open '%s'", file->path);
	if (!secret_read(fd, MOST_BYTES, &file->present, err))
		return err_wrap(err, "'%s'", file->path);
	return secret_holds(file->present, head) ||
	       err_set(err, ERR_REFUSED, 0,
		       "'%s' is not ours: give it another name, and glrotate setup again",
		       file->path);
}

static bool
is_as_wanted(const struct file *file, const char *text)
{
	/* Read without its last line end. */
	auto_secret struct secret *wanted = secret_copy(text, strlen(text) - 1);

	return secret_equal(file->present, wanted);
}

static bool
reload(const struct setting_up *it, struct err *err)
{
	const char *const words[] = { "daemon-reload", NULL };

	return setup_systemctl(it, words, err);
}

static bool
write_file(
	const struct setting_up *it, const struct file *file, const char *text, struct err *err)
{
	const struct atomic_file replaced = {
		.path = file->path, .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1
	};
	auto_secret struct secret *content = secret_copy(text, strlen(text));

	if (is_as_wanted(file, text)) {
		setup_say(it, "sandbox", "%s is as the policy needs it", file->path);
		return true;
	}
	if (!setup_may(it, "sandbox", "write %s:\n%s", file->path, text))
		return true;
	if (!setup_folders(it, file->folder, it->setup->places.user ? 0700 : 0755, err) ||
		!atomic_file_replace(&replaced, content, false, err) || !reload(it, err))
		return false;
	setup_say(it, "sandbox", "%s is written:\n%s", file->path, text);
	return true;
}

static bool
remove_file(const struct setting_up *it, const struct file *file, struct err *err)
{
	if (!file->present) {
		setup_say(it, "sandbox", "no destination needs more than the service may");
		return true;
	}
	if (!setup_may(it, "sandbox", "remove %s: nothing needs it any more", file->path))
		return true;
	if (unlink(file->path))
		return err_set(err, ERR_REFUSED, errno, "cannot remove '%s'", file->path);
	setup_say(it, "sandbox", "%s is removed: nothing needs it any more", file->path);
	return reload(it, err);
}

static void
say_what_is_left(const struct setting_up *it, const struct drop_in *drop_in)
{
	if (drop_in->runs_programs)
		setup_say(it, "sandbox",
			"programs (exec) run inside of it; what they need the policy does not say: "
			"glrotate(8), THE SANDBOX");
	if (drop_in->encrypts)
		setup_say(it, "sandbox",
			"that the service may encrypt credentials is for polkit to say, from "
			"systemd 256 on: glrotate(8), THE SANDBOX");
	if (drop_in->restarts)
		setup_say(it, "sandbox",
			"that the service may restart %s is for polkit to say: glrotate(8), THE "
			"SANDBOX",
			drop_in->restarts);
}

bool
setup_sandbox(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const struct drop_in_service service = {
		.user = places->user ? places->user : SERVICE_USER,
		.group = places->user ? places->group : SERVICE_USER,
		.is_persons = places->user,
		.state = places->writable,
	};
	struct file file = { 0 };
	struct drop_in drop_in;
	bool ok;

	if (!places->service || !it->policies)
		return true;
	file.folder = arena_format(it->arena, "%s/%s.d", places->units, places->service);
	file.path = arena_format(it->arena, "%s/50-destinations.conf", file.folder);
	ok = drop_in_build(it->policies, &service, it->arena, &drop_in, err) &&
	     read_present(&file, err) &&
	     (drop_in.text ? write_file(it, &file, drop_in.text, err)
			   : remove_file(it, &file, err));
	secret_free(file.present);
	if (ok)
		say_what_is_left(it, &drop_in);
	return ok;
}
