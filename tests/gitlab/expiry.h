/* expiry.h: which expiry date a new token gets, and which are refused. */
#ifndef EXPIRY_H
#define EXPIRY_H

#include "request.h"

enum expiry_of { EXPIRY_ROTATE, EXPIRY_CREATE_PERSONAL, EXPIRY_CREATE_RESOURCE };

/* From the request's `expires_at`, or the default of the operation. False: `message` has
 * GitLab's sentence. */
bool expiry_choose(const struct sim *sim, const struct request *request,
	const struct user *owner, enum expiry_of operation, int *expires, char message[128]);

#endif
