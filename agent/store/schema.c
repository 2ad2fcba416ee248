#include "store/schema.h"

#include "base/cleanup.h"

/* clang-format off */
static const char first_migration[] =
	"PRAGMA application_id = 0x676c726f;"

	/* Who this database is, and which key it was made with. */
	"CREATE TABLE self ("
	"	id INTEGER PRIMARY KEY CHECK (id = 1),"
	"	uuid TEXT NOT NULL,"
	"	key_fingerprint TEXT NOT NULL);"

	/* Room on the disk. Row 1 stays, and is rewritten when a run begins, so that the rollback journal is large already;
	 * row 2 comes and goes within one transaction, and leaves free pages behind. */
	"CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"INSERT INTO filler VALUES (1, randomblob(262144));"

	"CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE tokens ("
	"	number INTEGER PRIMARY KEY,"
	"	address TEXT NOT NULL UNIQUE,"
	"	owner_id INTEGER NOT NULL,"
	"	user_id INTEGER NOT NULL,"
	"	token_id INTEGER NOT NULL,"
	"	created_msec INTEGER NOT NULL,"
	"	expires_on INTEGER NOT NULL,"
	"	last_used_msec INTEGER NOT NULL,"
	"	generation INTEGER NOT NULL,"
	"	adopted_at INTEGER NOT NULL,"
	"	rotated_at INTEGER NOT NULL,"
	"	rule TEXT NOT NULL,"
	"	rule_since INTEGER NOT NULL,"
	"	destinations TEXT NOT NULL,"
	"	released_at INTEGER NOT NULL,"
	"	seen_at INTEGER NOT NULL,"
	"	in_project INTEGER NOT NULL);"

	/* `sealed` is NULL before the intent, as many zero bytes as a sealed secret has from then on, and NULL again when the
	 * row is closed. */
	"CREATE TABLE rotations ("
	"	id INTEGER PRIMARY KEY,"
	"	token INTEGER NOT NULL REFERENCES tokens (number),"
	"	state INTEGER NOT NULL,"
	"	frozen TEXT NOT NULL,"
	"	actor TEXT NOT NULL,"
	"	reason TEXT NOT NULL,"
	"	revision TEXT NOT NULL,"
	"	correlation TEXT NOT NULL,"
	"	opened_at INTEGER NOT NULL,"
	"	moved_at INTEGER NOT NULL,"
	"	target_id INTEGER NOT NULL,"
	"	wanted_on INTEGER NOT NULL,"
	"	intent_at INTEGER NOT NULL,"
	"	highest_id INTEGER NOT NULL,"
	"	nonce TEXT NOT NULL,"
	"	read_at INTEGER NOT NULL,"
	"	old_id INTEGER NOT NULL,"
	"	new_id INTEGER NOT NULL,"
	"	new_user_id INTEGER NOT NULL,"
	"	new_created_msec INTEGER NOT NULL,"
	"	new_expires_on INTEGER NOT NULL,"
	"	generation INTEGER NOT NULL,"
	"	trouble TEXT NOT NULL,"
	"	advice INTEGER NOT NULL,"
	"	trouble_since INTEGER NOT NULL,"
	"	closed_at INTEGER,"
	"	sealed BLOB);"
	"CREATE UNIQUE INDEX rotations_open ON rotations (token) WHERE closed_at IS NULL;"
	"CREATE INDEX rotations_token ON rotations (token);"

	"CREATE TABLE deliveries ("
	"	id INTEGER PRIMARY KEY,"
	"	rotation INTEGER NOT NULL REFERENCES rotations (id),"
	"	place TEXT NOT NULL,"
	"	spec TEXT NOT NULL,"
	"	state INTEGER NOT NULL,"
	"	attempts INTEGER NOT NULL,"
	"	next_at INTEGER NOT NULL,"
	"	failing_since INTEGER NOT NULL,"
	"	trouble TEXT NOT NULL);"
	"CREATE INDEX deliveries_rotation ON deliveries (rotation);"

	"CREATE TABLE events ("
	"	id INTEGER PRIMARY KEY,"
	"	at INTEGER NOT NULL,"
	"	actor TEXT NOT NULL,"
	"	reason TEXT NOT NULL,"
	"	revision TEXT NOT NULL,"
	"	correlation TEXT NOT NULL,"
	"	address TEXT NOT NULL,"
	"	rotation INTEGER NOT NULL,"
	"	name TEXT NOT NULL,"
	"	text TEXT NOT NULL,"
	"	hash BLOB NOT NULL);"
	"CREATE TRIGGER events_keep BEFORE UPDATE ON events "
	"	BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;"
	"CREATE TRIGGER events_stay BEFORE DELETE ON events "
	"	BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;"
	"CREATE TRIGGER events_last BEFORE INSERT ON events "
	"	WHEN EXISTS (SELECT 1 FROM events WHERE id >= NEW.id) "
	"	BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;";

/* A second way to renew a token: a new one beside the old. */
static const char second_migration[] =
	"ALTER TABLE tokens ADD COLUMN username TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE rotations ADD COLUMN strategy INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rotations ADD COLUMN new_username TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE rotations ADD COLUMN retire_after INTEGER NOT NULL DEFAULT 0;";

/* Until when nothing new is begun, and for which tokens: a pattern, or to the letter what stands there. */
static const char pauses_migration[] =
	"CREATE TABLE pauses ("
	"	id INTEGER PRIMARY KEY,"
	"	pattern TEXT NOT NULL,"
	"	is_exact INTEGER NOT NULL,"
	"	until INTEGER NOT NULL,"
	"	since INTEGER NOT NULL,"
	"	actor TEXT NOT NULL,"
	"	reason TEXT NOT NULL);"
	"CREATE UNIQUE INDEX pauses_pattern ON pauses (pattern, is_exact);";

const char *const schema_migrations[] = { first_migration, second_migration, pauses_migration };
const size_t schema_version = ARRAY_SIZE(schema_migrations);

/* In the order of the field tables in records.c, moves.c and events.c; the number of a row is always ?1. */
#define TOKEN_COLUMNS \
	"address, owner_id, user_id, token_id, created_msec, expires_on, last_used_msec, generation," \
	" adopted_at, rotated_at, rule, rule_since, destinations, released_at, seen_at, in_project, username"
#define TOKEN_VALUES "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18"

/* A move leaves the first group alone: what is indexed or never changes. */
#define ROTATION_FIXED "token, actor, reason, revision, correlation, opened_at, strategy"
#define ROTATION_MOVING \
	"state, frozen, moved_at, target_id, wanted_on, intent_at, highest_id, nonce, read_at, old_id, new_id," \
	" new_user_id, new_created_msec, new_expires_on, generation, trouble, advice, trouble_since, new_username," \
	" retire_after"
#define FIXED_VALUES "?2, ?3, ?4, ?5, ?6, ?7, ?8"
#define MOVING_VALUES \
	"?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28"

#define DELIVERY_COLUMNS "place, spec, state, attempts, next_at, failing_since, trouble"
#define DELIVERY_VALUES "?2, ?3, ?4, ?5, ?6, ?7, ?8"

#define PAUSE_COLUMNS "pattern, is_exact, until, since, actor, reason"
#define PAUSE_VALUES "?2, ?3, ?4, ?5, ?6, ?7"

#define EVENT_COLUMNS "id, at, actor, reason, revision, correlation, address, rotation, name, text"

const char *const schema_statements[STATEMENT_COUNT] = {
	[SELF_INSERT] = "INSERT INTO self VALUES (1, lower(hex(randomblob(16))), ?1)",
	[SELF_READ] = "SELECT uuid, key_fingerprint FROM self",

	/* Random, for SQLite leaves pages alone that are overwritten with what they hold. */
	[FILLER_REWRITE] = "UPDATE filler SET bytes = randomblob(262144) WHERE id = 1",
	[ROOM_TAKE] = "INSERT INTO filler VALUES (2, zeroblob(?1))",
	[ROOM_FREE] = "DELETE FROM filler WHERE id = 2",
	[ROOM_COUNT] = "PRAGMA freelist_count",

	[FACT_READ] = "SELECT value FROM facts WHERE key = ?1",
	[FACT_WRITE] = "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",

	[TOKENS_READ] = "SELECT number, " TOKEN_COLUMNS " FROM tokens ORDER BY address",
	[TOKEN_INSERT] = "INSERT INTO tokens (" TOKEN_COLUMNS ") VALUES (" TOKEN_VALUES ")",
	[TOKEN_UPDATE] = "UPDATE tokens SET (" TOKEN_COLUMNS ") = (" TOKEN_VALUES ") WHERE number = ?1",
	[TOKEN_RENEW] =
		"UPDATE tokens SET token_id = ?2, user_id = ?3, created_msec = ?4, expires_on = ?5, generation = ?6,"
		" rotated_at = ?7, username = ?8 WHERE number = ?1",
	[TOKEN_AIM] =
		"UPDATE tokens SET token_id = ?3, user_id = ?4, created_msec = ?5, expires_on = ?6, username = ?7,"
		" rotated_at = ?8 WHERE number = ?1 AND token_id = ?2",

	[ROTATIONS_READ_OPEN] =
		"SELECT id, " ROTATION_FIXED ", " ROTATION_MOVING ", (SELECT address FROM tokens WHERE number = token), sealed"
		" FROM rotations WHERE closed_at IS NULL ORDER BY id",
	[ROTATION_INSERT] =
		"INSERT INTO rotations (" ROTATION_FIXED ", " ROTATION_MOVING ")"
		" VALUES (" FIXED_VALUES ", " MOVING_VALUES ")",
	[ROTATION_MOVE] =
		"UPDATE rotations SET (" ROTATION_MOVING ") = (" MOVING_VALUES ")"
		" WHERE id = ?1 AND token = ?2 AND state IN (?29, ?30) AND closed_at IS NULL",
	[ROTATION_RESERVE] = "UPDATE rotations SET sealed = zeroblob(?2) WHERE id = ?1",
	[ROTATION_SEAL] = "UPDATE rotations SET sealed = ?2 WHERE id = ?1 AND length(sealed) = length(?2)",
	[ROTATION_CLOSE] = "UPDATE rotations SET closed_at = ?2, sealed = NULL WHERE id = ?1",
	[ROTATION_KEEP] = "UPDATE rotations SET closed_at = ?2 WHERE id = ?1",
	[ROTATIONS_READ_SEALED] =
		"SELECT id, new_id, sealed FROM rotations WHERE token = ?1 AND sealed <> zeroblob(length(sealed))"
		" AND (closed_at IS NOT NULL OR state BETWEEN ?2 AND ?3) ORDER BY id DESC LIMIT 1",
	[ROTATIONS_ERASE] =
		"UPDATE rotations SET sealed = NULL WHERE token = ?1 AND id <> ?2 AND closed_at IS NOT NULL"
		" AND sealed IS NOT NULL",
	[ROTATION_TROUBLE] =
		"UPDATE rotations SET trouble = ?2, advice = ?3, trouble_since = ?4, read_at = ?5"
		" WHERE id = ?1 AND closed_at IS NULL",

	[ROTATION_ENDED] =
		"SELECT coalesce(max(moved_at), 0) FROM rotations WHERE token = ?1 AND old_id = ?2 AND state = ?3",

	[ROTATION_GAVE] = "SELECT count(*) FROM rotations WHERE new_id = ?1 AND generation = ?2",

	[DELIVERIES_READ] = "SELECT id, " DELIVERY_COLUMNS " FROM deliveries WHERE rotation = ?1 ORDER BY id",
	[DELIVERIES_READ_LAST] =
		"SELECT id, " DELIVERY_COLUMNS " FROM deliveries WHERE rotation ="
		" (SELECT max(id) FROM rotations WHERE token = ?1 AND state = ?2) ORDER BY id",
	[DELIVERIES_DELETE] = "DELETE FROM deliveries WHERE rotation = ?1",
	[DELIVERY_INSERT] =
		"INSERT INTO deliveries (rotation, " DELIVERY_COLUMNS ") VALUES (?9, " DELIVERY_VALUES ")",
	[DELIVERY_HOLD] =
		"INSERT OR REPLACE INTO deliveries (id, rotation, " DELIVERY_COLUMNS ") SELECT"
		" (SELECT min(id) FROM deliveries WHERE rotation = rotations.id AND place = ?2), id, " DELIVERY_VALUES
		" FROM rotations WHERE id = (SELECT max(id) FROM rotations WHERE token = ?1 AND state = ?9)",
	[DELIVERY_UPDATE] =
		"UPDATE deliveries SET (" DELIVERY_COLUMNS ") = (" DELIVERY_VALUES ") WHERE id = ?1 AND rotation = ?9",

	[PAUSES_READ] = "SELECT id, " PAUSE_COLUMNS " FROM pauses ORDER BY until, pattern",
	[PAUSE_DELETE] = "DELETE FROM pauses WHERE pattern = ?1 AND is_exact = ?2",
	[PAUSE_INSERT] = "INSERT INTO pauses (" PAUSE_COLUMNS ") VALUES (" PAUSE_VALUES ")",

	[EVENT_INSERT] = "INSERT INTO events (" EVENT_COLUMNS ", hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[EVENT_HEAD] = "SELECT id, hash FROM events ORDER BY id DESC LIMIT 1",
	[EVENTS_READ_LAST] =
		"SELECT * FROM (SELECT " EVENT_COLUMNS " FROM events WHERE ?1 IS NULL OR address = ?1"
		" ORDER BY id DESC LIMIT ?2) ORDER BY id",
	[EVENTS_READ_ALL] = "SELECT " EVENT_COLUMNS ", hash FROM events ORDER BY id",
};
/* clang-format on */
