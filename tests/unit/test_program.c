#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/when.h"
#include "destination/program.h"

#define AGENT "0123456789abcdef0123456789abcdef"
#define SECRET "glpat-a1b2c3d4e5f6g7h8"
/* Ends only what hangs. */
#define LONG_MSEC 60000

static const struct delivered of_a_slot = { .address = "project_deploy:web/shop:slot",
	.token_id = 4711,
	.expires_on = 20000,
	.username = "gitlab+deploy-token-1" };
static const struct stamp stamp = {
	.token_id = 4711, .date = 19000, .generation = 3, .agent = AGENT
};

struct asked {
	const struct delivered *delivered;
	const struct stamp *stamp;
	const char *step;
	const char *const *facts;
	bool with_secret;
	int64_t timeout_msec;
};

static bool
run(const char *script, const struct asked *asked, struct child_end *end, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	auto_secret struct secret *secret = secret_copy(SECRET, strlen(SECRET));
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const struct destination_tools tools = { .arena = arena,
		.delivered = asked->delivered };

	*err = (struct err){ 0 };
	return program_run(&tools,
		&(struct program){ .argv = argv,
			.step = asked->step,
			.stamp = asked->stamp,
			.facts = asked->facts,
			.input = asked->with_secret ? secret : NULL,
			.secret = secret,
			.timeout_msec = asked->timeout_msec ? asked->timeout_msec : LONG_MSEC },
		end, err);
}

static void
a_program_is_told_the_facts_and_given_the_secret(void **state)
{
	static const char *const facts[] = { "GLROTATE_FORMAT=env", NULL };
	auto_child_end struct child_end end = { 0 };
	struct err err;

	(void)state;
	assert_true(run("env | grep ^GLROTATE_ | sort; cat",
		&(struct asked){ .delivered = &of_a_slot,
			.stamp = &stamp,
			.step = "deliver",
			.facts = facts,
			.with_secret = true },
		&end, &err));
	assert_string_equal(secret_reveal(end.output),
		"GLROTATE_EXPIRES=2024-10-04\n"
		"GLROTATE_FORMAT=env\n"
		"GLROTATE_GENERATION=3\n"
		"GLROTATE_STAMP=[glrotate #4711 2022-01-08 g3 " AGENT "]\n"
		"GLROTATE_STEP=deliver\n"
		"GLROTATE_TOKEN=project_deploy:web/shop:slot\n"
		"GLROTATE_TOKEN_ID=4711\n"
		"GLROTATE_USERNAME=gitlab+deploy-token-1\n" SECRET);
}

static void
what_is_not_known_is_not_set(void **state)
{
	static const struct delivered new_one = { .address = "project:a/b:c",
		.expires_on = NO_DATE };
	static const struct stamp none = { 0 };
	auto_child_end struct child_end end = { 0 }, bare = { 0 };
	struct err err;

	(void)state;
	assert_true(run("env | grep ^GLROTATE_; wc -c",
		&(struct asked){ .delivered = &new_one, .stamp = &none }, &end, &err));
	assert_string_equal(secret_reveal(end.output), "GLROTATE_TOKEN=project:a/b:c\n0\n");
	assert_true(run("env | grep -c ^GLROTATE_; :", &(struct asked){ 0 }, &bare, &err));
	assert_string_equal(secret_reveal(bare.output), "0\n");
}

/* clang-format off */
static const struct row {
	const char *what, *script;
	enum err_kind kind;
	const char *text;
} rows[] = {
	{ "it worked",             "echo told; echo woe >&2",                     ERR_NONE,    "" },
	{ "it wants to be asked again", "echo locked >&2; exit 75",               ERR_LATER,
	  "'/bin/sh' ended with exit code 75: locked" },
	{ "it refuses",            "exit 1",                                      ERR_REFUSED,
	  "'/bin/sh' ended with exit code 1" },
	{ "it complains at length", "printf 'a\\nb\\nc\\n\\n' >&2; exit 2",       ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: b|c" },
	{ "it complains to its output", "echo woe; exit 2",                       ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: woe" },
	{ "it paints",             "printf '\\033[31mred\\n' >&2; exit 2",        ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: ?[31mred" },
	{ "it tells the secret",   "echo \"not $(cat)\" >&2; exit 2",             ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: not ***" },
	{ "it tells it in base64", "echo \"not $(base64)\" >&2; exit 2",          ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: not ***" },
	{ "it tells another token", "echo was glpat-00000000000000000000 >&2; exit 2", ERR_REFUSED,
	  "'/bin/sh' ended with exit code 2: was glpat-********************" },
	{ "somebody ended it",     "kill -TERM $$",                               ERR_LATER,
	  "'/bin/sh' was ended by signal 15" },
	{ "it crashed",            "kill -SEGV $$",                               ERR_REFUSED,
	  "'/bin/sh' was ended by signal 11" },
};
/* clang-format on */

static void
how_a_program_ended_says_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_child_end struct child_end end = { 0 };
		struct err err;
		const bool ok =
			run(rows[i].script, &(struct asked){ .with_secret = true }, &end, &err);

		if (ok != !rows[i].kind || err.kind != rows[i].kind ||
			strcmp(err.text, rows[i].text))
			fail_msg("%s: kind %d, '%s'", rows[i].what, err.kind, err.text);
	}
}

static void
a_program_that_hangs_is_asked_again(void **state)
{
	auto_child_end struct child_end end = { 0 };
	struct err err;

	(void)state;
	assert_false(run("echo waiting for the lock >&2; sleep 1000",
		&(struct asked){ .timeout_msec = 500 }, &end, &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_non_null(strstr(err.text, "did not end within 0.5 s and was killed"));
}

static void
a_program_that_is_not_there_is_refused(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const char *const argv[] = { "/nowhere/program", NULL };
	auto_child_end struct child_end end = { 0 };
	struct err err;

	(void)state;
	assert_false(program_run(&(struct destination_tools){ .arena = arena },
		&(struct program){ .argv = argv, .timeout_msec = LONG_MSEC }, &end, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

/* clang-format off */
static const struct folder_row {
	const char *what;
	mode_t mode;
	uid_t owner, owner_of_link;
	const char *text;
} folder_rows[] = {
	{ "nobody else's",                    0755,  0,    0,    NULL },
	{ "a sticky folder",                  01777, 0,    0,    NULL },
	{ "a folder that a group may change", 0775,  0,    0,    "' has mode 0775: others may change it" },
	{ "a folder that all may change",     0777,  0,    0,    "' has mode 0777: others may change it" },
	{ "somebody's folder",                0755,  4711, 0,    "' belongs to user 4711" },
	{ "somebody's sticky folder",         01777, 4711, 0,    "' belongs to user 4711" },
	{ "somebody's link",                  0755,  0,    4711, "' belongs to user 4711" },
};
/* clang-format on */

static void
make_program(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs("#!/bin/sh\necho \"$0\"\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

/* A folder without links on the way to it. */
static const char *
make_folder(struct arena *arena)
{
	const char *temporary = getenv("TMPDIR");
	char given[PATH_MAX / 4], top[PATH_MAX];

	snprintf(given, sizeof(given), "%s/glrotate-XXXXXX", temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(given));
	assert_non_null(realpath(given, top));
	return arena_text(arena, top);
}

static void
check_folder_row(
	const struct folder_row *row, const char *folder, const char *path, const char *link)
{
	auto_arena struct arena *arena = arena_new();
	const char *const paths[] = { path, link };
	struct err err;

	if ((row->owner || row->owner_of_link) && geteuid())
		return;
	assert_int_equal(chmod(folder, row->mode), 0);
	if (!geteuid()) {
		assert_int_equal(chown(folder, row->owner, (gid_t)-1), 0);
		assert_int_equal(lchown(link, row->owner_of_link, (gid_t)-1), 0);
	}
	for (size_t i = row->owner_of_link ? 1 : 0; i < ARRAY_SIZE(paths); i++) {
		auto_child_end struct child_end end = { 0 };
		const char *const argv[] = { paths[i], NULL };
		const bool ok = program_run(&(struct destination_tools){ .arena = arena },
			&(struct program){ .argv = argv, .timeout_msec = LONG_MSEC }, &end,
			&err);

		if (ok == !!row->text || (!ok && !strstr(err.text, row->text)))
			fail_msg("%s: %s: %d, '%s'", row->what, paths[i], ok,
				ok ? "" : err.text);
		if (ok && strncmp(secret_reveal(end.output), path, strlen(path)))
			fail_msg("%s: ran %s", row->what, secret_reveal(end.output));
	}
}

static void
what_others_could_put_in_its_place_is_not_run(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const char *top = make_folder(arena);
	const char *folder = arena_format(arena, "%s/folder", top);
	const char *path = arena_format(arena, "%s/program", folder);
	const char *link = arena_format(arena, "%s/link", top);

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	make_program(path);
	assert_int_equal(symlink("folder/program", link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(folder_rows); i++)
		check_folder_row(&folder_rows[i], folder, path, link);
	assert_int_equal(unlink(link) | unlink(path) | rmdir(folder) | rmdir(top), 0);
}

/* $: the folder of the test. $/ours is run; $/program is what it should come to. */
/* clang-format off */
static const struct link_row {
	const char *what, *first, *second; /* what $/ours and $/theirs/link say; NULL: there is none */
	bool is_somebodys;                 /* $/theirs, and the link in it */
	const char *text;
} link_rows[] = {
	{ "links of ours",             "$/theirs/link",    "$/program",    false, NULL },
	{ "a way up and down",         "theirs/../theirs/./link", "..//program", false, NULL },
	{ "somebody's link behind it", "$/theirs/link",    "$/program",    true,  "/theirs' belongs to user 4711" },
	{ "a link to itself",          "ours",             NULL,           false, "cannot run '" },
	{ "a link to nothing",         "theirs/link",      NULL,           false, "cannot run '" },
	{ "a folder on the way is none", "program/../program", NULL,       false, "Not a directory" },
	{ "a folder",                  "$/theirs",         NULL,           false, "is no regular file" },
};
/* clang-format on */

static const char *
put_link(struct arena *arena, const char *top, const char *name, const char *target)
{
	const char *path = arena_format(arena, "%s/%s", top, name);

	if (target && *target == '$')
		target = arena_format(arena, "%s%s", top, target + 1);
	if (target)
		assert_int_equal(symlink(target, path), 0);
	return path;
}

static void
check_link_row(const struct link_row *row, const char *top, const char *program)
{
	auto_arena struct arena *arena = arena_new();
	auto_child_end struct child_end end = { 0 };
	const char *theirs = arena_format(arena, "%s/theirs", top);
	const char *first = put_link(arena, top, "ours", row->first);
	const char *second = put_link(arena, top, "theirs/link", row->second);
	const char *const argv[] = { first, NULL };
	struct err err;
	bool ok;

	if (row->is_somebodys)
		assert_int_equal(
			chown(theirs, 4711, (gid_t)-1) | lchown(second, 4711, (gid_t)-1), 0);
	ok = child_run(&(struct child){ .argv = argv, .timeout_msec = LONG_MSEC }, &end, &err);
	if (ok == !!row->text || (!ok && !strstr(err.text, row->text)))
		fail_msg("%s: %d, '%s'", row->what, ok, ok ? "" : err.text);
	if (ok && strncmp(secret_reveal(end.output), program, strlen(program)))
		fail_msg("%s: ran %s", row->what, secret_reveal(end.output));
	unlink(first);
	unlink(second);
}

static void
every_link_on_the_way_is_looked_at(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const char *top = make_folder(arena);
	const char *theirs = arena_format(arena, "%s/theirs", top);
	const char *program = arena_format(arena, "%s/program", top);

	(void)state;
	assert_int_equal(mkdir(theirs, 0755), 0);
	make_program(program);
	for (size_t i = 0; i < ARRAY_SIZE(link_rows); i++) {
		if (link_rows[i].is_somebodys && geteuid())
			continue;
		check_link_row(&link_rows[i], top, program);
		assert_int_equal(chown(theirs, geteuid(), (gid_t)-1), 0);
	}
	assert_int_equal(unlink(program) | rmdir(theirs) | rmdir(top), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_told_the_facts_and_given_the_secret),
		cmocka_unit_test(what_is_not_known_is_not_set),
		cmocka_unit_test(how_a_program_ended_says_what_to_do),
		cmocka_unit_test(a_program_that_hangs_is_asked_again),
		cmocka_unit_test(a_program_that_is_not_there_is_refused),
		cmocka_unit_test(what_others_could_put_in_its_place_is_not_run),
		cmocka_unit_test(every_link_on_the_way_is_looked_at),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
