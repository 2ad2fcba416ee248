#include "flow/setup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/when.h"
#include "destination/program.h"

#define SYSTEMCTL_SEC 60
/* As many tokens as a policy may have, each with its destinations. */
#define CHECK_SEC (30 * MINUTE_SEC)
#define TEXT_BYTES 8192
#define WORDS_MOST 8

void
setup_say(const struct setting_up *it, const char *about, const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	it->setup->say(about, text);
}

bool
setup_may(const struct setting_up *it, const char *about, const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list arguments;

	if (!it->setup->dry_run)
		return true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	setup_say(it, about, "would %s", text);
	return false;
}

bool
setup_run(const struct setting_up *it, const char *const *argv, struct err *err)
{
	const struct destination_tools tools = { .arena = it->arena };
	const struct program program = { .argv = argv,
		.facts = it->setup->places.environment,
		.timeout_msec = SYSTEMCTL_SEC * 1000 };
	auto_child_end struct child_end end = { 0 };

	return program_run(&tools, &program, &end, err);
}

bool
setup_systemctl(const struct setting_up *it, const char *const *words, struct err *err)
{
	const char *argv[WORDS_MOST] = { "systemctl" };
	size_t count = 1;

	if (it->setup->places.user)
		argv[count++] = "--user";
	for (; *words && count + 1 < ARRAY_SIZE(argv); words++)
		argv[count++] = *words;
	return setup_run(it, argv, err);
}

bool
setup_folder(const char *path, unsigned mode, struct err *err)
{
	if (mkdir(path, mode)) {
		if (errno == EEXIST)
			return true;
		return err_set(err, ERR_REFUSED, errno, "cannot make the folder '%s'", path);
	}
	/* The mode of mkdir() is cut by the umask. */
	if (chmod(path, mode))
		return err_set(err, ERR_REFUSED, errno, "cannot set the mode of '%s'", path);
	return true;
}

bool
setup_folders(const struct setting_up *it, const char *path, unsigned mode, struct err *err)
{
	for (const char *slash = strchr(path + 1, '/'); it->setup->places.user && slash;
		slash = strchr(slash + 1, '/'))
		if (!setup_folder(
			    arena_text_n(it->arena, path, (size_t)(slash - path)), mode, err))
			return false;
	return setup_folder(path, mode, err);
}

/* --- check, and the timer --- */

/* It was given no secret, and so tells none. */
static void
pass_on(const struct secret *text, FILE *stream)
{
	fflush(stdout);
	fwrite(secret_reveal(text), 1, secret_length(text), stream);
	fflush(stream);
}

static bool
check(const struct setting_up *it, int *exit_code, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const char *const argv[] = { places->program, "--policy", places->policy, "check",
		NULL };
	const char *const persons[] = { places->program, "--policy", places->policy, "--state",
		places->state, "check", NULL };
	const struct child child = { .argv = places->user ? persons : argv,
		.timeout_msec = CHECK_SEC * 1000 };
	const bool as_service = places->service && !places->user;
	auto_child_end struct child_end end = { 0 };

	*exit_code = 0;
	if (!setup_may(it, "check", "run glrotate check%s%s", as_service ? " as " : "",
		    as_service ? places->service : ""))
		return true;
	if (!child_run(&child, &end, err))
		return false;
	pass_on(end.output, stdout);
	pass_on(end.complaint, stderr);
	*exit_code = end.exit_code;
	if (end.exit_code < 0)
		return err_set(err, ERR_LATER, 0, "glrotate check %s",
			end.timed_out ? "did not end" : "was ended by a signal");
	if (end.exit_code)
		setup_say(it, "check",
			"not all is well (exit code %d): mend it, then glrotate setup again",
			end.exit_code);
	return true;
}

static void
say_without(const struct setting_up *it)
{
	const struct setup_places *places = &it->setup->places;

	if (places->user)
		setup_say(it, "timer",
			"%s. Without systemd cron will do, by a line of `crontab -e`:\n"
			"17 * * * * %s --policy %s --state %s run",
			places->absent ? places->absent : "no unit of systemd runs this policy",
			places->program, places->policy, places->state);
	else
		setup_say(it, "timer",
			"no unit of systemd runs this policy: have something start "
			"`glrotate --policy %s run` once an hour",
			places->policy);
}

static bool
start_timer(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const char *const words[] = { "enable", "--now", places->timer, NULL };

	if (!places->service) {
		say_without(it);
		return true;
	}
	if (!setup_may(it, "timer", "enable and start %s", places->timer))
		return true;
	if (!setup_systemctl(it, words, err))
		return false;
	setup_say(it, "timer", "%s is enabled and started", places->timer);
	return true;
}

bool
setup_do(const struct setup *setup, struct diags *diags, int *exit_code, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct setting_up it = { .setup = setup, .arena = arena };
	int code = 0, for_root = 0;
	bool ok;

	ok = setup_policy(&it, diags, err) && setup_credentials(&it, err) &&
	     setup_state(&it, err) && setup_sandbox(&it, err) && check(&it, &code, err) &&
	     (code || (setup_manager(&it, &for_root, err) && start_timer(&it, err)));
	policies_free(it.policies);
	if (ok)
		*exit_code = code ? code : for_root;
	return ok;
}
