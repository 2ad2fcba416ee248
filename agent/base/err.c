#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What came from a server or a file must not move the cursor of the terminal that shows it. */
static void
blot_control_characters(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

bool
err_set(struct err *err, enum err_kind kind, int code, const char *format, ...)
{
	va_list arguments;

	err->kind = kind;
	err->code = code;
	err->advice = 0;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	if (code > 0) {
		size_t used = strlen(err->text);
		snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(code));
	}
	blot_control_characters(err->text);
	return false;
}

bool
err_wrap(struct err *err, const char *format, ...)
{
	char inner[sizeof(err->text)];
	va_list arguments;
	int used;

	memcpy(inner, err->text, sizeof(inner));
	va_start(arguments, format);
	used = vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used < sizeof(err->text))
		snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %s", inner);
	blot_control_characters(err->text);
	return false;
}

bool
err_advise(struct err *err, int advice)
{
	err->advice = advice;
	return false;
}
