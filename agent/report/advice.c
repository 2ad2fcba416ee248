#include "report/advice.h"

#include <string.h>

#include "base/checks.h"
#include "base/when.h"

/* What is said where a condition has no code of its own. */
static const struct advice_text plain = {
	0,
	"glrotate cannot go on by itself",
	"the present secret, where it was delivered",
	"see what happened",
	"glrotate status --failed",
	"what is not mended stays so until its token dies",
	"",
};

#define LABEL "%-15s"

static void
print_happened(const struct trouble *trouble, const struct advice_text *text, int64_t now,
	FILE *stream)
{
	char since[WHEN_TEXT_BYTES], ago[WHEN_TEXT_BYTES];

	fprintf(stream, LABEL "%s%s%s", "What happened:", trouble->address,
		*trouble->address ? ": " : "", text->headline);
	if (trouble->since > 0)
		fprintf(stream, ", since %s (%s)", moment_text(trouble->since, since),
			ago_text(now - trouble->since, ago));
	fputc('\n', stream);
}

static void
print_works(const struct trouble *trouble, const struct advice_text *text, int64_t now,
	FILE *stream)
{
	char until[WHEN_TEXT_BYTES], ago[WHEN_TEXT_BYTES];

	fprintf(stream, LABEL "%s", "Still works:", text->works);
	if (!text->is_dead && trouble->works_until != NO_MOMENT)
		fprintf(stream, "; until %s (%s)", moment_text(trouble->works_until, until),
			ago_text(now - trouble->works_until, ago));
	fputc('\n', stream);
}

/* GitLab lets people name a token $(reboot), and the line is there to be pasted. */
static void
print_word(const char *word, FILE *stream)
{
	if (text_is_made_of(word, "_./:@%+,=-")) {
		fputs(word, stream);
		return;
	}
	fputc('\'', stream);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stream);
		else
			fputc(*word, stream);
	fputc('\'', stream);
}

/* Puts the address in the place of `{token}`; what is on a line of its own stays below the first. */
static void
print_action(const char *action, const char *address, FILE *stream)
{
	fprintf(stream, LABEL, "What to do:");
	while (*action) {
		if (strncmp(action, ADVICE_TOKEN, strlen(ADVICE_TOKEN)) == 0) {
			print_word(*address ? address : "TOKEN", stream);
			action += strlen(ADVICE_TOKEN);
			continue;
		}
		fputc(*action, stream);
		if (*action++ == '\n')
			fprintf(stream, LABEL, "");
	}
	fputc('\n', stream);
}

void
advice_print(const struct trouble *trouble, int64_t now, FILE *stream)
{
	advice_print_as(advice_of(trouble->advice), trouble, now, stream);
}

void
advice_print_as(const struct advice_text *text, const struct trouble *trouble, int64_t now,
	FILE *stream)
{
	if (!text)
		text = &plain;
	print_happened(trouble, text, now, stream);
	print_works(trouble, text, now, stream);
	if (*trouble->text)
		fprintf(stream, LABEL "%s (%s)\n", "Why:", text->why, trouble->text);
	else
		fprintf(stream, LABEL "%s\n", "Why:", text->why);
	print_action(text->action, trouble->address, stream);
	fprintf(stream, LABEL "%s\n", "Risk:", text->risk);
	if (text->advice)
		fprintf(stream, LABEL "man 7 glrotate-recovery, GLR-%d\n",
			"More:", text->advice);
	else
		fprintf(stream, LABEL "man 7 glrotate-recovery\n", "More:");
}
