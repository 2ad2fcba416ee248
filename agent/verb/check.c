/* check: is the policy valid; do our rights suffice, line by line. Changes nothing. */
#include <string.h>
#include <time.h>

#include "base/advice.h"
#include "base/when.h"
#include "destination/destination.h"
#include "flow/bearer.h"
#include "flow/own_end.h"
#include "flow/run.h"
#include "gitlab/people.h"
#include "report/alert_send.h"
#include "report/page.h"
#include "verb/checked.h"
#include "verb/options.h"
#include "verb/verb.h"

static void
add(struct checking *checking, bool ok, int advice, const char *subject, const char *text)
{
	checking->findings = arena_grow(checking->arena, checking->findings, checking->count,
		&checking->capacity, sizeof(*checking->findings));
	/* Texts of the plan end with it, before they are printed. */
	checking->findings[checking->count++] = (struct finding){
		.ok = ok,
		.subject = arena_text(checking->arena, subject),
		.text = arena_text(checking->arena, text),
		.advice = advice,
	};
}

static void
warn(struct checking *checking, int advice, const char *subject, const char *text)
{
	add(checking, true, advice, subject, text);
	checking->findings[checking->count - 1].warns = true;
}

/* --- what is asked of GitLab --- */

/* The plan's item of our own credential, or NULL. */
static const struct plan_item *
own_item(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].entry && plan->items[i].entry->is_own)
			return &plan->items[i];
	return NULL;
}

static void
check_credential(struct checking *checking, const struct plan *plan)
{
	const struct plan_item *own = own_item(plan);
	const struct identity *identity = checking->context->identity;
	int64_t expires_on = identity_expires_on(identity);
	int64_t now = gitlab_now(checking->context->server);
	bool writes = identity_has_scope(identity, "api");
	struct own_end end;
	const char *text;

	text = arena_format(checking->arena, "token %s of %s%s, dies %s",
		page_id(checking->arena, identity_token_id(identity)),
		checking->me.username ? checking->me.username : "an unknown user",
		checking->me.is_admin == STATED_YES ? " (administrator)" : "",
		page_moment(checking->arena, date_start(expires_on), now));
	if (own && own->due.due_at != NO_MOMENT)
		text = arena_format(checking->arena, "%s; rotates itself, due %s", text,
			page_day(checking->arena, own->due.due_at));
	if (!writes)
		text = arena_format(checking->arena,
			"%s; has not the scope api, so it cannot rotate", text);
	add(checking, writes, writes ? 0 : GLR_OWN_CREDENTIAL, "credential", text);
	end = own_end_of(identity_token(identity), checking->context->policies);
	if (own_end_warns(&end, now))
		warn(checking, GLR_OWN_ENDS, "credential",
			own_end_words(&end, now, checking->arena));
}

/* It is there for a bad day, so it is asked now. */
static void
check_rescue(struct checking *checking)
{
	struct context *context = checking->context;
	const struct bearer_source source = { .what = "the rescue credential",
		.file = context->policies->gitlab.rescue_credential };
	auto_bearer struct bearer bearer = { 0 };
	const struct token *token;
	struct err err;

	if (!source.file)
		return;
	if (!bearer_open_file(context->server, &source, &bearer, &err) ||
		!identity_prove(bearer.identity, bearer.gitlab, &err)) {
		add(checking, false, GLR_RESCUE, "rescue", err.text);
		return;
	}
	token = identity_token(bearer.identity);
	if (token->id == identity_token_id(context->identity))
		add(checking, false, GLR_RESCUE, "rescue", "it is our own token");
	else
		add(checking, true, 0, "rescue",
			arena_format(checking->arena, "token %s, dies %s",
				page_id(checking->arena, token->id),
				page_moment(checking->arena, date_start(token->expires_on),
					gitlab_now(context->server))));
}

static void
check_version(struct checking *checking)
{
	const char *version;
	struct err err;

	if (people_version(checking->context->gitlab, checking->arena, &version, &err))
		add(checking, true, 0, "GitLab",
			arena_format(checking->arena, "%s at %s", version,
				checking->context->policies->gitlab.url));
	else
		add(checking, false, 0, "GitLab", arena_text(checking->arena, err.text));
}

/* Dates are judged by GitLab's clock alone, as long as the two agree; what stands in this host's log is by its own. */
static void
check_clock(struct checking *checking)
{
	const int64_t skew = gitlab_clock_skew(checking->context->server);
	const int64_t off = skew < 0 ? -skew : skew;
	const bool ok = off <= checking->context->policies->limits.clock_skew_sec;
	char span[WHEN_TEXT_BYTES];

	if (ok && off < 5 * MINUTE_SEC)
		return;
	add(checking, ok, ok ? 0 : GLR_CLOCK, "clock",
		arena_format(checking->arena, "this host's is %s %s GitLab's%s",
			span_text(off, span), skew < 0 ? "behind" : "ahead of",
			ok ? ", which is the one that counts" : ": nothing is rotated"));
}

/* Whether an earlier holding has the same owner: each is told once. */
static bool
seen_before(const struct holdings *holdings, size_t index)
{
	const struct address *address = &holdings->items[index].address;

	for (size_t i = 0; i < index; i++)
		if (holdings->items[i].address.type == address->type &&
			strcmp(holdings->items[i].address.owner, address->owner) == 0)
			return true;
	return false;
}

/* Our level at that project or group, where it can be asked and means anything. */
static bool
our_level(struct checking *checking, const struct owner *owner, int64_t *level)
{
	struct err err;

	if (checking->me.is_admin == STATED_YES || !checking->me.id || !owner->id)
		return false;
	if (kind_of(owner->type)->of_user)
		return false;
	return people_level(checking->context->gitlab,
		owner->type == TYPE_PROJECT || owner->type == TYPE_PROJECT_DEPLOY, owner->id,
		checking->me.id, level, &err);
}

static void
check_owner(struct checking *checking, const struct holding *holding)
{
	struct arena *arena = checking->arena;
	const bool is_group =
		holding->owner.type == TYPE_GROUP || holding->owner.type == TYPE_GROUP_DEPLOY;
	int64_t least = is_group ? ROLE_OWNER : ROLE_MAINTAINER;
	const char *subject = arena_format(arena, "owner %s %s",
		token_type_name(holding->address.type), holding->address.owner);
	int64_t level;

	if (!holding->is_readable) {
		add(checking, false,
			holding->trouble.advice ? holding->trouble.advice
						: GLR_OWNER_UNREADABLE,
			subject,
			arena_format(arena, "%s; needed: %s", holding->trouble.text,
				kind_of(holding->address.type)->least_right));
		return;
	}
	if (!our_level(checking, &holding->owner, &level)) {
		add(checking, true, 0, subject, "its tokens can be listed");
		return;
	}
	add(checking, level >= least, level >= least ? 0 : GLR_ROTATE_REFUSED, subject,
		arena_format(arena, "its tokens can be listed; we are %s, needed: %s",
			role_name(level) ? role_name(level) : "no member",
			kind_of(holding->address.type)->least_right));
}

static void
check_destinations(struct checking *checking, const struct plan_item *item)
{
	const struct destination_tools tools =
		context_tools(checking->context, checking->context->gitlab, checking->arena);
	const struct destination *destinations = item->destinations.items;

	for (size_t i = 0; i < item->destinations.count; i++) {
		int advice;
		const char *change =
			page_item_change(&tools, checking->context->journal, item, i, &advice);

		checking->destinations++;
		add(checking, !advice, advice, destinations[i].text, change);
	}
}

static const char *
token_words(const struct checking *checking, const struct plan_item *item)
{
	struct arena *arena = checking->arena;

	if (item->action == PLAN_PERSON)
		return item->why;
	if (!item->token)
		return "does not exist yet: it will be created";
	if (item->unmanaged)
		return arena_format(arena, "%s, %s: nobody renews it, and it dies %s",
			page_id(arena, item->token->id), item->unmanaged,
			page_day(arena, date_start(item->token->expires_on)));
	if (item->action == PLAN_NOTHING && item->due.due_at == NO_MOMENT)
		return arena_format(
			arena, "%s, %s", page_id(arena, item->token->id), item->why);
	return arena_format(arena, "%s%s, dies %s", page_id(arena, item->token->id),
		item->adopts ? ", will be adopted" : "",
		page_day(arena, date_start(item->token->expires_on)));
}

static void
check_token(struct checking *checking, const struct plan_item *item)
{
	bool ok = item->action != PLAN_PERSON;

	checking->tokens++;
	if (item->unmanaged) {
		warn(checking, GLR_NOT_MANAGED,
			arena_format(checking->arena, "token %s", item->address.text),
			token_words(checking, item));
		return;
	}
	/* An owner that cannot be read was told already. */
	if (!item->holding || item->holding->is_readable)
		add(checking, ok, item->advice,
			arena_format(checking->arena, "token %s", item->address.text),
			token_words(checking, item));
	check_destinations(checking, item);
}

/* A token that outranks us cannot be rotated, though it can be listed. */
static void
check_rank(struct checking *checking, const struct plan_item *item)
{
	int64_t level;

	if (!item->token || !item->holding || !item->token->access_level || item->unmanaged)
		return;
	if (!our_level(checking, &item->holding->owner, &level) ||
		level >= item->token->access_level)
		return;
	add(checking, false, GLR_ROTATE_REFUSED,
		arena_format(checking->arena, "token %s", item->address.text),
		arena_format(checking->arena, "is %s, which is above us",
			role_name(item->token->access_level)
				? role_name(item->token->access_level)
				: "of a level unknown here"));
}

/* --- what is looked at on this machine --- */

static void
check_key(struct checking *checking)
{
	struct err err;

	if (!journal_key_is_there(checking->context->journal, checking->context->state, &err))
		add(checking, false, err.advice, "key", err.text);
}

/* Who is to be told of what is wrong must not be found missing then. */
static void
check_alerts(struct checking *checking)
{
	const struct alerts alerts =
		alerts_of(checking->context->policies, checking->arena, NULL);
	struct err err;

	for (size_t i = 0; i < alerts.count; i++)
		if (!alert_can_send(&alerts.items[i], &err))
			add(checking, false, 0,
				arena_format(checking->arena, "alert %s", alerts.items[i].name),
				err.text);
}

/* They are as somebody wants it, and no problem. */
static bool
check_brakes(struct checking *checking, struct err *err)
{
	struct context *context = checking->context;
	struct brakes brakes;

	if (!brakes_read(
		    context->journal, context->policies->file, checking->arena, &brakes, err))
		return false;
	for (size_t i = 0; i < brakes.count; i++)
		if (brake_is_on(&brakes.items[i], time(NULL)))
			add(checking, true, 0,
				arena_format(checking->arena, "brake on %s",
					brakes.items[i].pattern.text),
				brakes.items[i].text);
	return true;
}

static bool
check_online(struct checking *checking, struct err *err)
{
	struct context *context = checking->context;
	struct plan_options wishes = { .limit = context->policies->limits.rotations_per_run };
	auto_reading struct reading reading = { 0 };
	struct err ignored;

	check_key(checking);
	check_alerts(checking);
	if (!reading_open(context, &wishes, 0, &reading, err))
		return false;
	checking->is_read = true;
	if (!people_me(context->gitlab, checking->arena, &checking->me, &ignored))
		checking->me = (struct person){ 0 };
	check_credential(checking, reading.plan);
	check_rescue(checking);
	check_version(checking);
	check_clock(checking);
	for (size_t i = 0; i < reading.holdings.count; i++)
		if (!seen_before(&reading.holdings, i))
			check_owner(checking, &reading.holdings.items[i]);
	/* A fleet may be still to come. */
	for (size_t i = 0; i < reading.holdings.barren_count; i++)
		add(checking, true, 0,
			arena_format(checking->arena, "pattern %s",
				reading.holdings.barren[i]->text),
			PAGE_BARREN);
	for (size_t i = 0; i < reading.plan->count; i++) {
		if (reading.plan->items[i].action == PLAN_RELEASED)
			continue;
		check_token(checking, &reading.plan->items[i]);
		check_rank(checking, &reading.plan->items[i]);
	}
	return true;
}

bool
verb_check(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct checking checking = { .context = context, .arena = context->arena };

	if (!check_brakes(&checking, err))
		return false;
	if (context->policies->is_valid && !options->offline && !check_online(&checking, err)) {
		if (!options->json)
			checked_print(&checking);
		return false;
	}
	if (options->json && !checked_print_json(&checking, err))
		return false;
	if (!options->json)
		checked_print(&checking);
	*exit_code = !context->policies->is_valid ? 2 : checked_problems(&checking) ? 3 : 0;
	return true;
}
