/* err.h: a failure is a value with context, on the caller's stack; failing never allocates.
 * Touches nothing. The kind is for deciding, the text for people. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/cleanup.h"

enum err_kind {
	ERR_NONE,
	ERR_USAGE,   /* the command line is wrong */
	ERR_POLICY,  /* edit a file */
	ERR_REFUSED, /* asking again changes nothing */
	ERR_LATER,   /* asking again may help; nothing was changed */
	ERR_MOVED,   /* the world is not what the row says */
	ERR_DOUBT,   /* it may or may not have happened */
	ERR_STORE,   /* the journal cannot keep our word: the run ends */
	ERR_CREDENTIAL, /* our own credential is refused: no further call to GitLab, the run ends */
	ERR_REACH,      /* GitLab cannot be reached at all; nothing was sent */
	ERR_BUSY,       /* another run holds the lock */
	ERR_PERSON,     /* a person is needed */
	ERR_STOPPED, /* a signal asked us to end at the next safe point */
};

struct err {
	enum err_kind kind;
	int code;   /* an errno, or 0 */
	int advice; /* the GLR-nnn that tells a person what to do, or 0 */
	char text[512];
};

/* Sets the error and returns false, so that a failure is one line. The text is cut to fit, never
 * refused; what may come from outside is made fit for a terminal: see source_tame(). */
bool err_set(struct err *err, enum err_kind kind, int code, const char *format, ...)
	printf_like(4, 5);

/* Puts "CONTEXT: " before the text, keeps the kind, returns false. */
bool err_wrap(struct err *err, const char *format, ...) printf_like(2, 3);

/* Names the GLR-nnn section of glrotate-recovery(7); returns false. */
bool err_advise(struct err *err, int advice);

/* Whether asking again may help: ERR_LATER, ERR_REACH, ERR_DOUBT. */
bool err_is_passing(const struct err *err);

#endif
