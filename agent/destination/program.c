#include "destination/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/blot.h"
#include "base/checks.h"
#include "base/source.h"
#include "base/when.h"

#define FACTS_MOST 8
/* An error's text holds more than what a program says. */
#define SAID_MOST_BYTES 240

/* --- what it is told --- */

struct environment {
	struct arena *arena;
	const char **all;
	size_t count;
};

static void
tell(struct environment *environment, const char *name, const char *value)
{
	if (value)
		environment->all[environment->count++] =
			arena_format(environment->arena, "GLROTATE_%s=%s", name, value);
}

static void
tell_number(struct environment *environment, const char *name, int64_t number)
{
	if (number > 0)
		tell(environment, name, arena_format(environment->arena, "%" PRId64, number));
}

static void
tell_of_token(struct environment *environment, const struct delivered *delivered)
{
	char date[WHEN_TEXT_BYTES];

	tell(environment, "TOKEN", delivered->address);
	tell_number(environment, "TOKEN_ID", delivered->token_id);
	if (delivered->expires_on != NO_DATE)
		tell(environment, "EXPIRES", date_text(delivered->expires_on, date));
	tell(environment, "USERNAME", delivered->username);
}

static const char *const *
environment_of(const struct destination_tools *tools, const struct program *program)
{
	struct environment environment = { .arena = tools->arena };
	char text[STAMP_TEXT_BYTES];
	size_t more = 0;

	while (program->facts && program->facts[more])
		more++;
	environment.all =
		arena_alloc(tools->arena, (FACTS_MOST + more) * sizeof(*environment.all));
	tell(&environment, "STEP", program->step);
	if (tools->delivered)
		tell_of_token(&environment, tools->delivered);
	if (program->stamp && program->stamp->generation) {
		tell_number(&environment, "GENERATION", program->stamp->generation);
		tell(&environment, "STAMP", stamp_text(program->stamp, text));
	}
	for (size_t i = 0; i < more; i++)
		environment.all[environment.count++] = program->facts[i];
	return environment.all;
}

/* --- what it said --- */

static bool
is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

/* Where the last two lines begin that say something; line ends become bars. */
static char *
last_lines(char *text)
{
	char *line;
	int lines = 0;

	while ((line = strrchr(text, '\n')) && is_blank(line))
		*line = '\0';
	while ((line = strrchr(text, '\n'))) {
		if (++lines == 2)
			return line + 1;
		*line = '|';
	}
	return text;
}

/* What a program says may hold what it was given: see blot.h. ": WORDS", or nothing. */
static void
what_it_said(const struct program *program, const struct child_end *end, char *said)
{
	const struct secret *text = secret_length(end->complaint) || program->output_is_secret
	                                    ? end->complaint
	                                    : end->output;
	char clean[BLOT_TEXT_BYTES];
	const char *lines;

	blot(text, program->secret ? program->secret : program->input,
		secret_length(text) == CHILD_OUTPUT_MAX_BYTES, clean);
	lines = last_lines(clean);
	*said = '\0';
	if (!is_blank(lines))
		snprintf(said, SAID_MOST_BYTES, ": %.*s", SAID_MOST_BYTES - 3, lines);
	source_clean(NULL, said);
}

/* --- how it ended --- */

/* A program that crashes does so again; one that somebody ended need not. */
static bool
was_ended_by_somebody(int number)
{
	return number == SIGTERM || number == SIGKILL || number == SIGINT || number == SIGHUP;
}

static bool
judge(const struct program *program, const struct child_end *end, struct err *err)
{
	const char *name = program->argv[0];
	char said[SAID_MOST_BYTES];

	if (!end->timed_out && !end->signal && !end->exit_code)
		return true;
	what_it_said(program, end, said);
	if (end->timed_out)
		return err_set(err, ERR_LATER, 0,
			"'%s' did not end within %.3g s and was killed%s", name,
			(double)program->timeout_msec / 1000, said);
	if (end->signal)
		return err_set(err,
			was_ended_by_somebody(end->signal) ? ERR_LATER : ERR_REFUSED, 0,
			"'%s' was ended by signal %d%s", name, end->signal, said);
	return err_set(err, end->exit_code == PROGRAM_LATER ? ERR_LATER : ERR_REFUSED, 0,
		"'%s' ended with exit code %d%s", name, end->exit_code, said);
}

bool
program_run(const struct destination_tools *tools, const struct program *program,
	struct child_end *end, struct err *err)
{
	const struct child child = { .argv = program->argv,
		.environment = environment_of(tools, program),
		.input = program->input,
		.timeout_msec = program->timeout_msec };

	return child_run(&child, end, err) && judge(program, end, err);
}

/* --- what a policy may say --- */

#define WORDS_MOST 64

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* In PATH somebody could put another one of that name before it. */
static bool
check_program(const char *program, struct err *err)
{
	if (program[0] != '/' || !path_is_clean(program + 1) || strpbrk(program, "{} "))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no absolute path of a program; arguments stand by themselves, as in "
			"{ run: [/usr/local/bin/put-secret, production] }",
			program);
	return true;
}

static bool
check_argument(const char *said, const char *filled, struct err *err)
{
	if (has_control(filled) || strlen(filled) > WORD_MOST_BYTES)
		return err_set(err, ERR_POLICY, 0,
			"an argument has control characters or more than %d bytes",
			WORD_MOST_BYTES);
	if (said[0] == '{' && filled[0] == '-')
		return err_set(err, ERR_POLICY, 0,
			"the argument '%s' is '%s' here, which programs take for an option",
			said, filled);
	return true;
}

bool
program_fill(const struct texts *run, const struct expansion *expansion, struct texts *filled,
	struct err *err)
{
	struct texts draft = { .count = run->count };

	if (!run->count || run->count > WORDS_MOST)
		return err_set(err, ERR_POLICY, 0,
			"a command has a program and at most %d arguments", WORDS_MOST - 1);
	if (!check_program(run->items[0], err))
		return false;
	draft.items = arena_alloc(expansion->arena, run->count * sizeof(*draft.items));
	draft.items[0] = run->items[0];
	for (size_t i = 0; i < run->count; i++)
		if ((i && !template_fill(run->items[i], expansion->token, expansion->arena,
				  &draft.items[i], err)) ||
			!check_argument(run->items[i], draft.items[i], err))
			return false;
	*filled = draft;
	return true;
}

const char *
program_text(const struct texts *run, struct arena *arena)
{
	const char *text = run->items[0];

	for (size_t i = 1; i < run->count; i++)
		text = arena_format(arena, "%s %s", text, run->items[i]);
	return text;
}
