#include "base/redis.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/redis_url.h"
#include "bounds.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 2000
/* How soon a step in progress notices that it is to stop. */
#define STOP_MS 100
/* After this a thread that was told to stop hangs in a name lookup. */
#define CLOSE_S 2
/* Strings of a reply that are handed over; pub/sub has three. */
#define REPLY_STRINGS 8

static struct metric redis_up = {.name = "elektrine_redis_up",
    .help = "Whether all programs that use Redis are connected to it.",
    .kind = METRIC_GAUGE,
    .merge = METRIC_LEAST,
    .label = "purpose"};

struct redis {
	struct redis_address address;
	const char *purpose;
	redis_serve_fn *serve;
	void *arg;

	redisContext *context; /* the thread's own; never blocks */
	bool said_lost;        /* the log knows */

	int wake_fd; /* eventfd */
	atomic_bool stop;
	atomic_bool connected;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_ended;
	bool ended; /* under lock */
};

static bool failed(struct redis *redis, struct error *err)
{
	const char *text = redis->context->errstr;

	return error_set(err, ERROR_TEMPORARY, "%s",
	    text[0] != '\0' ? text : "the connection broke");
}

/* Waits for `events` on the connection, no longer than until the deadline,
 * or the wish to stop. */
static bool wait_for(
    struct redis *redis, short events, int64_t deadline, struct error *err)
{
	struct pollfd fd = {.fd = redis->context->fd, .events = events};
	int64_t left;
	int ready;

	for (;;) {
		left = deadline - clock_mono_ms();
		if (left <= 0 || atomic_load(&redis->stop))
			return error_set(err, ERROR_TEMPORARY,
			    "no answer within %d ms", LIMIT_REDIS_MS);
		ready = poll(&fd, 1, left < STOP_MS ? (int)left : STOP_MS);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return error_errno(err, "poll");
	}
}

static int64_t step_deadline(void)
{
	return clock_mono_ms() + LIMIT_REDIS_MS;
}

bool redis_queue(
    struct redis *redis, int count, const char **words, struct error *err)
{
	if (redisAppendCommandArgv(redis->context, count, words, NULL) !=
	    REDIS_OK)
		return failed(redis, err);
	return true;
}

bool redis_flush(struct redis *redis, struct error *err)
{
	int64_t deadline = step_deadline();
	int done = 0;

	for (;;) {
		if (redisBufferWrite(redis->context, &done) != REDIS_OK)
			return failed(redis, err);
		if (done)
			return true;
		if (!wait_for(redis, POLLOUT, deadline, err))
			return false;
	}
}

static bool skip_reply(struct redis *redis, int64_t deadline, struct error *err)
{
	void *got = NULL;
	redisReply *reply;
	bool fine;

	for (;;) {
		if (redisGetReplyFromReader(redis->context, &got) != REDIS_OK)
			return failed(redis, err);
		if (got != NULL)
			break;
		if (!wait_for(redis, POLLIN, deadline, err))
			return false;
		if (redisBufferRead(redis->context) != REDIS_OK)
			return failed(redis, err);
	}
	reply = got;
	fine = reply->type != REDIS_REPLY_ERROR ||
	       error_set(err, ERROR_TEMPORARY, "it says: %s", reply->str);
	freeReplyObject(reply);
	return fine;
}

bool redis_skip_replies(struct redis *redis, size_t count, struct error *err)
{
	int64_t deadline = step_deadline();

	while (count-- > 0) {
		if (!skip_reply(redis, deadline, err))
			return false;
	}
	return true;
}

bool redis_command(
    struct redis *redis, int count, const char **words, struct error *err)
{
	return redis_queue(redis, count, words, err) &&
	       redis_flush(redis, err) && redis_skip_replies(redis, 1, err);
}

static void hand_over(
    const redisReply *reply, redis_reply_fn *on_reply, void *arg)
{
	const char *strings[REPLY_STRINGS];

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements > REPLY_STRINGS)
		return;
	for (size_t i = 0; i < reply->elements; i++) {
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return;
		strings[i] = reply->element[i]->str;
	}
	on_reply(arg, strings, reply->elements);
}

bool redis_receive(
    struct redis *redis, redis_reply_fn *on_reply, void *arg, struct error *err)
{
	void *reply = NULL;

	if (redisBufferRead(redis->context) != REDIS_OK)
		return failed(redis, err);
	for (;;) {
		if (redisGetReplyFromReader(redis->context, &reply) != REDIS_OK)
			return failed(redis, err);
		if (reply == NULL)
			return true;
		hand_over(reply, on_reply, arg);
		freeReplyObject(reply);
	}
}

static void drain_wakes(struct redis *redis)
{
	uint64_t count;

	if (read(redis->wake_fd, &count, sizeof(count)) < 0) {
		/* Nothing was in it. */
	}
}

enum redis_event redis_wait(struct redis *redis, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = redis->wake_fd, .events = POLLIN},
	    {.fd = redis->context->fd, .events = POLLIN}};
	int ready;

	do
		ready = poll(fds, 2, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (atomic_load(&redis->stop))
		return REDIS_STOP;
	if (ready <= 0)
		return REDIS_SILENCE;
	if (fds[1].revents != 0)
		return REDIS_READABLE;
	drain_wakes(redis);
	return REDIS_WOKEN;
}

static bool finish_connecting(struct redis *redis, struct error *err)
{
	int code = 0;
	socklen_t len = sizeof(code);

	if (!wait_for(redis, POLLOUT, step_deadline(), err))
		return false;
	(void)getsockopt(redis->context->fd, SOL_SOCKET, SO_ERROR, &code, &len);
	if (code == 0)
		return true;
	errno = code;
	return error_errno(err, "cannot connect");
}

static bool log_in(struct redis *redis, struct error *err)
{
	const struct redis_address *address = &redis->address;
	char database[12];
	const char *plain[] = {"AUTH", address->password};
	const char *named[] = {"AUTH", address->user, address->password};
	const char *choose[] = {"SELECT", database};

	if (address->password != NULL &&
	    !(address->user == NULL ? redis_command(redis, 2, plain, err)
				    : redis_command(redis, 3, named, err)))
		return false;
	if (address->database == 0)
		return true;
	(void)snprintf(database, sizeof(database), "%d", address->database);
	return redis_command(redis, 2, choose, err);
}

static bool connect_now(struct redis *redis, struct error *err)
{
	const struct redis_address *address = &redis->address;

	redis->context =
	    address->path != NULL
		? redisConnectUnixNonBlock(address->path)
		: redisConnectNonBlock(address->host, address->port);
	if (redis->context == NULL)
		fatal("out of memory: hiredis gives no context");
	if (redis->context->err != 0)
		return failed(redis, err);
	return finish_connecting(redis, err) && log_in(redis, err);
}

static void disconnect(struct redis *redis, const char *problem)
{
	atomic_store(&redis->connected, false);
	metric_set(&redis_up, redis->purpose, 0);
	redisFree(redis->context);
	redis->context = NULL;
	if (redis->said_lost || atomic_load(&redis->stop))
		return;
	redis->said_lost = true;
	log_event(LOG_WARN, "redis_lost", LOG_TEXT("purpose", redis->purpose),
	    LOG_TEXT("error", problem));
}

void redis_ready(struct redis *redis)
{
	redis->said_lost = false;
	atomic_store(&redis->connected, true);
	metric_set(&redis_up, redis->purpose, 1);
	log_event(
	    LOG_INFO, "redis_connected", LOG_TEXT("purpose", redis->purpose));
}

/* Until the time is over or we are to stop; other wake-ups are for a server
 * that is away. */
static void pause_for(struct redis *redis, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms, left;
	struct pollfd fd = {.fd = redis->wake_fd, .events = POLLIN};

	while (
	    !atomic_load(&redis->stop) && (left = end - clock_mono_ms()) > 0) {
		if (poll(&fd, 1, (int)left) > 0)
			drain_wakes(redis);
	}
}

static void *keep(void *arg)
{
	struct redis *redis = arg;
	int64_t pause = PAUSE_LEAST_MS;
	struct error err;

	while (!atomic_load(&redis->stop)) {
		err = (struct error){0};
		if (connect_now(redis, &err) && !atomic_load(&redis->stop)) {
			pause = PAUSE_LEAST_MS;
			redis->serve(redis->arg, redis, &err);
		}
		disconnect(redis, err.text);
		pause_for(redis, pause);
		pause = pause * 2 < PAUSE_MOST_MS ? pause * 2 : PAUSE_MOST_MS;
	}
	(void)pthread_mutex_lock(&redis->lock);
	redis->ended = true;
	(void)pthread_cond_signal(&redis->has_ended);
	(void)pthread_mutex_unlock(&redis->lock);
	return NULL;
}

static void start_thread(struct redis *redis)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;

	(void)pthread_mutex_init(&redis->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&redis->has_ended, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	/* Signals are for the main thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&redis->thread, NULL, keep, redis) != 0)
		fatal("no thread for Redis");
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool redis_open(const char *url, const char *purpose, redis_serve_fn *serve,
    void *arg, struct redis **redis, struct error *err)
{
	struct redis_address address;
	struct redis *made;

	*redis = NULL;
	if (!redis_url_parse(url, &address, err))
		return false;
	made = xcalloc(1, sizeof(*made));
	made->address = address;
	made->purpose = purpose;
	made->serve = serve;
	made->arg = arg;
	made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made->wake_fd < 0)
		fatal("no descriptor for Redis");
	*redis = made;
	metrics_declare(&(struct metric *){&redis_up}, 1);
	metric_set(&redis_up, purpose, 0);
	start_thread(made);
	return true;
}

/* Waits for the thread's end. */
static bool wait_for_end(struct redis *redis)
{
	struct timespec until;
	int timed_out = 0;
	bool ended;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	(void)pthread_mutex_lock(&redis->lock);
	while (!redis->ended && timed_out == 0)
		timed_out = pthread_cond_timedwait(
		    &redis->has_ended, &redis->lock, &until);
	ended = redis->ended;
	(void)pthread_mutex_unlock(&redis->lock);
	return ended;
}

bool redis_close(struct redis **redis)
{
	struct redis *leaving = *redis;

	*redis = NULL;
	if (leaving == NULL)
		return true;
	atomic_store(&leaving->stop, true);
	redis_wake(leaving);
	if (!wait_for_end(leaving)) {
		(void)pthread_detach(leaving->thread);
		return false;
	}
	(void)pthread_join(leaving->thread, NULL);
	(void)close(leaving->wake_fd);
	(void)pthread_cond_destroy(&leaving->has_ended);
	(void)pthread_mutex_destroy(&leaving->lock);
	redis_address_free(&leaving->address);
	free(leaving);
	return true;
}

bool redis_connected(const struct redis *redis)
{
	return atomic_load(&redis->connected);
}

void redis_wake(struct redis *redis)
{
	uint64_t one = 1;

	if (write(redis->wake_fd, &one, sizeof(one)) < 0) {
		/* It is full of wake-ups already. */
	}
}
