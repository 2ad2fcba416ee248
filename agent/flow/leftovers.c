#include "flow/leftovers.h"

#include <string.h>

#include "base/clock.h"
#include "gitlab/token.h"
#include "gitlab/variable.h"

#define PAUSE_MSEC 1000
/* One that clears away, one more for what failed, one that finds nothing any more. */
#define SWEEPS_MOST 3

/* PREFIX and eight digits of a mark, and nothing else. */
static bool
is_called(const char *name, const char *prefix)
{
	const size_t length = strlen(prefix);

	return !strncmp(name, prefix, length) &&
	       strlen(name) == length + 2 * SELFTEST_MARK_BYTES &&
	       !name[length + strspn(name + length, "0123456789ABCDEF")];
}

/* One that a policy names, or that we present, is nobody's to clear away, whatever it is called. */
static bool
is_to_be_revoked(const struct leftovers *leftovers, const struct token *token)
{
	const struct address address = {
		.type = TYPE_PROJECT, .owner = leftovers->project->path, .name = token->name
	};

	return is_called(token->name, SELFTEST_TOKEN) &&
	       token_is_alive(token, leftovers->now) && token->id != leftovers->own_id &&
	       !policies_entry(leftovers->policies, &address);
}

/* --- clearing away --- */

/* What fails keeps nothing else from being cleared away; the first failure is told. */
static void
keep_first(bool ok, bool *all_ok, const struct err *why, struct err *err)
{
	if (!ok && *all_ok) {
		*err = *why;
		*all_ok = false;
	}
}

static bool
sweep_tokens(const struct leftovers *leftovers, struct gitlab *gitlab, size_t *count,
	struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct tokens tokens;
	struct err why;
	bool ok = true;

	if (!token_list(gitlab, leftovers->project, arena, &tokens, err))
		return err_wrap(err, "listing tokens");
	for (size_t i = 0; i < tokens.count; i++)
		if (is_to_be_revoked(leftovers, &tokens.items[i])) {
			++*count;
			keep_first(token_revoke(gitlab, leftovers->project, tokens.items[i].id,
					   &why) ||
					   err_wrap(&why, "revoking %s", tokens.items[i].name),
				&ok, &why, err);
		}
	return ok;
}

static bool
sweep_variables(const struct leftovers *leftovers, struct gitlab *gitlab, size_t *count,
	struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct variable_where where = {
		.level = VARIABLE_PROJECT, .owner_id = leftovers->project->id, .scope = "*"
	};
	const struct variable *variables;
	struct list list;
	struct err why;
	bool ok = true;

	if (!variable_list(gitlab, &where, arena, &list, err))
		return false;
	variables = list.items;
	for (size_t i = 0; i < list.count; i++)
		if (is_called(variables[i].key, SELFTEST_KEY) &&
			(!variables[i].environment_scope ||
				!strcmp(variables[i].environment_scope, where.scope))) {
			++*count;
			where.key = variables[i].key;
			keep_first(
				variable_delete(gitlab, &where, arena, &why), &ok, &why, err);
		}
	return ok;
}

static bool
sweep(const struct leftovers *leftovers, struct gitlab *gitlab, struct swept *swept,
	struct err *err)
{
	struct err why;
	bool ok = true;

	/* The variable first: it holds the secret of a token that lives. */
	keep_first(sweep_variables(leftovers, gitlab, &swept->variables, &why), &ok, &why, err);
	keep_first(sweep_tokens(leftovers, gitlab, &swept->tokens, &why), &ok, &why, err);
	return ok;
}

/* Until a sweep finds nothing: what was cleared away is proven gone by that. `all` counts what the first one found. */
bool
leftovers_clear(struct gitlab *gitlab, const struct leftovers *leftovers, struct swept *all,
	struct err *err)
{
	static const volatile int never;

	for (int i = 0; i < SWEEPS_MOST; i++) {
		struct swept swept = { 0 };
		const bool ok = sweep(leftovers, gitlab, &swept, err);

		if (!i)
			*all = swept;
		if (ok && !swept.tokens && !swept.variables)
			return true;
		if (ok)
			err_set(err, ERR_LATER, 0,
				"GitLab still shows what was revoked and deleted");
		if (!ok && (err->kind == ERR_CREDENTIAL || err->kind == ERR_REFUSED))
			return false;
		if (!ok && i + 1 < SWEEPS_MOST)
			(void)!clock_pause(PAUSE_MSEC, &never);
	}
	return false;
}
