/* What is wrong, by the journal and the policy, as one alert sees it. */
#include <string.h>

#include "base/advice.h"
#include "base/http.h"
#include "base/when.h"
#include "report/alert.h"

struct finding {
	const struct alert_rules *rules;
	int64_t now;
	struct arena *arena;
	struct condition *items;
	size_t count, capacity;
};

static void
add(struct finding *finding, enum condition_kind kind, const struct trouble *trouble,
	const char *destination, const struct token_record *record)
{
	struct address address;
	struct err ignored;

	finding->items = arena_grow(finding->arena, finding->items, finding->count,
		&finding->capacity, sizeof(*finding->items));
	finding->items[finding->count++] =
		(struct condition){ kind, *trouble, destination, NULL };
	if (record && record->owner_id &&
		address_parse(finding->arena, record->address, false, &address, &ignored) &&
		(address.type == TYPE_PROJECT || address.type == TYPE_PROJECT_DEPLOY))
		finding->items[finding->count - 1].project =
			arena_format(finding->arena, "%lld", (long long)record->owner_id);
}

static void
add_person(struct finding *finding, const struct standing_item *item)
{
	const struct trouble trouble = standing_trouble(item);
	const size_t before = finding->count;

	for (size_t i = 0;
		trouble.advice == GLR_DESTINATION_REFUSED && i < item->deliveries.count; i++)
		if (delivery_lags(&item->deliveries.items[i]) &&
			*item->deliveries.items[i].trouble)
			add(finding, CONDITION_PERSON, &trouble,
				item->deliveries.items[i].place, item->record);
	if (finding->count == before)
		add(finding, CONDITION_PERSON, &trouble, "", item->record);
}

/* Given up on after a week, while all else goes on. */
static void
add_set_aside(struct finding *finding, const struct standing_item *item)
{
	for (size_t i = 0; i < item->deliveries.count; i++) {
		const struct delivery *delivery = &item->deliveries.items[i];
		const struct trouble trouble = { .address = item->record->address,
			.text = delivery->trouble,
			.advice = GLR_DESTINATION_REFUSED,
			.person = true,
			.since = delivery->failing_since,
			.works_until = date_start(item->record->expires_on) };

		if (delivery->state == DELIVERY_SET_ASIDE)
			add(finding, CONDITION_PERSON, &trouble, delivery->place, item->record);
	}
}

/* A due date that has been over for a day shows that nobody keeps it. */
static bool
is_nobodys(const struct standing_item *item, int64_t now)
{
	return item->standing == STANDING_RELEASED || item->standing == STANDING_UNMANAGED ||
	       item->standing == STANDING_OPEN || item->standing == STANDING_LAGS ||
	       !item->lifetime || item->due.due_at + DAY_SEC <= now;
}

static void
add_less(struct finding *finding, const struct standing_item *item)
{
	const struct token_record *record = item->record;
	const struct rotation *row = item->row;
	struct trouble trouble = { .address = record->address,
		.text = item->trouble     ? item->trouble->text
		        : row             ? row->trouble
		        : item->unmanaged ? item->unmanaged
		                          : "",
		.advice = item->trouble     ? item->trouble->advice
		          : item->unmanaged ? GLR_NOT_MANAGED
		                            : 0,
		.since = item->trouble ? item->trouble->since
		         : row         ? row->moved_at
		                       : 0,
		.works_until = record->token_id ? date_start(record->expires_on) : NO_MOMENT };
	struct condition dying;

	if (row && row->trouble_since)
		trouble.since = row->trouble_since;
	if (item->brake && !*trouble.text)
		trouble.text = brake_words(
			item->brake, trouble.works_until, finding->now, finding->arena);
	dying = (struct condition){ .kind = CONDITION_MARGIN, .trouble = trouble };
	if (alert_is_for(finding->rules, &dying, finding->now) &&
		is_nobodys(item, finding->now))
		add(finding, CONDITION_MARGIN, &dying.trouble, "", record);
	else if (item->standing == STANDING_OPEN)
		add(finding, CONDITION_UNFINISHED, &trouble, "", record);
}

static struct conditions
conditions_of(const struct standings *standings, const struct alert_rules *rules, int64_t now,
	struct arena *arena)
{
	struct finding finding = { .rules = rules, .now = now, .arena = arena };
	const struct trouble *end = standings->end;

	if (end)
		add(&finding, end->person ? CONDITION_PERSON : CONDITION_UNFINISHED, end, "",
			NULL);
	if (own_end_warns(&standings->own_end, now)) {
		const struct trouble trouble = standing_own_end(standings, now, arena);

		add(&finding, CONDITION_MARGIN, &trouble, "", NULL);
	}
	for (size_t i = 0; i < standings->count; i++) {
		const struct standing_item *item = &standings->items[i];

		/* The run itself was told above. */
		if (!*item->record->address)
			continue;
		if (item->standing <= STANDING_DEAD)
			add_person(&finding, item);
		else
			add_less(&finding, item);
		if (item->standing == STANDING_LAGS)
			add_set_aside(&finding, item);
	}
	return (struct conditions){ finding.items, finding.count };
}

/* Whose issue it is; what has no project is not told. */
static void
aim_issues(const struct alert *alert, struct conditions *conditions, struct arena *arena)
{
	const struct alert_issue *issue = (const void *)alert->rules;
	struct condition *items = arena_alloc(arena, (conditions->count + 1) * sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < conditions->count; i++) {
		items[count] = conditions->items[i];
		if (issue->project)
			items[count].project = http_escape(arena, issue->project);
		count += items[count].project != NULL;
	}
	*conditions = (struct conditions){ items, count };
}

struct conditions
alert_conditions(const struct standings *standings, const struct alert *alert, int64_t now,
	struct arena *arena)
{
	struct conditions conditions = conditions_of(standings, alert->rules, now, arena);

	if (alert->kind == ALERT_GITLAB_ISSUE)
		aim_issues(alert, &conditions, arena);
	return conditions;
}
