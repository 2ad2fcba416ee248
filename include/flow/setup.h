/* setup.h: what an administrator has done once: a policy, an encrypted credential, what the sandbox must allow, the timer. And what
 * a person without root has done for themselves: a folder for the state, and lingering, besides; their credential is a file.
 * Touches the files that `places` names, standard input, GitLab (read-only), and systemd through systemctl, systemd-creds,
 * systemd-run and loginctl. Done again it changes what is not yet as it should be, and nothing else. */
#ifndef FLOW_SETUP_H
#define FLOW_SETUP_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/secret.h"
#include "policy/policy.h"

struct setup_places {
	const char *policy;    /* the main file; absolute */
	const char *credstore; /* the folder of encrypted credentials */
	const char *units;     /* the folder of an administrator's units */
	const char *state;     /* the service's state directory */
	const char *prefix;    /* of the credentials' files: "glrotate", "glrotate-NAME" */
	const char *program;   /* glrotate itself */
	const char *service;   /* the unit that runs this policy; NULL: there is none, or no systemd */
	const char *timer;
	const char *credential; /* of a policy that is not there yet: a name, or a file */

	/* A person's own; NULL: it is root's, and so are the rest. */
	const char *user;
	const char *group;
	const char *absent;     /* why there is no service, and what to do; NULL: no unit runs that policy */
	const char *writable;   /* the state, where the unit does not know it; or NULL */
	const char *const *environment; /* of systemctl, as in base/child.h */
};

struct setup {
	struct setup_places places;
	const char *url; /* for a policy that is not there yet; NULL: ask */
	bool dry_run;    /* nothing is asked, changed or started */
	const volatile int *stop;
	/* A line for each thing that is there, is done, or would be; what `check` says goes to stdout and stderr as it is. */
	void (*say)(const char *about, const char *text);
};

/* `*exit_code` is that of `glrotate check`, after which the timer is started only when it is 0; of a dry run 0.
 * Fails: ERR_USAGE something is missing that nobody is there to be asked for; ERR_POLICY; ERR_REFUSED the token will not do, or a
 *        program or file says no; as GitLab's answers say. What was done until then stays, and is not done again. */
must_check bool setup_do(
	const struct setup *setup, struct diags *diags, int *exit_code, struct err *err);

/* --- for setup_*.c alone --- */

struct setting_up {
	const struct setup *setup;
	struct arena *arena;
	struct policies *policies; /* NULL in a dry run without one */
};

void setup_say(const struct setting_up *it, const char *about, const char *format, ...)
	printf_like(3, 4);
/* In a dry run says "would TEXT" and returns false. */
must_check bool setup_may(const struct setting_up *it, const char *about, const char *format, ...)
	printf_like(3, 4);
/* A program of systemd's to its end, without anything of its output; NULL ends the words. */
must_check bool setup_run(
	const struct setting_up *it, const char *const *argv, struct err *err);
/* The same, systemctl, of whoever's manager it is. */
must_check bool setup_systemctl(
	const struct setting_up *it, const char *const *words, struct err *err);
/* A folder with that mode, unless there is one; a person's with those above it. */
must_check bool setup_folder(const char *path, unsigned mode, struct err *err);
must_check bool setup_folders(
	const struct setting_up *it, const char *path, unsigned mode, struct err *err);

/* The policy: loaded, or written first. */
must_check bool setup_policy(struct setting_up *it, struct diags *diags, struct err *err);
/* The GitLab token and the sealing key. */
must_check bool setup_credentials(const struct setting_up *it, struct err *err);
/* The drop-in. */
must_check bool setup_sandbox(const struct setting_up *it, struct err *err);
/* Of a person: the state, and what is said of the key that stands in it. */
must_check bool setup_state(const struct setting_up *it, struct err *err);
/* Of a person: whether their manager can shut the service in, and whether it outlasts their logout. `*exit_code` is 3 when that is
 * for root to allow, and is else left alone. */
must_check bool setup_manager(const struct setting_up *it, int *exit_code, struct err *err);

#endif
