#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "report/advice.h"

#define NOW INT64_C(1795219200) /* 2026-11-21 00:00 UTC */

static char *
printed(const struct trouble *trouble)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	advice_print(trouble, NOW, stream);
	fclose(stream);
	return text;
}

static const char *const labels[] = {
	"What happened:", "Still works:", "Why:", "What to do:", "Risk:", "More:"
};

static void
each_code_has_a_text_with_six_labels_in_order(void **state)
{
	(void)state;

	for (int code = GLR_DATABASE_DAMAGED; code <= GLR_LAST; code++) {
		struct trouble trouble = { .address = "project:a/b:c",
			.text = "because",
			.advice = code,
			.person = true,
			.since = NOW - 60,
			.works_until = NOW + 60 };
		auto_free char *text = printed(&trouble);
		char *at = text;
		size_t lines = 0;

		assert_non_null(advice_of(code));
		assert_true(*advice_of(code)->more);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			/* A line is the next label's, or stands indented below "What to do". */
			if (lines < ARRAY_SIZE(labels) &&
				strncmp(line, labels[lines], strlen(labels[lines])) == 0)
				lines++;
			else
				assert_true(lines == 4 && line[0] == ' ');
			at = line;
		}
		assert_int_equal(lines, ARRAY_SIZE(labels));
		assert_non_null(strstr(at, "man 7 glrotate-recovery, GLR-"));
	}
	assert_null(advice_of(0));
	assert_null(advice_of(GLR_LAST + 1));
}

static void
the_six_lines_say_since_when_until_when_and_what_to_paste(void **state)
{
	struct trouble trouble = { .address = "project:a/b:c",
		.text = "#4712 is its successor",
		.advice = GLR_FOREIGN_ROTATION,
		.person = true,
		.since = NOW - 3600,
		.works_until = NOW + 2 * DAY_SEC };
	auto_free char *text = printed(&trouble);
	(void)state;

	assert_string_equal(text,
		"What happened: project:a/b:c: somebody else rotated this token, since 2026-11-20 23:00 UTC (1h ago)\n"
		"Still works:   the secret of whoever rotated it; the one in the destinations is dead\n"
		"Why:           GitLab shows a successor that no request of ours made (#4712 is its successor)\n"
		"What to do:    find out who did it (GitLab's audit events, the token's owner), and agree who rotates it\n"
		"               glrotate rotate project:a/b:c --reason 'taken over from …'\n"
		"               or take its entry out of the policy\n"
		"Risk:          consumers of the destinations fail now; taking over makes the other one's secret die\n"
		"More:          man 7 glrotate-recovery, GLR-108\n");
}

static void
a_date_is_told_only_where_a_secret_of_ours_lives(void **state)
{
	static const struct {
		int advice;
		bool told;
	} rows[] = { { GLR_ROTATE_REFUSED, true }, { GLR_OWNER_UNREADABLE, true },
		{ GLR_REVOKED, false }, { GLR_OWNER_BLOCKED, false } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct trouble trouble = { .address = "project:a/b:c",
			.text = "",
			.advice = rows[i].advice,
			.works_until = NOW + 2 * DAY_SEC };
		auto_free char *text = printed(&trouble);

		assert_int_equal(
			!!strstr(text, "; until 2026-11-23 00:00 UTC (in 2d)\n"), rows[i].told);
	}
}

static void
a_trouble_without_a_code_gets_the_same_shape(void **state)
{
	struct trouble trouble = { .address = "",
		.text = "the disk is full",
		.person = true,
		.works_until = NO_MOMENT };
	auto_free char *text = printed(&trouble);
	(void)state;

	assert_string_equal(text,
		"What happened: glrotate cannot go on by itself\n"
		"Still works:   the present secret, where it was delivered\n"
		"Why:           see what happened (the disk is full)\n"
		"What to do:    glrotate status --failed\n"
		"Risk:          what is not mended stays so until its token dies\n"
		"More:          man 7 glrotate-recovery\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_has_a_text_with_six_labels_in_order),
		cmocka_unit_test(the_six_lines_say_since_when_until_when_and_what_to_paste),
		cmocka_unit_test(a_date_is_told_only_where_a_secret_of_ours_lives),
		cmocka_unit_test(a_trouble_without_a_code_gets_the_same_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
