/* An alert as a mail: the subject in encoded words (RFC 2047), the text in base64, so that no name in it is a line of its own. */
#include <sodium.h>
#include <string.h>

#include "report/alert_send.h"

/* With "Subject: " and what stands around a word, a line of 73 characters. */
#define WORD_BYTES ((size_t)39)
#define LINE_BYTES ((size_t)57) /* 76 characters */
#define ENCODED_BYTES(bytes) (((bytes) + 2) / 3 * 4 + 1)

static void
base64_of(const char *text, size_t length, char *to, size_t room)
{
	sodium_bin2base64(
		to, room, (const unsigned char *)text, length, sodium_base64_VARIANT_ORIGINAL);
}

/* A line of encoded words is 76 characters at the most, and a word ends where a character of UTF-8 does; so nothing of it is a line end. */
static const char *
encoded_words(const char *text, struct arena *arena)
{
	const char *words = "";

	while (*text) {
		size_t length = strnlen(text, WORD_BYTES);
		char encoded[ENCODED_BYTES(WORD_BYTES)];

		while (length > 1 && text[length] && (text[length] & 0xc0) == 0x80)
			length--;
		base64_of(text, length, encoded, sizeof(encoded));
		words = arena_format(
			arena, "%s%s=?UTF-8?B?%s?=", words, *words ? "\n " : "", encoded);
		text += length;
	}
	return words;
}

static const char *
body_lines(const char *text, struct arena *arena)
{
	const char *lines = "";

	for (size_t length; *text; text += length) {
		char encoded[ENCODED_BYTES(LINE_BYTES)];

		length = strnlen(text, LINE_BYTES);
		base64_of(text, length, encoded, sizeof(encoded));
		lines = arena_format(arena, "%s%s\n", lines, encoded);
	}
	return lines;
}

const char *
alert_mail_text(
	const struct alert_mail *mail, const struct alert_message *message, struct arena *arena)
{
	const char *head = mail->from ? arena_format(arena, "From: %s\n", mail->from) : "";

	for (size_t i = 0; i < mail->to.count; i++)
		head = arena_format(
			arena, "%s%s%s", head, i ? ",\n " : "To: ", mail->to.items[i]);
	return arena_format(arena,
		"%s\nSubject: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
		"Content-Transfer-Encoding: base64\nAuto-Submitted: auto-generated\n\n%s",
		head, encoded_words(message->subject, arena), body_lines(message->text, arena));
}
