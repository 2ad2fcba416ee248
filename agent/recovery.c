/* Builds glrotate-recovery(7): its head, with a section for each condition out of the table that the program speaks from.
 * Run by the build as `recovery HEAD.scd`; never installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/advice.h"

#define CONDITIONS "@CONDITIONS@\n"

/* scdoc takes these for markup. */
static void
put_escaped(char character)
{
	if (strchr("*_\\", character))
		putchar('\\');
	putchar(character);
}

static void
put_sentence(const char *text)
{
	const size_t length = strlen(text);

	if (!length)
		return;
	put_escaped(text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0]);
	for (size_t i = 1; i < length; i++)
		put_escaped(text[i]);
	if (text[length - 1] != '.')
		putchar('.');
}

static void
put_labelled(const char *label, const char *text)
{
	printf("*%s:* ", label);
	put_sentence(text);
	fputs("\n\n", stdout);
}

/* Lines to paste stand as they do on the terminal. */
static void
put_action(const char *action)
{
	fputs("*What to do:*\n\n```\n", stdout);
	while (*action) {
		if (!strncmp(action, ADVICE_TOKEN, strlen(ADVICE_TOKEN))) {
			fputs("TOKEN", stdout);
			action += strlen(ADVICE_TOKEN);
			continue;
		}
		putchar(*action++);
	}
	fputs("\n```\n\n", stdout);
}

static void
put_section(const struct advice_text *text)
{
	printf("# GLR-%d: ", text->advice);
	for (const char *at = text->headline; *at; at++)
		put_escaped(*at);
	fputs("\n\n", stdout);
	put_labelled("Still works", text->works);
	put_labelled("Why", text->why);
	put_action(text->action);
	put_labelled("Risk", text->risk);
	put_labelled("More", text->more);
}

int
main(int argc, char **argv)
{
	auto_stdio FILE *head = argc == 2 ? fopen(argv[1], "r") : NULL;
	auto_free char *line = NULL;
	size_t room = 0;

	if (!head) {
		perror(argc == 2 ? argv[1] : "usage: recovery HEAD.scd");
		return EXIT_FAILURE;
	}
	while (getline(&line, &room, head) > 0) {
		if (strcmp(line, CONDITIONS) != 0) {
			fputs(line, stdout);
			continue;
		}
		for (int code = GLR_DATABASE_DAMAGED; code <= GLR_LAST; code++)
			put_section(advice_of(code));
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
