#include "base/source.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define SHOWN_CHARACTERS 120 /* of a line, around the caret */
#define BEFORE_CARET 80
#define SECRET_MIN_BYTES 16  /* shorter values of a key named `secret` are names, not secrets */
#define PREFIXED_MIN_BYTES 6 /* behind `glpat-` */
#define BROKEN UINT32_C(0xfffd)

/* The bytes of the character that `text` begins with; BROKEN and one byte where that is not UTF-8. */
static size_t
read_character(const char *text, size_t left, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)*text;
	size_t bytes = lead < 0x80   ? 1
	               : lead < 0xc2 ? 0
	               : lead < 0xe0 ? 2
	               : lead < 0xf0 ? 3
	               : lead < 0xf5 ? 4
	                             : 0;

	*code = bytes == 1 ? lead : lead & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (i >= left || ((unsigned char)text[i] & 0xc0) != 0x80)
			bytes = 0;
		else
			*code = *code << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (bytes && *code >= least[bytes] && *code <= 0x10ffff && *code >> 11 != 0x1b)
		return bytes;
	*code = BROKEN;
	return 1;
}

struct range {
	uint32_t first, last;
};

static bool
is_within(const struct range *ranges, uint32_t code)
{
	for (; ranges->last; ranges++)
		if (code >= ranges->first && code <= ranges->last)
			return true;
	return false;
}

/* Control characters, and those that turn the reading direction of what follows. */
static bool
is_harmful(uint32_t code)
{
	static const struct range ranges[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { BROKEN, BROKEN }, { 0, 0 } };

	return is_within(ranges, code);
}

/* Columns on a terminal. The locale's wcwidth() would make output depend on who runs us. */
static int
width_of(uint32_t code)
{
	static const struct range none[] = { { 0x300, 0x36f }, { 0x20d0, 0x20ff },
		{ 0x200b, 0x200d }, { 0xfe00, 0xfe0f }, { 0, 0 } };
	static const struct range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
		{ 0x1f900, 0x1faff }, { 0x20000, 0x3fffd }, { 0, 0 } };

	return is_within(none, code) ? 0 : is_within(wide, code) ? 2 : 1;
}

/* The bytes of the line break that `text` begins with, or 0. */
static size_t
break_bytes(const char *text, size_t left)
{
	if (*text == '\n')
		return 1;
	if (*text == '\r')
		return left > 1 && text[1] == '\n' ? 2 : 1;
	if (left > 1 && !memcmp(text, "\xc2\x85", 2))
		return 2;
	if (left > 2 && (!memcmp(text, "\xe2\x80\xa8", 3) || !memcmp(text, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

static bool
is_secret_character(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-.=+/", c));
}

/* `glpat-…`, `gldt-…` and their kin, whatever GitLab thinks of next; not `glrotate-…`. */
static size_t
prefixed_secret(const char *text, size_t left)
{
	size_t letters = 2, end;

	if (left < 3 || memcmp(text, "gl", 2))
		return 0;
	while (letters < left && islower((unsigned char)text[letters]))
		letters++;
	if (letters < 4 || letters > 7 || letters == left || text[letters] != '-')
		return 0;
	for (end = letters + 1; end < left && is_secret_character(text[end]);)
		end++;
	return end - letters - 1 < PREFIXED_MIN_BYTES ? 0 : end;
}

static void
mask_prefixed(const char *text, size_t bytes, char *mask)
{
	for (size_t i = 0; i < bytes; i++) {
		size_t end, hidden;
		if (i && isalnum((unsigned char)text[i - 1]))
			continue;
		end = prefixed_secret(text + i, bytes - i);
		hidden =
			end ? (size_t)((const char *)memchr(text + i, '-', end) - text) + 1 : 0;
		if (end)
			memset(mask + hidden, 1, i + end - hidden);
	}
}

/* Whether the key that ends at `end` is one of those names, or ends with it: `token` is, `private_token`, `PASSWORD` and
 * the like. */
static bool
is_key(const char *line, size_t end, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		size_t length = strlen(names[i]);
		if (end >= length && !strncasecmp(line + end - length, names[i], length) &&
			(end == length || !isalnum((unsigned char)line[end - length - 1])))
			return true;
	}
	return false;
}

/* `project:platform/api:deploy` behind `token:` is an address and has to be seen. */
static bool
is_address(const char *value, size_t bytes)
{
	size_t i = 0;

	while (i < bytes &&
		(islower((unsigned char)value[i]) || value[i] == '_' || value[i] == '*'))
		i++;
	return i && i < bytes && value[i] == ':';
}

/* An absolute path has to be seen, too: secrets do not begin with a slash. */
static bool
is_path(const char *value, size_t bytes)
{
	if (!bytes || value[0] != '/')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (strchr("+=", value[i]))
			return false;
	return true;
}

/* Who knows the address of a webhook or a heartbeat may use it: of a URL only the host is shown. Commas and braces are no secrets,
 * and may end it. */
static void
mask_url(const char *host, size_t left, char *mask)
{
	size_t end = 0, authority = 0, first = 0;

	while (end < left && !strchr(" \t\"'", host[end]))
		end++;
	while (authority < end && !strchr("/?#\\", host[authority]))
		authority++;
	for (size_t i = 0; i < authority; i++)
		if (host[i] == '@')
			first = i;
	for (size_t i = 0; i < end; i++)
		if ((i < first || i > authority) && !strchr(",{}[]", host[i]))
			mask[i] = 1;
}

static void
mask_urls(const char *line, size_t bytes, char *mask)
{
	for (size_t i = 0; i + 3 < bytes; i++)
		if (!memcmp(line + i, "://", 3))
			mask_url(line + i + 3, bytes - i - 3, mask + i + 3);
}

static void
mask_value(const char *line, size_t key_end, const char *value, size_t bytes, char *mask)
{
	static const char *const secrets[] = { "token", "secret", "password", NULL };
	static const char *const urls[] = { "url", "webhook", "heartbeat", NULL };

	if (is_key(line, key_end, secrets)) {
		if (bytes >= SECRET_MIN_BYTES && !is_address(value, bytes) &&
			!is_path(value, bytes))
			memset(mask, 1, bytes);
	} else if (is_key(line, key_end, urls) && bytes && !strchr("/{[", value[0]) &&
		   !memmem(value, bytes, "://", 3)) {
		/* Whoever forgot the scheme did not forget the rest. */
		mask_url(value, bytes, mask);
	}
}

static bool
ends_value(const char *at, size_t left, char quote)
{
	if (quote)
		return *at == quote && (quote == '\'' || at[-1] != '\\');
	if (*at == ',' || *at == '#')
		return *at == '#' ? at[-1] == ' ' : left == 1 || at[1] == ' ';
	return *at == '}';
}

/* The bytes of a value that begins at `value`, without its quotes. */
static size_t
value_bytes(const char *value, size_t left, char quote)
{
	size_t i = 0;

	while (i < left && !ends_value(value + i, left - i, quote))
		i++;
	while (!quote && i && value[i - 1] == ' ')
		i--;
	return i;
}

static void
mask_named(const char *line, size_t bytes, char *mask)
{
	for (size_t i = 1; i + 1 < bytes; i++) {
		size_t key_end = i, value = i + 1, length;
		char quote = 0;
		if (line[i] != ':' || !strchr(" \t\"'", line[i + 1]))
			continue;
		while (key_end && strchr(" \"'", line[key_end - 1]))
			key_end--;
		while (value < bytes && (line[value] == ' ' || line[value] == '\t'))
			value++;
		if (value == bytes)
			continue;
		if (line[value] == '"' || line[value] == '\'')
			quote = line[value++];
		length = value_bytes(line + value, bytes - value, quote);
		mask_value(line, key_end, line + value, length, mask + value);
	}
}

bool
source_find(struct source *source, int line, struct source_line *found)
{
	const char *text = source->text;
	size_t offset, end;
	int at = 1;

	if (line < 1)
		return false;
	offset = source->length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	if (source->near_line && line >= source->near_line) {
		at = source->near_line;
		offset = source->near_offset;
	}
	while (at < line) {
		size_t skip;
		if (offset >= source->length)
			return false;
		skip = break_bytes(text + offset, source->length - offset);
		offset += skip ? skip : 1;
		at += skip > 0;
	}
	source->near_line = line;
	source->near_offset = offset;
	for (end = offset; end < source->length; end++)
		if (break_bytes(text + end, source->length - end) ||
			end - offset == SOURCE_LINE_MAX_BYTES)
			break;
	if (end == source->length ? end == offset : end - offset == SOURCE_LINE_MAX_BYTES)
		return false;
	found->start = text + offset;
	found->bytes = end - offset;
	memset(found->mask, 0, found->bytes);
	mask_prefixed(found->start, found->bytes, found->mask);
	mask_named(found->start, found->bytes, found->mask);
	mask_urls(found->start, found->bytes, found->mask);
	return true;
}

void
source_position(const char *text, size_t length, size_t offset, int *line, int *column)
{
	size_t bytes, at = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	*line = *column = 1;
	for (; at < offset && at < length; at += bytes) {
		uint32_t code;
		bytes = break_bytes(text + at, length - at);
		*column = bytes ? 1 : *column + 1;
		*line += bytes > 0;
		if (!bytes)
			bytes = read_character(text + at, length - at, &code);
	}
}

/* Prints one character as it may be seen, and adds what stands below it to the caret's padding. */
static void
print_character(const char *text, size_t bytes, uint32_t code, bool masked, char **padding,
	FILE *stream)
{
	int width = masked || is_harmful(code) ? 1 : width_of(code);

	if (code == '\t' && !masked) {
		fputc('\t', stream);
		*(*padding)++ = '\t';
		return;
	}
	if (masked || is_harmful(code))
		fputc(masked ? '*' : '?', stream);
	else
		fwrite(text, 1, bytes, stream);
	while (width--)
		*(*padding)++ = ' ';
}

void
source_print(const struct source_line *line, int column, FILE *stream)
{
	char padding[2 * SHOWN_CHARACTERS + 8], *end = padding,
						*caret = column ? NULL : padding;
	int first = column > BEFORE_CARET ? column - BEFORE_CARET : 1, number = 1;
	size_t bytes;

	fputs(first > 1 ? "  \xe2\x80\xa6" : "  ", stream);
	end = padding + sprintf(padding, first > 1 ? "   " : "  ");
	for (size_t i = 0; i < line->bytes; i += bytes, number++) {
		uint32_t code;
		bytes = read_character(line->start + i, line->bytes - i, &code);
		if (number == column)
			caret = end;
		if (number >= first + SHOWN_CHARACTERS) {
			fputs("\xe2\x80\xa6", stream);
			break;
		}
		if (number >= first)
			print_character(
				line->start + i, bytes, code, line->mask[i], &end, stream);
	}
	fputc('\n', stream);
	if (column)
		fprintf(stream, "%.*s^\n", (int)((caret ? caret : end) - padding), padding);
}

/* What the line hides, and before a short part of it what it stands behind, since a short text by itself may be anything. */
struct hidden {
	const char *start;
	size_t before, bytes; /* shown, and in all */
};

static struct hidden
hidden_at(const struct source_line *line, size_t from, size_t to)
{
	size_t start = from;

	while (to - from < SECRET_MIN_BYTES && start && !line->mask[start - 1] &&
		!strchr(" \t\"'", line->start[start - 1]))
		start--;
	return (struct hidden){ line->start + start, from - start, to - start };
}

/* A message that was cut may end within it. */
static void
mask_cut(const struct hidden *hidden, const char *text, size_t bytes, char *mask)
{
	size_t part = hidden->bytes < bytes ? hidden->bytes : bytes;

	while (part > hidden->before && memcmp(text + bytes - part, hidden->start, part) != 0)
		part--;
	if (part > hidden->before + 1)
		memset(mask + bytes - part + hidden->before, 1, part - hidden->before);
}

/* Stars over each place of `text` that repeats what the line hides, so that a message that quotes
 * a value tells no more than the line below it. */
static void
mask_repeated(const struct source_line *line, const char *text, size_t bytes, char *mask)
{
	for (size_t from = 0, to; from < line->bytes; from = to + 1) {
		const char *place = text;
		struct hidden hidden;
		for (to = from; to < line->bytes && line->mask[to];)
			to++;
		if (to == from)
			continue;
		hidden = hidden_at(line, from, to);
		while ((place = memmem(place, bytes - (size_t)(place - text), hidden.start,
				hidden.bytes))) {
			memset(mask + (place - text) + hidden.before, 1,
				hidden.bytes - hidden.before);
			place++;
		}
		mask_cut(&hidden, text, bytes, mask);
	}
}

static void
show(char *text, size_t length, const char *mask)
{
	size_t bytes, used = 0;

	for (size_t i = 0; i < length; i += bytes) {
		const bool hidden = mask && mask[i];
		uint32_t code;

		bytes = read_character(text + i, length - i, &code);
		if (hidden || is_harmful(code))
			text[used++] = hidden ? '*' : '?';
		else
			for (size_t j = 0; j < bytes; j++)
				text[used++] = text[i + j];
	}
	text[used] = '\0';
}

void
source_tame(char *text)
{
	show(text, strlen(text), NULL);
}

uint32_t
source_harm(const char *text)
{
	size_t bytes, left = strlen(text);

	for (; left; text += bytes, left -= bytes) {
		uint32_t code;

		bytes = read_character(text, left, &code);
		if (is_harmful(code))
			return code;
	}
	return 0;
}

void
source_clean(const struct source_line *line, char *text)
{
	size_t length = strlen(text);
	char mask[SOURCE_LINE_MAX_BYTES] = { 0 };

	if (length > sizeof(mask))
		length = sizeof(mask);
	mask_prefixed(text, length, mask);
	if (line)
		mask_repeated(line, text, length, mask);
	show(text, length, mask);
}
