/* format.h: how one secret stands in a file that may hold more: one row a format.
 * Touches nothing: functions over memory. Whatever is not our entry stays byte for byte: comments, order, white space, line ends, a
 * missing final newline. What a format's readers would not understand alike is refused, with line and column, and so are two
 * entries where one is ours: which of them counts depends on the reader. */
#ifndef DESTINATION_FORMAT_H
#define DESTINATION_FORMAT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/secret.h"

#define FORMAT_MAX_BYTES ((size_t)1024 * 1024) /* of a file, before and after */
#define FORMAT_USERNAME                                                                        \
	"oauth2" /* GitLab takes any name with an access token, but none is none */

enum file_format {
	FORMAT_RAW = 1, /* the whole file is the secret */
	FORMAT_ENV,
	FORMAT_JSON,
	FORMAT_NETRC,
	FORMAT_DOCKER,
	FORMAT_NPMRC,
	FORMAT_PIP,
};
extern const struct word format_words[];

/* Which entry is ours; what its format does not take is not stated. */
struct format_entry {
	int format;       /* enum file_format; 0 is raw */
	struct texts key; /* env: the name; json: one dotted path, or a list of names */
	const char
		*host; /* netrc, docker: the host; npmrc, pip: with its path, without scheme */
	const char *
		username; /* netrc, docker, pip; NULL: the token's own, else the present one, else FORMAT_USERNAME */
};
bool format_is_raw(const struct format_entry *entry);

/* Fails: ERR_POLICY when a key is missing, does not belong to the format, or holds what cannot stand there. */
must_check bool format_check(const struct format_entry *entry, struct err *err);

/* What tells our entry from others of the same file; "" for raw. */
const char *format_entry_text(const struct format_entry *entry, struct arena *arena);

/* Whether one of two entries of one file that are named differently may be the other, or a part of it. */
bool format_overlaps(const struct format_entry *a, const struct format_entry *b);

/* What the file must hold for our entry to be `value`. `present` is what it holds; NULL when there is none. `login` is who logs in
 * with this token, where that matters, or NULL.
 * Owns:  *merged is the caller's; written on success only.
 * Fails: ERR_REFUSED with line and column when `present` cannot be understood; then it must not be touched. */
must_check bool format_merge(const struct format_entry *entry, const char *login,
	const struct secret *present, const struct secret *value, struct secret **merged,
	struct err *err);

/* The secret of our entry; NULL in *value when there is none.
 * Fails: as format_merge(). */
must_check bool format_read(const struct format_entry *entry, const struct secret *present,
	struct secret **value, struct err *err);

#endif
