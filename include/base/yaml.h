/* yaml.h: a YAML file into structs, through field tables. The one module that knows libyaml.
 * Touches the file it is given. Events, not documents: depth 32, 8 MiB; aliases, anchors, merge keys,
 * tags, zero bytes, duplicate keys and second documents are refused, each with its place; so is what a terminal would act on,
 * but for a tolerant shape, whose file is another program's. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/fields.h"

/* Decodes `text` as one mapping of `shape` into `target` (cleared first). All errors of the file go to
 * `diags`, with places; decoding goes on where it can. `file` names the places and is copied to `arena`.
 * True when this file added no error. */
bool yaml_decode(const char *file, const char *text, size_t length, const struct shape *shape,
	struct arena *arena, void *target, struct diags *diags);

/* Reads at most 8 MiB of the file and decodes it; a file that cannot be read is a diag too. Refuses one
 * that group or others may write, or that is owned by neither root nor us. */
bool yaml_decode_file(const char *file, const struct shape *shape, struct arena *arena,
	void *target, struct diags *diags);

#endif
