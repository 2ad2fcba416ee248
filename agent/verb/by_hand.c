#include "verb/by_hand.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/advice.h"
#include "base/checks.h"
#include "base/child.h"
#include "flow/context.h"

#define POLICY_SUFFIX ".yaml"
#define SYSTEMCTL_MSEC 30000
/* What systemd says when it cannot set them up: systemd.exec(5). */
#define EXIT_CREDENTIALS 243

/* What is the timer's business, or systemd-run's own. */
static const char *const not_ours[] = { "Exec", "Type", "Restart", "SuccessExitStatus",
	"Timeout", "RuntimeMaxSec", "WatchdogSec", "NotifyAccess", "Standard", "Syslog",
	"FileDescriptor" };
/* What a person's terminal and their name are, inside too. */
static const char *const kept_variables[] = { "TERM", "LANG", "LC_ALL", "COLUMNS", "NO_COLOR",
	"SUDO_USER", "SUDO_UID" };

const char *
by_hand_unit(const char *folder, const char *policy, struct arena *arena, const char **instance)
{
	const char *name = policy ? policy : "";
	const size_t before = strlen(folder) + 1, suffix = strlen(POLICY_SUFFIX);
	size_t length = strlen(name);

	if (length <= before + suffix || strncmp(name, folder, before - 1) != 0 ||
		name[before - 1] != '/' || strcmp(name + length - suffix, POLICY_SUFFIX) != 0)
		return NULL;
	name = arena_text_n(arena, name + before, length - before - suffix);
	if (!text_is_made_of(name, "_.:-"))
		return NULL;
	*instance = strcmp(name, "glrotate") ? name : "";
	return **instance ? arena_format(arena, "glrotate@%s.service", name)
	                  : "glrotate.service";
}

/* --- the unit's settings --- */

static bool
makes_context(const char *setting)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (!strncasecmp(setting, not_ours[i], strlen(not_ours[i])))
			return false;
	return strchr(setting, '=') != NULL;
}

/* systemd-run takes a setting as it stands: of what a unit file may abbreviate only the instance occurs in ours. */
static const char *
without_specifiers(const char *text, const char *instance, struct arena *arena)
{
	const char *filled = "", *percent;

	for (; (percent = strchr(text, '%')) && percent[1]; text = percent + 2)
		filled = arena_format(arena, "%s%.*s%s", filled, (int)(percent - text), text,
			percent[1] == 'i' || percent[1] == 'I' ? instance
			: percent[1] == '%'                    ? "%"
					    : arena_text_n(arena, percent, 2));
	return arena_format(arena, "%s%s", filled, text);
}

/* One line with those that it goes on in, without the white space around it. */
static const char *
next_line(const char **at, struct arena *arena)
{
	const char *whole = "";
	bool goes_on;

	do {
		const char *line = *at + strspn(*at, " \t");
		size_t length = strcspn(line, "\n");

		*at = line + length + (line[length] == '\n');
		goes_on = length && line[length - 1] == '\\' && **at;
		while (length && strchr(" \t\r\\", line[length - 1]))
			length--;
		whole = arena_format(
			arena, "%s%s%.*s", whole, *whole ? " " : "", (int)length, line);
	} while (goes_on);
	return whole;
}

const char **
by_hand_settings(const char *unit_text, const char *instance, struct arena *arena)
{
	const char **settings = NULL;
	size_t count = 0, capacity = 0;
	bool in_service = false;

	for (const char *at = unit_text; *at;) {
		const char *line = next_line(&at, arena);

		if (*line == '[')
			in_service = !strcmp(line, "[Service]");
		else if (in_service && *line && !strchr("#;", *line) && makes_context(line)) {
			settings = arena_grow(
				arena, settings, count, &capacity, sizeof(*settings));
			settings[count++] = without_specifiers(line, instance, arena);
		}
	}
	settings = arena_grow(arena, settings, count, &capacity, sizeof(*settings));
	settings[count] = NULL;
	return settings;
}

/* --- going in --- */

static bool
has_systemd(void)
{
	struct stat facts;

	return !lstat("/run/systemd/system", &facts) && S_ISDIR(facts.st_mode);
}

const char *
by_hand_ask(const char *const *argv, const char *const *environment, struct arena *arena)
{
	const struct child child = {
		.argv = argv, .environment = environment, .timeout_msec = SYSTEMCTL_MSEC
	};
	auto_child_end struct child_end end = { 0 };
	const char *text;
	struct err ignored;

	if (!child_run(&child, &end, &ignored) || end.exit_code)
		return NULL;
	/* It was given no secret, and so tells none. */
	text = secret_reveal(end.output);
	return arena_text(arena, text);
}

/* Its text with all drop-ins; NULL when there is no such unit. */
static const char *
read_unit(const char *unit, struct arena *arena)
{
	const char *const argv[] = { "systemctl", "--no-pager", "cat", unit, NULL };

	return by_hand_ask(argv, NULL, arena);
}

bool
by_hand_is_installed(const char *unit, struct arena *arena)
{
	return has_systemd() && read_unit(unit, arena);
}

/* A growing argv. */
struct words {
	struct arena *arena;
	const char **items;
	size_t count, capacity;
};

static void
add(struct words *words, const char *word)
{
	words->items = arena_grow(words->arena, words->items, words->count, &words->capacity,
		sizeof(*words->items));
	words->items[words->count++] = word;
}

/* systemd expands $NAME in the command lines of services, and takes $$ for the sign itself. */
static const char *
as_it_stands(const char *word, struct arena *arena)
{
	const char *text = "", *sign;

	for (; (sign = strchr(word, '$')); word = sign + 1)
		text = arena_format(arena, "%s%.*s$$", text, (int)(sign - word), word);
	return arena_format(arena, "%s%s", text, word);
}

const char **
by_hand_words(const char **settings, int argc, char **argv, struct arena *arena)
{
	const bool on_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct words words = { .arena = arena };
	char program[4096];
	const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	add(&words, "systemd-run");
	add(&words, "--quiet");
	add(&words, "--wait");
	add(&words, "--collect");
	add(&words, on_terminal ? "--pty" : "--pipe");
	add(&words, "--service-type=exec");
	/* The name under which DynamicUser= makes the service's user. */
	add(&words, "--property=User=glrotate");
	for (; *settings; settings++)
		add(&words, arena_format(arena, "--property=%s", *settings));
	for (size_t i = 0; i < ARRAY_SIZE(kept_variables); i++)
		if (getenv(kept_variables[i]))
			add(&words, arena_format(arena, "--setenv=%s", kept_variables[i]));
	/* Only root comes here. */
	add(&words, "--setenv=" CONTEXT_BY_HAND "=root");
	add(&words, "--");
	add(&words, as_it_stands(
			    length > 0 ? arena_text_n(arena, program, (size_t)length) : argv[0],
			    arena));
	for (int i = 1; i < argc; i++)
		add(&words, as_it_stands(argv[i], arena));
	add(&words, NULL);
	return words.items;
}

/* Ends as what ran in our place did, unless that is ours to explain. */
static bool
stand_in(const char *const *words, const char *unit, struct err *err)
{
	int exit_code;

	if (!child_stand_in(words, &exit_code, err))
		return err_wrap(err, "as %s does (--here runs as root)", unit);
	if (exit_code != EXIT_CREDENTIALS)
		exit(exit_code);
	err_set(err, ERR_PERSON, 0, "systemd cannot give %s its credentials", unit);
	return err_advise(err, GLR_CREDENTIALS);
}

bool
by_hand_enter(const struct command_line *line, int argc, char **argv, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	const char *unit, *text, *instance;
	const char **words;

	if (geteuid() || line->here || line->options.state || getenv("STATE_DIRECTORY") ||
		!has_systemd())
		return true;
	unit = by_hand_unit(BY_HAND_FOLDER,
		line->options.policy ? line->options.policy : BY_HAND_FOLDER "/glrotate.yaml",
		arena, &instance);
	text = unit ? read_unit(unit, arena) : NULL;
	if (!text)
		return true;
	words = by_hand_words(by_hand_settings(text, instance, arena), argc, argv, arena);
	return stand_in(words, unit, err);
}
