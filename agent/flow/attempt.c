#include "flow/attempt.h"

#include "base/json.h"
#include "flow/context.h"

static const struct field orphan_fields[] = {
	{ "id", FIELD_INT, offsetof(struct orphan, id), .required = true },
	{ NULL },
};
static const struct shape orphan_shape = { "an orphan", orphan_fields, sizeof(struct orphan) };

#define FILLS(member) offsetof(struct frozen, member)
/* clang-format off */
static const struct field frozen_fields[] = {
	{ "type",             FIELD_INT,   FILLS(type) },
	{ "owner_id",         FIELD_INT,   FILLS(owner_id) },
	{ "user_id",          FIELD_INT,   FILLS(user_id) },
	{ "in_project",       FIELD_BOOL,  FILLS(in_project) },
	{ "owner",            FIELD_TEXT,  FILLS(owner),            .required = true },
	{ "name",             FIELD_TEXT,  FILLS(name),             .required = true },
	{ "created_msec",     FIELD_INT,   FILLS(created_msec) },
	{ "expires_on",       FIELD_DATE,  FILLS(expires_on) },
	{ "max_lifetime_sec", FIELD_INT,   FILLS(max_lifetime_sec) },
	{ "settle_sec",       FIELD_INT,   FILLS(settle_sec) },
	{ "scopes",           FIELD_TEXTS, FILLS(scopes) },
	{ "access_level",     FIELD_INT,   FILLS(access_level) },
	{ "description",      FIELD_TEXT,  FILLS(description) },
	{ "first_target",     FIELD_INT,   FILLS(first_target) },
	{ "takes_over",       FIELD_BOOL,  FILLS(takes_over) },
	{ "recreates",        FIELD_BOOL,  FILLS(recreates) },
	{ "taken_over_at",    FIELD_INT,   FILLS(taken_over_at) },
	{ "shortened",        FIELD_BOOL,  FILLS(shortened) },
	{ "recreating",       FIELD_BOOL,  FILLS(recreating) },
	{ "idle_sec",         FIELD_INT,   FILLS(idle_sec) },
	{ "hurries",          FIELD_BOOL,  FILLS(hurries) },
	{ "ordered",          FIELD_BOOL,  FILLS(ordered) },
	{ "rotate_with",      FIELD_INT,   FILLS(rotate_with) },
	{ "secret",           FIELD_TEXT,  FILLS(secret) },
	{ "is_own",           FIELD_BOOL,  FILLS(is_own) },
	{ "overlap_sec",      FIELD_INT,   FILLS(overlap_sec) },
	{ "quiet_sec",        FIELD_INT,   FILLS(quiet_sec) },
	{ "rotated_at",       FIELD_INT,   FILLS(rotated_at) },
	{ "username",         FIELD_TEXT,  FILLS(username) },
	{ "orphans",          FIELD_LIST,  FILLS(orphans),          .shape = &orphan_shape },
	{ NULL },
};

const struct shape frozen_shape = { "a row's frozen rules", frozen_fields, sizeof(struct frozen) };

const struct step rotate_steps[STATE_COUNT] = {
	/* standing at        does              done              not yet           refused           moved             in doubt          */
	[STATE_PLANNED]   = { step_preflight, { STATE_INTENDED,   STATE_PLANNED,    STATE_DROPPED,    STATE_FOREIGN,    STATE_PLANNED   } },
	[STATE_INTENDED]  = { step_request,   { STATE_HELD,       STATE_PLANNED,    STATE_DROPPED,    STATE_DOUBTED,    STATE_DOUBTED   } },
	[STATE_DOUBTED]   = { step_reconcile, { STATE_PLANNED,    STATE_DOUBTED,    STATE_LOST,       STATE_FOREIGN,    STATE_DOUBTED   } },
	[STATE_HELD]      = { step_deliver,   { STATE_DELIVERED,  STATE_HELD,       STATE_HELD,       STATE_DOUBTED,    STATE_HELD      } },
	[STATE_DELIVERED] = { step_verify,    { STATE_VERIFIED,   STATE_DELIVERED,  STATE_HELD,       STATE_DOUBTED,    STATE_DELIVERED } },
	[STATE_VERIFIED]  = { step_sweep,     { STATE_SWEPT,      STATE_VERIFIED,   STATE_VERIFIED,   STATE_SWEPT,      STATE_VERIFIED  } },
	[STATE_SWEPT]     = { step_forget,    { STATE_CLOSED,     STATE_SWEPT,      STATE_SWEPT,      STATE_SWEPT,      STATE_SWEPT     } },
	[STATE_FOREIGN]   = { step_respond,   { STATE_PLANNED,    STATE_FOREIGN,    STATE_FOREIGN,    STATE_DOUBTED,    STATE_FOREIGN   } },
	[STATE_LOST]      = { step_recover,   { STATE_PLANNED,    STATE_LOST,       STATE_LOST,       STATE_FOREIGN,    STATE_LOST      } },
};

const struct step replace_steps[STATE_COUNT] = {
	/* standing at        does                      done              not yet           refused           moved             in doubt          */
	[STATE_PLANNED]   = { step_replace_preflight, { STATE_INTENDED,   STATE_PLANNED,    STATE_DROPPED,    STATE_DOUBTED,    STATE_PLANNED   } },
	[STATE_INTENDED]  = { step_request,           { STATE_HELD,       STATE_PLANNED,    STATE_DROPPED,    STATE_DOUBTED,    STATE_DOUBTED   } },
	[STATE_DOUBTED]   = { step_replace_reconcile, { STATE_PLANNED,    STATE_DOUBTED,    STATE_DOUBTED,    STATE_ORPHANED,   STATE_DOUBTED   } },
	[STATE_ORPHANED]  = { step_discard,           { STATE_PLANNED,    STATE_ORPHANED,   STATE_ORPHANED,   STATE_PLANNED,    STATE_ORPHANED  } },
	[STATE_HELD]      = { step_deliver,           { STATE_DELIVERED,  STATE_HELD,       STATE_HELD,       STATE_ORPHANED,   STATE_HELD      } },
	[STATE_DELIVERED] = { step_replace_verify,    { STATE_OVERLAP,    STATE_DELIVERED,  STATE_HELD,       STATE_ORPHANED,   STATE_DELIVERED } },
	[STATE_OVERLAP]   = { step_wait,              { STATE_RETIRING,   STATE_OVERLAP,    STATE_OVERLAP,    STATE_HELD,       STATE_OVERLAP   } },
	[STATE_RETIRING]  = { step_retire,            { STATE_RETIRED,    STATE_RETIRING,   STATE_RETIRING,   STATE_RETIRED,    STATE_RETIRING  } },
	[STATE_RETIRED]   = { step_settle,            { STATE_SETTLED,    STATE_RETIRED,    STATE_RETIRED,    STATE_RETIRED,    STATE_RETIRED   } },
	[STATE_SETTLED]   = { step_forget,            { STATE_CLOSED,     STATE_SETTLED,    STATE_SETTLED,    STATE_SETTLED,    STATE_SETTLED   } },
};
/* clang-format on */

const struct step *
attempt_steps(const struct rotation *row)
{
	return row->strategy == ROW_REPLACES ? replace_steps : rotate_steps;
}

bool
attempt_creates(const struct attempt *attempt)
{
	return !attempt->row->target_id || attempt->row->strategy == ROW_REPLACES;
}

struct destination_tools
attempt_tools(const struct attempt *attempt)
{
	const struct rotation *row = attempt->row;
	struct delivered *delivered = arena_alloc(attempt->arena, sizeof(*delivered));

	*delivered = (struct delivered){ .address = row->address,
		.token_id = row->new_id,
		.expires_on = row->new_expires_on,
		.username = row->new_username && *row->new_username
		                    ? row->new_username
		                    : attempt->frozen.username };
	return (struct destination_tools){ .gitlab = attempt->agent ? attempt->agent
		                                                    : attempt->gitlab,
		.arena = attempt->arena,
		.delivered = delivered,
		.remotes = attempt->remotes,
		.journal = attempt->journal,
		.gave = context_gave };
}

struct owner
frozen_owner(const struct frozen *frozen)
{
	return (struct owner){
		.type = (enum token_type)frozen->type,
		.id = frozen->owner_id,
		.user_id = frozen->user_id,
		.in_project = frozen->in_project == STATED_YES,
		.path = frozen->owner,
	};
}

void
attempt_freeze(struct attempt *attempt)
{
	attempt->row->frozen =
		json_encode_text(&frozen_shape, &attempt->frozen, attempt->arena);
}

void
attempt_note_secret(struct attempt *attempt)
{
	attempt->row->keeps_secret = attempt->frozen.secret != NULL;
}

enum step_end
step_end_of(bool ok, enum state_of_row state, const struct err *err)
{
	if (ok)
		return STEP_DONE;
	switch (err->kind) {
	case ERR_REFUSED:
	case ERR_POLICY:
		return STEP_REFUSED;
	case ERR_MOVED:
		return STEP_MOVED;
	case ERR_DOUBT:
		return STEP_DOUBT;
	case ERR_CREDENTIAL:
		/* A refused credential at the request says nothing about the row: it is read again
		 * before anything else, by a credential that lives. */
		return state == STATE_INTENDED ? STEP_DOUBT : STEP_NOT_YET;
	case ERR_STORE:
		/* The journal cannot be asked where the row stands; the run ends here. */
		return STEP_DOUBT;
	case ERR_PERSON:
		return state == STATE_PLANNED ? STEP_REFUSED : STEP_NOT_YET;
	default:
		return STEP_NOT_YET;
	}
}

/* How far along a row is; what answers trouble stands behind what it comes from. */
static const int ranks[STATE_COUNT] = {
	[STATE_PLANNED] = 0,
	[STATE_INTENDED] = 1,
	[STATE_DOUBTED] = 2,
	[STATE_LOST] = 3,
	[STATE_FOREIGN] = 4,
	[STATE_HELD] = 5,
	[STATE_DELIVERED] = 6,
	[STATE_ORPHANED] = 7,
	[STATE_VERIFIED] = 7,
	[STATE_SWEPT] = 8,
	[STATE_OVERLAP] = 8,
	[STATE_RETIRING] = 9,
	[STATE_RETIRED] = 10,
	[STATE_SETTLED] = 11,
	[STATE_CLOSED] = 12,
	[STATE_DROPPED] = 12,
};

bool
step_decide(const struct step *steps, enum state_of_row from, enum step_end end,
	bool *went_back, enum state_of_row *to)
{
	*to = steps[from].next[end];
	if (*to == from || end == STEP_NOT_YET)
		return false;
	if (ranks[*to] > ranks[from])
		return row_state_is_open(*to);
	if (*went_back) {
		*to = from;
		return false;
	}
	*went_back = true;
	return true;
}
