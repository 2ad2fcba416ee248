/* file.h: the parts of the kind `file`; for file*.c only.
 * Touches the file, its folder and, afterwards, what the entry's program touches. Thread-safe: one lock, which is held while an entry of
 * a file that holds more is written. */
#ifndef DESTINATION_FILE_H
#define DESTINATION_FILE_H

#include "base/atomic_file.h"
#include "destination/kind.h"

/* How a place is to be written: users and groups are numbers here. */
struct file_target {
	const struct file_place *place;
	struct atomic_file file;
	char stamp[STAMP_TEXT_BYTES];
	char stamp_of[17]; /* of an entry of a file that holds more: the hash of its name */
};
must_check bool file_aim(const struct file_place *place, const struct stamp *stamp,
	struct file_target *target, struct err *err);

/* Proves that a secret could be written. Fails: as destination_preflight(). */
must_check bool file_prove(const struct destination_tools *tools, const struct stamp *ours,
	const struct file_target *target, struct err *err);

/* Writes it. `changed` says whether the content is another than before. */
must_check bool file_write(const struct destination_tools *tools, const struct stamp *stamp,
	const struct file_target *target, const struct secret *secret, bool *changed,
	struct err *err);

/* Whether exactly this stands there. Fails: ERR_MOVED, or why it cannot be read. */
must_check bool file_holds(const struct destination_tools *tools,
	const struct file_place *place, const struct secret *secret, struct err *err);

/* The secret that stands there; NULL when there is none. ERR_MOVED or ERR_REFUSED when it cannot be made out. */
must_check bool file_present(
	const struct file_place *place, struct secret **secret, struct err *err);

/* The fence, for destination_inspect(). */
must_check bool file_would_allow(const struct destination_tools *tools,
	const struct file_place *place, struct err *err);

/* What a delivery would change, for people. */
const char *file_outlook(const struct destination_tools *tools, const struct file_place *place);

#endif
