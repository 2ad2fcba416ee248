/* yaml_inside.h: what yaml.c, which knows libyaml, and yaml_decode.c, which knows field tables, share. For
 * nobody else.
 * Touches nothing. */
#ifndef BASE_YAML_INSIDE_H
#define BASE_YAML_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/fields.h"

enum event {
	EVENT_NONE, /* behind what cannot be read on, for good */
	EVENT_SCALAR,
	EVENT_ALIAS, /* told already */
	EVENT_LIST_START,
	EVENT_LIST_END,
	EVENT_MAPPING_START,
	EVENT_MAPPING_END,
	EVENT_DOCUMENT_START,
	EVENT_DOCUMENT_END,
	EVENT_STREAM_START,
	EVENT_STREAM_END,
};

struct parser;

struct reader {
	enum event event;
	struct place place; /* where the event begins; `file` is in the arena */
	const char *word;   /* a scalar's text, until the next event */
	bool is_null;       /* a plain scalar that says nothing: ``, `~`, `null` */
	int depth;          /* of lists and mappings that are open */
	bool broken;
	bool is_others; /* another program's file, of which we know a part */
	size_t items;   /* of all lists so far */
	struct arena *arena;
	struct diags *diags;
	const char *text;
	size_t length;
	struct parser *parser; /* libyaml's */
};

/* The next event, or EVENT_NONE. Anchors, aliases, tags, zero bytes in scalars and what is nested too
 * deep are told here. */
void reader_next(struct reader *reader);

/* Ends reading here. */
void reader_break(struct reader *reader);

/* Decodes the only document into `target`, which is cleared. */
void yaml_decode_document(struct reader *reader, const struct shape *shape, void *target);

#endif
