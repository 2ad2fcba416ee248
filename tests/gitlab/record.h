/* record.h: what was asked of the simulator, the last RECORD_MAX requests of it. */
#ifndef RECORD_H
#define RECORD_H

#include "base.h"
#include "fault.h"

#include <stdint.h>

enum { RECORD_MAX = 100000 };

struct request;

struct entry {
	unsigned long n;
	int64_t at;
	char *method, *path, *query;
	json_t *body;
	int status;  /* 0: not answered, or not yet */
	int outcome; /* what it came to, told or not; 0: not carried out, or not yet */
	long token_id, deploy_token_id, user_id;
	const char *credential, *fault;
};

struct record {
	struct entry *entries; /* a ring, by n */
	unsigned long first, next;
};

/* Returns the number under which record_answer() finds the request again. */
unsigned long record_request(
	struct record *record, int64_t at, const struct request *request, const char *fault);
void record_answer(struct record *record, unsigned long n, const struct request *request,
	int status, int outcome);
json_t *record_json(const struct record *record, const char *method, const char *path);
void record_clear(struct record *record);
void record_done(struct record *record);

#endif
