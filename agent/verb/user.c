#include "verb/user.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "verb/by_hand.h"

/* For a manager that was asked to start. */
#define START_MSEC 10000
#define PAUSE_MSEC 100

/* --- the folders --- */

/* Of ours, or of what systemctl show-environment prints. */
struct environment {
	const char *listing; /* NULL: ours */
	struct arena *arena;
};

/* NULL: not set, or set to nothing, which is the same. */
static const char *
value_of(const struct environment *environment, const char *name)
{
	const size_t length = strlen(name);
	const char *at = environment->listing;

	if (!at) {
		at = getenv(name);
		return at && *at ? at : NULL;
	}
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, name, length) && at[length] == '=' &&
			strcspn(at, "\n") > length + 1)
			return arena_text_n(environment->arena, at + length + 1,
				strcspn(at, "\n") - length - 1);
	return NULL;
}

/* One slash where there are several, and none at the end: units are told apart by the text of these. */
static const char *
squeezed(const char *path, struct arena *arena)
{
	char *text = arena_text(arena, path), *to = text;

	for (const char *from = path; *from; from++)
		if (*from != '/' || (from[1] && from[1] != '/'))
			*to++ = *from;
	*to = '\0';
	return text;
}

static bool
base_of(const struct environment *environment, const char *variable, const char *below_home,
	const char **base, struct err *err)
{
	const char *given = value_of(environment, variable);
	const char *home = value_of(environment, "HOME");

	if (given && given[0] != '/')
		return err_set(err, ERR_USAGE, 0,
			"--user: $%s is '%s', which is no absolute path", variable, given);
	if (!given && !home)
		return err_set(err, ERR_USAGE, 0,
			"--user: where is your home? Neither $%s nor $HOME is set", variable);
	if (!given && home[0] != '/')
		return err_set(err, ERR_USAGE, 0,
			"--user: $HOME is '%s', which is no absolute path", home);
	*base = squeezed(
		given ? given : arena_format(environment->arena, "%s/%s", home, below_home),
		environment->arena);
	return true;
}

static bool
places_in(const struct environment *environment, const char *policy, struct user_places *places,
	struct err *err)
{
	struct arena *arena = environment->arena;
	struct user_places draft = { .instance = "" };
	const char *config, *state;

	if (!base_of(environment, "XDG_CONFIG_HOME", ".config", &config, err) ||
		!base_of(environment, "XDG_STATE_HOME", ".local/state", &state, err))
		return false;
	draft.folder = arena_format(arena, "%s/glrotate", config);
	draft.units = arena_format(arena, "%s/systemd/user", config);
	draft.policy = policy ? squeezed(policy, arena)
	                      : arena_format(arena, "%s/glrotate.yaml", draft.folder);
	draft.unit = by_hand_unit(draft.folder, draft.policy, arena, &draft.instance);
	draft.state = arena_format(
		arena, "%s/glrotate%s%s", state, *draft.instance ? "-" : "", draft.instance);
	*places = draft;
	return true;
}

bool
user_places(
	const char *policy, struct arena *arena, struct user_places *places, struct err *err)
{
	return places_in(&(struct environment){ .arena = arena }, policy, places, err);
}

bool
user_enter(struct options *options, struct arena *arena, struct err *err)
{
	struct user_places places;

	if (!options->user)
		return true;
	if (!geteuid())
		return err_set(err, ERR_USAGE, 0,
			"--user is for people without root; root has the system's service: glrotate "
			"without --user");
	if (options->policy && options->state)
		return true;
	if (!user_places(options->policy, arena, &places, err))
		return false;
	options->policy = places.policy;
	if (!options->state)
		options->state = places.state;
	return true;
}

/* --- the person, and their user manager --- */

const char *
user_name(struct arena *arena)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? arena_text(arena, user->pw_name)
	            : arena_format(arena, "%lu", (unsigned long)geteuid());
}

const char *
user_home(struct arena *arena)
{
	const struct passwd *user = getpwuid(geteuid());

	return squeezed(user ? user->pw_dir : "", arena);
}

static bool
is_ours(const char *folder)
{
	struct stat facts;

	return folder && !stat(folder, &facts) && facts.st_uid == geteuid();
}

/* su keeps the caller's, which is no use to whom they became. */
const char *const *
user_environment(struct arena *arena)
{
	const char **all = arena_alloc(arena, 2 * sizeof(*all));
	const char *folder = getenv("XDG_RUNTIME_DIR");

	if (!is_ours(folder))
		folder = arena_format(arena, "/run/user/%lu", (unsigned long)geteuid());
	if (is_ours(folder))
		all[0] = arena_format(arena, "XDG_RUNTIME_DIR=%s", folder);
	return all;
}

bool
user_has_unit(const char *unit, struct arena *arena)
{
	const char *const argv[] = { "systemctl", "--user", "show", "--property=LoadState",
		"--value", unit, NULL };
	const char *state = by_hand_ask(argv, user_environment(arena), arena);

	return state && !strncmp(state, "loaded", strlen("loaded"));
}

static const char *
manager_environment(struct arena *arena)
{
	const char *const argv[] = { "systemctl", "--user", "show-environment", NULL };

	return by_hand_ask(argv, user_environment(arena), arena);
}

/* Who did not log in has none, unless they linger; then one starts at once, but is not waited for by who asks for it. */
static const char *
start_manager(const volatile int *stop, struct arena *arena)
{
	const char *const argv[] = { "loginctl", "--no-ask-password", "enable-linger",
		user_name(arena), NULL };
	const int64_t end = clock_msec() + START_MSEC;
	const char *listing = NULL;

	if (!by_hand_ask(argv, NULL, arena))
		return NULL;
	while (!(listing = manager_environment(arena)) && clock_msec() < end)
		if (!clock_pause(PAUSE_MSEC, stop))
			return NULL;
	return listing;
}

bool
user_manager(const struct user_places *places, const volatile int *stop, struct arena *arena,
	const char **absent, struct err *err)
{
	const char *listing = manager_environment(arena);
	struct environment theirs = { .arena = arena };
	struct user_places meant;

	if (!listing && stop)
		listing = start_manager(stop, arena);
	*absent =
		listing ? NULL
			: arena_format(arena,
				  "no user manager of systemd answers (su and sudo start none: log in as %s, or "
				  "have root say `loginctl enable-linger %s`, and then glrotate setup --user again)",
				  user_name(arena), user_name(arena));
	if (!listing)
		return true;
	theirs.listing = listing;
	if (!places_in(&theirs, places->policy, &meant, err))
		return err_wrap(err, "your user manager");
	if (strcmp(meant.folder, places->folder) != 0 ||
		strcmp(meant.state, places->state) != 0)
		return err_set(err, ERR_USAGE, 0,
			"your user manager means the folders %s and %s, and this shell %s and %s: let "
			"both have the same $XDG_CONFIG_HOME and $XDG_STATE_HOME (environment.d(5))",
			meant.folder, meant.state, places->folder, places->state);
	return true;
}
