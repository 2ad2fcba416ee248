/* json.h: JSON into structs and back, through field tables. The one module that knows jansson.
 * Touches nothing. Texts that may hold secrets come and go as struct secret; jansson's allocator
 * wipes what it frees. Depth 32, 10 000 000 bytes, 100 000 elements in a list. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/secret.h"

/* Once, before any other call. */
void json_start(void);

/* Decodes an object (`shape`) into `target`, cleared first. A wrong type or a missing required field
 * is an error; null is "absent".
 * Owns:  strings in `arena`; FIELD_SECRET members are the caller's, to free (NULL on failure).
 * Fails: ERR_DOUBT with what was expected and where: the text is not what was promised. */
must_check bool json_decode(const struct secret *text, const struct shape *shape,
	struct arena *arena, void *target, struct err *err);

/* The same for an array of objects. */
must_check bool json_decode_list(const struct secret *text, const struct shape *shape,
	struct arena *arena, struct list *list, struct err *err);

/* One string, number or boolean member of an object, as text, by path ("message", "error.code"), or
 * NULL; for error bodies, whose shapes vary. Objects and arrays come back as compact JSON text. */
const char *json_member(const struct secret *text, const char *path, struct arena *arena);

/* Encodes a struct of `shape`: absent fields are left out (see fields.h for each kind's "absent").
 * The caller frees it. */
struct secret *json_encode(const struct shape *shape, const void *source);

/* For a change that must keep what it does not know: `body`, with those members put into its object `key` that
 * the object at `path` of `text` has and it has not. NULL where there is no such object in either. The caller's. */
struct secret *json_keep(const struct secret *body, const char *key, const struct secret *text,
	const char *path);

/* The same as plain text in `arena`; only for shapes without FIELD_SECRET (asserted). FIELD_ARMS and
 * FIELD_CHOICES are written as { "word": {…} }, or "word". */
const char *json_encode_text(
	const struct shape *shape, const void *source, struct arena *arena);

/* Decodes plain text, for what json_encode_text() wrote. */
must_check bool json_decode_text(const char *text, const struct shape *shape,
	struct arena *arena, void *target, struct err *err);

/* --- building output for people's programs (--json) --- */
struct json; /* an object or array under construction */
struct json *json_new_object(void);
struct json *json_new_array(void);
void json_free(struct json *json);
void json_set_text(struct json *object, const char *key, const char *value); /* NULL: null */
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set(struct json *object, const char *key, struct json *value);     /* takes value */
void json_push(struct json *array, struct json *value);                      /* takes value */
void json_push_text(struct json *array, const char *value);
/* Indented by two, one final newline. False when the stream fails. */
bool json_print(const struct json *json, FILE *stream);
/* Compact, as the body of a request. The caller frees it. */
struct secret *json_secret(const struct json *json);

CLEANUP(json, struct json *, json_free)
#define auto_json __attribute__((cleanup(json_cleanup)))

#endif
