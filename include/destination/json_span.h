/* json_span.h: where things stand in a JSON text: jansson would write the whole file anew.
 * Touches nothing. */
#ifndef DESTINATION_JSON_SPAN_H
#define DESTINATION_JSON_SPAN_H

#include "destination/format_row.h"

/* Where the outermost object begins; the end of the text, where there is nothing at all.
 * Fails: ERR_REFUSED with its place when the text is not JSON, whole, with an object outermost. */
must_check bool json_open_document(
	const struct text *text, struct arena *arena, size_t *open, struct err *err);

/* One object, looked through for a member of one name. */
struct json_look {
	bool is_found;
	struct span value;  /* of the member, or of the last one */
	struct span name;   /* of the last member, with its quotes */
	size_t name_begins; /* behind the '{' or ',' before it */
	bool has_members;
};

/* Looks through the object that begins at `open`, in a text that was opened.
 * Fails: ERR_REFUSED when two members have that name. */
must_check bool json_look_for(const struct text *text, size_t open, const char *word,
	struct json_look *look, struct err *err);

/* The next byte of a text that stands between quotes; -1 at its end, and for what is beyond ASCII and escaped. */
int json_unescape(const struct text *text, size_t *at);

#endif
