/* completion.c: writes what a shell completes `glrotate` with, from the tables of verbs and options: completion bash|zsh|fish.
 * Run when the program is built; not installed. Touches stdout. */
#include <stdio.h>
#include <string.h>

#include "verb/options.h"
#include "verb/verbs.h"

/* The journal knows every token that was ever adopted. Who may not read it completes none. `user` is --user where the line has it. */
#define TOKENS(user)                                                                           \
	"glrotate " user " status --all --raw --noheadings --output TOKEN 2>/dev/null"

typedef void print_option(const struct verb *verb, const struct option_words *words);

static unsigned
allowed(const struct verb *verb)
{
	return OPTION_COMMON | (verb ? verb->allows | verb->milder_allows : 0);
}

/* Every option of the verb; of no verb the common ones. */
static void
each_option(const struct verb *verb, print_option *print)
{
	struct option_words words;
	bool is_allowed;

	for (size_t i = 0; options_words(i, allowed(verb), &is_allowed, &words); i++)
		if (is_allowed)
			print(verb, &words);
}

static bool
takes_file(const struct option_words *words)
{
	return !strcmp(words->argument, " FILE") || !strcmp(words->argument, " DIR");
}

/* Within '…' of all three shells. */
static void
print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

/* --- bash --- */

static void
bash_option(const struct verb *verb, const struct option_words *words)
{
	(void)verb;
	printf(" --%s", words->name);
}

static void
bash(void)
{
	puts("_glrotate() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i words user=\n"
	     "\t# An address has colons, at which readline would cut it.\n"
	     "\tdeclare -F _get_comp_words_by_ref >/dev/null && _get_comp_words_by_ref -n : -c word -p before\n"
	     "\tcase $before in\n"
	     "\t--policy) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
	     "\t--state) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
	     "\tesac\n"
	     "\t[[ \" ${COMP_WORDS[*]} \" != *' --user '* ]] || user=--user\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in");
	fputs("\t\thelp", stdout);
	for (size_t i = 0; i < VERB_COUNT; i++)
		printf("|%s", verbs[i].name);
	puts(") verb=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $verb in");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		printf("\t%s) words='", verbs[i].name);
		each_option(&verbs[i], bash_option);
		puts("' ;;");
	}
	fputs("\t*) words='help", stdout);
	for (size_t i = 0; i < VERB_COUNT; i++)
		printf(" %s", verbs[i].name);
	each_option(NULL, bash_option);
	puts("' ;;\n\tesac\n\tcase $verb in");
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (verbs[i].most_tokens)
			printf("\t%s) [[ $word = -* ]] || words=$(" TOKENS("$user") ") ;;\n",
				verbs[i].name);
	puts("\tesac\n"
	     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	     "\tdeclare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions \"$word\"\n"
	     "}\n"
	     "complete -F _glrotate glrotate");
}

/* --- zsh --- */

/* In a specification these separate. */
static void
zsh_text(const char *text)
{
	for (; *text; text++) {
		if (strchr(":[]", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

static void
zsh_option(const struct verb *verb, const struct option_words *words)
{
	(void)verb;
	printf(" \\\n\t\t\t'--%s[", words->name);
	zsh_text(words->help);
	putchar(']');
	if (*words->argument)
		printf(":%s:%s", words->argument + 1, takes_file(words) ? "_files" : "");
	putchar('\'');
}

#define ZSH_TOKENS TOKENS("${(M)${(z)BUFFER}:#--user}")

static void
zsh(void)
{
	puts("#compdef glrotate\n"
	     "_glrotate_tokens() {\n"
	     "\tlocal -a tokens\n"
	     "\ttokens=(${(f)\"$(" ZSH_TOKENS ")\"})\n"
	     "\tcompadd -a tokens\n"
	     "}\n"
	     "_glrotate() {\n"
	     "\tlocal state line\n"
	     "\t_arguments -C '1: :->verb' '*:: :->rest'\n"
	     "\tcase $state in\n"
	     "\tverb)\n"
	     "\t\tlocal -a verbs=(");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		printf("\t\t\t'%s:", verbs[i].name);
		zsh_text(verbs[i].summary);
		puts("'");
	}
	puts("\t\t\t'help:what a verb does'\n"
	     "\t\t)\n"
	     "\t\t_describe verb verbs ;;\n"
	     "\trest)\n"
	     "\t\tcase $words[1] in");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		printf("\t\t%s) _arguments", verbs[i].name);
		each_option(&verbs[i], zsh_option);
		if (verbs[i].most_tokens)
			printf(" \\\n\t\t\t'*:TOKEN:_glrotate_tokens'");
		puts(" ;;");
	}
	puts("\t\tesac ;;\n\tesac\n}\n_glrotate \"$@\"");
}

/* --- fish --- */

static void
fish_option(const struct verb *verb, const struct option_words *words)
{
	fputs("complete -c glrotate", stdout);
	if (verb)
		printf(" -n '__fish_seen_subcommand_from %s'", verb->name);
	printf(" -l %s", words->name);
	if (words->letter)
		printf(" -s %c", words->letter);
	if (*words->argument)
		fputs(takes_file(words) ? " -rF" : " -x", stdout);
	fputs(" -d '", stdout);
	print_quoted(words->help);
	puts("'");
}

static void
fish(void)
{
	puts("complete -c glrotate -f");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		printf("complete -c glrotate -n __fish_use_subcommand -a %s -d '",
			verbs[i].name);
		print_quoted(verbs[i].summary);
		puts("'");
		each_option(&verbs[i], fish_option);
		if (verbs[i].most_tokens)
			printf("complete -c glrotate -n '__fish_seen_subcommand_from %s' -a '(" TOKENS(
				       "(commandline -opc | string match -- --user)") ")'\n",
				verbs[i].name);
	}
	puts("complete -c glrotate -n __fish_use_subcommand -a help -d 'what a verb does'");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(shells); i++)
		if (!strcmp(argv[1], shells[i].name)) {
			shells[i].print();
			return ferror(stdout) || fflush(stdout) ? 1 : 0;
		}
	fputs("usage: completion bash|zsh|fish\n", stderr);
	return 2;
}
