#include "flow/selftest.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/when.h"
#include "flow/leftovers.h"
#include "flow/outcome.h"
#include "flow/own.h"
#include "gitlab/people.h"
#include "gitlab/variable.h"

#define DESCRIPTION "made by glrotate selftest, which clears it away"
#define LIVES_DAYS 2
/* GitLab may know a new secret a moment later; of ten refusals within three minutes these are few. */
#define PROOFS_MOST 3
#define PAUSE_MSEC 1000

struct testing {
	struct context *context;
	const struct selftest *selftest;
	struct arena *arena;
	struct person me;
	struct owner owner;
	struct variable_where where;
	const char *name;   /* of the token */
	struct token token; /* the one that lives */
	int64_t old_id;     /* what it was before it was rotated */
	bool may_have_made; /* there is something to clear away */
	bool is_in_doubt;   /* what an unanswered request makes may still come */
	int exit_code;
};

static void
choose_names(struct testing *testing)
{
	unsigned char bytes[SELFTEST_MARK_BYTES];
	const char *mark = "";

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		mark = arena_format(testing->arena, "%s%02X", mark, bytes[i]);
	testing->name = arena_format(testing->arena, SELFTEST_TOKEN "%s", mark);
	testing->where = (struct variable_where){ .level = VARIABLE_PROJECT,
		.owner_id = testing->owner.id,
		.key = arena_format(testing->arena, SELFTEST_KEY "%s", mark),
		.scope = "*" };
}

static const char *
swept_text(const struct testing *testing, const struct swept *swept)
{
	if (!swept->tokens && !swept->variables)
		return "none";
	return arena_format(testing->arena, "%zu %s revoked, %zu %s deleted", swept->tokens,
		swept->tokens == 1 ? "token" : "tokens", swept->variables,
		swept->variables == 1 ? "variable" : "variables");
}

/* --- the steps --- */

static bool
clear(const struct testing *testing, struct gitlab *gitlab, struct swept *swept,
	struct err *err)
{
	const struct leftovers leftovers = {
		.project = &testing->owner,
		.policies = testing->context->policies,
		.own_id = identity_token_id(testing->context->identity),
		.now = gitlab_now(testing->context->server),
	};

	return leftovers_clear(gitlab, &leftovers, swept, err);
}

static bool
find_project(struct testing *testing, const char **said, struct err *err)
{
	struct context *context = testing->context;
	const char *path = testing->selftest->project;
	struct place_of_work project;
	struct err ignored;

	if (!people_me(context->gitlab, testing->arena, &testing->me, &ignored))
		testing->me = (struct person){ 0 };
	if (!people_project_at(context->gitlab, path, testing->arena, &project, err))
		return err_wrap(err, "'%s'", path);
	testing->owner =
		(struct owner){ .type = TYPE_PROJECT, .id = project.id, .path = project.path };
	choose_names(testing);
	*said = arena_format(testing->arena, "%s, number %" PRId64, project.path, project.id);
	return project.archived != STATED_YES ||
	       err_set(err, ERR_REFUSED, 0, "%s is archived", project.path);
}

static bool
sweep_leftovers(struct testing *testing, const char **said, struct err *err)
{
	struct swept swept = { 0 };

	if (!clear(testing, testing->context->gitlab, &swept, err))
		return false;
	*said = swept_text(testing, &swept);
	return true;
}

static bool
create_token(struct testing *testing, const char **said, struct err *err)
{
	struct context *context = testing->context;
	const char *scope = "read_repository";
	const struct token_wish wish = {
		.name = testing->name,
		.description = DESCRIPTION,
		.scopes = { &scope, 1 },
		.access_level = ROLE_GUEST,
		.expires_on = date_of(gitlab_now(context->server)) + LIVES_DAYS,
	};

	testing->may_have_made = true;
	if (!token_create(context->gitlab, &testing->owner, &wish, testing->arena,
		    &testing->token, err))
		return false;
	*said = arena_format(testing->arena, "%s, #%" PRId64 ", role guest, scope %s",
		testing->name, testing->token.id, scope);
	return true;
}

static bool
ask_with_it(struct testing *testing, struct gitlab *gitlab, struct err *err)
{
	struct token seen;

	if (!token_self(gitlab, testing->arena, &seen, NULL, err)) {
		/* That is not about our own credential. */
		if (err->kind == ERR_CREDENTIAL)
			err->kind = ERR_PERSON;
		return err_wrap(err, "GitLab refuses its secret");
	}
	return seen.id == testing->token.id ||
	       err_set(err, ERR_PERSON, 0, "its secret is that of #%" PRId64, seen.id);
}

static bool
prove_alive(struct testing *testing, const char **said, struct err *err)
{
	struct context *context = testing->context;
	auto_gitlab struct gitlab *gitlab = gitlab_new(context->server, testing->token.secret);

	*said = arena_format(
		testing->arena, "the secret of #%" PRId64 " works", testing->token.id);
	for (int i = 1;; i++) {
		if (ask_with_it(testing, gitlab, err))
			return true;
		if (err->kind != ERR_REFUSED || i == PROOFS_MOST ||
			!clock_pause(PAUSE_MSEC, context->stop))
			return false;
	}
}

static bool
check_kept(const struct testing *testing, const struct variable *got, struct err *err)
{
	if (!secret_equal(got->value, testing->token.secret))
		return err_set(err, ERR_MOVED, 0, "%s holds another value than was written",
			testing->where.key);
	return got->masked == STATED_YES ||
	       err_set(err, ERR_REFUSED, 0, "GitLab did not keep %s masked",
		       testing->where.key);
}

static bool
read_back(struct testing *testing, struct err *err)
{
	auto_variable struct variable got = { 0 };
	bool found;

	if (!variable_get(testing->context->gitlab, &testing->where, testing->arena, &found,
		    &got, err))
		return false;
	if (!found)
		return err_set(err, ERR_MOVED, 0, "%s is not there", testing->where.key);
	return check_kept(testing, &got, err);
}

static bool
create_variable(struct testing *testing, const char **said, struct err *err)
{
	const struct variable_change change = { .value = testing->token.secret,
		.description = DESCRIPTION,
		.visibility = VISIBILITY_MASKED,
		.protected = STATED_YES,
		.raw = STATED_YES,
		.variable_type = "env_var" };
	auto_variable struct variable made = { 0 };

	if (!variable_can_mask(testing->token.secret, true))
		return err_set(err, ERR_REFUSED, 0, "GitLab cannot mask its own secret");
	if (!variable_create(testing->context->gitlab, &testing->where, &change, testing->arena,
		    &made, err))
		return err_wrap(err, "%s", testing->where.key);
	*said = arena_format(testing->arena, "%s, masked, holds the secret of #%" PRId64,
		testing->where.key, testing->token.id);
	return read_back(testing, err);
}

static bool
rotate_token(struct testing *testing, const char **said, struct err *err)
{
	struct context *context = testing->context;
	const int64_t expires_on = date_of(gitlab_now(context->server)) + LIVES_DAYS;
	struct token next = { 0 };

	if (!identity_fresh(context->identity, context->gitlab, err) ||
		!token_rotate(context->gitlab, &testing->owner, testing->token.id, expires_on,
			testing->arena, &next, err))
		return false;
	testing->old_id = testing->token.id;
	secret_free(testing->token.secret);
	testing->token = next;
	*said = arena_format(
		testing->arena, "#%" PRId64 " → #%" PRId64, testing->old_id, testing->token.id);
	return true;
}

static bool
deliver(struct testing *testing, const char **said, struct err *err)
{
	const struct variable_change change = { .value = testing->token.secret };
	auto_variable struct variable changed = { 0 };

	if (!variable_update(testing->context->gitlab, &testing->where, &change, testing->arena,
		    &changed, err))
		return err_wrap(err, "%s", testing->where.key);
	*said = arena_format(testing->arena,
		"%s holds the secret of #%" PRId64 " and is masked", testing->where.key,
		testing->token.id);
	return read_back(testing, err);
}

/* By its number: an old secret is presented nowhere. */
static bool
prove_dead(struct testing *testing, const char **said, struct err *err)
{
	struct token old;

	if (!token_get(testing->context->gitlab, &testing->owner, testing->old_id,
		    testing->arena, &old, err))
		return err_wrap(err, "reading #%" PRId64, testing->old_id);
	*said = arena_format(testing->arena, "#%" PRId64 " is revoked", testing->old_id);
	return token_is_revoked(&old) ||
	       err_set(err, ERR_PERSON, 0, "#%" PRId64 " still lives after its rotation",
		       testing->old_id);
}

/* --- the whole --- */

static const struct {
	const char *name;
	bool (*does)(struct testing *testing, const char **said, struct err *err);
	bool of_variable; /* else of a token: whose right it takes */
} steps[] = {
	{ "project", find_project, false },
	{ "leftovers", sweep_leftovers, false },
	{ "create", create_token, false },
	{ "alive", prove_alive, false },
	{ "variable", create_variable, true },
	{ "rotate", rotate_token, false },
	{ "deliver", deliver, true },
	{ "alive", prove_alive, false },
	{ "dead", prove_dead, false },
};

static void
tell(const struct testing *testing, const char *name, bool ok, const char *text)
{
	const struct selftest_step step = { name, ok, text };

	testing->selftest->tell(testing->selftest->context, &step);
}

/* What we are there, and what it takes. */
static const char *
missing_right(const struct testing *testing, bool of_variable)
{
	const struct context *context = testing->context;
	struct arena *arena = testing->arena;
	const char *role = "", *tier = "";
	struct err ignored;
	int64_t level;

	if (!identity_has_scope(context->identity, "api"))
		return "; needed: a credential with the scope api";
	if (testing->owner.id && testing->me.id && testing->me.is_admin != STATED_YES &&
		people_level(context->gitlab, true, testing->owner.id, testing->me.id, &level,
			&ignored))
		role = arena_format(arena, "we are %s, ",
			role_name(level) ? role_name(level) : "no member");
	if (!of_variable)
		tier = ", and on GitLab.com Premium";
	return arena_format(
		arena, "; %sneeded: %s%s", role, kind_of(TYPE_PROJECT)->least_right, tier);
}

static void
tell_failure(struct testing *testing, const char *name, bool of_variable, const struct err *err)
{
	const bool is_right = err->kind == ERR_REFUSED || err->kind == ERR_MOVED;

	if (err->kind == ERR_DOUBT)
		testing->is_in_doubt = true;
	if (!testing->exit_code)
		testing->exit_code = outcome_exit_for(err);
	tell(testing, name, false,
		arena_format(testing->arena, "%s%s", err->text,
			is_right ? missing_right(testing, of_variable) : ""));
}

/* False when our own credential was refused: then nothing more is asked. */
static bool
do_steps(struct testing *testing)
{
	struct context *context = testing->context;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *said = "";
		bool ok = !*context->stop ||
		          err_set(&err, ERR_STOPPED, 0, "a signal asked to stop");

		if (ok && !steps[i].does(testing, &said, &err)) {
			ok = false;
			identity_judge(context->identity, context->gitlab, &err);
		}
		if (!ok) {
			tell_failure(testing, steps[i].name, steps[i].of_variable, &err);
			return err.kind != ERR_CREDENTIAL;
		}
		tell(testing, steps[i].name, true, said);
	}
	return true;
}

/* By a connection that no signal hurries; a second signal ends the process, and the next selftest clears away. */
static void
clear_away(struct testing *testing, bool may_ask)
{
	struct context *context = testing->context;
	auto_gitlab_server struct gitlab_server *server =
		gitlab_server_new(context->site, NULL);
	auto_gitlab struct gitlab *gitlab = gitlab_new(server, context->credential);
	struct swept swept = { 0 };
	struct err err;
	bool ok;

	gitlab_server_set_failures(server, NULL, 0, refusals_add, context->refusals);
	ok = may_ask ? clear(testing, gitlab, &swept, &err)
	             : err_set(&err, ERR_CREDENTIAL, 0, "our credential is refused");
	if (ok && testing->is_in_doubt)
		ok = err_set(&err, ERR_DOUBT, 0,
			"%s; a request without an answer may still be carried out",
			swept_text(testing, &swept));
	if (ok) {
		tell(testing, "cleared away", true, swept_text(testing, &swept));
		return;
	}
	if (!testing->exit_code)
		testing->exit_code = outcome_exit_for(&err);
	tell(testing, "cleared away", false,
		arena_format(testing->arena,
			"%s: the next selftest clears it away, and %s dies within %d days",
			err.text, testing->name, LIVES_DAYS));
}

bool
selftest_do(struct context *context, const struct selftest *selftest, int *exit_code,
	struct err *err)
{
	struct testing testing = {
		.context = context, .selftest = selftest, .arena = context->arena
	};
	const struct token *own;
	bool may_ask;

	if (!own_present(context, err) ||
		!identity_prove(context->identity, context->gitlab, err))
		return false;
	own = identity_token(context->identity);
	tell(&testing, "credential", true,
		arena_format(testing.arena, "token #%" PRId64 " '%s'", own->id, own->name));
	may_ask = do_steps(&testing);
	if (testing.may_have_made)
		clear_away(&testing, may_ask);
	secret_free(testing.token.secret);
	*exit_code = testing.exit_code;
	return true;
}
