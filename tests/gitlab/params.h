/* params.h: parameters as Grape sees them: decoded, declared, coerced, validated. */
#ifndef PARAMS_H
#define PARAMS_H

#include "request.h"

enum param_type {
	PARAM_TEXT,
	PARAM_NUMBER,
	PARAM_TRUE, /* a boolean */
	PARAM_DAY,
	PARAM_MOMENT,
	PARAM_TEXTS,  /* an array of strings */
	PARAM_COMMAS, /* the same, and a string with commas is one too */
	PARAM_FILTER, /* an object, kept as it is */
};

struct param {
	const char *name;
	enum param_type type;
	bool required;
	int from, before; /* releases that declare it; 0: no limit */
	const char *fallback;
	/* Allowed values, comma separated; or scopes of that name in scopes.c. */
	const char *values;
	unsigned scopes;
};

/* Adds a=b&c[]=d&e[f]=g to `into`, decoded. */
void form_decode(const char *form, json_t *into);
char *percent_decode(const char *text, size_t length);
char *percent_encode(const char *text);

/* Leaves in request->params what is declared; false: `answer` says what is wrong. */
bool params_validate(struct request *request, int version, const struct param *params,
	struct answer *answer);

/* Bits for PARAM_TEXTS: which list of scopes the values must come from. */
enum { SCOPES_PERSONAL = 1, SCOPES_RESOURCE = 2, SCOPES_OWN = 4, SCOPES_DEPLOY = 8 };

bool scope_known(const char *scope, unsigned list, int version);

#endif
