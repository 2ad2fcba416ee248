/* The credentials of a setup: the GitLab token, proven before it is kept, and the key that seals the journal. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/advice.h"
#include "base/atomic_file.h"
#include "base/credential.h"
#include "base/http.h"
#include "base/terminal.h"
#include "base/when.h"
#include "destination/program.h"
#include "flow/setup.h"
#include "gitlab/people.h"
#include "gitlab/token.h"

#define KEY_NAME "glrotate-key"
#define KEY_BYTES ((size_t)32)
#define CREDS_SEC 60

/* Where one is kept. */
struct kept {
	const char *name, *path;
	bool is_encrypted, is_there;
};

static bool
find(const struct setting_up *it, const char *name, struct kept *kept, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	struct stat facts;

	*kept = (struct kept){ .name = name, .is_encrypted = name[0] != '/', .path = name };
	if (kept->is_encrypted)
		kept->path = arena_format(
			it->arena, "%s/%s.%s", places->credstore, places->prefix, name);
	kept->is_there = !lstat(kept->path, &facts);
	if (!kept->is_there && errno != ENOENT)
		return err_set(err, ERR_REFUSED, errno, "cannot examine '%s'", kept->path);
	return true;
}

/* --- keeping --- */

static bool
creds(const struct setting_up *it, const char *const *argv, const struct secret *input,
	struct child_end *end, struct err *err)
{
	const struct destination_tools tools = { .arena = it->arena };
	const struct program program = { .argv = argv,
		.input = input,
		.output_is_secret = true,
		.timeout_msec = CREDS_SEC * 1000 };

	return program_run(&tools, &program, end, err);
}

/* The key of this machine is made where there is none; a TPM2 is used where there is one. */
static bool
encrypt(const struct setting_up *it, const struct kept *kept, const struct secret *secret,
	struct child_end *end, struct err *err)
{
	const char *const prepare[] = { "systemd-creds", "setup", NULL };
	const char *const argv[] = { "systemd-creds", "encrypt",
		arena_format(it->arena, "--name=%s", kept->name), "-", "-", NULL };

	return setup_folder(it->setup->places.credstore, 0700, err) &&
	       setup_run(it, prepare, err) && creds(it, argv, secret, end, err) &&
	       (secret_length(end->output) ||
		       err_set(err, ERR_REFUSED, 0, "systemd-creds encrypted to nothing"));
}

static bool
keep(const struct setting_up *it, const struct kept *kept, const struct secret *secret,
	struct err *err)
{
	const struct atomic_file file = {
		.path = kept->path, .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1
	};
	auto_child_end struct child_end end = { 0 };

	if (kept->is_encrypted && !encrypt(it, kept, secret, &end, err))
		return false;
	return atomic_file_replace(&file, kept->is_encrypted ? end.output : secret, false, err);
}

static bool
decrypt(const struct setting_up *it, const struct kept *kept, struct child_end *end)
{
	const char *const argv[] = { "systemd-creds", "decrypt",
		arena_format(it->arena, "--name=%s", kept->name), kept->path, "-", NULL };
	struct err ignored;

	return creds(it, argv, NULL, end, &ignored);
}

/* What another machine or another TPM encrypted is of no use here. A dry run, which anybody may try, does not look. */
static bool
is_of_use(const struct setting_up *it, const struct kept *kept)
{
	auto_child_end struct child_end end = { 0 };

	return kept->is_there &&
	       (!kept->is_encrypted || it->setup->dry_run || decrypt(it, kept, &end));
}

/* What is there is this very secret: then it stays as it is. */
static bool
holds(const struct setting_up *it, const struct kept *kept, const struct secret *secret)
{
	auto_child_end struct child_end end = { 0 };
	auto_secret struct secret *present = NULL;
	struct err ignored;

	if (!kept->is_there)
		return false;
	if (!kept->is_encrypted)
		return credential_read(kept->path, &present, &ignored) &&
		       secret_equal(present, secret);
	return decrypt(it, kept, &end) && secret_equal(end.output, secret);
}

/* --- the token --- */

static bool
has_scope(const struct token *token, const char *scope)
{
	for (size_t i = 0; i < token->scopes.count; i++)
		if (!strcmp(token->scopes.items[i], scope))
			return true;
	return false;
}

static const char *
scopes_text(const struct setting_up *it, const struct token *token)
{
	const char *text = "";

	for (size_t i = 0; i < token->scopes.count; i++)
		text = arena_format(
			it->arena, "%s%s%s", text, i ? " " : "", token->scopes.items[i]);
	return text;
}

/* What systemd decrypts is a copy: a new secret could be written nowhere. */
static void
say_who_renews(const struct setting_up *it)
{
	const struct gitlab_section *section = &it->policies->gitlab;

	if (section->rotate == STATED_YES)
		return;
	if (section->credential[0] == '/')
		setup_say(it, "token",
			"nobody renews it; with `rotate: yes` in the gitlab section of %s it "
			"rotates itself",
			it->setup->places.policy);
	else
		setup_say(it, "token",
			"nobody renews it, and encrypted as it is kept it cannot rotate itself: make "
			"another one before that day, and give it to glrotate setup, which puts it in "
			"its place");
}

static bool
judge(const struct setting_up *it, const struct token *token, const struct person *me,
	struct err *err)
{
	char day[WHEN_TEXT_BYTES];

	if (!has_scope(token, "api"))
		return err_set(err, ERR_REFUSED, 0,
			"token #%" PRId64
			" '%s' of %s has the scopes '%s', and glrotate needs 'api': nothing was kept",
			token->id, token->name, me->username, scopes_text(it, token));
	setup_say(it, "token", "#%" PRId64 " '%s' of %s%s, scopes %s, dies %s", token->id,
		token->name, me->username, me->is_admin == STATED_YES ? " (administrator)" : "",
		scopes_text(it, token), date_text(token->expires_on, day));
	if (token->expires_on != NO_DATE)
		say_who_renews(it);
	return true;
}

static bool
prove(const struct setting_up *it, const struct secret *secret, struct err *err)
{
	const struct gitlab_section *section = &it->policies->gitlab;
	const struct http_options options = { .url = section->url,
		.ca_file = section->ca_file,
		.user_agent = "glrotate/" GLROTATE_VERSION };
	auto_http_site struct http_site *site = NULL;
	auto_gitlab_server struct gitlab_server *server = NULL;
	auto_gitlab struct gitlab *gitlab = NULL;
	struct token token;
	struct person me;

	if (!http_site_new(&options, &site, err))
		return false;
	server = gitlab_server_new(site, it->setup->stop);
	gitlab = gitlab_new(server, secret);
	if (!token_self(gitlab, it->arena, &token, NULL, err)) {
		if (err->kind == ERR_CREDENTIAL)
			err->kind = ERR_REFUSED;
		return err_wrap(err, "the token that was given");
	}
	/* Of what else it may do this asks for no right that the scope api has not. */
	if (has_scope(&token, "api") && !people_me(gitlab, it->arena, &me, err))
		return err_wrap(err, "whose the token is");
	if (!has_scope(&token, "api"))
		me = (struct person){ .username = arena_format(
					      it->arena, "user #%" PRId64, token.user_id) };
	return judge(it, &token, &me, err);
}

/* Asks a person only when there is none yet; what is given without being asked for counts. */
static bool
ask(const struct setting_up *it, const struct kept *kept, struct secret **secret,
	struct err *err)
{
	const bool asks = terminal_is_there();
	const char *prompt =
		arena_format(it->arena, "GitLab token, scope api (is not shown): ");

	if (kept->is_there && asks)
		return true;
	if (!terminal_secret(prompt, CREDENTIAL_MAX_BYTES, secret, err))
		return false;
	return *secret || kept->is_there ||
	       err_set(err, ERR_USAGE, 0,
		       "no GitLab token was given: glrotate setup on a terminal asks for it, or "
		       "glrotate setup < FILE");
}

static bool
set_token(const struct setting_up *it, struct err *err)
{
	const struct setup_places *places = &it->setup->places;
	const char *name = it->policies ? it->policies->gitlab.credential : places->credential;
	auto_secret struct secret *secret = NULL;
	struct kept kept;

	if (name[0] != '/' && (places->user || !places->service))
		return err_set(err, ERR_POLICY, 0,
			"%s %s, so nothing gives it a credential '%s': let it say `credential: %s`",
			places->user ? "what a person calls also by hand runs"
				     : "no unit of systemd runs",
			places->policy, name, places->credential);
	if (!find(it, name, &kept, err))
		return false;
	if (it->setup->dry_run && kept.is_there) {
		setup_say(it, "token", "%s is there", kept.path);
		return true;
	}
	if (!setup_may(it, "token", "ask for the GitLab token, prove it, and keep it%s in %s",
		    kept.is_encrypted ? ", encrypted," : "", kept.path))
		return true;
	if (kept.is_there && !is_of_use(it, &kept)) {
		setup_say(it, "token",
			"%s cannot be decrypted on this machine: it is kept anew", kept.path);
		kept.is_there = false;
	}
	if (!ask(it, &kept, &secret, err) || (secret && !prove(it, secret, err)))
		return false;
	if (!secret || holds(it, &kept, secret)) {
		setup_say(it, "token", "%s is there", kept.path);
		return true;
	}
	if (!keep(it, &kept, secret, err))
		return false;
	setup_say(it, "token", "kept in %s%s", kept.path,
		kept.is_encrypted ? ", encrypted" : ", as it is, for its owner alone");
	return true;
}

/* --- the sealing key --- */

static bool
is_in_state(const struct setting_up *it, const char *name)
{
	struct stat facts;
	const char *path = arena_format(it->arena, "%s/%s", it->setup->places.state, name);

	/* What cannot be seen may be there. */
	return !lstat(path, &facts) || (errno != ENOENT && errno != ENOTDIR);
}

static struct secret *
random_key(void)
{
	struct secret *key = secret_new(2 * KEY_BYTES);
	unsigned char byte;
	char digits[3];

	for (size_t i = 0; i < KEY_BYTES; i++) {
		random_bytes(&byte, sizeof(byte));
		snprintf(digits, sizeof(digits), "%02x", byte);
		(void)!secret_append(key, digits, 2);
	}
	secret_wipe(digits, sizeof(digits));
	secret_wipe(&byte, sizeof(byte));
	return key;
}

/* A journal opens with the key that it was made with, and with no other: one that is there keeps its own. */
static bool
set_key(const struct setting_up *it, struct err *err)
{
	auto_secret struct secret *key = NULL;
	struct kept kept;

	if (!it->setup->places.service || it->setup->places.user)
		return true;
	if (!find(it, KEY_NAME, &kept, err))
		return false;
	if (is_of_use(it, &kept)) {
		setup_say(it, "key", "%s is there", kept.path);
		return true;
	}
	if (kept.is_there && is_in_state(it, "journal.db")) {
		err_set(err, ERR_PERSON, 0,
			"'%s' cannot be decrypted on this machine, and the journal in %s was made with "
			"that key",
			kept.path, it->setup->places.state);
		return err_advise(err, GLR_CREDENTIALS);
	}
	if (is_in_state(it, "journal.db") || is_in_state(it, "key")) {
		setup_say(it, "key", "the journal in %s keeps the key that it was made with",
			it->setup->places.state);
		return true;
	}
	if (!setup_may(it, "key", "make the key that seals the journal, encrypted in %s",
		    kept.path))
		return true;
	key = random_key();
	if (!keep(it, &kept, key, err))
		return false;
	setup_say(it, "key", "made, encrypted in %s: back it up with the journal", kept.path);
	return true;
}

bool
setup_credentials(const struct setting_up *it, struct err *err)
{
	return set_token(it, err) && set_key(it, err);
}
