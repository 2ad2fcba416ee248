#include "flow/brake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/source.h"
#include "base/when.h"

#define FREEZE "FREEZE"
#define REASON_MAX_BYTES 200
#define WITHOUT_END_SEC (7 * DAY_SEC)

/* --- reading --- */

static const char *
path_beside(const char *policy_file, struct arena *arena)
{
	const char *slash = strrchr(policy_file, '/');

	return slash ? arena_format(
			       arena, "%.*s/" FREEZE, (int)(slash - policy_file), policy_file)
	             : FREEZE;
}

/* Its first line; "" when there is none, or it is no file to read. */
static const char *
first_line(const char *path, struct arena *arena)
{
	auto_close int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	char bytes[REASON_MAX_BYTES];
	ssize_t got = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));
	char *text;

	if (got <= 0)
		return "";
	text = arena_text_n(arena, bytes, (size_t)got);
	text[strcspn(text, "\r\n")] = '\0';
	source_tame(text);
	return text;
}

/* What cannot be looked at may be there: it is better to wait than to begin what somebody wants stopped. */
static bool
is_there(const char *path)
{
	struct stat facts;

	return !lstat(path, &facts) || (errno != ENOENT && errno != ENOTDIR);
}

static void
add_freeze(struct brakes *brakes, const char *path, struct arena *arena)
{
	struct brake *brake = &brakes->items[brakes->count++];
	const char *reason = first_line(path, arena);

	*brake = (struct brake){
		.pattern = { .type = TYPE_ANY, .owner = "**", .name = "**", .text = "*" },
		.until = NO_MOMENT,
		.text = arena_format(
			arena, "frozen by %s%s%s", path, *reason ? ": " : "", reason),
	};
	brakes->freeze = brake;
}

static bool
add_pause(
	struct brakes *brakes, const struct pause *pause, struct arena *arena, struct err *err)
{
	struct brake *brake = &brakes->items[brakes->count++];
	char until[WHEN_TEXT_BYTES];

	*brake = (struct brake){
		.pause = pause,
		.until = pause->until,
		.text = arena_format(arena, "paused until %s by %s%s%s",
			moment_text(pause->until, until), pause->actor,
			*pause->reason ? ": " : "", pause->reason),
	};
	if (address_parse(arena, pause->pattern, !pause->is_exact, &brake->pattern, err))
		return true;
	err->kind = ERR_STORE;
	return err_wrap(err, "the journal's pause of '%s'", pause->pattern);
}

bool
brakes_read(struct journal *journal, const char *policy_file, struct arena *arena,
	struct brakes *brakes, struct err *err)
{
	const char *path = policy_file ? path_beside(policy_file, arena) : NULL;
	struct pauses pauses = { 0 };

	*brakes = (struct brakes){ 0 };
	if (journal && !journal_pauses(journal, arena, &pauses, err))
		return false;
	brakes->items = arena_alloc(arena, (pauses.count + 1) * sizeof(*brakes->items));
	if (path && is_there(path))
		add_freeze(brakes, path, arena);
	for (size_t i = 0; i < pauses.count; i++)
		if (!add_pause(brakes, &pauses.items[i], arena, err))
			return false;
	return true;
}

/* --- deciding --- */

bool
brake_is_on(const struct brake *brake, int64_t now)
{
	return brake->until == NO_MOMENT || now < brake->until;
}

bool
brake_means(const struct brake *brake, const struct address *address)
{
	if (brake->pause && brake->pause->is_exact)
		return !strcmp(brake->pattern.text, address->text);
	return address_matches(&brake->pattern, address);
}

static bool
is_later(const struct brake *brake, const struct brake *than)
{
	if (!than || than->until == NO_MOMENT)
		return !than;
	return brake->until == NO_MOMENT || brake->until > than->until;
}

const struct brake *
brakes_find(const struct brakes *brakes, const struct address *address, int64_t now)
{
	const struct brake *found = NULL;

	for (size_t i = 0; brakes && i < brakes->count; i++) {
		const struct brake *brake = &brakes->items[i];

		if (brake_is_on(brake, now) && brake_means(brake, address) &&
			is_later(brake, found))
			found = brake;
	}
	return found;
}

bool
brake_outlasts(const struct brake *brake, int64_t dies_at, int64_t now)
{
	const int64_t end = brake->until == NO_MOMENT ? now + WITHOUT_END_SEC : brake->until;

	return dies_at != NO_MOMENT && now < dies_at && dies_at <= end;
}

const char *
brake_words(const struct brake *brake, int64_t dies_at, int64_t now, struct arena *arena)
{
	char date[WHEN_TEXT_BYTES];

	if (!brake_outlasts(brake, dies_at, now))
		return brake->text;
	return arena_format(arena, "%s; dies %s, %s", brake->text,
		date_text(date_of(dies_at), date),
		brake->pause ? "within the pause" : "if that stays");
}
