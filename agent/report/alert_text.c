/* What an alert says, and in which form. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/when.h"
#include "report/advice.h"
#include "report/alert_send.h"
#include "report/page.h"

/* A chat takes no more of one message (Teams 28 KB with its own words, Mattermost 16 383 characters), and nobody reads more. */
#define TEXT_BYTES ((size_t)8 * 1024)

static const struct advice_text unfinished = {
	0,
	"runs do not come to an end with it",
	"the present secret, where it was delivered",
	"what keeps it was expected to pass, and has not",
	"glrotate status\nglrotate run",
	"it goes on by itself as soon as it can; if it never can, the token dies at its date",
	"",
};
static const struct advice_text margin = {
	0,
	"the token is about to die, and nobody renews it",
	"its secret",
	"it was released or paused, or is due and is not rotated",
	"glrotate explain " ADVICE_TOKEN
	"\nglrotate pause   # what is paused, by whom; glrotate resume ends it",
	"whoever uses it fails from that moment on",
	"",
};

static const struct advice_text *
words_of(const struct condition *condition)
{
	if (condition->kind == CONDITION_MARGIN && condition->trouble.advice != GLR_OWN_ENDS)
		return &margin;
	if (condition->kind == CONDITION_UNFINISHED)
		return &unfinished;
	return advice_of(condition->trouble.advice);
}

const char *
alert_headline(const struct condition *condition)
{
	const struct advice_text *words = words_of(condition);

	return words ? words->headline : "glrotate cannot go on by itself";
}

const char *
alert_reason_word(enum alert_reason reason)
{
	static const char *const words[] = {
		[ALERT_NEW] = "new",
		[ALERT_CHANGED] = "changed",
		[ALERT_AGAIN] = "again",
		[ALERT_OVER] = "over",
		[ALERT_REPLACED] = "replaced",
	};

	return words[reason];
}

const char *
alert_kind_word(enum condition_kind kind)
{
	return kind == CONDITION_PERSON   ? "person"
	       : kind == CONDITION_MARGIN ? "margin"
	                                  : "unfinished";
}

static const char *
text_of_over(const struct told *told, int64_t now, struct arena *arena)
{
	const char *since = told->since > 0 ? page_moment(arena, told->since, now) : "";

	return arena_format(arena, "All clear:     %s%s%s%s%s\n", told->address,
		*told->address ? ": " : "", told->headline, *since ? "; it was so since " : "",
		since);
}

const char *
alert_item_text(const struct alert_item *item, int64_t now, struct arena *arena)
{
	const struct condition *condition = item->condition;
	auto_free char *text = NULL;
	size_t length = 0;
	FILE *stream;

	if (!condition)
		return text_of_over(item->told, now, arena);
	stream = memory_or_abort(open_memstream(&text, &length));
	advice_print_as(words_of(condition), &condition->trouble, now, stream);
	if (*condition->destination)
		fprintf(stream, "Where:         %s\n", condition->destination);
	fclose(stream);
	return arena_text(arena, text);
}

/* "glrotate on ops1: 2 things need a person, 1 is over". */
static const char *
subject_of(const struct alert_items *items, struct arena *arena)
{
	size_t counts[CONDITION_UNFINISHED + 1] = { 0 };
	char host[65] = "";
	const char *text, *one = NULL;

	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	for (size_t i = 0; i < items->count; i++) {
		const struct condition *condition = items->items[i].condition;

		counts[condition ? condition->kind : 0]++;
		one = condition ? condition->trouble.address : items->items[i].told->address;
	}
	text = arena_format(arena, "glrotate on %s:", host);
	if (counts[CONDITION_PERSON])
		text = arena_format(arena, "%s %s;", text,
			page_count(arena, counts[CONDITION_PERSON], "thing needs a person",
				"things need a person"));
	if (counts[CONDITION_MARGIN])
		text = arena_format(arena, "%s %s;", text,
			page_count(arena, counts[CONDITION_MARGIN], "token is about to die",
				"tokens are about to die"));
	if (counts[CONDITION_UNFINISHED])
		text = arena_format(
			arena, "%s %zu unfinished;", text, counts[CONDITION_UNFINISHED]);
	if (counts[0])
		text = arena_format(arena, "%s %zu all clear;", text, counts[0]);
	if (items->count == 1 && one && *one)
		return arena_format(arena, "%s %s", text, one);
	return arena_text_n(arena, text, strlen(text) - 1);
}

/* The first ones whole, and how many more there are. */
static const char *
text_of_items(const struct alert_items *items, int64_t now, struct arena *arena)
{
	auto_free char *text = NULL;
	size_t length = 0;
	FILE *stream = memory_or_abort(open_memstream(&text, &length));

	for (size_t i = 0; i < items->count; i++) {
		const char *one = alert_item_text(&items->items[i], now, arena);

		fflush(stream);
		if (i && length + strlen(one) > TEXT_BYTES) {
			fprintf(stream, "\nand %zu more: glrotate status\n", items->count - i);
			break;
		}
		fprintf(stream, "%s%s", i ? "\n" : "", one);
	}
	fclose(stream);
	return arena_text(arena, text);
}

struct alert_message
alert_message_of(
	const struct alert_items *items, const char *gitlab, int64_t now, struct arena *arena)
{
	return (struct alert_message){ .subject = subject_of(items, arena),
		.text = text_of_items(items, now, arena),
		.items = items,
		.gitlab = gitlab ? gitlab : "",
		.now = now };
}

/* --- JSON --- */

static struct json *
item_json(const struct alert_item *item, int64_t now, struct arena *arena)
{
	const struct condition *condition = item->condition;
	const struct told *told = item->told;
	struct json *json = json_new_object();

	json_set_text(json, "event", alert_reason_word(item->reason));
	json_set_text(json, "kind",
		alert_kind_word(condition ? condition->kind : (enum condition_kind)told->kind));
	json_set_text(json, "code",
		page_advice(arena, condition ? condition->trouble.advice : (int)told->advice));
	json_set_text(json, "token", condition ? condition->trouble.address : told->address);
	json_set_text(
		json, "destination", condition ? condition->destination : told->destination);
	json_set_text(json, "headline", condition ? alert_headline(condition) : told->headline);
	json_set_text(json, "why", condition ? condition->trouble.text : NULL);
	page_set_moment(json, "since", condition ? condition->trouble.since : told->since);
	page_set_moment(
		json, "works_until", condition ? condition->trouble.works_until : NO_MOMENT);
	json_set_text(json, "text", alert_item_text(item, now, arena));
	return json;
}

struct json *
alert_json(const struct alert_message *message)
{
	auto_arena struct arena *arena = arena_new();
	struct json *json = json_new_object(), *items = json_new_array();

	json_set_text(json, "subject", message->subject);
	json_set_text(json, "text", message->text);
	json_set_text(json, "gitlab", message->gitlab);
	page_set_moment(json, "at", message->now);
	for (size_t i = 0; i < message->items->count; i++)
		json_push(items, item_json(&message->items->items[i], message->now, arena));
	json_set(json, "conditions", items);
	return json;
}

/* A name in GitLab may be ``` or <!channel>: it is to be read, and not to be obeyed. */
static const char *
harmless(const char *text, bool entities, struct arena *arena)
{
	char *safe = arena_alloc(arena, strlen(text) * 5 + 1), *to = safe;

	for (; *text; text++) {
		const char *with = *text == '`'   ? "'"
		                   : !entities    ? NULL
		                   : *text == '&' ? "&amp;"
		                   : *text == '<' ? "&lt;"
		                   : *text == '>' ? "&gt;"
		                                  : NULL;

		if (with)
			to = stpcpy(to, with);
		else
			*to++ = *text;
	}
	*to = '\0';
	return safe;
}

static struct json *
text_block(const char *text, bool is_title)
{
	struct json *block = json_new_object();

	json_set_text(block, "type", "TextBlock");
	json_set_text(block, "text", *text ? text : " ");
	json_set_bool(block, "wrap", true);
	if (is_title)
		json_set_text(block, "weight", "Bolder");
	else
		json_set_text(block, "fontType", "Monospace");
	json_set_text(block, "spacing", is_title ? "Default" : "None");
	return block;
}

/* An adaptive card: what both Workflows and the older connectors of Teams take. */
static struct json *
card_of(const struct alert_message *message, struct arena *arena)
{
	struct json *json = json_new_object(), *attachments = json_new_array();
	struct json *attachment = json_new_object(), *card = json_new_object();
	struct json *blocks = json_new_array();
	char *text = arena_text(arena, harmless(message->text, false, arena)), *line;

	json_push(blocks, text_block(harmless(message->subject, false, arena), true));
	while ((line = strsep(&text, "\n")))
		if (text)
			json_push(blocks, text_block(line, false));
	json_set_text(card, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
	json_set_text(card, "type", "AdaptiveCard");
	json_set_text(card, "version", "1.4");
	json_set(card, "body", blocks);
	json_set_text(attachment, "contentType", "application/vnd.microsoft.card.adaptive");
	json_set(attachment, "content", card);
	json_push(attachments, attachment);
	json_set_text(json, "type", "message");
	json_set(json, "attachments", attachments);
	return json;
}

struct secret *
alert_body(enum alert_format format, const struct alert_message *message)
{
	auto_arena struct arena *arena = arena_new();
	auto_json struct json *json = NULL;
	const bool entities = format == ALERT_SLACK;

	if (format == ALERT_SLACK || format == ALERT_MATTERMOST) {
		json = json_new_object();
		json_set_text(json, "text",
			arena_format(arena, "*%s*\n```\n%s```",
				harmless(message->subject, entities, arena),
				harmless(message->text, entities, arena)));
	} else {
		json = format == ALERT_TEAMS ? card_of(message, arena) : alert_json(message);
	}
	return json_secret(json);
}
