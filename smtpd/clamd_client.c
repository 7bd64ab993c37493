#include "smtpd/clamd_client.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of a message in one chunk: its length and itself. */
#define CHUNK ((size_t)64 * 1024)
#define HEAD sizeof(uint32_t)

/* A session with clamd. */
struct link {
	int fd;          /* -1: none */
	unsigned number; /* scans so far: answers carry it */
};

struct clamd {
	pthread_mutex_t lock; /* of all that follows */
	char *address;        /* where the idle ones lead to */
	struct link idle[LIMIT_SCANNER_THREADS];
	size_t count;
};

struct clamd *clamd_new(void)
{
	struct clamd *clamd = xcalloc(1, sizeof(*clamd));

	(void)pthread_mutex_init(&clamd->lock, NULL);
	return clamd;
}

/* With the lock held, or alone. */
static void drop_idle(struct clamd *clamd)
{
	while (clamd->count > 0)
		stream_close(&clamd->idle[--clamd->count].fd);
	free(clamd->address);
	clamd->address = NULL;
}

void clamd_free(struct clamd **clamd)
{
	if (*clamd == NULL)
		return;
	drop_idle(*clamd);
	(void)pthread_mutex_destroy(&(*clamd)->lock);
	free(*clamd);
	*clamd = NULL;
}

/* --- the links -------------------------------------------------------- */

static bool leads_to(const struct clamd *clamd, const char *address)
{
	return clamd->address != NULL && strcmp(clamd->address, address) == 0;
}

/* One that was kept and still lives; clamd ends those that were idle for
 * long. */
static struct link take_idle(struct clamd *clamd, const char *address)
{
	struct link link = {.fd = -1};

	(void)pthread_mutex_lock(&clamd->lock);
	while (link.fd < 0 && clamd->count > 0 && leads_to(clamd, address)) {
		link = clamd->idle[--clamd->count];
		if (!stream_is_quiet(link.fd))
			stream_close(&link.fd);
	}
	(void)pthread_mutex_unlock(&clamd->lock);
	return link;
}

static void keep_idle(
    struct clamd *clamd, const char *address, struct link *link)
{
	(void)pthread_mutex_lock(&clamd->lock);
	if (!leads_to(clamd, address)) {
		drop_idle(clamd);
		clamd->address = xstrdup(address);
	}
	if (clamd->count < LIMIT_SCANNER_THREADS) {
		clamd->idle[clamd->count++] = *link;
		link->fd = -1;
	}
	(void)pthread_mutex_unlock(&clamd->lock);
	stream_close(&link->fd);
}

static bool open_link(const char *address, const struct patience *patience,
    struct link *link, struct error *err)
{
	static const char begin[] = "zIDSESSION";

	*link = (struct link){.fd = -1};
	if (!stream_open(address, patience, &link->fd, err))
		return false;
	/* Commands that begin with z end with a NUL. */
	if (stream_write(link->fd, begin, sizeof(begin), patience, err))
		return true;
	stream_close(&link->fd);
	return false;
}

/* --- a scan ----------------------------------------------------------- */

static bool send_chunk(int fd, char *chunk, size_t len,
    const struct patience *patience, struct error *err)
{
	uint32_t head = htonl((uint32_t)len);

	memcpy(chunk, &head, HEAD);
	return stream_write(fd, chunk, HEAD + len, patience, err);
}

static bool send_message(int fd, const struct source *message,
    const struct patience *patience, struct error *err)
{
	static const char command[] = "zINSTREAM";
	char chunk[HEAD + CHUNK];
	uint64_t at = 0;
	size_t got;

	if (!stream_write(fd, command, sizeof(command), patience, err))
		return false;
	do {
		if (!source_read(message, at, chunk + HEAD, CHUNK, &got, err) ||
		    !send_chunk(fd, chunk, got, patience, err))
			return false;
		at += got;
	} while (got > 0); /* the empty chunk is the end */
	return true;
}

/* Up to its NUL. */
static bool read_answer(int fd, const struct patience *patience, char *answer,
    size_t *len, struct error *err)
{
	size_t got;

	for (*len = 0; *len < LIMIT_CLAMD_ANSWER; *len += got) {
		if (!stream_read(fd, answer + *len, LIMIT_CLAMD_ANSWER - *len,
			&got, patience, err))
			return false;
		if (got == 0)
			return error_set(
			    err, ERROR_TEMPORARY, "hung up without an answer");
		if (answer[*len + got - 1] == '\0') {
			*len += got - 1;
			return true;
		}
	}
	return error_set(err, ERROR_TEMPORARY, "an answer without end");
}

/* False if there is none; the link is of no more use then. */
static bool scan(struct link *link, const struct source *message,
    const struct patience *patience, struct clamd_reply *reply,
    struct error *err)
{
	char answer[LIMIT_CLAMD_ANSWER];
	bool sent = send_message(link->fd, message, patience, err);
	struct error ignored;
	size_t len;

	link->number++;
	/* One who hangs up in the midst has said why, perhaps. */
	if (!read_answer(
		link->fd, patience, answer, &len, sent ? err : &ignored))
		return false;
	clamd_reply_parse((struct slice){answer, len}, link->number, reply);
	return sent || reply->verdict == CLAMD_FAILED;
}

bool clamd_scan(struct clamd *clamd, const char *address,
    const struct source *message, const struct patience *patience,
    struct clamd_reply *reply, struct error *err)
{
	struct link link = take_idle(clamd, address);
	bool kept = link.fd >= 0, answered = false;

	if (kept)
		answered = scan(&link, message, patience, reply, err);
	/* It may have ended while nobody looked: once more, on a new one. */
	if (!answered) {
		stream_close(&link.fd);
		if (!open_link(address, patience, &link, err))
			return false;
		answered = scan(&link, message, patience, reply, err);
	}
	if (answered &&
	    (reply->verdict == CLAMD_CLEAN || reply->verdict == CLAMD_FOUND))
		keep_idle(clamd, address, &link);
	stream_close(&link.fd);
	return answered;
}
