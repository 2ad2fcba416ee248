/* http_head.h: what the head of an answer says; for http.c only.
 * Touches nothing. */
#ifndef BASE_HTTP_HEAD_H
#define BASE_HTTP_HEAD_H

#include "base/http.h"

/* Fills in all of `answer` but its body. `handle` is libcurl's, which has just had the answer; what a header does not say, or says
 * in no form that counts, is as http.h has it for "none". */
void http_head_read(void *handle, struct http_answer *answer);

#endif
