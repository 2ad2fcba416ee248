/* The policy of a setup: read and checked, or written with the one line that nobody else can know. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/checks.h"
#include "base/http.h"
#include "base/http_site.h"
#include "base/terminal.h"
#include "flow/setup.h"

#define NEXT_LINE 7

static const char *
minimal(const struct setting_up *it, const char *url, const char *credential)
{
	return arena_format(it->arena,
		"# Which tokens glrotate rotates, and where their secrets go: glrotate.policy(5)\n"
		"gitlab:\n"
		"  url: \"%s\"\n"
		"  credential: %s\n"
		"lifetimes:\n"
		"  - { for: \"*\", max_lifetime: 90d }\n"
		"# tokens:\n"
		"#   - token: project:platform/api:registry-push    # TYPE:OWNER:NAME\n"
		"#     deliver: [ ci_variable: REGISTRY_TOKEN ]     # of the same project\n",
		url, credential);
}

static bool
choose_url(const struct setting_up *it, const char **url, struct err *err)
{
	const char *policy = it->setup->places.policy;
	auto_http_site struct http_site *site = NULL;
	struct http_options options = { .user_agent = "glrotate" };
	char why[512];

	*url = it->setup->url;
	if (!*url && it->setup->dry_run)
		return true;
	if (!*url && !terminal_is_there())
		return err_set(err, ERR_USAGE, 0,
			"there is no policy %s: which GitLab? glrotate setup --url https://…",
			policy);
	if (!*url && !terminal_line("GitLab's URL (https://…): ", it->arena, url, err))
		return false;
	options.url = *url;
	if (strpbrk(*url, "\"\\ \t\n"))
		return err_set(err, ERR_USAGE, 0, "'%s' is no URL", *url);
	if (!check_url(*url, why, sizeof(why)))
		return err_set(err, ERR_USAGE, 0, "%s", why);
	if (http_site_new(&options, &site, err))
		return true;
	err->kind = ERR_USAGE;
	return err_wrap(err, "'%s'", *url);
}

static bool
write_minimal(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const char *slash = strrchr(places->policy, '/');
	const char *folder =
		arena_text_n(it->arena, places->policy, (size_t)(slash - places->policy));
	/* Whoever runs it reads it. */
	const struct atomic_file file = { .path = places->policy,
		.mode = places->user ? 0600 : 0644,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1 };
	auto_secret struct secret *content = NULL;
	const char *url, *text;

	if (!choose_url(it, &url, err))
		return false;
	if (!setup_may(it, "policy", "write a minimal %s for %s", places->policy,
		    url ? url : "a GitLab that is asked for"))
		return true;
	text = minimal(it, url, places->credential);
	content = secret_copy(text, strlen(text));
	if (!setup_folders(it, folder, places->user ? 0700 : 0755, err) ||
		!atomic_file_replace(&file, content, false, err))
		return false;
	setup_say(it, "policy", "%s is written; edit it from line %d on: the tokens",
		places->policy, NEXT_LINE);
	return true;
}

static bool
load(struct setting_up *it, struct diags *diags, struct err *err)
{
	const char *file = it->setup->places.policy, *url = it->setup->url;

	it->policies = policies_load(file, diags);
	diags_print(diags, stderr);
	if (!it->policies->is_valid)
		return err_set(err, ERR_POLICY, 0, "the policy %s is not valid", file);
	if (url && strcmp(url, it->policies->gitlab.url) != 0)
		return err_set(err, ERR_USAGE, 0, "%s says %s, and --url %s", file,
			it->policies->gitlab.url, url);
	setup_say(it, "policy", "%s is valid, for %s, with %zu %s", file,
		it->policies->gitlab.url, it->policies->tokens.count,
		it->policies->tokens.count == 1 ? "entry" : "entries");
	return true;
}

bool
setup_policy(struct setting_up *it, struct diags *diags, struct err *err)
{
	struct stat facts;

	if (stat(it->setup->places.policy, &facts)) {
		if (errno != ENOENT)
			return err_set(err, ERR_POLICY, errno, "cannot examine '%s'",
				it->setup->places.policy);
		if (!write_minimal(it, err))
			return false;
		if (it->setup->dry_run)
			return true;
	}
	return load(it, diags, err);
}
