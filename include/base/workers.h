/* workers.h: a few threads over a list of jobs. Threads are started here only.
 * Touches nothing itself. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

/* One job; `worker` counts from 0, so that a caller can hold a connection a worker. Returning false stops
 * the handing out of further jobs; those begun end by themselves. */
typedef bool workers_job(void *context, size_t worker, size_t job); /* the one typedef: a function type */

/* Runs jobs 0 … jobs-1 over at most `workers` threads (the calling one when 1 or one job), in order of
 * handing out, and returns when all handed out have ended. Signals stay with the calling thread's mask
 * blocked in the others. Returns whether all jobs were handed out and returned true. */
bool workers_run(size_t workers, size_t jobs, workers_job *job, void *context);

#endif
