/* setup_probe: `glrotate setup` with all its places in one folder: setup_probe FOLDER PROGRAM SERVICE|- [--dry-run] [--url URL].
 * What it starts is looked up in PATH. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "flow/outcome.h"
#include "flow/setup.h"

static volatile int stop;

static void
say(const char *about, const char *text)
{
	printf("%s: %s\n", about, text);
	fflush(stdout);
}

static int
set_up(const struct setup *setup)
{
	auto_diags struct diags *diags = diags_new();
	struct err err;
	int code;

	if (secret_start(&err) && http_start(&err) && setup_do(setup, diags, &code, &err))
		return code;
	fprintf(stderr, "setup_probe: %s\n", err.text);
	if (err.advice)
		fprintf(stderr, "GLR-%d\n", (int)err.advice);
	return outcome_exit_for(&err);
}

int
main(int argc, char **argv)
{
	auto_arena struct arena *arena = arena_new();
	struct setup setup = { .stop = &stop, .say = say };

	if (argc < 4)
		return 2;
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	log_start(LOG_LEVEL_NOTICE);
	json_start();
	setup.places = (struct setup_places){
		.policy = arena_format(arena, "%s/etc/glrotate.yaml", argv[1]),
		.credstore = arena_format(arena, "%s/credstore", argv[1]),
		.units = arena_format(arena, "%s/units", argv[1]),
		.state = arena_format(arena, "%s/state", argv[1]),
		.prefix = "glrotate",
		.program = argv[2],
		.service = strcmp(argv[3], "-") ? argv[3] : NULL,
		.timer = "glrotate.timer",
		.credential = strcmp(argv[3], "-")
		                      ? "gitlab-token"
		                      : arena_format(arena, "%s/etc/gitlab-token", argv[1]),
	};
	for (int i = 4; i < argc; i++) {
		if (!strcmp(argv[i], "--dry-run"))
			setup.dry_run = true;
		else if (!strcmp(argv[i], "--url") && i + 1 < argc)
			setup.url = argv[++i];
	}
	return set_up(&setup);
}
