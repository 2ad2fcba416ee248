#include "keys.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* The short values are most of them, and need no parser. */
static json_t *
value_json(const char *text)
{
	switch (*text) {
	case 'n':
		return json_null();
	case 't':
		return json_true();
	case 'f':
		return json_false();
	default:
		return json_loads(text, JSON_DECODE_ANY, NULL);
	}
}

json_t *
keys_show(const struct key *keys, const struct look *look)
{
	const int version = look->sim->version;
	json_t *json = json_object();

	for (; keys->name; keys++) {
		json_t *value;

		if ((keys->needs & ~look->seen) || version < keys->from ||
			(keys->before && version >= keys->before))
			continue;
		value = keys->make ? keys->make(look) : value_json(keys->value);
		assert(value);
		json_object_set_new(json, keys->name, value);
	}
	return json;
}

json_t *
text_json(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return json_string(moment_print(moment, text));
}

json_t *
url_json(const struct request *request, const char *scheme, const char *format, ...)
{
	char rest[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(rest, sizeof(rest), format, arguments);
	va_end(arguments);
	return json_sprintf(
		"%s%s://%s/%s", scheme, request->tls ? "s" : "", request->host, rest);
}
