/* A program that puts the secret somewhere: the same one for all three steps, see program.h. */
#include <assert.h>
#include <string.h>

#include "base/notify.h"
#include "base/when.h"
#include "destination/program.h"

#define TIMEOUT_SEC 60
#define TIMEOUT_MOST_SEC (10 * MINUTE_SEC)
/* The preflight of all destinations has less than a minute. */
#define PREFLIGHT_MOST_SEC 40
#define NAME_MOST 100
/* How a program says at `verify` that what it wrote to cannot be read. */
#define CANNOT_TELL 3
/* How it says at `preflight` which stamp it keeps. */
#define STAMP_LINE "stamp: "

/* clang-format off */
#define FILLS(member) offsetof(struct exec_entry, member)
static const struct field entry_fields[] = {
	{ "run",     FIELD_TEXTS, FILLS(run), .required = true, .min = 1, .max = WORD_MOST_BYTES,
	  .help = "the program's absolute path, and its arguments, which may hold templates" },
	{ "timeout", FIELD_DELAY, FILLS(timeout_sec), .min = 1, .max = TIMEOUT_MOST_SEC,
	  .help = "how long one step may take; unstated: 60s; a preflight has 40s at the most" },
	{ "name",    FIELD_TEXT,  FILLS(name), .min = 1, .max = NAME_MOST,
	  .help = "what it is called in plan and status; unstated: its command; may hold templates" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct exec_place, member)
static const struct field place_fields[] = {
	{ "run",         FIELD_TEXTS, FILLS(run), .required = true },
	{ "timeout_sec", FIELD_INT,   FILLS(timeout_sec), .required = true },
	{ NULL },
};
/* clang-format on */

const struct shape exec_entry_shape = {
	.name = "a program to run",
	.fields = entry_fields,
	.bytes = sizeof(struct exec_entry),
	.scalar = "run",
};
const struct shape exec_place_shape = {
	.name = "a program's place",
	.fields = place_fields,
	.bytes = sizeof(struct exec_place),
};

static const struct exec_place *
place_of(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_EXEC);
	return destination->to.value;
}

static bool
exec_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct exec_entry *entry = value;
	struct exec_place place = { .at = entry->at,
		.timeout_sec = entry->timeout_sec ? entry->timeout_sec : TIMEOUT_SEC };
	const char *name;

	if (!program_fill(&entry->run, expansion, &place.run, err) ||
		!template_fill(entry->name, expansion->token, expansion->arena, &name, err))
		return false;
	if (!name)
		name = program_text(&place.run, expansion->arena);
	expansion_add(expansion, DESTINATION_EXEC,
		arena_format(expansion->arena, "exec %s", name), &place, sizeof(place));
	return true;
}

static struct destination_uses
exec_uses(const struct destination *destination)
{
	return (struct destination_uses){ .program = place_of(destination)->run.items[0] };
}

static bool
run_step(const struct destination_tools *tools, const struct destination *destination,
	const char *step, const struct secret *secret, const struct stamp *stamp,
	struct child_end *end, struct err *err)
{
	const struct exec_place *place = place_of(destination);
	const bool is_preflight = !secret;
	const int64_t timeout_sec = is_preflight && place->timeout_sec > PREFLIGHT_MOST_SEC
	                                    ? PREFLIGHT_MOST_SEC
	                                    : place->timeout_sec;
	const char **argv = arena_alloc(tools->arena, (place->run.count + 1) * sizeof(*argv));

	memcpy(argv, place->run.items, place->run.count * sizeof(*argv));
	notify_extend(timeout_sec + MINUTE_SEC);
	return program_run(tools,
		&(struct program){ .argv = argv,
			.step = step,
			.stamp = stamp,
			.input = secret,
			.timeout_msec = timeout_sec * 1000 },
		end, err);
}

/* The last line of its output that begins so; generation 0 when there is none. */
static struct stamp
stamp_told(const struct child_end *end)
{
	const char *line = secret_reveal(end->output), *found = NULL;
	struct stamp stamp;

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, STAMP_LINE, strlen(STAMP_LINE)))
			found = line;
	}
	stamp_parse(found, NULL, &stamp, NULL);
	return stamp;
}

static bool
exec_preflight(const struct destination_tools *tools, const struct destination *destination,
	const struct stamp *ours, struct err *err)
{
	auto_child_end struct child_end end = { 0 };
	struct stamp found;

	if (!run_step(tools, destination, "preflight", NULL, ours, &end, err))
		return err_wrap(err, "preflight");
	found = stamp_told(&end);
	return stamp_allows(tools, &found, ours, err);
}

/* Only its preflight tells the stamp that it keeps, and the one before the rotation may be days old. */
static bool
exec_deliver(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	auto_child_end struct child_end end = { 0 };

	if (!exec_preflight(tools, destination, stamp, err))
		return false;
	return run_step(tools, destination, "deliver", secret, stamp, &end, err) ||
	       err_wrap(err, "deliver");
}

static bool
exec_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_child_end struct child_end end = { 0 };

	if (run_step(tools, destination, "verify", secret, stamp, &end, err)) {
		*proof = PROOF_VALUE;
		return true;
	}
	if (end.exit_code == CANNOT_TELL) {
		*proof = PROOF_NONE;
		return true;
	}
	/* It ran, and does not hold it. */
	if (end.output && err->kind == ERR_REFUSED)
		err->kind = ERR_MOVED;
	return err_wrap(err, "verify");
}

static const char *
exec_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	const struct exec_place *place = place_of(destination);
	const char *command = program_text(&place->run, tools->arena);
	struct err err;

	if (!child_is_safe(place->run.items[0], &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (!strcmp(destination->text + strlen("exec "), command))
		return "is run with the new secret";
	return arena_format(tools->arena, "runs %s", command);
}

static bool
exec_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	(void)tools;
	(void)destination;
	(void)err;
	*secret = NULL;
	return true;
}

const struct destination_row exec_row = {
	.expand = exec_expand,
	.uses = exec_uses,
	.preflight = exec_preflight,
	.deliver = exec_deliver,
	.verify = exec_verify,
	.inspect = exec_inspect,
	.read = exec_read,
};
