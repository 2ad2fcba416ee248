#include "verb/checked.h"

#include <errno.h>

#include "base/json.h"
#include "report/page.h"

size_t
checked_problems(const struct checking *checking)
{
	size_t count = 0;

	for (size_t i = 0; i < checking->count; i++)
		count += !checking->findings[i].ok;
	return count;
}

/* "policy is valid: 4 tokens, 6 destinations; 1 problem". */
static const char *
headline(const struct checking *checking)
{
	const struct policies *policies = checking->context->policies;
	struct arena *arena = checking->arena;
	size_t count = checked_problems(checking);
	const char *text;

	if (!policies->is_valid)
		return arena_format(arena, "policy is not valid: %s",
			page_count(arena, diags_count(checking->context->diags), "error",
				"errors"));
	if (!checking->is_read)
		text = arena_format(arena, "policy is valid: %s",
			page_count(arena, policies->tokens.count, "entry", "entries"));
	else
		text = arena_format(arena, "policy is valid: %s, %s",
			page_count(arena, checking->tokens, "token", "tokens"),
			page_count(
				arena, checking->destinations, "destination", "destinations"));
	if (count)
		text = arena_format(
			arena, "%s; %s", text, page_count(arena, count, "problem", "problems"));
	return text;
}

void
checked_print(const struct checking *checking)
{
	printf("%s\n", headline(checking));
	for (size_t i = 0; i < checking->count; i++) {
		const struct finding *finding = &checking->findings[i];
		const char *code = page_advice(checking->arena, finding->advice);

		printf("%-4s %s: %s%s%s%s\n",
			!finding->ok     ? "FAIL"
			: finding->warns ? "warn"
					 : "ok",
			finding->subject, finding->text, code ? " (" : "", code ? code : "",
			code ? ")" : "");
	}
}

static struct json *
diags_json(const struct diags *diags)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < diags_count(diags) + diags_warnings(diags); i++) {
		const struct diag *diag = diags_at(diags, i);
		struct json *object = json_new_object();

		json_set_text(object, "file", diag->place.file);
		json_set_int(object, "line", diag->place.line);
		json_set_int(object, "column", diag->place.column);
		json_set_bool(object, "warning", diag->is_warning);
		json_set_text(object, "text", diag->text);
		json_push(array, object);
	}
	return array;
}

bool
checked_print_json(const struct checking *checking, struct err *err)
{
	auto_json struct json *page = json_new_object();
	struct json *array = json_new_array();

	json_set_text(page, "headline", headline(checking));
	json_set_bool(page, "valid", checking->context->policies->is_valid);
	json_set_text(page, "revision", checking->context->policies->revision);
	json_set(page, "policy", diags_json(checking->context->diags));
	for (size_t i = 0; i < checking->count; i++) {
		const struct finding *finding = &checking->findings[i];
		struct json *object = json_new_object();

		json_set_bool(object, "ok", finding->ok);
		json_set_bool(object, "warning", finding->warns);
		json_set_text(object, "subject", finding->subject);
		json_set_text(object, "text", finding->text);
		json_set_text(object, "advice", page_advice(checking->arena, finding->advice));
		json_push(array, object);
	}
	json_set(page, "checks", array);
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}
