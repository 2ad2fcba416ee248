#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "report/alert_send.h"

#define NOW INT64_C(1800000000)

static struct alert_message
message_about(const char *address, struct arena *arena)
{
	struct alert_items *items = arena_alloc(arena, sizeof(*items));
	struct condition *condition = arena_alloc(arena, sizeof(*condition));

	*condition = (struct condition){ .kind = CONDITION_PERSON,
		.trouble = { .address = address,
			.text = "it says <!channel> ``` no",
			.advice = 113,
			.since = NOW,
			.works_until = NO_MOMENT },
		.destination = "file /a" };
	*items = (struct alert_items){ arena_alloc(arena, sizeof(struct alert_item)), 1 };
	items->items[0] = (struct alert_item){ .condition = condition };
	return alert_message_of(items, "https://gitlab.example.com", NOW, arena);
}

static void
no_name_begins_a_header(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const char *to[] = { "ops@example.com" };
	const struct alert_mail mail = { .to = { to, 1 } };
	const struct alert_message message =
		message_about("project:a:x\r\nBcc: evil@example.com\n\n…", arena);
	const char *text = alert_mail_text(&mail, &message, arena);
	(void)state;

	assert_null(strstr(text, "Bcc"));
	assert_null(strchr(text, '\r'));
	assert_int_equal(strncmp(text, "To: ops@example.com\nSubject: =?UTF-8?B?", 39), 0);
	for (const char *line = text; line; line = strchr(line + 1, '\n'))
		assert_true(strcspn(line + 1, "\n") <= 76);
	for (; *text; text++)
		assert_true((unsigned char)*text < 128);
}

static void
no_name_means_something_in_a_chat(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const struct alert_message message = message_about("project:a:<!here>", arena);
	(void)state;

	for (int format = ALERT_JSON; format <= ALERT_TEAMS; format++) {
		auto_secret struct secret *body =
			alert_body((enum alert_format)format, &message);
		const char *text = secret_reveal(body);

		assert_non_null(strstr(text, "GLR-113"));
		if (format == ALERT_SLACK) {
			assert_null(strstr(text, "<!here>"));
			assert_null(strstr(text, "<!channel>"));
			assert_non_null(strstr(text, "&lt;!here&gt;"));
		}
		if (format != ALERT_JSON)
			assert_null(strstr(text, "``` no"));
	}
}

/* A fleet that is about to die: Teams takes 28 KB of one message, Mattermost 16 383 characters. */
static void
a_thousand_of_them_are_one_message_that_a_chat_takes(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const struct condition condition = { .kind = CONDITION_MARGIN,
		.trouble = { .address = "project:platform/api:x",
			.text = "",
			.works_until = NOW },
		.destination = "" };
	struct alert_items items = { arena_alloc(arena, 1000 * sizeof(struct alert_item)),
		1000 };
	struct alert_message message;
	(void)state;

	for (size_t i = 0; i < items.count; i++)
		items.items[i] = (struct alert_item){ .condition = &condition };
	message = alert_message_of(&items, "https://gitlab.example.com", NOW, arena);
	assert_non_null(strstr(message.subject, "1000 tokens are about to die"));
	assert_non_null(strstr(message.text, " more: glrotate status\n"));
	for (int format = ALERT_SLACK; format <= ALERT_TEAMS; format++) {
		auto_secret struct secret *body =
			alert_body((enum alert_format)format, &message);

		assert_true(secret_length(body) < (format == ALERT_TEAMS ? 28000 : 16000));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_of_them_are_one_message_that_a_chat_takes),
		cmocka_unit_test(no_name_begins_a_header),
		cmocka_unit_test(no_name_means_something_in_a_chat),
	};
	struct err err;

	json_start();
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
