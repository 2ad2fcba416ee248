#include "destination/destination.h"

#include <assert.h>
#include <string.h>

#include "destination/kind.h"

static const struct destination_row *const rows[] = {
	[DESTINATION_CI_VARIABLE] = &ci_variable_row,
	[DESTINATION_FILE] = &file_row,
};

/* clang-format off */
const struct arm destination_arms[] = {
	{ "ci_variable", &ci_variable_entry_shape, DESTINATION_CI_VARIABLE,
	  "a CI/CD variable of a project or group" },
	{ "file",        &file_entry_shape,        DESTINATION_FILE,
	  "a file on this machine" },
	{ NULL },
};

static const struct word kinds[] = {
	{ "ci_variable", DESTINATION_CI_VARIABLE }, { "file", DESTINATION_FILE }, { NULL },
};
static const struct word levels[] = {
	{ "project", VARIABLE_PROJECT }, { "group", VARIABLE_GROUP },
	{ "instance", VARIABLE_INSTANCE }, { NULL },
};
static const struct word visibilities[] = {
	{ "visible", VISIBILITY_VISIBLE }, { "masked", VISIBILITY_MASKED },
	{ "hidden", VISIBILITY_HIDDEN }, { NULL },
};

#define FILLS(member) offsetof(struct destination, member)
static const struct field destination_fields[] = {
	{ "text",       FIELD_TEXT, FILLS(text), .required = true },
	{ "kind",       FIELD_WORD, FILLS(kind), .required = true, .words = kinds },
	{ "level",      FIELD_WORD, FILLS(level), .words = levels },
	{ "owner",      FIELD_TEXT, FILLS(owner) },
	{ "owner_id",   FIELD_INT,  FILLS(owner_id) },
	{ "key",        FIELD_TEXT, FILLS(key) },
	{ "scope",      FIELD_TEXT, FILLS(scope) },
	{ "type",       FIELD_TEXT, FILLS(type) },
	{ "visibility", FIELD_WORD, FILLS(visibility), .words = visibilities },
	{ "protected",  FIELD_BOOL, FILLS(protected) },
	{ "raw",        FIELD_BOOL, FILLS(raw) },
	{ "path",       FIELD_TEXT, FILLS(path) },
	{ "user",       FIELD_TEXT, FILLS(user) },
	{ "group",      FIELD_TEXT, FILLS(group) },
	{ "mode",       FIELD_INT,  FILLS(mode) },
	{ NULL },
};
/* clang-format on */

const struct shape destination_shape = {
	.name = "a destination",
	.fields = destination_fields,
	.bytes = sizeof(struct destination),
};

static const struct destination_row *
row_of(int kind)
{
	assert(kind > 0 && (size_t)kind < ARRAY_SIZE(rows) && rows[kind]);
	return rows[kind];
}

/* Every failure names the place that it is about. */
static bool
named(bool ok, const struct destination *destination, struct err *err)
{
	return ok || err_wrap(err, "%s", destination->text);
}

void
expansion_add(const struct expansion *expansion, const struct destination *destination)
{
	struct list *list = expansion->list;
	struct destination *items =
		arena_alloc(expansion->arena, (list->count + 1) * sizeof(*items));

	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = *destination;
	list->items = items;
}

bool
destination_expand(const struct choice *entry, const struct address *token, bool from_pattern,
	bool outside_owner, struct arena *arena, struct list *list, struct err *err)
{
	struct list draft = *list;
	const struct expansion expansion = { .token = token,
		.inside_only = from_pattern && !outside_owner,
		.arena = arena,
		.list = &draft };

	if (!row_of(entry->kind)->expand(entry->value, &expansion, err))
		return false;
	*list = draft;
	return true;
}

bool
destination_pin(
	const struct destination_tools *tools, struct destination *destination, struct err *err)
{
	const struct destination_row *row = row_of(destination->kind);

	return !row->pin || named(row->pin(tools, destination, err), destination, err);
}

bool
destination_preflight(const struct destination_tools *tools,
	const struct destination *destination, const struct stamp *ours, struct err *err)
{
	return named(row_of(destination->kind)->preflight(tools, destination, ours, err),
		destination, err);
}

bool
destination_deliver(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, struct err *err)
{
	return named(row_of(destination->kind)->deliver(tools, destination, secret, stamp, err),
		destination, err);
}

bool
destination_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	return named(row_of(destination->kind)
			     ->verify(tools, destination, secret, stamp, proof, err),
		destination, err);
}

const char *
destination_inspect(
	const struct destination_tools *tools, const struct destination *destination)
{
	return row_of(destination->kind)->inspect(tools, destination);
}

bool
destination_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	return named(row_of(destination->kind)->read(tools, destination, secret, err),
		destination, err);
}
