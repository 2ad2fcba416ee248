/* Naps take no time: the clock that the program goes by and the simulator's jump instead. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#define NSEC_PER_SEC INT64_C(1000000000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int clock_port;
static int64_t owed_nsec; /* what the simulator's clock has not been told */
static atomic_llong ahead_nsec;

__attribute__((constructor)) static void
begin(void)
{
	const char *port = getenv("SHIM_CLOCK");

	clock_port = port ? atoi(port) : 0;
}

int
clock_gettime(clockid_t which, struct timespec *now)
{
	const int result = (int)syscall(SYS_clock_gettime, which, now);
	int64_t nsec;

	if (result || which != CLOCK_BOOTTIME)
		return result;
	nsec = now->tv_nsec + atomic_load(&ahead_nsec);
	now->tv_sec += nsec / NSEC_PER_SEC;
	now->tv_nsec = nsec % NSEC_PER_SEC;
	return 0;
}

static void
move_simulator(int64_t sec)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)clock_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char body[64], text[256];
	int length = snprintf(body, sizeof(body), "{\"advance\":\"%llds\"}", (long long)sec);

	length = snprintf(text, sizeof(text),
		"POST /sim/clock HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		length, body);
	if (!connect(line, (struct sockaddr *)&address, sizeof(address)) &&
		syscall(SYS_sendto, line, text, (size_t)length, MSG_NOSIGNAL, NULL, 0) ==
			length)
		while (syscall(SYS_read, line, text, sizeof(text)) > 0)
			;
	close(line);
}

/* The jump that stands for a nap. */
static void
jump(int64_t nsec)
{
	int64_t sec;

	pthread_mutex_lock(&lock);
	owed_nsec += nsec;
	sec = owed_nsec / NSEC_PER_SEC;
	owed_nsec %= NSEC_PER_SEC;
	pthread_mutex_unlock(&lock);
	if (sec)
		move_simulator(sec);
	atomic_fetch_add(&ahead_nsec, nsec);
}

void
shim_let_pass(long sec)
{
	jump(sec * NSEC_PER_SEC);
}

int
nanosleep(const struct timespec *span, struct timespec *left)
{
	if (!clock_port)
		return (int)syscall(SYS_nanosleep, span, left);
	jump(span->tv_sec * NSEC_PER_SEC + span->tv_nsec);
	return 0;
}

int
usleep(useconds_t usec)
{
	return nanosleep(&(struct timespec){ usec / 1000000, usec % 1000000 * 1000 }, NULL);
}

int
pthread_cond_timedwait(
	pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *until)
{
	typedef int function(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	function *real;
	struct timespec now;
	int64_t nsec;

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	if (!clock_port)
		return real(condition, lock, until);
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	nsec = (until->tv_sec - now.tv_sec) * NSEC_PER_SEC + until->tv_nsec - now.tv_nsec;
	if (nsec > 0)
		jump(nsec);
	return real(condition, lock, &now);
}
