#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/source.h"

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
	source_tame(err->text);
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
	source_tame(err->text);
	return false;
}

bool
err_advise(struct err *err, int advice)
{
	err->advice = advice;
	return false;
}

bool
err_is_passing(const struct err *err)
{
	return err->kind == ERR_LATER || err->kind == ERR_REACH || err->kind == ERR_DOUBT;
}
