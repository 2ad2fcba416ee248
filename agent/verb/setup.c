/* setup: what an administrator has done once on a machine, or with --user a person for themselves. Says what it does, a line each. */
#include "flow/setup.h"

#include <grp.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "verb/by_hand.h"
#include "verb/user.h"
#include "verb/verb.h"

#define POLICY BY_HAND_FOLDER "/glrotate.yaml"
#define TOKEN_NAME "gitlab-token"

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

static const char *
timer_of(const char *service, struct arena *arena)
{
	return arena_format(
		arena, "%.*s.timer", (int)(strrchr(service, '.') - service), service);
}

static const char *
folder_of(const char *policy, struct arena *arena)
{
	return arena_text_n(arena, policy, (size_t)(strrchr(policy, '/') - policy));
}

static struct setup_places
places_of_root(const char *policy, struct arena *arena)
{
	struct setup_places places = {
		.policy = policy,
		.credstore = "/etc/credstore.encrypted",
		.units = "/etc/systemd/system",
		.program = "/proc/self/exe",
	};
	const char *instance = "",
		   *unit = by_hand_unit(BY_HAND_FOLDER, policy, arena, &instance);
	const char *name =
		!unit || !*instance ? "glrotate" : arena_format(arena, "glrotate-%s", instance);

	places.prefix = name;
	places.state = arena_format(arena, "/var/lib/%s", name);
	if (unit && by_hand_is_installed(unit, arena)) {
		places.service = unit;
		places.timer = timer_of(unit, arena);
	}
	places.credential = places.service ? TOKEN_NAME
	                                   : arena_format(arena, "%s/" TOKEN_NAME,
						     folder_of(policy, arena));
	return places;
}

/* --- of a person --- */

static const char *
group_name(struct arena *arena)
{
	const struct group *group = getgrgid(getegid());

	return arena_text(arena, group ? group->gr_name : "");
}

/* A timer has cron's line where it has no unit: by a path that holds there too. */
static const char *
program_path(struct arena *arena)
{
	char path[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

	return length <= 0 || (size_t)length == sizeof(path)
	               ? "/proc/self/exe"
	               : arena_text_n(arena, path, (size_t)length);
}

static bool
places_of_person(const struct context *context, const struct options *options,
	struct setup_places *places, struct err *err)
{
	struct arena *arena = context->arena;
	struct user_places mine;

	if (!user_places(options->policy, arena, &mine, err))
		return false;
	if (strcmp(options->state, mine.state) != 0)
		return err_set(err, ERR_USAGE, 0,
			"--state: a service keeps its state in %s; another one is for calls by hand",
			mine.state);
	*places = (struct setup_places){
		.policy = mine.policy,
		.units = mine.units,
		.state = mine.state,
		.program = program_path(arena),
		.user = user_name(arena),
		.group = group_name(arena),
		.credential =
			arena_format(arena, "%s/%s%s" TOKEN_NAME, folder_of(mine.policy, arena),
				mine.instance, *mine.instance ? "." : ""),
	};
	/* As the unit has it: below the home that systemd knows. */
	if (strcmp(mine.state, arena_format(arena, "%s/.local/state/%s", user_home(arena),
				       strrchr(mine.state, '/') + 1)) != 0)
		places->writable = mine.state;
	if (!user_manager(&mine, options->dry_run ? NULL : context->stop, arena,
		    &places->absent, err))
		return false;
	/* Their folder is there since their manager is. */
	places->environment = user_environment(arena);
	if (!places->absent && mine.unit && user_has_unit(mine.unit, arena)) {
		places->service = mine.unit;
		places->timer = timer_of(mine.unit, arena);
	}
	return true;
}

bool
verb_setup(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	const char *policy = options->policy ? options->policy : POLICY;
	struct setup setup = {
		.url = options->url,
		.dry_run = options->dry_run,
		.stop = context->stop,
		.say = say,
	};

	if (geteuid() && !options->dry_run && !options->user)
		return err_set(err, ERR_USAGE, 0,
			"this is root's to do: sudo glrotate setup; without root: glrotate setup --user");
	if (policy[0] != '/')
		return err_set(err, ERR_USAGE, 0,
			"--policy: expected an absolute path, not '%s'", policy);
	if (!options->user)
		setup.places = places_of_root(policy, context->arena);
	else if (!places_of_person(context, options, &setup.places, err))
		return false;
	return setup_do(&setup, context->diags, exit_code, err);
}
