/*
 * A message on its way in. Small ones wait in memory and are written with
 * their envelope by one call; larger ones go to the file in chunks behind
 * reserved room, and the envelope is written into that room last.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/commit.h"
#include "spool/id.h"
#include "spool/internal.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* Made before the first byte comes, while the client is busy: so the 250 does
 * not wait for it. */
static bool create_file(struct draft *draft, struct error *err)
{
	return os_open(draft->spool->writer, draft->id_text,
	    O_RDWR | O_CREAT | O_EXCL, 0660, &draft->fd, err);
}

bool spool_has_room(struct spool *spool, uint64_t size, struct error *err)
{
	if (!spool_healthy(spool, err))
		return false;
	return room_check(&spool->room,
	    size != 0 ? size : spool->options.max_message_bytes, err);
}

bool spool_begin(struct spool *spool, const struct envelope *so_far,
    uint64_t declared_size, struct draft **result, struct error *err)
{
	struct draft *draft;

	*result = NULL;
	assert(spool->committer != NULL);
	if (so_far->recipient_count == 0 ||
	    so_far->recipient_count > LIMIT_RECIPIENTS)
		return error_set(err, ERROR_LIMIT,
		    "a message has 1 to %d recipients", LIMIT_RECIPIENTS);
	if (!spool_has_room(spool, declared_size, err))
		return false;
	draft = xcalloc(1, sizeof(*draft));
	draft->spool = spool;
	draft->fd = -1;
	draft->id = id_new();
	id_format(&draft->id, draft->id_text);
	draft->pending = buf_new(LIMIT_DRAFT_MEMORY);
	draft->reserve = envelope_header_reserve(so_far);
	draft->promised = declared_size != 0 ? declared_size
					     : spool->options.max_message_bytes;
	room_promise(&spool->room, draft->promised);
	content_mac_begin(&draft->mac, spool->key);
	if (!create_file(draft, err)) {
		draft_free(&draft, false);
		return false;
	}
	*result = draft;
	return true;
}

const char *spool_draft_id(const struct draft *draft)
{
	return draft->id_text;
}

/* Appends bytes to the file of a streamed draft. */
static bool stream(
    struct draft *draft, const void *data, size_t len, struct error *err)
{
	if (!os_pwrite(draft->fd, data, len,
		(off_t)(draft->reserve + draft->written), err))
		return false;
	draft->written += len;
	/* So that the sync at the end finds most of it done. */
	if (draft->written - draft->started >= LIMIT_WRITE_AHEAD) {
		os_start_writing(draft->fd,
		    (off_t)(draft->reserve + draft->started),
		    (off_t)(draft->written - draft->started));
		draft->started = draft->written;
	}
	return true;
}

static bool flush_pending(struct draft *draft, struct error *err)
{
	draft->streamed = true;
	if (!stream(draft, draft->pending.data, draft->pending.len, err))
		return false;
	buf_clear(&draft->pending);
	return true;
}

bool spool_write(
    struct draft *draft, const void *data, size_t len, struct error *err)
{
	content_mac_body(&draft->mac, data, len);
	draft->body_len += len;
	if (!draft->streamed && draft->pending.len + len <= LIMIT_DRAFT_MEMORY)
		return buf_append(&draft->pending, data, len);
	/* Small pieces of a large message are gathered into chunks. */
	if (draft->streamed && draft->pending.len + len <= LIMIT_WRITE_CHUNK)
		return buf_append(&draft->pending, data, len);
	if ((draft->pending.len > 0 || !draft->streamed) &&
	    !flush_pending(draft, err))
		return false;
	if (len < LIMIT_WRITE_CHUNK)
		return buf_append(&draft->pending, data, len);
	return stream(draft, data, len, err);
}

static bool read_draft(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	struct draft *draft = arg;
	size_t from_file = 0, got = 0;

	if (offset < draft->written) {
		from_file = len;
		if (from_file > draft->written - offset)
			from_file = (size_t)(draft->written - offset);
		if (!os_pread(draft->fd, data, from_file,
			(off_t)(draft->reserve + offset), &got, err))
			return false;
		if (got != from_file)
			return error_set(
			    err, ERROR_IO, "the draft's file is too short");
	}
	if (from_file < len)
		memcpy((char *)data + from_file,
		    draft->pending.data + (offset + from_file - draft->written),
		    len - from_file);
	return true;
}

struct source spool_draft_source(struct draft *draft)
{
	return (struct source){
	    .size = draft->body_len, .read = read_draft, .arg = draft};
}

void draft_free(struct draft **draft, bool drop_file)
{
	struct draft *gone = *draft;
	struct error ignored;

	if (gone == NULL)
		return;
	if (gone->fd >= 0 && drop_file) {
		if (gone->linked)
			(void)maildir_unlink(&gone->spool->maildirs, BOX_QUEUE,
			    gone->id_text, &ignored);
		(void)os_unlink(gone->spool->writer, gone->id_text, &ignored);
	}
	os_close(&gone->fd);
	room_release(&gone->spool->room, gone->promised);
	buf_free(&gone->pending);
	arena_free(&gone->arena);
	free(gone->key);
	free(gone);
	*draft = NULL;
}

void spool_discard(struct draft **draft)
{
	draft_free(draft, true);
}

/* --- committing ------------------------------------------------------- */

/* A streamed message: the rest of its body, then what goes in front. */
static bool write_streamed(
    struct draft *draft, const struct buf *front, struct error *err)
{
	if (!flush_pending(draft, err) ||
	    !os_pwrite(draft->fd, front->data, front->len, 0, err))
		return false;
	/* A group may be under way: the disk need not wait for its end. */
	os_start_writing(draft->fd, 0, 0);
	return true;
}

static bool write_at_once(
    struct draft *draft, const struct buf *front, struct error *err)
{
	struct iovec parts[2] = {
	    {.iov_base = front->data, .iov_len = front->len},
	    {.iov_base = draft->pending.data, .iov_len = draft->pending.len}};

	return os_writev(draft->fd, parts, 2, err);
}

static bool write_file(struct draft *draft, const struct envelope *envelope,
    const char *trace, size_t trace_len, uint64_t *size, struct error *err)
{
	struct buf front = buf_new(LIMIT_ENVELOPE + LIMIT_TRACE);
	uint8_t hash[ENVELOPE_HASH_BYTES];
	bool streamed = draft->streamed, done;

	if (trace_len > LIMIT_TRACE)
		return error_set(err, ERROR_LIMIT,
		    "the trace lines pass %d bytes", LIMIT_TRACE);
	done = envelope_header_write(&front, envelope, trace_len,
	    draft->body_len, streamed ? draft->reserve : 0, err);
	if (done) {
		content_mac_end(&draft->mac, draft->spool->key, front.data,
		    front.len, trace, trace_len, hash);
		envelope_header_set_hash(front.data, hash);
		(void)buf_append(&front, trace, trace_len);
		done = streamed ? write_streamed(draft, &front, err)
				: write_at_once(draft, &front, err);
		*size = front.len + draft->body_len;
	}
	buf_free(&front);
	return done;
}

void spool_commit(struct draft **draft, const struct envelope *envelope,
    const char *trace, size_t trace_len, spool_committed_fn *done, void *arg)
{
	struct draft *given = *draft;
	struct envelope own = *envelope;
	uint64_t size = 0;

	*draft = NULL;
	own.id = given->id;
	given->given_us = clock_mono_us();
	given->done = done;
	given->done_arg = arg;
	given->arena = arena_new();
	if (write_file(given, &own, trace, trace_len, &size, &given->failure)) {
		given->failure.kind = ERROR_NONE;
		message_rows_make(&given->rows, &own, size, given->arena);
	}
	buf_free(&given->pending);
	committer_add(given->spool->committer, given);
}
