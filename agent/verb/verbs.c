#include "verb/verbs.h"

#include "verb/options.h"

#define READS (NEED_POLICY | NEED_JOURNAL_COPY | NEED_GITLAB)
#define OF_PLAN                                                                                \
	(OPTION_TABLE | OPTION_SELECT | OPTION_STATE | OPTION_ALL | OPTION_AT | OPTION_LIMIT)
#define MANY SIZE_MAX
#define FLAG(member) offsetof(struct options, member)

/* clang-format off */
const struct verb verbs[VERB_COUNT] = {
	{ "check", verb_check, NEED_POLICY_IF_VALID | NEED_JOURNAL_COPY | NEED_GITLAB,
	  OPTION_JSON | OPTION_OFFLINE, 0, 0, false, FLAG(offline), verb_check, NEED_POLICY_IF_VALID, 0,
	  "[--offline]", "is the policy valid; do our rights suffice; changes nothing",
	  "Reads the policy, then asks GitLab who we are and whether our credential may do\n"
	  "what the policy asks for: a line for each owner, token and destination, `ok` or\n"
	  "`FAIL` with the reason.\n" },
	{ "plan", verb_plan, READS, OF_PLAN, 0, MANY, false, 0, NULL, 0, 0,
	  "[--at DATE] [--all] [TOKEN…]", "what is due, when, why; what dies with it",
	  "Lists what a run would do now, and what needs a person; then for each of these\n"
	  "tokens when and why it is due, when it dies, when it was last used, and what\n"
	  "would change at its destinations. Changes nothing.\n" },
	{ "run", verb_run, NEED_POLICY_IF_VALID | NEED_JOURNAL | NEED_GITLAB,
	  OPTION_LIMIT | OPTION_DRY_RUN, 0, 0, false, FLAG(dry_run), verb_plan, READS, OF_PLAN,
	  "[--limit N] [--dry-run]", "do it: the timer's verb; silent when nothing is due",
	  "Finishes what is open, adopts tokens that the policy names, rotates what is due,\n"
	  "delivers and verifies. What is begun is finished also under a broken policy;\n"
	  "nothing new starts then. With --dry-run all options of plan hold.\n" },
	{ "status", verb_status, NEED_POLICY_IF_VALID | NEED_JOURNAL_COPY,
	  OPTION_TABLE | OPTION_SELECT | OPTION_STATE | OPTION_ALL | OPTION_HEALTH, 0, MANY, false, 0, NULL, 0, 0,
	  "[--all] [TOKEN…]", "how things stand, by the journal alone",
	  "What needs a person, is unfinished, was released, or falls due within a week.\n"
	  "Asks nobody and holds up no run. Exit code 3 when a person is needed, 1 when\n"
	  "something is unfinished, or with --health when the last good run is too old.\n" },
	{ "explain", verb_explain, READS, 0, 1, 1, false, 0, NULL, 0, 0,
	  "TOKEN", "one token: its due date as a sum, destinations, last events",
	  "Everything about one token. When GitLab cannot be read, what the journal\n"
	  "remembers of it.\n" },
	{ "rotate", verb_rotate, NEED_POLICY | NEED_JOURNAL | NEED_GITLAB,
	  OPTION_YES | OPTION_SELECT, 1, MANY, true, 0, NULL, 0, 0,
	  "TOKEN… --reason TEXT", "rotate these now, and deliver",
	  "Rotates the tokens although they are not due, takes over one that somebody else\n"
	  "rotated, or made in the place of a dead one. The old secret dies at once. A\n"
	  "pattern that means several tokens asks first.\n" },
	{ "alert", verb_alert, NEED_POLICY | NEED_JOURNAL_COPY,
	  OPTION_JSON | OPTION_TEST, 0, 0, false, FLAG(test), verb_alert,
	  NEED_POLICY | NEED_JOURNAL_COPY | NEED_GITLAB, 0,
	  "[--test]", "who was told what; what the next run would tell",
	  "For each alert of the policy which conditions are open, when they were told, and\n"
	  "what the end of a run would tell now. Sends nothing. With --test a message goes\n"
	  "to each of them: a line each, `ok` or `FAIL` with the reason.\n" },
	{ "pause", verb_pause, NEED_POLICY_IF_VALID | NEED_JOURNAL,
	  OPTION_TABLE | OPTION_SELECT | OPTION_ALL | OPTION_UNTIL, 0, MANY, false,
	  FLAG(asks), verb_pauses, NEED_POLICY_IF_VALID | NEED_JOURNAL_COPY, OPTION_TABLE,
	  "[TOKEN… | --all] --until DATE --reason TEXT", "begin nothing new for these until that day",
	  "What was begun is finished; what would die within the pause is named. A pattern\n"
	  "stays one: it means later tokens too. rotate TOKEN goes through. Without TOKEN:\n"
	  "what is paused. A file FREEZE beside the policy pauses all as long as it exists.\n" },
	{ "resume", verb_resume, NEED_POLICY_IF_VALID | NEED_JOURNAL,
	  OPTION_SELECT | OPTION_ALL, 0, MANY, false, 0, NULL, 0, 0,
	  "[TOKEN… | --all]", "end their pauses",
	  "Ends the pauses of these tokens, and of patterns written as they were paused.\n" },
	{ "history", verb_history, NEED_JOURNAL_COPY,
	  OPTION_TABLE | OPTION_LIMIT | OPTION_VERIFY, 0, 1, false, 0, NULL, 0, 0,
	  "[TOKEN] [--verify]", "the events, newest last",
	  "Who did what, when and why: of one token, or of all. --verify proves that no\n"
	  "event was changed; the head that it prints is the one that the last run logged.\n" },
	{ "setup", verb_setup, 0, OPTION_URL | OPTION_DRY_RUN, 0, 0, false, 0, NULL, 0, 0,
	  "[--user] [--url URL] [--dry-run]", "once: credential, sandbox, timer; as root, or with --user",
	  "Checks the policy, or writes a minimal one; asks for the GitLab token (without a\n"
	  "terminal: reads standard input), proves it and keeps it encrypted; writes the\n"
	  "drop-in that the destinations need; runs check as the service would; starts the\n"
	  "timer. Done again it changes what is not yet as it should be. With --user all\n"
	  "of it for yourself, without root: the token in a file beside the policy, the\n"
	  "timer of your user manager, and lingering, which keeps it while you are away.\n" },
	{ "selftest", verb_selftest, READS, OPTION_IN | OPTION_JSON, 0, 0, false, 0, NULL, 0, 0,
	  "--in PROJECT [--json]", "a whole rotation, with a token made for it",
	  "Makes a token that lives two days and a masked variable in that project,\n"
	  "rotates, delivers, proves, and clears away both; a line each, `ok` or `FAIL`\n"
	  "with the right that is missing. What a killed selftest left there is cleared\n"
	  "away first.\n" },
};
/* clang-format on */
