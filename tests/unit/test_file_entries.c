#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "base/advice.h"
#include "base/json.h"
#include "base/workers.h"
#include "destination/destination.h"
#include "destination/format.h"

#define US "0123456789abcdef0123456789abcdef"
#define ENTRIES 12

/* A file that holds more than one secret, and the program that is run after a change. */
struct scene {
	struct arena *arena;
	char folder[64];
	const char *path, *program;
	struct delivered delivered;
	struct destination_tools tools;
};

static int
make_scene(void **state)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));

	scene->arena = arena_new();
	scene->delivered = (struct delivered){
		.address = "project:a/b:c", .token_id = 7, .expires_on = 20778
	};
	scene->tools = (struct destination_tools){ .arena = scene->arena,
		.delivered = &scene->delivered };
	strcpy(scene->folder, "/tmp/glrotate-entries-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	scene->path = arena_format(scene->arena, "%s/file", scene->folder);
	scene->program = arena_format(scene->arena, "%s/program", scene->folder);
	*state = scene;
	return 0;
}

static int
drop_scene(void **state)
{
	struct scene *scene = *state;

	unlink(scene->path);
	unlink(scene->program);
	unlink(arena_format(scene->arena, "%s/told", scene->folder));
	assert_int_equal(rmdir(scene->folder), 0);
	arena_free(scene->arena);
	test_free(scene);
	return 0;
}

static void
put(const char *path, const char *content, mode_t mode)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void
holds(struct scene *scene, const char *name, const char *expected)
{
	char content[4096] = "";
	FILE *file = fopen(arena_format(scene->arena, "%s/%s", scene->folder, name), "re");

	assert_non_null(file);
	assert_true(fread(content, 1, sizeof(content) - 1, file) || !*expected);
	fclose(file);
	assert_string_equal(content, expected);
}

static struct destination
destination_of(struct scene *scene, struct arena *arena, struct file_entry entry)
{
	struct choice choice = { .kind = DESTINATION_FILE, .value = &entry };
	struct address address;
	struct list list = { 0 };
	struct err err = { 0 };

	entry.path = scene->path;
	assert_true(address_parse(arena, "project:a/b:c", false, &address, &err));
	if (!destination_expand(&choice, &address, false, false, arena, &list, &err))
		fail_msg("%s", err.text);
	return ((struct destination *)list.items)[0];
}

static struct destination
netrc(struct scene *scene, const char *host)
{
	return destination_of(scene, scene->arena,
		(struct file_entry){ .entry = { .format = FORMAT_NETRC, .host = host } });
}

static bool
deliver(struct scene *scene, const struct destination *file, const char *text,
	int64_t generation, struct err *err)
{
	const struct stamp stamp = {
		.token_id = 7, .date = 20778, .generation = generation, .agent = US
	};
	auto_secret struct secret *secret = secret_copy(text, strlen(text));
	enum proof proof;

	return destination_deliver(&scene->tools, file, secret, &stamp, err) &&
	       destination_verify(&scene->tools, file, secret, &stamp, &proof, err);
}

static void
two_entries_of_one_file_have_a_name_and_a_stamp_each(void **state)
{
	struct scene *scene = *state;
	const struct destination a = netrc(scene, "a.example"), b = netrc(scene, "b.example");
	auto_secret struct secret *found = NULL;
	struct err err;

	put(scene->path, "# mine\nmachine c login d password e", 0640);
	assert_string_equal(
		a.text, arena_format(scene->arena, "file %s a.example", scene->path));
	assert_true(deliver(scene, &a, "glpat-a", 5, &err));
	assert_true(deliver(scene, &b, "glpat-b", 1, &err));
	holds(scene, "file",
		"# mine\nmachine c login d password e\n"
		"machine a.example login oauth2 password glpat-a\n"
		"machine b.example login oauth2 password glpat-b");
	assert_true(destination_read(&scene->tools, &a, &found, &err));
	assert_string_equal(secret_reveal(found), "glpat-a");
	if (setxattr(scene->path, "user.probe", "x", 1, 0))
		skip();
	assert_false(deliver(scene, &a, "glpat-older", 4, &err));
	assert_int_equal(err.advice, GLR_JOURNAL_OLD);
	assert_true(deliver(scene, &b, "glpat-b2", 2, &err));
}

static void
who_logs_in_is_part_of_the_entry(void **state)
{
	struct scene *scene = *state;
	const struct destination a = netrc(scene, "a.example");
	const struct stamp stamp = { .agent = US };
	auto_secret struct secret *secret = secret_copy("gldt-a", 6);
	enum proof proof;
	struct err err;

	scene->delivered.username = "gitlab+deploy-token-1";
	assert_true(deliver(scene, &a, "gldt-a", 1, &err));
	holds(scene, "file", "machine a.example login gitlab+deploy-token-1 password gldt-a\n");
	put(scene->path, "machine a.example login somebody password gldt-a\n", 0600);
	assert_false(destination_verify(&scene->tools, &a, secret, &stamp, &proof, &err));
	assert_int_equal(err.kind, ERR_MOVED);
	scene->delivered.username = NULL;
	assert_true(deliver(scene, &a, "gldt-b", 2, &err));
	holds(scene, "file", "machine a.example login somebody password gldt-b\n");
}

static void
a_deploy_token_takes_no_other_logins_entry(void **state)
{
	static const char theirs[] = "machine a.example login somebody password theirs\n";
	struct scene *scene = *state;
	const struct destination a = netrc(scene, "a.example");
	struct err err;

	scene->delivered.username = "gitlab+deploy-token-1";
	put(scene->path, theirs, 0600);
	assert_false(deliver(scene, &a, "gldt-a", 1, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "another login's entry of 'a.example'"));
	holds(scene, "file", theirs);
	put(scene->path, "machine a.example login gitlab+deploy-token-1 password old\n", 0600);
	assert_true(deliver(scene, &a, "gldt-a", 1, &err));
	holds(scene, "file", "machine a.example login gitlab+deploy-token-1 password gldt-a\n");
}

/* --- many workers, one file --- */

static struct destination
variable(struct scene *scene, struct arena *arena, size_t which)
{
	const char *key[] = { arena_format(arena, "KEY_%zu", which) };

	return destination_of(scene, arena,
		(struct file_entry){ .entry = { .format = FORMAT_ENV, .key = { key, 1 } } });
}

static bool
deliver_one(void *context, size_t worker, size_t which)
{
	auto_arena struct arena *arena = arena_new();
	struct scene scene = *(struct scene *)context;
	const struct destination file = variable(&scene, arena, which);
	struct stamp stamp = { .token_id = 7, .date = 20778, .generation = 1, .agent = US };
	struct err err;

	(void)worker;
	scene.tools.arena = arena;
	return destination_preflight(&scene.tools, &file, &stamp, &err) &&
	       deliver(&scene, &file, "glpat-many", 1, &err);
}

static void
workers_that_write_one_file_lose_no_entry(void **state)
{
	struct scene *scene = *state;

	put(scene->path, "A=1\n", 0600);
	assert_true(workers_run(8, ENTRIES, deliver_one, scene));
	for (size_t i = 0; i < ENTRIES; i++) {
		auto_secret struct secret *found = NULL;
		const struct destination file = variable(scene, scene->arena, i);
		struct err err;

		assert_true(destination_read(&scene->tools, &file, &found, &err));
		assert_non_null(found);
	}
}

/* --- what is refused before anything dies --- */

static void
a_file_that_cannot_be_understood_is_refused_and_left_alone(void **state)
{
	static const char content[] = "machine a login b\npasswort c\n";
	struct scene *scene = *state;
	const struct destination a = netrc(scene, "a");
	const struct stamp none = { .agent = US };
	struct err err;

	put(scene->path, content, 0600);
	assert_false(destination_preflight(&scene->tools, &a, &none, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "line 2, column 1: expected machine"));
	assert_non_null(strstr(destination_inspect(&scene->tools, &a), "cannot: line 2"));
	assert_false(deliver(scene, &a, "glpat-a", 1, &err));
	holds(scene, "file", content);
	unlink(scene->path);
	assert_int_equal(symlink("elsewhere", scene->path), 0);
	assert_false(destination_preflight(&scene->tools, &a, &none, &err));
	assert_non_null(strstr(err.text, "is a link"));
}

static void
a_plan_tells_a_new_entry_from_a_new_value(void **state)
{
	struct scene *scene = *state;
	const struct destination a = netrc(scene, "a");

	assert_string_equal(destination_inspect(&scene->tools, &a), "created (mode 0600)");
	put(scene->path, "machine b login c password d\n", 0600);
	assert_string_equal(destination_inspect(&scene->tools, &a), "new entry");
	put(scene->path, "machine a login c password d\n", 0600);
	assert_string_equal(destination_inspect(&scene->tools, &a), "new value");
}

static struct destination
member_of(struct scene *scene, const char *name, const char **key, size_t count)
{
	struct file_entry entry = { .path = "/f",
		.entry = { .format = FORMAT_JSON, .key = { key, count } } };
	struct choice choice = { .kind = DESTINATION_FILE, .value = &entry };
	struct address address;
	struct list list = { 0 };
	struct err err = { 0 };

	assert_true(address_parse(scene->arena,
		arena_format(scene->arena, "project:a/b:%s", name), false, &address, &err));
	assert_true(
		destination_expand(&choice, &address, false, false, scene->arena, &list, &err));
	return ((struct destination *)list.items)[0];
}

/* A token's name is GitLab's, and no way to another place in the file. */
static void
a_templates_dot_parts_no_path(void **state)
{
	static const struct {
		const char *key, *name, *text;
	} rows[] = {
		{ "tokens.{name}", "ci", "file /f tokens.ci" },
		{ "tokens.{name}", "root.auth", "file /f tokens.root\\.auth" },
		{ "{name}", "root.auth", "file /f root\\.auth" },
		{ "{name}.{type}x", "a.b.c", "file /f a\\.b\\.c.projectx" },
		{ "a\\.b.c", "x", "file /f a\\.b.c" },
	};
	const char *list[] = { "tokens", "{name}" };
	struct scene *scene = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *key[] = { rows[i].key };

		assert_string_equal(member_of(scene, rows[i].name, key, 1).text, rows[i].text);
	}
	assert_string_equal(
		member_of(scene, "root.auth", list, 2).text, "file /f tokens.root\\.auth");
}

/* --- the program afterwards --- */

static struct destination
with_program(struct scene *scene, const char *body)
{
	const char **words = arena_alloc(scene->arena, 2 * sizeof(*words));

	words[0] = scene->program;
	words[1] = "{name}";
	put(scene->program, arena_format(scene->arena, "#!/bin/sh\n%s\n", body), 0755);
	return destination_of(scene, scene->arena, (struct file_entry){ .exec = { words, 2 } });
}

static void
the_program_is_told_facts_and_no_secret(void **state)
{
	struct scene *scene = *state;
	const struct destination file = with_program(scene,
		arena_format(scene->arena,
			"{ echo $* $GLROTATE_PATH $GLROTATE_TOKEN $GLROTATE_TOKEN_ID $GLROTATE_EXPIRES "
			"$GLROTATE_CHANGED; env | grep -c glpat; cat; } >%s/told",
			scene->folder));
	struct err err;

	assert_non_null(strstr(destination_inspect(&scene->tools, &file), "then runs"));
	assert_true(deliver(scene, &file, "glpat-a", 1, &err));
	holds(scene, "told",
		arena_format(
			scene->arena, "c %s project:a/b:c 7 2026-11-21 yes\n0\n", scene->path));
}

static void
a_program_that_failed_is_owed_though_the_file_is_written(void **state)
{
	struct scene *scene = *state;
	struct destination file = with_program(scene,
		"echo \"it says $(cat \"$GLROTATE_PATH\"), changed: $GLROTATE_CHANGED\" >&2; exit 75");
	struct err err;

	assert_false(deliver(scene, &file, "glpat-abcdefgh", 1, &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_non_null(strstr(err.text, "changed: yes"));
	assert_null(strstr(err.text, "glpat-abcdefgh"));
	holds(scene, "file", "glpat-abcdefgh");
	assert_false(deliver(scene, &file, "glpat-abcdefgh", 1, &err));
	assert_non_null(strstr(err.text, "changed: no"));
	file = with_program(scene, "exit 1");
	assert_false(deliver(scene, &file, "glpat-abcdefgh", 1, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	file = with_program(scene, "exit 0");
	assert_true(deliver(scene, &file, "glpat-abcdefgh", 1, &err));
}

static void
a_program_that_others_may_change_is_refused_before_anything_dies(void **state)
{
	struct scene *scene = *state;
	const struct destination file = with_program(scene, "exit 0");
	const struct stamp none = { .agent = US };
	struct err err;

	assert_int_equal(chmod(scene->program, 0777), 0);
	assert_false(destination_preflight(&scene->tools, &file, &none, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(destination_inspect(&scene->tools, &file), "cannot: "));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(two_entries_of_one_file_have_a_name_and_a_stamp_each),
		IN_A_FOLDER(who_logs_in_is_part_of_the_entry),
		IN_A_FOLDER(a_deploy_token_takes_no_other_logins_entry),
		IN_A_FOLDER(workers_that_write_one_file_lose_no_entry),
		IN_A_FOLDER(a_file_that_cannot_be_understood_is_refused_and_left_alone),
		IN_A_FOLDER(a_plan_tells_a_new_entry_from_a_new_value),
		IN_A_FOLDER(a_templates_dot_parts_no_path),
		IN_A_FOLDER(the_program_is_told_facts_and_no_secret),
		IN_A_FOLDER(a_program_that_failed_is_owed_though_the_file_is_written),
		IN_A_FOLDER(a_program_that_others_may_change_is_refused_before_anything_dies),
	};
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	if (!secret_start(&err))
		return 1;
	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
