#include "destination/json_span.h"

#include <ctype.h>
#include <stdio.h>

#include "base/json.h"

#define DEPTH_MAX 32

struct scan {
	const struct text *text;
	size_t at;
	int depth;
	struct err *err;
};

static bool scan_value(struct scan *scan);

static int
next_byte(const struct scan *scan)
{
	return scan->at < scan->text->length ? (unsigned char)scan->text->bytes[scan->at] : -1;
}

static bool
expected(const struct scan *scan, const char *what)
{
	return format_fault(scan->text, scan->at, scan->err, "no JSON: expected %s", what);
}

static void
skip_space(struct scan *scan)
{
	while (next_byte(scan) == ' ' || next_byte(scan) == '\t' || next_byte(scan) == '\n' ||
		next_byte(scan) == '\r')
		scan->at++;
}

static bool
scan_string(struct scan *scan)
{
	if (next_byte(scan) != '"')
		return expected(scan, "a text in double quotes");
	for (scan->at++; next_byte(scan) != '"'; scan->at++) {
		if (next_byte(scan) < 0x20)
			return expected(scan, "the end of a text");
		if (next_byte(scan) == '\\')
			scan->at++;
	}
	scan->at++;
	return true;
}

/* Numbers and words; what is none of JSON's is left to jansson, which looks at the whole of it as well. */
static bool
scan_word(struct scan *scan)
{
	const size_t from = scan->at;

	while (isalnum(next_byte(scan)) || next_byte(scan) == '-' || next_byte(scan) == '+' ||
		next_byte(scan) == '.')
		scan->at++;
	return scan->at > from || expected(scan, "a value");
}

static bool
scan_name(struct scan *scan, struct span *name)
{
	skip_space(scan);
	name->from = scan->at;
	if (!scan_string(scan))
		return false;
	name->to = scan->at;
	skip_space(scan);
	if (next_byte(scan) != ':')
		return expected(scan, "':'");
	scan->at++;
	skip_space(scan);
	return true;
}

/* Behind a value: whether another follows. */
static bool
scan_comma(struct scan *scan, char end, bool *more)
{
	skip_space(scan);
	*more = next_byte(scan) == ',';
	if (!*more && next_byte(scan) != end)
		return expected(scan, end == '}' ? "',' or '}'" : "',' or ']'");
	scan->at++;
	return true;
}

static bool
scan_items(struct scan *scan, char end)
{
	struct span name;
	bool more = true;

	scan->at++;
	skip_space(scan);
	if (next_byte(scan) == end) {
		scan->at++;
		return true;
	}
	while (more)
		if ((end == '}' && !scan_name(scan, &name)) || !scan_value(scan) ||
			!scan_comma(scan, end, &more))
			return false;
	return true;
}

static bool
scan_value(struct scan *scan)
{
	bool ok;

	skip_space(scan);
	if (next_byte(scan) == '"')
		return scan_string(scan);
	if (next_byte(scan) != '{' && next_byte(scan) != '[')
		return scan_word(scan);
	if (++scan->depth > DEPTH_MAX)
		return format_fault(
			scan->text, scan->at, scan->err, "nested more than %d deep", DEPTH_MAX);
	ok = scan_items(scan, next_byte(scan) == '{' ? '}' : ']');
	scan->depth--;
	return ok;
}

/* --- texts --- */

static int
hex_of(const char *bytes)
{
	unsigned code;
	char digits[5] = "";

	memcpy(digits, bytes, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 && sscanf(digits, "%x", &code) == 1
	               ? (int)code
	               : -1;
}

int
json_unescape(const struct text *text, size_t *at)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int code;

	if (*at >= text->length)
		return -1;
	if (text->bytes[*at] != '\\')
		return (unsigned char)text->bytes[(*at)++];
	if (*at + 1 >= text->length)
		return -1;
	if (text->bytes[*at + 1] == 'u') {
		code = *at + 6 <= text->length ? hex_of(text->bytes + *at + 2) : -1;
		*at += 6;
		return code > 0 && code < 0x80 ? code : -1;
	}
	letter = strchr(letters, text->bytes[*at + 1]);
	*at += 2;
	return letter ? meant[letter - letters] : -1;
}

static bool
is_name(const struct text *text, struct span name, const char *word)
{
	const struct text inside = { text->bytes + name.from + 1, name.to - name.from - 2 };
	size_t at = 0;

	while (*word && at < inside.length)
		if (json_unescape(&inside, &at) != (unsigned char)*word++)
			return false;
	return !*word && at == inside.length;
}

/* --- members --- */

bool
json_look_for(const struct text *text, size_t open, const char *word, struct json_look *look,
	struct err *err)
{
	struct scan scan = { .text = text, .at = open + 1, .err = err };
	bool more = true;

	*look = (struct json_look){ 0 };
	skip_space(&scan);
	if (next_byte(&scan) == '}')
		return true;
	look->has_members = true;
	for (size_t begins = open + 1; more; begins = scan.at) {
		struct span name, value;

		if (!scan_name(&scan, &name))
			return false;
		value.from = scan.at;
		if (!scan_value(&scan))
			return false;
		value.to = scan.at;
		if (look->is_found && is_name(text, name, word))
			return format_fault(text, name.from, err,
				"'%s' stands in line %zu already: which of them counts depends on the reader",
				word, format_line(text, look->name.from));
		if (!look->is_found) {
			look->is_found = is_name(text, name, word);
			look->name = name;
			look->value = value;
			look->name_begins = begins;
		}
		if (!scan_comma(&scan, '}', &more))
			return false;
	}
	return true;
}

/* jansson is stricter about numbers, words and UTF-8. */
static bool
is_json(const struct text *text, struct arena *arena, struct err *err)
{
	static const struct field none[] = { { NULL } };
	static const struct shape any = {
		.name = "an object", .fields = none, .bytes = sizeof(struct place)
	};
	auto_secret struct secret *copy = secret_copy(text->bytes, text->length);
	struct place place;

	if (json_decode(copy, &any, arena, &place, err))
		return true;
	err->kind = ERR_REFUSED;
	return false;
}

bool
json_open_document(const struct text *text, struct arena *arena, size_t *open, struct err *err)
{
	struct scan scan = { .text = text, .err = err };

	skip_space(&scan);
	*open = scan.at;
	if (scan.at == text->length)
		return true;
	if (next_byte(&scan) != '{')
		return expected(&scan, "'{'");
	if (!scan_value(&scan))
		return false;
	skip_space(&scan);
	if (scan.at < text->length)
		return expected(&scan, "nothing behind its last '}'");
	return is_json(text, arena, err);
}
