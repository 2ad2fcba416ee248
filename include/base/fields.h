/* fields.h: the shape of a decoded struct as a table: it drives decoding from YAML and JSON, unknown
 * keys, limits, the manual and the schema.
 * Touches nothing: it is data, read by yaml.c, json.c and policy/keys.c. */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum field_kind {
	FIELD_TEXT,    /* const char *; NULL when absent */
	FIELD_BOOL,    /* enum stated */
	FIELD_INT,     /* int64_t; min and max hold */
	FIELD_SPAN,    /* int64_t seconds, whole hours at the least: `30d 12h 2w`; 0 when absent. `30`, `1m`
	                  and `1y` are refused with the nearest */
	FIELD_DELAY,   /* int64_t seconds: `30s 5m 6h 1d`; 0 when absent */
	FIELD_WORD,    /* int: one of `words`; 0 when absent, so a word's own value is never 0 */
	FIELD_MODE,    /* int64_t: file mode in octal, `0400` */
	FIELD_ADDRESS, /* struct address (text NULL when absent); `pattern` allows wildcards */
	FIELD_DATE,    /* int64_t days, NO_DATE when absent or null */
	FIELD_MOMENT,  /* int64_t milliseconds since 1970, NO_MOMENT when absent or null */
	FIELD_TEXTS,   /* struct texts; one scalar is a list of one */
	FIELD_STRUCT,  /* a struct in place, of `shape` */
	FIELD_LIST,    /* struct list of structs of `shape`; each element's size is shape->bytes */
	FIELD_ARMS,    /* struct choice: a struct of one of `arms`; a list of one key, or a bare word */
	FIELD_CHOICES, /* struct list of struct choice */
	FIELD_SECRET,  /* struct secret *, JSON only */
};

/* What a person wrote about a yes or no, or what GitLab said. */
enum stated { UNSTATED, STATED_NO, STATED_YES };

struct texts {
	const char **items;
	size_t count;
};

struct list {
	void *items; /* structs, one after the other */
	size_t count;
};

struct word {
	const char *word;
	int value;
};

struct shape;

struct arm {
	const char *word;
	const struct shape *shape; /* NULL: a bare word, nothing behind it */
	int value;                 /* into choice.kind */
	const char *help;
};

/* One of several shapes: `{ file: {…} }` or `slot`. */
struct choice {
	struct place at;
	int kind;    /* the arm's value; 0 is no arm's */
	void *value; /* a struct of the arm's shape, in the arena; NULL for a bare word, and after an error in it */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	bool required;
	bool pattern;
	int64_t min, max;          /* for numbers and spans; both 0: no limit. For texts: lengths */
	const struct word *words;  /* ends with a NULL word */
	const struct shape *shape;
	const struct arm *arms;    /* ends with a NULL word */
	const char *help;          /* one line for the manual and the schema */
	/* Optional: writes why `text` is not acceptable and returns false. */
	bool (*check)(const char *text, char *why, size_t why_bytes);
};

struct shape {
	const char *name;            /* for people: "a ci_variable" */
	const struct field *fields;  /* ends with a NULL key */
	size_t bytes;                /* of the struct, which begins with its struct place */
	const char *scalar;          /* the key that a bare scalar fills, or NULL */
	bool tolerant;               /* unknown keys are passed over (GitLab's answers) */
};

/* The field of that key, or NULL. */
const struct field *shape_field(const struct shape *shape, const char *key);

/* The known key nearest to a misspelt one (edit distance at most 2, or a third of its length), or
 * NULL. `keys` ends with NULL. */
const char *nearest_word(const char *wrong, const char *const *keys);

/* Fills one scalar field from text; shared by yaml.c and json.c. Writes the reason to `why`, as "expected
 * …, not '…'", and returns false. Strings go to `arena`. */
struct arena;
bool field_from_text(struct arena *arena, const struct field *field, const char *text,
	void *target, char *why, size_t why_bytes);

/* Puts the fields that have a "nothing" other than zero bytes there (NO_DATE, NO_MOMENT). */
void shape_clear(const struct shape *shape, void *target);

#endif
