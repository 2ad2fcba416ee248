#include "base/blot.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* A piece that is too short to be found takes at most so many bytes, at six for one (`\u002d`). */
#define SHORT_PIECE_BYTES ((size_t)6 * (BLOT_PIECE_BYTES - 1))
#define STARS 3

/* What is read, and which of its bytes must not be shown. */
struct sheet {
	const char *text;
	size_t length;
	char mask[BLOT_TEXT_BYTES];
};

/* How the text may say a byte. */
enum manner { PLAIN, ESCAPED, BASE64 };

static int
hex_value(const char *digits, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		const char digit = digits[i];

		if (digit >= '0' && digit <= '9')
			value = value * 16 + (digit - '0');
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			value = value * 16 + ((digit | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* The byte that stands behind a backslash: JSON's short forms, else itself. */
static int
short_escape(char letter)
{
	static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? bytes[found - letters] : (unsigned char)letter;
}

/* The byte that `left` bytes of text begin with, and how many of them say it. */
static int
read_byte(const char *text, size_t left, enum manner manner, size_t *used)
{
	*used = 1;
	if (manner != PLAIN && *text == '%' && left >= 3 && hex_value(text + 1, 2) >= 0) {
		*used = 3;
		return hex_value(text + 1, 2);
	}
	if (manner != PLAIN && *text == '\\' && left >= 6 && text[1] == 'u' &&
		hex_value(text + 2, 4) >= 0) {
		*used = 6;
		return hex_value(text + 2, 4);
	}
	if (manner != PLAIN && *text == '\\' && left >= 2) {
		*used = 2;
		return short_escape(text[1]);
	}
	return (unsigned char)*text;
}

static int
standard_letter(int letter)
{
	if (letter == '-')
		return '+';
	return letter == '_' ? '/' : letter;
}

/* How much of the text says `count` bytes, 0 when it says others. */
static size_t
length_of_match(const struct sheet *sheet, size_t at, const char *bytes, size_t count,
	enum manner manner)
{
	const size_t begin = at;

	for (size_t i = 0; i < count; i++) {
		size_t used;
		int byte;

		while (i && at < sheet->length &&
			(sheet->text[at] == '\n' || sheet->text[at] == '\r'))
			at++;
		if (at == sheet->length)
			return 0;
		byte = read_byte(sheet->text + at, sheet->length - at, manner, &used);
		if (manner == BASE64)
			byte = standard_letter(byte);
		if (byte != (unsigned char)bytes[i])
			return 0;
		at += used;
	}
	return at - begin;
}

static bool
is_letter(char byte)
{
	return byte && (strchr("+/-_=", byte) || isalnum((unsigned char)byte));
}

/* The letters beside a match hold the rest of its first and last bytes. */
#define BESIDE 3

static void
cover(struct sheet *sheet, size_t begin, size_t length, enum manner manner)
{
	size_t end = begin + length;

	for (int i = 0; manner == BASE64 && i < BESIDE; i++) {
		if (begin && is_letter(sheet->text[begin - 1]))
			begin--;
		if (end < sheet->length && is_letter(sheet->text[end]))
			end++;
	}
	memset(sheet->mask + begin, 1, end - begin);
}

static void
find(struct sheet *sheet, const char *bytes, size_t count, enum manner manner)
{
	const size_t piece = count < BLOT_PIECE_BYTES ? count : BLOT_PIECE_BYTES;

	if (!count)
		return;
	for (size_t at = 0; at < sheet->length; at++)
		for (size_t from = 0; from + piece <= count; from++) {
			const size_t length =
				length_of_match(sheet, at, bytes + from, piece, manner);

			if (length)
				cover(sheet, at, length, manner);
		}
}

/* `before` bytes of something else share its first letters; the last letter may hold bits of what follows. */
static void
find_base64(struct sheet *sheet, const struct secret *secret, size_t before)
{
	const size_t length = before + secret_length(secret);
	const size_t shared = (before * 8 + 5) / 6, whole = length * 8 / 6;
	auto_secret struct secret *bytes = secret_new(length);
	auto_secret struct secret *letters = NULL;

	if (!secret_append(bytes, "\0\0", before) || !secret_join(bytes, secret))
		return;
	letters = secret_base64(bytes);
	if (whole > shared)
		find(sheet, secret_reveal(letters) + shared, whole - shared, BASE64);
}

/* Never longer than what it is written from. */
static void
write_clean(const struct sheet *sheet, char *clean)
{
	size_t stars = 0;

	for (size_t i = 0; i < sheet->length; i++) {
		stars = sheet->mask[i] ? stars + 1 : 0;
		if (!sheet->mask[i])
			*clean++ = sheet->text[i] ? sheet->text[i] : '?';
		else if (stars <= STARS)
			*clean++ = '*';
	}
	*clean = '\0';
}

void
blot(const struct secret *text, const struct secret *secret, bool was_cut, char *clean)
{
	const size_t all = secret_length(text);
	const size_t length = all < BLOT_TEXT_BYTES ? all : BLOT_TEXT_BYTES - 1;
	const size_t edge = length < SHORT_PIECE_BYTES ? length : SHORT_PIECE_BYTES;
	struct sheet sheet = { .text = secret_reveal(text) + (all - length), .length = length };

	if (secret) {
		find(&sheet, secret_reveal(secret), secret_length(secret), PLAIN);
		find(&sheet, secret_reveal(secret), secret_length(secret), ESCAPED);
		for (size_t before = 0; before < 3; before++)
			find_base64(&sheet, secret, before);
		if (length < all)
			memset(sheet.mask, 1, edge);
		if (was_cut)
			memset(sheet.mask + length - edge, 1, edge);
	}
	write_clean(&sheet, clean);
}
