/* setup: what an administrator has done once on a machine. Says what it does, a line each. */
#include "flow/setup.h"

#include <string.h>

#include "verb/by_hand.h"
#include "verb/verb.h"

#define POLICY "/etc/glrotate/glrotate.yaml"

/* Further lines of it stand below the first one. */
static void
say(const char *about, const char *text)
{
	printf("%s: ", about);
	for (size_t length; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		fwrite(text, 1, length, stdout);
		fputs(text[length] && text[length + 1] ? "\n    " : "", stdout);
	}
	putchar('\n');
	fflush(stdout);
}

static struct setup_places
places_of(const struct options *options, struct arena *arena)
{
	struct setup_places places = {
		.policy = options->policy ? options->policy : POLICY,
		.credstore = "/etc/credstore.encrypted",
		.units = "/etc/systemd/system",
		.program = "/proc/self/exe",
	};
	const char *instance = "", *unit = by_hand_unit(options->policy, arena, &instance);
	const char *name =
		!unit || !*instance ? "glrotate" : arena_format(arena, "glrotate-%s", instance);

	places.prefix = name;
	places.state = arena_format(arena, "/var/lib/%s", name);
	if (unit && by_hand_is_installed(unit, arena)) {
		places.service = unit;
		places.timer = arena_format(
			arena, "%.*s.timer", (int)(strrchr(unit, '.') - unit), unit);
	}
	return places;
}

bool
verb_setup(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	const struct setup setup = {
		.places = places_of(options, context->arena),
		.url = options->url,
		.dry_run = options->dry_run,
		.stop = context->stop,
		.say = say,
	};

	if (geteuid() && !options->dry_run)
		return err_set(err, ERR_USAGE, 0, "this is root's to do: sudo glrotate setup");
	if (setup.places.policy[0] != '/')
		return err_set(err, ERR_USAGE, 0,
			"--policy: expected an absolute path, not '%s'", setup.places.policy);
	return setup_do(&setup, context->diags, exit_code, err);
}
