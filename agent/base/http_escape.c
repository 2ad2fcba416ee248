#include <curl/curl.h>

#include "base/arena.h"
#include "base/http.h"
#include "base/memory.h"

const char *
http_escape(struct arena *arena, const char *segment)
{
	const char *kept = "";
	char *escaped;

	/* curl_easy_escape() would measure an empty text itself. */
	if (!*segment)
		return kept;
	escaped = memory_or_abort(curl_easy_escape(NULL, segment, 0));
	kept = arena_text(arena, escaped);
	curl_free(escaped);
	return kept;
}
