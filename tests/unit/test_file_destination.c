#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/advice.h"
#include "destination/destination.h"

#define US "0123456789abcdef0123456789abcdef"
#define THEM "fedcba9876543210fedcba9876543210"

struct place_to_write {
	struct arena *arena;
	char folder[64];
	struct file_place place;
	struct destination file;
	struct destination_tools tools;
};

static int
make_folder(void **state)
{
	struct place_to_write *place = test_calloc(1, sizeof(*place));

	place->arena = arena_new();
	place->tools.arena = place->arena;
	strcpy(place->folder, "/tmp/glrotate-file-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place->place = (struct file_place){
		.path = arena_format(place->arena, "%s/token", place->folder),
		.mode = 0640,
	};
	place->file = (struct destination){
		.text = arena_format(place->arena, "file %s", place->place.path),
		.to = { .kind = DESTINATION_FILE, .value = &place->place },
	};
	*state = place;
	return 0;
}

static int
drop_folder(void **state)
{
	struct place_to_write *place = *state;

	unlink(place->place.path);
	assert_int_equal(rmdir(place->folder), 0);
	arena_free(place->arena);
	test_free(place);
	return 0;
}

static bool
deliver(struct place_to_write *place, const char *text, int64_t generation, const char *agent,
	struct err *err)
{
	auto_secret struct secret *secret = secret_copy(text, strlen(text));
	struct stamp stamp = { .token_id = 7, .date = 20778, .generation = generation };

	strcpy(stamp.agent, agent);
	return destination_deliver(&place->tools, &place->file, secret, &stamp, err);
}

static bool
verify(struct place_to_write *place, const char *text, struct err *err)
{
	auto_secret struct secret *secret = secret_copy(text, strlen(text));
	const struct stamp stamp = {
		.token_id = 7, .date = 20778, .generation = 1, .agent = US
	};
	enum proof proof = 0;
	const bool ok =
		destination_verify(&place->tools, &place->file, secret, &stamp, &proof, err);

	if (ok)
		assert_int_equal(proof, PROOF_VALUE);
	return ok;
}

static void
a_file_holds_the_secret_and_nothing_else(void **state)
{
	struct place_to_write *place = *state;
	char content[64] = "";
	struct stat facts;
	struct err err;
	FILE *file;

	assert_true(deliver(place, "glpat-first", 1, US, &err));
	file = fopen(place->place.path, "re");
	assert_non_null(file);
	assert_int_equal(fread(content, 1, sizeof(content), file), strlen("glpat-first"));
	fclose(file);
	assert_string_equal(content, "glpat-first");
	assert_int_equal(stat(place->place.path, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0640);
	assert_true(verify(place, "glpat-first", &err));
}

static void
another_content_or_none_is_moved(void **state)
{
	struct place_to_write *place = *state;
	struct err err;

	assert_false(verify(place, "glpat-first", &err));
	assert_int_equal(err.kind, ERR_MOVED);
	assert_true(deliver(place, "glpat-first", 1, US, &err));
	assert_false(verify(place, "glpat-other", &err));
	assert_int_equal(err.kind, ERR_MOVED);
	assert_null(strstr(err.text, "glpat"));
}

static void
the_fence_holds_in_a_file_too(void **state)
{
	struct place_to_write *place = *state;
	struct err err;

	assert_true(deliver(place, "glpat-third", 3, US, &err));
	assert_false(deliver(place, "glpat-second", 2, US, &err));
	assert_int_equal(err.advice, GLR_JOURNAL_OLD);
	assert_false(deliver(place, "glpat-theirs", 9, THEM, &err));
	assert_int_equal(err.advice, GLR_SECOND_AGENT);
	assert_true(verify(place, "glpat-third", &err));
	assert_true(deliver(place, "glpat-fourth", 4, US, &err));
}

static void
a_preflight_leaves_nothing_behind(void **state)
{
	struct place_to_write *place = *state;
	const struct stamp none = { .agent = US };
	struct stat facts;
	struct err err;

	assert_true(destination_preflight(&place->tools, &place->file, &none, &err));
	assert_int_equal(stat(place->place.path, &facts), -1);
	/* drop_folder() finds the folder empty. */
}

static void
a_folder_that_is_not_there_is_refused_before_anything_dies(void **state)
{
	struct place_to_write *place = *state;
	const char *path = place->place.path;
	const struct stamp none = { .agent = US };
	struct err err;

	place->place.path = arena_format(place->arena, "%s/no/token", place->folder);
	assert_false(destination_preflight(&place->tools, &place->file, &none, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(destination_inspect(&place->tools, &place->file), "cannot: "));
	place->place.path = path;
}

/* Whoever owns the link may lead it elsewhere at any time: what is read would be shown to GitLab. */
static void
nothing_is_looked_at_through_somebodys_link(void **state)
{
	struct place_to_write *place = *state;
	const char *real = place->place.path;
	const char *link = arena_format(place->arena, "%s/way", place->folder);
	struct systemd_credential_place credential = { .name = "token", .restart = 1 };
	const struct destination encrypted = { .text = "systemd_credential",
		.to = { .kind = DESTINATION_SYSTEMD_CREDENTIAL, .value = &credential } };
	struct secret *found = NULL;
	struct err err;

	if (geteuid())
		skip();
	assert_true(deliver(place, "glpat-first", 1, US, &err));
	assert_int_equal(symlink(".", link) | lchown(link, 4711, (gid_t)-1), 0);
	place->place.path = credential.path =
		arena_format(place->arena, "%s/way/token", place->folder);
	assert_false(verify(place, "glpat-first", &err));
	assert_non_null(strstr(err.text, "'way' on the way to"));
	assert_true(!destination_read(&place->tools, &place->file, &found, &err) || !found);
	assert_null(found);
	assert_non_null(strstr(
		destination_inspect(&place->tools, &place->file), "cannot: 'way' on the way"));
	assert_non_null(strstr(
		destination_inspect(&place->tools, &encrypted), "cannot: 'way' on the way"));
	place->place.path = real;
	assert_int_equal(unlink(link), 0);
}

static void
a_plan_says_what_will_change(void **state)
{
	struct place_to_write *place = *state;
	struct err err;

	assert_string_equal(
		destination_inspect(&place->tools, &place->file), "created (mode 0640)");
	assert_true(deliver(place, "glpat-first", 1, US, &err));
	assert_string_equal(destination_inspect(&place->tools, &place->file), "new value");
	place->place.mode = 0400;
	assert_string_equal(destination_inspect(&place->tools, &place->file),
		"new value, mode 0640 → 0400");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(a_file_holds_the_secret_and_nothing_else),
		IN_A_FOLDER(another_content_or_none_is_moved),
		IN_A_FOLDER(the_fence_holds_in_a_file_too),
		IN_A_FOLDER(a_preflight_leaves_nothing_behind),
		IN_A_FOLDER(a_folder_that_is_not_there_is_refused_before_anything_dies),
		IN_A_FOLDER(nothing_is_looked_at_through_somebodys_link),
		IN_A_FOLDER(a_plan_says_what_will_change),
	};

	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
