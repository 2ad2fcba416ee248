#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verb/by_hand.h"

static void
a_policy_file_has_its_unit(void **state)
{
	static const struct {
		const char *policy, *unit, *instance, *folder;
	} rows[] = {
		{ NULL, NULL, NULL },
		{ "/etc/glrotate/glrotate.yaml", "glrotate.service", "" },
		{ "/etc/glrotate/saas.yaml", "glrotate@saas.service", "saas" },
		{ "/srv/x/.config/glrotate/saas.yaml", "glrotate@saas.service", "saas",
			"/srv/x/.config/glrotate" },
		{ "/srv/x/.config/glrotate-saas.yaml", NULL, NULL, "/srv/x/.config/glrotate" },
		{ "/etc/glrotate/.yaml", NULL, NULL },
		{ "/etc/glrotate/a b.yaml", NULL, NULL },
		{ "/etc/glrotate/policies.d/x.yaml", NULL, NULL },
		{ "/etc/glrotate/saas.yml", NULL, NULL },
		{ "glrotate.yaml", NULL, NULL },
		{ "/tmp/glrotate.yaml", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		const char *instance = NULL;
		const char *unit =
			by_hand_unit(rows[i].folder ? rows[i].folder : BY_HAND_FOLDER,
				rows[i].policy, arena, &instance);

		if (!rows[i].unit)
			assert_null(unit);
		else
			assert_string_equal(unit, rows[i].unit);
		if (rows[i].unit)
			assert_string_equal(instance, rows[i].instance);
	}
}

static void
settings_of_the_context_are_taken_in_order_from_all_fragments(void **state)
{
	static const char text[] =
		"# /lib/systemd/system/glrotate@.service\n"
		"[Unit]\nDescription=x\nOnFailure=y\n"
		"[Service]\n"
		"Type=notify\n"
		"ExecStart=/usr/bin/glrotate run\n"
		"WatchdogSec=5min\nRuntimeMaxSec=1h\nTimeoutStopSec=1min\n"
		"SuccessExitStatus=1 4 5\n"
		"; a remark\n"
		"  DynamicUser=yes  \n"
		"StateDirectory=glrotate-%i\n"
		"Environment=\"A=100%% sure\"\n"
		"SystemCallFilter=@system-service \\\n   @chown\n"
		"[Install]\nAlso=glrotate.timer\n"
		"\n# /etc/systemd/system/glrotate@.service.d/more.conf\n"
		"[Service]\nExecStartPre=/bin/true\nReadWritePaths=/etc/deploy";
	static const char *const expected[] = { "DynamicUser=yes",
		"StateDirectory=glrotate-saas", "Environment=\"A=100% sure\"",
		"SystemCallFilter=@system-service @chown", "ReadWritePaths=/etc/deploy", NULL };
	auto_arena struct arena *arena = arena_new();
	const char **found = by_hand_settings(text, "saas", arena);
	size_t i;

	(void)state;
	for (i = 0; expected[i]; i++) {
		assert_non_null(found[i]);
		assert_string_equal(found[i], expected[i]);
	}
	assert_null(found[i]);
}

/* systemd expands $NAME and ${NAME} in the words of a service. */
static void
words_arrive_as_they_stand(void **state)
{
	static char first[] = "glrotate", second[] = "project:a/b:deploy${X}",
		    third[] = "$$1 $";
	char *argv[] = { first, second, third, NULL };
	const char *settings[] = { "DynamicUser=yes", NULL };
	auto_arena struct arena *arena = arena_new();
	const char **words = by_hand_words(settings, 3, argv, arena);
	size_t count = 0;
	(void)state;

	while (words[count])
		count++;
	assert_string_equal(words[count - 2], "project:a/b:deploy$${X}");
	assert_string_equal(words[count - 1], "$$$$1 $$");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_file_has_its_unit),
		cmocka_unit_test(words_arrive_as_they_stand),
		cmocka_unit_test(settings_of_the_context_are_taken_in_order_from_all_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
