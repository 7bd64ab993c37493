#include "smtpd/spamd_client.h"

#include "base/errors.h"
#include "bounds.h"

#include <inttypes.h>
#include <stdio.h>

#define CHUNK ((size_t)64 * 1024)
#define STEP ((size_t)4096)

static bool send_message(int fd, struct slice trace,
    const struct source *message, const struct patience *patience,
    struct error *err)
{
	char chunk[CHUNK];
	uint64_t at = 0;
	size_t got;
	int len = snprintf(chunk, sizeof(chunk),
	    "REPORT SPAMC/1.5\r\nContent-length: %" PRIu64 "\r\n\r\n",
	    message->size + trace.len);

	if (!stream_write(fd, chunk, (size_t)len, patience, err) ||
	    !stream_write(fd, trace.data, trace.len, patience, err))
		return false;
	for (; at < message->size; at += got)
		if (!source_read(message, at, chunk, CHUNK, &got, err) ||
		    !stream_write(fd, chunk, got, patience, err))
			return false;
	return true;
}

/* Up to its end: spamd hangs up behind it. */
static bool read_answer(int fd, const struct patience *patience,
    struct buf *answer, struct error *err)
{
	size_t got;
	char *room;

	do {
		room = buf_room(answer, STEP);
		if (room == NULL)
			return error_set(
			    err, ERROR_TEMPORARY, "an answer without end");
		if (!stream_read(fd, room, STEP, &got, patience, err))
			return false;
		buf_added(answer, got);
	} while (got > 0);
	return true;
}

bool spamd_report(const char *address, struct slice trace,
    const struct source *message, const struct patience *patience,
    struct buf *answer, struct spamd_reply *reply, struct error *err)
{
	bool answered;
	int fd;

	if (!stream_open(address, patience, &fd, err))
		return false;
	answered = send_message(fd, trace, message, patience, err) &&
		   read_answer(fd, patience, answer, err);
	stream_close(&fd);
	if (!answered)
		return false;
	if (spamd_reply_parse(
		(struct slice){buf_text(answer), answer->len}, reply))
		return true;
	return error_set(err, ERROR_TEMPORARY, "an answer that makes no sense");
}
