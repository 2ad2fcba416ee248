#include "flow/outcome.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

struct outcome {
	pthread_mutex_t lock;
	struct arena *arena;
	unsigned counts[COUNT_COUNT];
	struct trouble **troubles;
	size_t count, capacity;
	size_t hit_jobs;
	const char *hit;        /* which, or NULL */
	struct troubles before; /* what earlier runs told */
	int64_t (*now)(void *);
	void *clock;
};

/* The words of a state's arrival never change, so that a filter on them keeps working. */
struct state_words {
	enum log_level level;
	const char *message_id; /* explained in units/glrotate.catalog */
	const char *words;
};
/* clang-format off */
static const struct state_words state_words[STATE_COUNT] = {
	[STATE_PLANNED]   = { LOG_LEVEL_NOTICE,  "a34851e799e280760e400108136ef168", "rotation planned" },
	[STATE_INTENDED]  = { LOG_LEVEL_NOTICE,  "7aedd6f64b76ee5eb83ac0c701ad7a48", "about to ask GitLab" },
	[STATE_DOUBTED]   = { LOG_LEVEL_WARNING, "d1e5e30708176775ac4e483ae986dcb1", "in doubt" },
	[STATE_HELD]      = { LOG_LEVEL_NOTICE,  "358b4794c95729fcd6f6365bd76782ac", "new secret held" },
	[STATE_DELIVERED] = { LOG_LEVEL_NOTICE,  "417425b928702833e069178df7282ffb", "delivered" },
	[STATE_VERIFIED]  = { LOG_LEVEL_NOTICE,  "a47befd6e68bc4b8f1fff4f1a336fbdc", "verified" },
	[STATE_SWEPT]     = { LOG_LEVEL_NOTICE,  "dd495236652d8aed014d31905422cb99", "no other secret lives" },
	[STATE_FOREIGN]   = { LOG_LEVEL_WARNING, "b493dac992287181adcc90e6e74388a6", "rotated by somebody else" },
	[STATE_LOST]      = { LOG_LEVEL_WARNING, "1bc3ea409466d69da8d0e8b38e277edd", "lost" },
	[STATE_CLOSED]    = { LOG_LEVEL_NOTICE,  "830689fce3c6b3f83c3cd3853fc8a76a", "rotation done" },
	[STATE_ORPHANED]  = { LOG_LEVEL_WARNING, "df0af3eb08994b4a804d7383227dcc1b", "its secret is lost" },
	[STATE_OVERLAP]   = { LOG_LEVEL_NOTICE,  "8d0d38a3b5824d1981abdeaf539270cb", "old and new live side by side" },
	[STATE_RETIRING]  = { LOG_LEVEL_NOTICE,  "6a07c1bc0cfa4bbaaec76a9c227b8439", "about to retire the old token" },
	[STATE_RETIRED]   = { LOG_LEVEL_NOTICE,  "5d9fc934b5f8442482d81b05500db86e", "old token retired" },
	[STATE_SETTLED]   = { LOG_LEVEL_NOTICE,  "8f2d0190b5ac4297828241058aff78e9", "settled" },
	[STATE_DROPPED]   = { LOG_LEVEL_WARNING, "11cde4916fcce698a3315b7a862a5412", "given up before anything was changed" },
};
/* clang-format on */
#define PERSON_MESSAGE_ID "8798eb6c699639057bb650fb51fad567"
#define LATER_MESSAGE_ID "eaa229130f0829c1c55da3a1ad9c72f8"
#define ALERT_MESSAGE_ID "5b1f0c7de7a94f0d8c3a6e2b94d170fa"

struct outcome *
outcome_new(void)
{
	struct outcome *outcome = memory_or_abort(calloc(1, sizeof(*outcome)));

	pthread_mutex_init(&outcome->lock, NULL);
	outcome->arena = arena_new();
	return outcome;
}

void
outcome_free(struct outcome *outcome)
{
	if (!outcome)
		return;
	pthread_mutex_destroy(&outcome->lock);
	arena_free(outcome->arena);
	free(outcome);
}

void
outcome_add(struct outcome *outcome, enum outcome_count what)
{
	pthread_mutex_lock(&outcome->lock);
	outcome->counts[what]++;
	pthread_mutex_unlock(&outcome->lock);
}

unsigned
outcome_count(const struct outcome *outcome, enum outcome_count what)
{
	struct outcome *locked = (struct outcome *)outcome;
	unsigned count;

	pthread_mutex_lock(&locked->lock);
	count = locked->counts[what];
	pthread_mutex_unlock(&locked->lock);
	return count;
}

void
outcome_hit(struct outcome *outcome, size_t jobs, const char *which)
{
	pthread_mutex_lock(&outcome->lock);
	outcome->hit_jobs += jobs;
	outcome->hit = arena_format(outcome->arena, "%s%s%s", outcome->hit ? outcome->hit : "",
		outcome->hit ? "; " : "", which);
	pthread_mutex_unlock(&outcome->lock);
}

size_t
outcome_hit_jobs(const struct outcome *outcome)
{
	struct outcome *locked = (struct outcome *)outcome;
	size_t jobs;

	pthread_mutex_lock(&locked->lock);
	jobs = locked->hit_jobs;
	pthread_mutex_unlock(&locked->lock);
	return jobs;
}

const char *
outcome_hit_text(const struct outcome *outcome)
{
	struct outcome *locked = (struct outcome *)outcome;
	const char *text;

	pthread_mutex_lock(&locked->lock);
	text = locked->hit ? locked->hit : "";
	pthread_mutex_unlock(&locked->lock);
	return text;
}

const char *
outcome_message_id(enum state_of_row state)
{
	return state_words[state].message_id;
}

const char *
outcome_trouble_id(bool person)
{
	return person ? PERSON_MESSAGE_ID : LATER_MESSAGE_ID;
}

const char *
outcome_alert_id(void)
{
	return ALERT_MESSAGE_ID;
}

void
outcome_alert(const char *alert, const char *about, const struct err *failure)
{
	if (failure)
		log_event(LOG_LEVEL_WARNING, ALERT_MESSAGE_ID, NULL, 0,
			"not told: %s%s%s: %s; the next run tries again", alert,
			*about ? " about " : "", about, failure->text);
	else
		log_line(LOG_LEVEL_INFO, "told: %s: %s", alert, about);
}

/* NAME of TYPE:OWNER:NAME. */
static const char *
name_in(const char *address)
{
	const char *owner = strchr(address, ':');
	const char *name = owner ? strchr(owner + 1, ':') : NULL;

	return name ? name + 1 : NULL;
}

void
outcome_event(struct outcome *outcome, const struct rotation *row, const char *text)
{
	const struct state_words *words = &state_words[row->state];
	int64_t token_id = row->new_id ? row->new_id : row->target_id;
	char rotation_text[24], token_text[24];
	struct log_field fields[] = {
		{ "ROTATION", rotation_text },
		{ "TOKEN", row->address },
		{ "TOKEN_NAME", name_in(row->address) },
		{ "TOKEN_ID", token_id ? token_text : NULL },
		{ "STATE", row_state_name(row->state) },
	};

	(void)outcome;
	snprintf(rotation_text, sizeof(rotation_text), "%" PRId64, row->id);
	snprintf(token_text, sizeof(token_text), "%" PRId64, token_id);
	log_event(words->level, words->message_id, fields, ARRAY_SIZE(fields), "%s: %s%s%s",
		row->address, words->words, text && *text ? ": " : "", text ? text : "");
}

static void
log_trouble(const struct trouble *trouble)
{
	char code[16];
	struct log_field fields[] = {
		{ "TOKEN", *trouble->address ? trouble->address : NULL },
		{ "TOKEN_NAME", name_in(trouble->address) },
		{ "ADVICE", trouble->advice ? code : NULL },
	};

	snprintf(code, sizeof(code), "GLR-%d", trouble->advice);
	log_event(trouble->person ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		outcome_trouble_id(trouble->person), fields, ARRAY_SIZE(fields), "%s%s%s%s%s%s",
		trouble->address, *trouble->address ? ": " : "", trouble->text,
		trouble->advice ? " (" : "", trouble->advice ? code : "",
		trouble->advice ? ")" : "");
}

int64_t
troubles_since(const struct troubles *before, const struct trouble *trouble, int64_t now)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct trouble *told = &before->items[i];

		if (told->since && told->advice == trouble->advice &&
			!strcmp(told->address, trouble->address) &&
			(told->advice || !strcmp(told->text, trouble->text)))
			return told->since;
	}
	return trouble->since ? trouble->since : now;
}

void
outcome_before(struct outcome *outcome, const struct troubles *before, int64_t (*now)(void *),
	void *context)
{
	outcome->before = *before;
	outcome->now = now;
	outcome->clock = context;
}

void
outcome_trouble(struct outcome *outcome, const struct trouble *trouble)
{
	struct trouble *kept;

	pthread_mutex_lock(&outcome->lock);
	kept = arena_alloc(outcome->arena, sizeof(*kept));
	*kept = *trouble;
	kept->address = arena_text(outcome->arena, trouble->address ? trouble->address : "");
	kept->text = arena_text(outcome->arena, trouble->text);
	kept->since = troubles_since(
		&outcome->before, kept, outcome->now ? outcome->now(outcome->clock) : 0);
	outcome->troubles = arena_grow(outcome->arena, outcome->troubles, outcome->count,
		&outcome->capacity, sizeof(struct trouble *));
	outcome->troubles[outcome->count++] = kept;
	pthread_mutex_unlock(&outcome->lock);
	log_trouble(kept);
}

size_t
outcome_troubles(const struct outcome *outcome)
{
	struct outcome *locked = (struct outcome *)outcome;
	size_t count;

	pthread_mutex_lock(&locked->lock);
	count = locked->count;
	pthread_mutex_unlock(&locked->lock);
	return count;
}

const struct trouble *
outcome_trouble_at(const struct outcome *outcome, size_t index)
{
	struct outcome *locked = (struct outcome *)outcome;
	const struct trouble *trouble = NULL;

	pthread_mutex_lock(&locked->lock);
	if (index < locked->count)
		trouble = locked->troubles[index];
	pthread_mutex_unlock(&locked->lock);
	return trouble;
}

int
outcome_exit(const struct outcome *outcome)
{
	size_t count = outcome_troubles(outcome);

	for (size_t i = 0; i < count; i++)
		if (outcome_trouble_at(outcome, i)->person)
			return 3;
	return count || outcome_count(outcome, COUNT_WAITING) ? 1 : 0;
}

int
outcome_exit_for(const struct err *err)
{
	switch (err->kind) {
	case ERR_USAGE:
	case ERR_POLICY:
		return 2;
	case ERR_BUSY:
		return 4;
	case ERR_REACH:
		return 5;
	case ERR_LATER:
	case ERR_STOPPED:
	case ERR_DOUBT:
		return 1;
	case ERR_NONE:
	case ERR_REFUSED:
	case ERR_MOVED:
	case ERR_STORE:
	case ERR_CREDENTIAL:
	case ERR_PERSON:
		break;
	}
	return 3;
}
