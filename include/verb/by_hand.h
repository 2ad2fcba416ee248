/* by_hand.h: what root calls by hand runs as the timer would run it: as the service's user, with its credentials, its state directory
 * and its sandbox, drop-ins included.
 * Touches systemd: reads the unit with systemctl, and has systemd-run do the work. */
#ifndef VERB_BY_HAND_H
#define VERB_BY_HAND_H

#include "base/arena.h"
#include "verb/options.h"

/* Does not return when systemd-run did the work: this process ends as that did. True when this process does the work itself: it is not root, is told so (--here,
 * --state), runs in the unit already, or there is no unit for that policy, or no systemd.
 * Fails: ERR_REFUSED when there is a unit, and it cannot be run in; ERR_PERSON when systemd has no credentials for it. */
must_check bool by_hand_enter(const struct command_line *line, int argc, char **argv,
	struct err *err);

#define BY_HAND_FOLDER "/etc/glrotate"

/* The unit of a policy file of `folder`: glrotate.service, glrotate@NAME.service for NAME.yaml, or NULL; its instance in
 * `*instance`, "" without one, untouched when there is no unit. */
const char *by_hand_unit(const char *folder, const char *policy, struct arena *arena,
	const char **instance);

/* What a question to systemctl is answered with; NULL when it fails. `environment` as in base/child.h. */
const char *by_hand_ask(const char *const *argv, const char *const *environment,
	struct arena *arena);

/* Whether systemd is there and has that unit. */
bool by_hand_is_installed(const char *unit, struct arena *arena);

/* The settings of [Service] in what `systemctl cat` prints that make the context of a process, in order, as "Name=value" in the
 * words of systemd-run --property=; ends with NULL. For tests. */
const char **by_hand_settings(const char *unit_text, const char *instance, struct arena *arena);

/* The command line of systemd-run that runs `argv` with these settings: every word arrives as it stands here. Ends with NULL. For tests. */
const char **by_hand_words(
	const char **settings, int argc, char **argv, struct arena *arena);

#endif
