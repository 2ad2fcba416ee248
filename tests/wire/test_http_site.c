#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/http.h"

static void
http_site_new_refuses_urls_that_would_show_a_token(void **state)
{
	/* clang-format off */
	static const struct {
		const char *url, *kept;
	} rows[] = {
		{ "https://gitlab.example.com",       "https://gitlab.example.com" },
		{ "https://gitlab.example.com/",      "https://gitlab.example.com" },
		{ "https://example.com:8443/gitlab/", "https://example.com:8443/gitlab" },
		{ "http://127.0.0.1:80",              "http://127.0.0.1:80" },
		{ "http://127.8.9.1",                 "http://127.8.9.1" },
		{ "http://[::1]:8080",                "http://[::1]:8080" },
		{ "http://localhost",                 "http://localhost" },
		{ "http://gitlab.example.com",        NULL },
		{ "http://localhost.example.com",     NULL },
		{ "http://127.0.0.1.example.com",     NULL },
		{ "http://128.0.0.1",                 NULL },
		{ "http://localhost@example.com",     NULL },
		{ "https://user@example.com",         NULL },
		{ "https://user:pass@example.com",    NULL },
		{ "https://example.com?private_token=x", NULL },
		{ "https://example.com/#x",           NULL },
		{ "ftp://example.com",                NULL },
		{ "file:///etc/passwd",               NULL },
		{ "gitlab.example.com",               NULL },
		{ "https://",                         NULL },
		{ "",                                 NULL },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_options options = { .url = rows[i].url };
		auto_http_site struct http_site *site = NULL;
		struct err err = { 0 };

		if (http_site_new(&options, &site, &err) != (rows[i].kept != NULL))
			fail_msg("'%s': %s", rows[i].url, err.text);
		if (site)
			assert_string_equal(http_site_url(site), rows[i].kept);
		else
			assert_int_equal(err.kind, ERR_POLICY);
		assert_null(strstr(err.text, "pass@"));
	}
}

static void
http_site_new_refuses_a_ca_file_without_certificates(void **state)
{
	static const char *const files[] = { "/nonexistent/ca.pem", "/dev/null", "/" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const struct http_options options = { .url = "https://example.com",
			.ca_file = files[i] };
		auto_http_site struct http_site *site = NULL;
		struct err err;

		assert_false(http_site_new(&options, &site, &err));
		assert_int_equal(err.kind, ERR_POLICY);
		assert_non_null(strstr(err.text, files[i]));
	}
}

/* Whoever may write a file of policies.d may name such a pipe, or have put it where the main file's certificates are. */
static void
http_site_new_waits_for_nobody_to_write_a_ca_file(void **state)
{
	/* clang-format off */
	static const struct {
		mode_t kind;
		off_t length;
		const char *text;
	} rows[] = {
		{ S_IFIFO, 0,                   "is not a regular file" },
		{ S_IFREG, 4 * 1024 * 1024 + 1, "holds more than 4194304 bytes" },
	};
	/* clang-format on */
	char folder[] = "/tmp/glrotate-ca-XXXXXX", path[64];
	const struct http_options options = { .url = "https://example.com", .ca_file = path };
	(void)state;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	/* Ends only what hangs. */
	alarm(60);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_http_site struct http_site *site = NULL;
		struct err err;

		assert_int_equal(mknod(path, rows[i].kind | 0600, 0), 0);
		if (rows[i].length)
			assert_int_equal(truncate(path, rows[i].length), 0);
		assert_false(http_site_new(&options, &site, &err));
		assert_int_equal(err.kind, ERR_POLICY);
		assert_non_null(strstr(err.text, rows[i].text));
		assert_int_equal(unlink(path), 0);
	}
	alarm(0);
	assert_int_equal(rmdir(folder), 0);
}

/* Whether a file was opened since the watch began. */
static bool
was_opened(int watch)
{
	char event[sizeof(struct inotify_event) + NAME_MAX + 1];

	return read(watch, event, sizeof(event)) > 0;
}

static void
http_site_new_reads_the_roots_of_the_system_only_where_there_is_tls(void **state)
{
	static const struct {
		const char *url;
		bool reads;
	} rows[] = { { "http://127.0.0.1:80", false }, { "https://127.0.0.1:80", true },
		{ "https://example.com", true } };
	char path[] = "/tmp/glrotate-roots-XXXXXX";
	auto_close int fd = mkstemp(path);
	auto_close int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	(void)state;

	assert_return_code(fd, errno);
	assert_return_code(inotify_add_watch(watch, path, IN_OPEN), errno);
	setenv("SSL_CERT_FILE", path, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_options options = { .url = rows[i].url };
		auto_http_site struct http_site *site = NULL;
		struct err err;

		assert_true(http_site_new(&options, &site, &err));
		assert_int_equal(was_opened(watch), rows[i].reads);
	}
	unsetenv("SSL_CERT_FILE");
	unlink(path);
}

static void
http_site_new_refuses_given_certificates_that_are_none(void **state)
{
	/* What a kubeconfig may hold: nothing, no base64, base64 of no PEM, PEM of no certificate. */
	static const char *const rows[] = {
		"", "***", "bm8gUEVN",
		"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_options options = { .url = "https://example.com",
			.ca_base64 = rows[i] };
		auto_http_site struct http_site *site = NULL;
		struct err err;

		assert_false(http_site_new(&options, &site, &err));
		assert_int_equal(err.kind, ERR_POLICY);
	}
}

static void
http_escape_leaves_nothing_that_ends_a_segment(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "abc-1.2_3~", "abc-1.2_3~" },
		{ "a/b", "a%2Fb" }, { "a b?c#d&e=%", "a%20b%3Fc%23d%26e%3D%25" },
		{ "\xc3\xa9", "%C3%A9" } };
	auto_arena struct arena *arena = arena_new();
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(http_escape(arena, rows[i][0]), rows[i][1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_site_new_refuses_urls_that_would_show_a_token),
		cmocka_unit_test(http_site_new_refuses_a_ca_file_without_certificates),
		cmocka_unit_test(http_site_new_waits_for_nobody_to_write_a_ca_file),
		cmocka_unit_test(
			http_site_new_reads_the_roots_of_the_system_only_where_there_is_tls),
		cmocka_unit_test(http_site_new_refuses_given_certificates_that_are_none),
		cmocka_unit_test(http_escape_leaves_nothing_that_ends_a_segment),
	};
	struct err err;

	if (!secret_start(&err) || !http_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
