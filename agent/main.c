/* main.c: the verb table; argv in, exit code out. Opens what a verb's row needs, and no more. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/advice.h"
#include "base/fields.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/when.h"
#include "flow/context.h"
#include "report/advice.h"
#include "report/alert.h"
#include "report/heartbeat.h"
#include "verb/by_hand.h"
#include "verb/options.h"
#include "verb/user.h"
#include "verb/verb.h"
#include "verb/verbs.h"

/* Set by the first SIGTERM or SIGINT; work ends at the next safe point. */
static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* The second signal finds the default action, so that a person who insists gets their way; the journal stands it. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void
print_help(FILE *stream)
{
	fputs("glrotate rotates GitLab tokens when they are due, and delivers the new secrets.\n",
		stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  glrotate %-8s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\nTOKEN is TYPE:OWNER:NAME, a pattern, a unique NAME, or #ID. Every verb knows:\n",
		stream);
	options_help(OPTION_COMMON, stream);
}

static void
print_verb_help(const struct verb *verb)
{
	printf("glrotate %s %s\n%s\n\n%s\n", verb->name, verb->synopsis, verb->summary,
		verb->help);
	options_help(verb->allows, stdout);
	puts("and --policy, --state, --user, --reason, --quiet, --verbose: see glrotate help.\n\n"
	     "Exit codes: 0 all well, 1 unfinished, 2 usage or policy, 3 a person is needed,\n"
	     "4 another run holds the lock, 5 GitLab cannot be reached.");
}

static bool
find_verb(const char *name, const struct verb **verb, struct err *err)
{
	const char *names[VERB_COUNT + 2] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		names[i] = verbs[i].name;
		if (strcmp(name, verbs[i].name) == 0) {
			*verb = &verbs[i];
			return true;
		}
	}
	names[VERB_COUNT] = "help";
	nearest = nearest_word(name, names);
	if (nearest)
		return err_set(err, ERR_USAGE, 0, "there is no verb '%s'; the nearest is '%s'",
			name, nearest);
	return err_set(err, ERR_USAGE, 0, "there is no verb '%s'; see glrotate help", name);
}

static bool
answer_help(const struct command_line *line, int *exit_code, struct err *err)
{
	bool asked = line->verb && strcmp(line->verb, "help") == 0;
	const char *name = !asked                         ? line->verb
	                   : line->options.argument_count ? line->options.arguments[0]
	                                                  : NULL;
	const struct verb *verb;

	*exit_code = 0;
	if (!name) {
		print_help(stdout);
		return true;
	}
	if (!find_verb(name, &verb, err))
		return false;
	print_verb_help(verb);
	return true;
}

static bool
is_milder(const struct verb *verb, const struct options *options)
{
	return verb->milder && *(const bool *)((const char *)options + verb->milder);
}

static bool
do_verb(const struct verb *verb, const struct options *options, int *exit_code, struct err *err)
{
	bool milder = is_milder(verb, options);
	struct context_wish wish = {
		.policy_file = options->policy,
		.state_path = options->state,
		.reason = options->reason,
		.needs = milder ? verb->milder_needs : verb->needs,
		.stop = &stop,
	};
	struct context context = { 0 };
	bool ok;

	if ((wish.needs & NEED_GITLAB) && !secret_is_lockable())
		log_line(LOG_LEVEL_WARNING,
			"secrets cannot be locked into memory and may come to stand in swap: "
			"RLIMIT_MEMLOCK is too small (LimitMEMLOCK=, ulimit -l)");
	ok = context_open(&wish, &context, err);
	if (ok) {
		notify_ready();
		ok = (milder ? verb->milder_does : verb->does)(
			&context, options, exit_code, err);
		notify_stopping();
	} else if (verb->does == verb_run && !milder) {
		alert_unopened(&context, err);
		heartbeat_beat(&context, outcome_exit_for(err));
	}
	context_close(&context);
	return ok;
}

/* Before anything is opened. */
static bool
check_arguments(const struct verb *verb, const struct options *options, struct err *err)
{
	if (options->argument_count > verb->most_tokens)
		return err_set(err, ERR_USAGE, 0, "glrotate %s takes no '%s'", verb->name,
			options->arguments[verb->most_tokens]);
	if (options->argument_count < verb->least_tokens)
		return err_set(err, ERR_USAGE, 0, "which token? glrotate %s %s", verb->name,
			verb->synopsis);
	if (verb->wants_reason && (!options->reason || !*options->reason))
		return err_set(
			err, ERR_USAGE, 0, "why? glrotate %s %s", verb->name, verb->synopsis);
	return true;
}

static bool
answer(struct command_line *line, int argc, char **argv, int *exit_code, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	const struct verb *verb;
	unsigned allows;

	if (line->version) {
		puts("glrotate " GLROTATE_VERSION);
		*exit_code = 0;
		return true;
	}
	if (line->help || (line->verb && strcmp(line->verb, "help") == 0))
		return answer_help(line, exit_code, err);
	if (!line->verb) {
		print_help(stderr);
		*exit_code = 2;
		return true;
	}
	if (!find_verb(line->verb, &verb, err))
		return false;
	allows = verb->allows | (is_milder(verb, &line->options) ? verb->milder_allows : 0);
	if (!options_allow(line, verb->name, allows, err))
		return false;
	if (!check_arguments(verb, &line->options, err) ||
		!user_enter(&line->options, arena, err))
		return false;
	/* What touches neither GitLab nor the state may be anybody's. */
	if ((is_milder(verb, &line->options) ? verb->milder_needs : verb->needs) &
			~(unsigned)(NEED_POLICY | NEED_POLICY_IF_VALID) &&
		!by_hand_enter(line, argc, argv, err))
		return false;
	return do_verb(verb, &line->options, exit_code, err);
}

/* What kept a verb from answering, on stderr; with the six lines where a person is needed. */
static int
tell(const struct err *err)
{
	const bool credential_alone = err->kind == ERR_CREDENTIAL && !err->advice;
	struct trouble trouble = { .address = "",
		.text = err->text,
		.advice = credential_alone ? GLR_OWN_CREDENTIAL : err->advice,
		.person = true,
		.works_until = NO_MOMENT };

	/* Whoever read the answer has seen enough of it. */
	if (err->code == EPIPE)
		return 1;
	log_line(LOG_LEVEL_ERROR, "glrotate: %s", err->text);
	if (outcome_exit_for(err) == 3 || err->advice)
		advice_print(&trouble, time(NULL), stderr);
	return outcome_exit_for(err);
}

/* An answer that did not arrive whole is no answer. */
static int
close_stdout(int exit_code)
{
	bool failed = ferror(stdout) || fflush(stdout) != 0;
	bool was_left = failed && errno == EPIPE;

	/* Closed from the beginning is no failure for a verb that had nothing to say. */
	if (fclose(stdout) != 0 && errno != EBADF)
		failed = true;
	if (!failed)
		return exit_code;
	if (!was_left)
		log_line(LOG_LEVEL_ERROR, "glrotate: cannot write the answer to stdout");
	return exit_code ? exit_code : 1;
}

int
main(int argc, char **argv)
{
	struct command_line line = { 0 };
	struct err err;
	int exit_code = 3;
	bool ok;

	setlocale(LC_CTYPE, "");
	ok = process_start(&err);
	catch_signals();
	ok = ok && options_parse(argc, argv, &line, &err);
	log_start(line.options.quiet     ? LOG_LEVEL_WARNING
		  : line.options.verbose ? LOG_LEVEL_DEBUG
					 : LOG_LEVEL_NOTICE);
	if (ok) {
		ok = secret_start(&err);
		json_start();
		ok = ok && http_start(&err) && answer(&line, argc, argv, &exit_code, &err);
	}
	if (!ok)
		exit_code = tell(&err);
	return close_stdout(exit_code);
}
