/* A credential that systemd decrypts for a unit (LoadCredentialEncrypted=): systemd-creds encrypts it, we replace the file, and
 * the unit is restarted where the policy says so. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/checks.h"
#include "base/folder.h"
#include "base/notify.h"
#include "base/when.h"
#include "destination/program.h"

#define FOLDER "/etc/credstore.encrypted/"
#define NAME_MOST 255
#define CREDS_SEC 20
#define FILE_MOST_BYTES ((size_t)1024 * 1024) /* as much as systemd takes */
#define SHOW_SEC 10
/* A unit may take its time to stop. What systemctl has asked for goes on when it is not waited for any longer. */
#define RESTART_SEC 180
#define NO_SUCH_UNIT 5

enum restart { RESTART_NO = 1, RESTART_TRY, RESTART_YES };
enum key { KEY_AUTO = 1, KEY_HOST, KEY_TPM2, KEY_BOTH, KEY_NONE };

/* clang-format off */
static const struct word restarts[] = {
	{ "no", RESTART_NO }, { "try", RESTART_TRY }, { "yes", RESTART_YES }, { NULL },
};
static const struct word keys[] = {
	{ "auto", KEY_AUTO }, { "host", KEY_HOST }, { "tpm2", KEY_TPM2 },
	{ "host+tpm2", KEY_BOTH }, { "none", KEY_NONE }, { NULL },
};
/* Newer releases say null, and know the older word as well. */
static const char *const key_arguments[] = {
	[KEY_HOST] = "--with-key=host", [KEY_TPM2] = "--with-key=tpm2",
	[KEY_BOTH] = "--with-key=host+tpm2", [KEY_NONE] = "--with-key=tpm2-absent",
};

#define FILLS(member) offsetof(struct systemd_credential_entry, member)
static const struct field entry_fields[] = {
	{ "name",     FIELD_TEXT, FILLS(name), .required = true, .min = 1, .max = NAME_MOST,
	  .help = "the credential's name, as in the unit's LoadCredentialEncrypted=; may hold templates" },
	{ "path",     FIELD_TEXT, FILLS(path), .max = PATH_MAX - 1,
	  .help = "the encrypted file: absolute; unstated: of that name in /etc/credstore.encrypted; may hold templates" },
	{ "unit",     FIELD_TEXT, FILLS(unit), .min = 1, .max = NAME_MOST,
	  .help = "the unit to restart, which reads its credentials only when it starts" },
	{ "restart",  FIELD_WORD, FILLS(restart), .words = restarts,
	  .help = "yes: the unit is restarted, or started; try: only when it runs; no (the default)" },
	{ "with_key", FIELD_WORD, FILLS(with_key), .words = keys,
	  .help = "as systemd-creds has it; none: everybody can decrypt it, for trials; unstated: auto" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct systemd_credential_place, member)
static const struct field place_fields[] = {
	{ "name",     FIELD_TEXT, FILLS(name), .required = true },
	{ "path",     FIELD_TEXT, FILLS(path), .required = true },
	{ "unit",     FIELD_TEXT, FILLS(unit) },
	{ "restart",  FIELD_INT,  FILLS(restart), .required = true, .min = RESTART_NO, .max = RESTART_YES },
	{ "with_key", FIELD_INT,  FILLS(with_key), .required = true, .min = KEY_AUTO, .max = KEY_NONE },
	{ NULL },
};
/* clang-format on */

const struct shape systemd_credential_entry_shape = {
	.name = "a systemd credential",
	.fields = entry_fields,
	.bytes = sizeof(struct systemd_credential_entry),
	.scalar = "name",
};
const struct shape systemd_credential_place_shape = {
	.name = "a systemd credential's place",
	.fields = place_fields,
	.bytes = sizeof(struct systemd_credential_place),
};

static const struct systemd_credential_place *
place_of(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_SYSTEMD_CREDENTIAL);
	return destination->to.value;
}

/* --- what a policy may say --- */

static bool
check_name(const char *name, struct err *err)
{
	if (*name && *name != '.' && strlen(name) <= NAME_MOST && !strpbrk(name, "/: \t\r\n"))
		return true;
	return err_set(err, ERR_POLICY, 0,
		"'%s' is no credential's name: expected no '/', ':', white space and dot at the "
		"beginning",
		name);
}

static bool
check_unit(const char *unit, enum restart restart, struct err *err)
{
	if (!unit != (restart == RESTART_NO))
		return err_set(err, ERR_POLICY, 0,
			unit ? "'unit' does nothing by itself: expected 'restart: yes' or "
			       "'restart: try' beside it"
			     : "'restart' needs 'unit'");
	if (!unit || (unit[0] != '-' && strchr(unit, '.') && text_is_made_of(unit, ":_.\\@-")))
		return true;
	return err_set(err, ERR_POLICY, 0, "'%s' is no unit's name, as in myapp.service", unit);
}

static bool
systemd_credential_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct systemd_credential_entry *entry = value;
	struct arena *arena = expansion->arena;
	struct systemd_credential_place place = { .at = entry->at,
		.restart = entry->restart ? entry->restart : RESTART_NO,
		.with_key = entry->with_key ? entry->with_key : KEY_AUTO };
	char why[sizeof(err->text)];

	if (!template_fill(entry->name, expansion->token, arena, &place.name, err) ||
		!template_fill(entry->path, expansion->token, arena, &place.path, err) ||
		!template_fill(entry->unit, expansion->token, arena, &place.unit, err) ||
		!check_name(place.name, err))
		return false;
	if (!place.path)
		place.path = arena_format(arena, FOLDER "%s", place.name);
	if (!check_absolute(place.path, why, sizeof(why)))
		return err_set(err, ERR_POLICY, 0, "%s", why);
	if (!check_unit(place.unit, (enum restart)place.restart, err))
		return false;
	expansion_add(expansion, DESTINATION_SYSTEMD_CREDENTIAL,
		arena_format(arena, "systemd_credential %s", place.path), &place,
		sizeof(place));
	return true;
}

static struct destination_uses
systemd_credential_uses(const struct destination *destination)
{
	const struct systemd_credential_place *place = place_of(destination);

	return (struct destination_uses){ .unit = place->unit, .file = place->path };
}

/* --- systemd's programs --- */

/* Newer releases do it themselves for root alone; else a service of systemd's does it, and asks polkit, if that is there. */
static bool
run_creds(const struct destination_tools *tools, const struct program *program,
	struct child_end *end, struct err *err)
{
	if (program_run(tools, program, end, err))
		return true;
	if (!strstr(err->text, ".PermissionDenied") &&
		!strstr(err->text, ".InteractiveAuthenticationRequired"))
		return false;
	return err_wrap(err, "polkit does not let it, see glrotate(8), THE SANDBOX");
}

static bool
encrypt(const struct destination_tools *tools, const struct systemd_credential_place *place,
	const struct secret *secret, struct child_end *end, struct err *err)
{
	const char *name = arena_format(tools->arena, "--name=%s", place->name);
	const char *key = key_arguments[place->with_key];
	const char *const chosen[] = { "systemd-creds", "encrypt", name, key, "-", "-", NULL };
	const char *const automatic[] = { "systemd-creds", "encrypt", name, "-", "-", NULL };

	return run_creds(tools,
		       &(struct program){ .argv = key ? chosen : automatic,
			       .input = secret,
			       .timeout_msec = CREDS_SEC * 1000 },
		       end, err) &&
	       (secret_length(end->output) ||
		       err_set(err, ERR_REFUSED, 0, "systemd-creds encrypted to nothing"));
}

static bool
decrypt(const struct destination_tools *tools, const struct systemd_credential_place *place,
	const struct secret *encrypted, const struct secret *secret, struct child_end *end,
	struct err *err)
{
	const char *const argv[] = { "systemd-creds", "decrypt",
		arena_format(tools->arena, "--name=%s", place->name), "-", "-", NULL };

	return run_creds(tools,
		&(struct program){ .argv = argv,
			.input = encrypted,
			.secret = secret,
			.output_is_secret = true,
			.timeout_msec = CREDS_SEC * 1000 },
		end, err);
}

/* Read by us, since systemd-creds would follow anybody's links. */
static bool
decrypt_file(const struct destination_tools *tools,
	const struct systemd_credential_place *place, const struct secret *secret,
	struct child_end *end, struct err *err)
{
	auto_secret struct secret *encrypted = NULL;

	if (!atomic_file_read(place->path, FILE_MOST_BYTES, &encrypted, err))
		return false;
	if (!encrypted)
		return err_set(err, ERR_REFUSED, ENOENT, "cannot decrypt '%s'", place->path);
	return decrypt(tools, place, encrypted, secret, end, err);
}

/* Whether this machine decrypts now what it encrypts: without its TPM, or with Secure Boot and no key, it may not. */
static bool
check_round_trip(const struct destination_tools *tools,
	const struct systemd_credential_place *place, struct err *err)
{
	auto_child_end struct child_end encrypted = { 0 }, decrypted = { 0 };
	auto_secret struct secret *probe = NULL;
	char bytes[16];

	random_bytes(bytes, sizeof(bytes));
	probe = secret_copy(bytes, sizeof(bytes));
	if (!encrypt(tools, place, probe, &encrypted, err))
		return false;
	if (!decrypt(tools, place, encrypted.output, probe, &decrypted, err))
		return err_wrap(err, "what is encrypted here cannot be decrypted here");
	return secret_equal(decrypted.output, probe) ||
	       err_set(err, ERR_REFUSED, 0,
		       "systemd-creds decrypts to something else than it encrypted");
}

static bool
check_unit_is_known(const struct destination_tools *tools, const char *unit, struct err *err)
{
	const char *const argv[] = { "systemctl", "show", "--property=LoadState", "--value",
		"--", unit, NULL };
	auto_secret struct secret *loaded = secret_copy("loaded\n", strlen("loaded\n"));
	auto_child_end struct child_end end = { 0 };

	if (!program_run(tools,
		    &(struct program){ .argv = argv, .timeout_msec = SHOW_SEC * 1000 }, &end,
		    err))
		return false;
	return secret_equal(end.output, loaded) ||
	       err_set(err, ERR_REFUSED, 0, "systemd has no unit '%s' loaded", unit);
}

/* The secret is there; what the unit still has in its memory is the old one. So this is owed until it works. */
static bool
restart_unit(const struct destination_tools *tools,
	const struct systemd_credential_place *place, struct err *err)
{
	const char *const argv[] = { "systemctl",
		place->restart == RESTART_TRY ? "try-restart" : "restart", "--", place->unit,
		NULL };
	auto_child_end struct child_end end = { 0 };

	if (place->restart == RESTART_NO)
		return true;
	notify_extend(RESTART_SEC + MINUTE_SEC);
	if (program_run(tools,
		    &(struct program){ .argv = argv, .timeout_msec = RESTART_SEC * 1000 }, &end,
		    err))
		return true;
	if (err->kind == ERR_REFUSED && end.exit_code != NO_SUCH_UNIT)
		err->kind = ERR_LATER;
	return err_wrap(err, "written, but '%s' was not restarted", place->unit);
}

/* --- the file --- */

static bool
kept_stamp(const struct systemd_credential_place *place, struct stamp *stamp, struct err *err)
{
	char text[STAMP_TEXT_BYTES];

	if (!atomic_file_stamp(place->path, NULL, text, sizeof(text), err))
		return false;
	stamp_parse(text, NULL, stamp, NULL);
	return true;
}

static bool
fence(const struct destination_tools *tools, const struct systemd_credential_place *place,
	const struct stamp *ours, struct err *err)
{
	struct stamp found;

	return kept_stamp(place, &found, err) && stamp_allows(tools, &found, ours, err);
}

static struct atomic_file
file_of(const struct systemd_credential_place *place, const char *stamp)
{
	return (struct atomic_file){ .path = place->path,
		.mode = 0600,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.stamp = stamp };
}

static bool
systemd_credential_preflight(const struct destination_tools *tools,
	const struct destination *destination, const struct stamp *ours, struct err *err)
{
	const struct systemd_credential_place *place = place_of(destination);
	char text[STAMP_TEXT_BYTES];
	const struct atomic_file file = file_of(place, stamp_text(ours, text));

	return fence(tools, place, ours, err) && check_round_trip(tools, place, err) &&
	       atomic_file_probe(&file, err) &&
	       (!place->unit || check_unit_is_known(tools, place->unit, err));
}

static bool
systemd_credential_deliver(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, struct err *err)
{
	const struct systemd_credential_place *place = place_of(destination);
	char text[STAMP_TEXT_BYTES];
	const struct atomic_file file = file_of(place, stamp_text(stamp, text));
	auto_child_end struct child_end end = { 0 };

	return fence(tools, place, stamp, err) && encrypt(tools, place, secret, &end, err) &&
	       atomic_file_replace(&file, end.output, false, err) &&
	       restart_unit(tools, place, err);
}

/* The file cannot be decrypted, and `err` says why. When this machine can decrypt nothing at all any more (its TPM's state has
 * changed, as it were), then a file with our stamp says nothing; else it is the file that is wrong. */
static bool
judge_undecrypted(const struct destination_tools *tools,
	const struct systemd_credential_place *place, const struct stamp *stamp,
	enum proof *proof, struct err *err)
{
	struct stamp kept;
	struct err why;

	if (!kept_stamp(place, &kept, &why) || !stamp_is_same(&kept, stamp) ||
		check_round_trip(tools, place, &why)) {
		err->kind = ERR_MOVED;
		return false;
	}
	if (why.kind == ERR_LATER) {
		*err = why;
		return false;
	}
	*proof = PROOF_NONE;
	return true;
}

static bool
systemd_credential_verify(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, enum proof *proof, struct err *err)
{
	const struct systemd_credential_place *place = place_of(destination);
	auto_child_end struct child_end end = { 0 };

	if (!decrypt_file(tools, place, secret, &end, err))
		return err->kind != ERR_LATER &&
		       judge_undecrypted(tools, place, stamp, proof, err);
	if (!secret_equal(end.output, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	*proof = PROOF_VALUE;
	return true;
}

static const char *
systemd_credential_inspect(
	const struct destination_tools *tools, const struct destination *destination)
{
	const struct systemd_credential_place *place = place_of(destination);
	const char *unit = "", *name;
	auto_close int folder = -1;
	struct stamp found;
	struct stat facts;
	struct err err;

	if (!folder_open(place->path, &folder, &name, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (faccessat(folder, ".", W_OK | X_OK, AT_EACCESS))
		return arena_format(tools->arena, "cannot: the folder of '%s': %s", place->path,
			strerror(errno));
	if (!kept_stamp(place, &found, &err) || !stamp_would_allow(tools, &found, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (place->unit)
		unit = arena_format(tools->arena, ", then %s %s",
			place->restart == RESTART_TRY ? "try-restart" : "restart", place->unit);
	return arena_format(tools->arena, "%s as '%s'%s",
		fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) ? "created" : "new value",
		place->name, unit);
}

/* The secret that the file holds, where this machine can decrypt it. */
static bool
systemd_credential_read(const struct destination_tools *tools,
	const struct destination *destination, struct secret **secret, struct err *err)
{
	auto_child_end struct child_end end = { 0 };

	if (!decrypt_file(tools, place_of(destination), NULL, &end, err)) {
		if (err->kind == ERR_LATER)
			return false;
		*secret = NULL;
		return true;
	}
	*secret = secret_length(end.output) ? take(end.output) : NULL;
	return true;
}

const struct destination_row systemd_credential_row = {
	.expand = systemd_credential_expand,
	.uses = systemd_credential_uses,
	.preflight = systemd_credential_preflight,
	.deliver = systemd_credential_deliver,
	.verify = systemd_credential_verify,
	.inspect = systemd_credential_inspect,
	.read = systemd_credential_read,
};
