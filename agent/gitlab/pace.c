#include "gitlab/pace.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/memory.h"

/* What a server may at most make us wait, and what it means by 429 without saying how long. */
#define PAUSE_MOST_MSEC INT64_C(60000)
#define PAUSE_UNSAID_MSEC INT64_C(2000)
/* Below this the rest of the period belongs to the urgent, and to the people who share our limit. */
#define REMAINING_LEAST 5
/* Between two urgencies, when a pause ends. */
#define STEP_MSEC INT64_C(50)

struct pace {
	pthread_mutex_t lock;
	const volatile int *stop;
	int64_t pause_until; /* clock.h; 0: none */
};

static const volatile int never_stop;

struct pace *
pace_new(const volatile int *stop)
{
	struct pace *pace = memory_or_abort(calloc(1, sizeof(*pace)));

	pthread_mutex_init(&pace->lock, NULL);
	pace->stop = stop ? stop : &never_stop;
	return pace;
}

void
pace_free(struct pace *pace)
{
	if (!pace)
		return;
	pthread_mutex_destroy(&pace->lock);
	free(pace);
}

static int64_t
pause_left(struct pace *pace, enum urgency urgency)
{
	int64_t until;

	pthread_mutex_lock(&pace->lock);
	until = pace->pause_until;
	pthread_mutex_unlock(&pace->lock);
	return until ? until + (int64_t)urgency * STEP_MSEC - clock_msec() : 0;
}

bool
pace_wait(struct pace *pace, enum urgency urgency)
{
	int64_t left;

	/* Others may be told to wait longer meanwhile. */
	while ((left = pause_left(pace, urgency)) > 0)
		if (!clock_pause(left, pace->stop))
			return false;
	return true;
}

static int64_t
pause_of(const struct http_answer *answer)
{
	int64_t pause = 0;

	if (answer->retry_after_sec >= 0 && (answer->status == 429 || answer->status == 503))
		pause = answer->retry_after_sec * 1000;
	else if (answer->status == 429)
		pause = PAUSE_UNSAID_MSEC;
	else if (answer->rate_remaining >= 0 && answer->rate_remaining < REMAINING_LEAST &&
		 answer->rate_reset && answer->date)
		pause = (answer->rate_reset - answer->date) * 1000;
	return pause > PAUSE_MOST_MSEC ? PAUSE_MOST_MSEC : pause;
}

void
pace_learn(struct pace *pace, const struct http_answer *answer)
{
	const int64_t pause = pause_of(answer);
	const int64_t until = clock_msec() + pause;

	if (pause <= 0)
		return;
	pthread_mutex_lock(&pace->lock);
	if (until > pace->pause_until)
		pace->pause_until = until;
	pthread_mutex_unlock(&pace->lock);
}
