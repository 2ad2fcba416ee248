/* schema.h: the tables and every statement over them, as text.
 * Touches nothing. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

/* "glro": says that a database is ours. */
#define SCHEMA_APPLICATION_ID 0x676c726f

/* Append-only: migration n takes a database from user_version n to n + 1, in one transaction. */
extern const char *const schema_migrations[];
extern const size_t schema_version;

enum statement {
	SELF_INSERT,
	SELF_READ,
	FILLER_REWRITE,
	ROOM_TAKE,
	ROOM_FREE,
	ROOM_COUNT,
	FACT_READ,
	FACT_WRITE,
	TOKENS_READ,
	TOKEN_INSERT,
	TOKEN_UPDATE,
	TOKEN_RENEW,
	TOKEN_AIM,
	ROTATIONS_READ_OPEN,
	ROTATION_INSERT,
	ROTATION_MOVE,
	ROTATION_RESERVE,
	ROTATION_SEAL,
	ROTATION_CLOSE,
	ROTATION_KEEP,
	ROTATIONS_READ_SEALED,
	ROTATIONS_ERASE,
	ROTATION_TROUBLE,
	ROTATION_ENDED,
	ROTATION_GAVE,
	DELIVERIES_READ,
	DELIVERIES_READ_LAST,
	DELIVERIES_DELETE,
	DELIVERY_INSERT,
	DELIVERY_HOLD,
	DELIVERY_UPDATE,
	PAUSES_READ,
	PAUSE_DELETE,
	PAUSE_INSERT,
	EVENT_INSERT,
	EVENT_HEAD,
	EVENTS_READ_LAST,
	EVENTS_READ_ALL,
	STATEMENT_COUNT,
};
extern const char *const schema_statements[STATEMENT_COUNT];

#endif
