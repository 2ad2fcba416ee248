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
	auto_child_end struct child_end end = { 0 };

	return program_run(&tools,
		&(struct program){ .argv = argv, .timeout_msec = SYSTEMCTL_SEC * 1000 }, &end,
		err);
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
	auto_child_end struct child_end end = { 0 };

	*exit_code = 0;
	if (!setup_may(it, "check", "run glrotate check%s%s", places->service ? " as " : "",
		    places->service ? places->service : ""))
		return true;
	if (!child_run(&(struct child){ .argv = argv, .timeout_msec = CHECK_SEC * 1000 }, &end,
		    err))
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

static bool
start_timer(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const char *const argv[] = { "systemctl", "enable", "--now", places->timer, NULL };

	if (!places->service) {
		setup_say(it, "timer",
			"no unit of systemd runs this policy: have something start "
			"`glrotate --policy %s run` once an hour",
			places->policy);
		return true;
	}
	if (!setup_may(it, "timer", "enable and start %s", places->timer))
		return true;
	if (!setup_run(it, argv, err))
		return false;
	setup_say(it, "timer", "%s is enabled and started", places->timer);
	return true;
}

bool
setup_do(const struct setup *setup, struct diags *diags, int *exit_code, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct setting_up it = { .setup = setup, .arena = arena };
	int code = 0;
	bool ok;

	ok = setup_policy(&it, diags, err) && setup_credentials(&it, err) &&
	     setup_sandbox(&it, err) && check(&it, &code, err) &&
	     (code || start_timer(&it, err));
	policies_free(it.policies);
	if (ok)
		*exit_code = code;
	return ok;
}
