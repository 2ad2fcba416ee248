#include "gitlab/pace.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

/* What a server may at most make us wait, and what it means by 429 without saying how long. */
#define PAUSE_MOST_MSEC INT64_C(60000)
#define PAUSE_UNSAID_MSEC INT64_C(1000)
/* When less is left of the period's requests, they are spread over it: other programs share the limit. */
#define REMAINING_FEW 50
/* Between two requests after a refusal, until an answer shows that it is over. */
#define GAP_MSEC INT64_C(100)
/* How long a signal may wait to be seen. */
#define LOOK_MSEC INT64_C(100)

struct pace {
	pthread_mutex_t lock; /* over what follows; never held over a request */
	pthread_cond_t moved; /* somebody has passed */
	const volatile int *stop;
	int64_t open_msec; /* clock.h: nobody passes before */
	int64_t next_msec; /* nor anything but a delivery before this */
	int64_t gap_msec;  /* between two that pass; 0: as they come */
	unsigned refusals; /* pauses in a row whose length the server did not say */
	unsigned waiting[URGENCY_READ + 1];
};

static const volatile int never_stop;

struct pace *
pace_new(const volatile int *stop)
{
	struct pace *pace = memory_or_abort(calloc(1, sizeof(*pace)));
	pthread_condattr_t attributes;

	pthread_mutex_init(&pace->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pace->moved, &attributes);
	pthread_condattr_destroy(&attributes);
	pace->stop = stop ? stop : &never_stop;
	return pace;
}

void
pace_free(struct pace *pace)
{
	if (!pace)
		return;
	pthread_cond_destroy(&pace->moved);
	pthread_mutex_destroy(&pace->lock);
	free(pace);
}

/* --- waiting; all under the lock --- */

/* The moment from which the server lets a request of that urgency pass. */
static int64_t
moment_for(const struct pace *pace, enum urgency urgency)
{
	if (urgency == URGENCY_DELIVER || pace->next_msec < pace->open_msec)
		return pace->open_msec;
	return pace->next_msec;
}

static bool
is_first(const struct pace *pace, enum urgency urgency)
{
	for (int other = 0; other < (int)urgency; other++)
		if (pace->waiting[other])
			return false;
	return true;
}

static void
doze(struct pace *pace, int64_t msec)
{
	struct timespec until;

	if (msec < 1 || msec > LOOK_MSEC)
		msec = LOOK_MSEC;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += msec * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&pace->moved, &pace->lock, &until);
}

static bool
wait_for_turn(struct pace *pace, enum urgency urgency)
{
	for (;;) {
		const int64_t left = moment_for(pace, urgency) - clock_msec();

		if (left <= 0 && is_first(pace, urgency))
			return true;
		if (*pace->stop)
			return false;
		doze(pace, left);
	}
}

bool
pace_wait(struct pace *pace, enum urgency urgency)
{
	bool passes;

	pthread_mutex_lock(&pace->lock);
	pace->waiting[urgency]++;
	passes = wait_for_turn(pace, urgency);
	pace->waiting[urgency]--;
	if (passes)
		pace->next_msec = clock_msec() + pace->gap_msec;
	pthread_cond_broadcast(&pace->moved);
	pthread_mutex_unlock(&pace->lock);
	return passes;
}

/* --- learning --- */

static int64_t
at_most_a_minute(int64_t sec)
{
	if (sec > PAUSE_MOST_MSEC / 1000)
		return PAUSE_MOST_MSEC;
	return sec < 0 ? 0 : sec * 1000;
}

/* Eight answers to eight workers are one refusal, so only the first counts. */
static int64_t
unsaid_pause(struct pace *pace)
{
	const int64_t pause_msec = PAUSE_UNSAID_MSEC
	                           << (pace->refusals > 6 ? 6 : pace->refusals);

	if (clock_msec() >= pace->open_msec)
		pace->refusals++;
	return pause_msec > PAUSE_MOST_MSEC ? PAUSE_MOST_MSEC : pause_msec;
}

static void
learn_refusal(struct pace *pace, const struct http_answer *answer)
{
	const int64_t pause_msec = answer->retry_after_sec >= 0
	                                   ? at_most_a_minute(answer->retry_after_sec)
	                                   : unsaid_pause(pace);
	const int64_t open_msec = clock_msec() + pause_msec;

	if (open_msec > pace->open_msec)
		pace->open_msec = open_msec;
	pace->gap_msec = GAP_MSEC;
}

static void
learn_remaining(struct pace *pace, const struct http_answer *answer)
{
	int64_t left_msec;

	pace->refusals = 0;
	pace->gap_msec = 0;
	if (answer->rate_remaining < 0 || answer->rate_remaining >= REMAINING_FEW ||
		!answer->rate_reset || !answer->date)
		return;
	left_msec = at_most_a_minute(answer->rate_reset - answer->date);
	if (answer->rate_remaining) {
		pace->gap_msec = left_msec / answer->rate_remaining;
		pace->next_msec = clock_msec() + pace->gap_msec;
	} else if (clock_msec() + left_msec > pace->open_msec) {
		pace->open_msec = clock_msec() + left_msec;
	}
}

void
pace_learn(struct pace *pace, const struct http_answer *answer)
{
	const bool is_refusal = answer->status == 429 ||
	                        (answer->status == 503 && answer->retry_after_sec >= 0);

	pthread_mutex_lock(&pace->lock);
	if (is_refusal)
		learn_refusal(pace, answer);
	else
		learn_remaining(pace, answer);
	pthread_mutex_unlock(&pace->lock);
}
