#include "flow/context.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/advice.h"
#include "base/credential.h"
#include "store/seal.h"

#define DEFAULT_POLICY "/etc/glrotate/glrotate.yaml"

static const char *
user_name(struct arena *arena)
{
	const struct passwd *user = getpwuid(getuid());

	return user ? arena_text(arena, user->pw_name)
	            : arena_format(arena, "user %lu", (unsigned long)getuid());
}

/* Who stands in the events: the timer, or a login, and who became it by sudo. */
static const char *
actor(struct arena *arena)
{
	const char *sudo_user = getenv("SUDO_USER"), *by_hand = getenv(CONTEXT_BY_HAND);
	const char *name = by_hand && *by_hand ? by_hand : user_name(arena);

	if (getenv("INVOCATION_ID") && !isatty(STDIN_FILENO) && !sudo_user && !by_hand)
		return "timer";
	if (sudo_user && *sudo_user)
		return arena_format(arena, "%s (sudo from %s)", name, sudo_user);
	return name;
}

static void
set_facts(struct context *context, const struct context_wish *wish)
{
	unsigned char bytes[8];
	char text[2 * sizeof(bytes) + 1];

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	context->facts = (struct run_facts){
		.actor = actor(context->arena),
		.reason = arena_text(context->arena, wish->reason ? wish->reason : ""),
		.revision = context->policies ? context->policies->revision : "",
		.correlation = arena_text(context->arena, text),
	};
}

static bool
open_policy(struct context *context, const struct context_wish *wish, struct err *err)
{
	const char *file = wish->policy_file ? wish->policy_file : DEFAULT_POLICY;

	context->policies = policies_load(file, context->diags);
	diags_print(context->diags, stderr);
	if (context->policies->is_valid)
		return true;
	/* What is begun is finished under a broken policy, as long as it says where GitLab is. */
	if (!(wish->needs & NEED_POLICY) &&
		(context->policies->gitlab_is_valid || !(wish->needs & NEED_GITLAB)))
		return true;
	return err_set(err, ERR_POLICY, 0, "the policy %s is not valid", file);
}

static bool
open_journal(struct context *context, const struct context_wish *wish, struct err *err)
{
	const bool writer = wish->needs & NEED_JOURNAL;

	if (!state_open(wish->state_path, writer, &context->state, err))
		return false;
	if (writer)
		return journal_open(context->state, &context->facts, &context->journal, err);
	return journal_open_reader(context->state, &context->journal, err);
}

static int64_t
server_time(void *server)
{
	return gitlab_now(server);
}

static bool
open_gitlab(struct context *context, struct err *err)
{
	const struct gitlab_section *section = &context->policies->gitlab;
	const struct http_options options = {
		.url = section->url,
		.ca_file = section->ca_file,
		.user_agent = "glrotate/" GLROTATE_VERSION,
	};
	int64_t ages_sec[10];

	if (!credential_read(section->credential, &context->credential, err) ||
		!http_site_new(&options, &context->site, err))
		return false;
	context->server = gitlab_server_new(context->site, context->stop);
	context->refusals = refusals_open(context->state);
	gitlab_server_set_failures(context->server, ages_sec,
		refusals_ages(context->refusals, ages_sec, ARRAY_SIZE(ages_sec)), refusals_add,
		context->refusals);
	context->gitlab = gitlab_new(context->server, context->credential);
	context->identity = identity_new("our own credential");
	if (context->journal)
		journal_set_now(context->journal, server_time, context->server);
	return true;
}

/* All of them: a copy that systemd made has another path than what it was made from. */
static void
name_own(struct context *context)
{
	const struct gitlab_section none = { 0 };
	const struct gitlab_section *gitlab =
		context->policies ? &context->policies->gitlab : &none;
	char state[PATH_MAX];
	const char *const names[] = { gitlab->credential, gitlab->rescue_credential,
		gitlab->credential_file, SEAL_CREDENTIAL,
		context->state && realpath(state_path(context->state), state)
			? arena_format(context->arena, "%s/" SEAL_FILE, state)
			: NULL };
	const char **items = arena_alloc(context->arena, sizeof(names));

	context->own.items = items;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			items[context->own.count++] = names[i];
}

bool
context_open(const struct context_wish *wish, struct context *context, struct err *err)
{
	context->arena = arena_new();
	context->diags = diags_new();
	context->stop = wish->stop;
	if ((wish->needs & (NEED_POLICY | NEED_POLICY_IF_VALID)) &&
		!open_policy(context, wish, err))
		return false;
	set_facts(context, wish);
	if ((wish->needs & (NEED_JOURNAL | NEED_JOURNAL_COPY)) &&
		!open_journal(context, wish, err))
		return false;
	name_own(context);
	context->remotes = remotes_new(&context->own);
	return !(wish->needs & NEED_GITLAB) || open_gitlab(context, err);
}

void
context_close(struct context *context)
{
	journal_close(context->journal);
	remotes_free(context->remotes);
	identity_free(context->identity);
	gitlab_free(context->gitlab);
	gitlab_server_free(context->server);
	http_site_free(context->site);
	secret_free(context->credential);
	refusals_close(context->refusals);
	state_close(context->state);
	policies_free(context->policies);
	diags_free(context->diags);
	arena_free(context->arena);
	*context = (struct context){ 0 };
}

bool
context_gave(struct journal *journal, const struct stamp *stamp)
{
	bool gave = false;
	struct err ignored;

	return journal &&
	       journal_gave(journal, stamp->token_id, stamp->generation, &gave, &ignored) &&
	       gave;
}

struct destination_tools
context_tools(const struct context *context, struct gitlab *gitlab, struct arena *arena)
{
	return (struct destination_tools){
		.gitlab = gitlab,
		.arena = arena,
		.remotes = context->remotes,
		.journal = context->journal,
		.gave = context_gave,
	};
}
