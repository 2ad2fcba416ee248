/* What a person's setup has besides root's: the folder that root's service gets from systemd, a manager that may be able to do less,
 * and that ends when they log out. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "destination/program.h"
#include "flow/setup.h"

#define ASK_SEC 60

bool
setup_state(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	struct stat facts;

	if (!places->user)
		return true;
	if (!stat(arena_format(it->arena, "%s/key", places->state), &facts)) {
		setup_say(it, "key", "%s/key is there: back it up with the journal beside it",
			places->state);
		return true;
	}
	if (!stat(places->state, &facts))
		setup_say(it, "state", "%s is there", places->state);
	else if (!setup_may(it, "state", "make the folder %s", places->state))
		return true;
	else if (!setup_folders(it, places->state, 0700, err))
		return false;
	else
		setup_say(it, "state", "%s is made, for %s alone", places->state, places->user);
	setup_say(it, "key",
		"the first run makes the file 'key' there, which seals the journal: back up the one with "
		"the other");
	return true;
}

/* --- their manager --- */

static bool
answers(const struct setting_up *it, const char *const *argv, const char *wanted)
{
	const struct destination_tools tools = { .arena = it->arena };
	const struct program program = { .argv = argv,
		.facts = it->setup->places.environment,
		.timeout_msec = ASK_SEC * 1000 };
	auto_secret struct secret *line = secret_copy(wanted, strlen(wanted));
	auto_child_end struct child_end end = { 0 };
	struct err ignored;

	return program_run(&tools, &program, &end, &ignored) && secret_equal(end.output, line);
}

/* Who was told to do without namespaces for users, by a drop-in, is not asked whether there are any. */
static bool
can_shut_in(const struct setting_up *it, struct err *err)
{
	const char *const show[] = { "systemctl", "--user", "show", "--value",
		"--property=PrivateUsers", it->setup->places.service, NULL };
	/* A job of its own, so that its end is waited for without a message bus. */
	const char *const try[] = { "systemd-run", "--user", "--quiet", "--collect",
		"--service-type=oneshot", "--property=PrivateUsers=yes",
		"--property=ProtectSystem=strict", "true", NULL };

	if (answers(it, show, "no\n") || setup_run(it, try, err))
		return true;
	return err_wrap(err,
		"your user manager cannot shut a service in as %s says, for which glrotate(8), WITHOUT "
		"ROOT, has a drop-in",
		it->setup->places.service);
}

static void
linger(const struct setting_up *it, int *exit_code)
{
	const char *user = it->setup->places.user;
	const char *const show[] = { "loginctl", "show-user", "--value", "--property=Linger",
		user, NULL };
	const char *const enable[] = { "loginctl", "--no-ask-password", "enable-linger", user,
		NULL };
	struct err err;

	if (answers(it, show, "yes\n")) {
		setup_say(it, "linger",
			"it is on: the timer runs whether %s is logged in or not", user);
	} else if (setup_may(it, "linger", "have the timer run while %s is not logged in",
			   user)) {
		if (setup_run(it, enable, &err)) {
			setup_say(it, "linger",
				"turned on: the timer runs whether %s is logged in or not",
				user);
			return;
		}
		setup_say(it, "linger",
			"%s\nWithout it the timer runs only while %s is logged in. Somebody with root "
			"turns it on:\nloginctl enable-linger %s",
			err.text, user, user);
		*exit_code = 3;
	}
}

bool
setup_manager(const struct setting_up *it, int *exit_code, struct err *err)
{
	const struct setup_places *places = &it->setup->places;

	if (!places->user || !places->service)
		return true;
	if (!it->setup->dry_run && !can_shut_in(it, err))
		return false;
	linger(it, exit_code);
	return true;
}
