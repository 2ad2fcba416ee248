#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#include "base/arena.h"
#include "base/source.h"

#define MESSAGE_BYTES 2048
#define FIELDS_MAX ((size_t)32)

static atomic_int shown = LOG_LEVEL_NOTICE;

void
log_start(enum log_level most)
{
	atomic_store(&shown, (int)most);
}

bool
log_shows(enum log_level level)
{
	return (int)level <= atomic_load(&shown);
}

#ifdef HAVE_SYSTEMD

/* $JOURNAL_STREAM names the device and inode of the stream that systemd gave us. It is inherited by
 * children whose stderr may be another, hence the comparison. */
static bool
stderr_is_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

static struct iovec
field(struct arena *arena, const char *name, const char *value)
{
	char *text = arena_format(arena, "%s=%s", name, value);

	source_tame(text);
	return (struct iovec){ text, strlen(text) };
}

static bool
write_to_journal(enum log_level level, const char *message_id, const struct log_field *fields,
	size_t count, const char *message)
{
	auto_arena struct arena *arena = NULL;
	struct iovec parts[FIELDS_MAX + 3];
	int used = 0;

	if (!stderr_is_the_journal())
		return false;
	arena = arena_new();
	parts[used++] = field(arena, "MESSAGE", message);
	parts[used++] = field(arena, "PRIORITY", (char[]){ (char)('0' + level), '\0' });
	if (message_id)
		parts[used++] = field(arena, "MESSAGE_ID", message_id);
	for (size_t i = 0; i < count && i < FIELDS_MAX; i++)
		if (fields[i].value)
			parts[used++] = field(arena, fields[i].name, fields[i].value);
	return sd_journal_sendv(parts, used) >= 0;
}

#else

static bool
write_to_journal(enum log_level level, const char *message_id, const struct log_field *fields,
	size_t count, const char *message)
{
	(void)level, (void)message_id, (void)fields, (void)count, (void)message;
	return false;
}

#endif

/* One write a line, so that the lines of several threads and children do not mix. */
static void
write_to_stderr(const char *message)
{
	char line[MESSAGE_BYTES + 1];
	int length = snprintf(line, sizeof(line), "%s\n", message);
	ssize_t written;

	do
		written = write(STDERR_FILENO, line, (size_t)length);
	while (written < 0 && errno == EINTR);
}

void
log_event(enum log_level level, const char *message_id, const struct log_field *fields,
	size_t count, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	va_list arguments;

	if (!log_shows(level))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	source_tame(message);
	if (!write_to_journal(level, message_id, fields, count, message))
		write_to_stderr(message);
}
