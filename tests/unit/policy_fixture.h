/* policy_fixture.h: a policy in a folder of its own, for the tests of policy/.
 * Touches a folder under /tmp, which it removes. */
#ifndef POLICY_FIXTURE_H
#define POLICY_FIXTURE_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"

#define GITLAB "gitlab: { url: https://gitlab.example.com, credential: c }\n"
#define LIFETIMES "lifetimes: [ { for: '*', max_lifetime: 90d } ]\n"
#define HEAD GITLAB LIFETIMES
#define API "{ token: 'project:g/api:ci', deliver: [ ci_variable: A ] }"

/* A main file, and what stands beside it. */
struct folder {
	char path[40], file[64];
	struct diags *diags;
	struct policies *policies;
};

static inline void
write_file(const struct folder *folder, const char *name, const char *text)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	stream = fopen(path, "we");
	assert_non_null(stream);
	fputs(text, stream);
	fchmod(fileno(stream), 0644);
	fclose(stream);
}

static inline int
open_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	char beside[64];

	strcpy(folder->path, "/tmp/test_policy-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof(folder->file), "%s/glrotate.yaml", folder->path);
	snprintf(beside, sizeof(beside), "%s/policies.d", folder->path);
	assert_int_equal(mkdir(beside, 0755), 0);
	*state = folder;
	return 0;
}

static inline void
forget(struct folder *folder)
{
	policies_free(folder->policies);
	diags_free(folder->diags);
	folder->policies = NULL;
	folder->diags = NULL;
}

static inline int
close_folder(void **state)
{
	static const char *const names[] = { "glrotate.yaml", "policies.d/a.yaml",
		"policies.d/b.yaml", "policies.d/c.yml", "policies.d/.hidden.yaml",
		"policies.d/notes.txt", "policies.d", "" };
	struct folder *folder = *state;
	char path[128];

	forget(folder);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		(void)remove(path);
	}
	free(folder);
	return 0;
}

static inline const struct policies *
load(struct folder *folder, const char *text)
{
	forget(folder);
	write_file(folder, "glrotate.yaml", text);
	folder->diags = diags_new();
	folder->policies = policies_load(folder->file, folder->diags);
	return folder->policies;
}

static inline const struct token_entry *
entry(const struct policies *policies, size_t index)
{
	assert_true(index < policies->tokens.count);
	return &((const struct token_entry *)policies->tokens.items)[index];
}

static inline const struct lifetime *
lifetime(const struct policies *policies, size_t index)
{
	assert_true(index < policies->lifetimes.count);
	return &((const struct lifetime *)policies->lifetimes.items)[index];
}

static inline bool
is_told(const struct folder *folder, int line, const char *part)
{
	const struct diag *diag;

	for (size_t i = 0; (diag = diags_at(folder->diags, i)); i++)
		if (diag->place.line == line && strstr(diag->text, part))
			return true;
	diags_print(folder->diags, stderr);
	return false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

#endif
