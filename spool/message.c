/* A stored message, read wherever it lies. */
#include "spool/message.h"
#include "base/alloc.h"
#include "base/errors.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/id.h"
#include "spool/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Most messages fit: envelope header, trace and content in one read. */
#define FIRST_READ (64 * 1024)

struct message {
	int fd;
	struct arena *arena;
	struct envelope envelope;
	const char *status;
	struct envelope_lengths lengths;
	/* The beginning of the file, envelope header included. */
	char *head;
	size_t head_len;
};

static bool read_content(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct message *message = arg;
	size_t got;

	offset += message->lengths.header;
	if (offset + len <= message->head_len) {
		memcpy(data, message->head + offset, len);
		return true;
	}
	if (!os_pread(message->fd, data, len, (off_t)offset, &got, err))
		return false;
	if (got != len)
		return error_set(
		    err, ERROR_CORRUPT, "the message's file was cut short");
	return true;
}

/* The whole header in memory, however long. */
static bool fill_head(struct message *message, struct error *err)
{
	struct stat st;
	size_t want = FIRST_READ;

	if (fstat(message->fd, &st) != 0)
		return error_errno(err, "cannot stat the message's file");
	if ((size_t)st.st_size < want)
		want = (size_t)st.st_size;
	message->head = xmalloc(want + 1);
	if (!os_pread(
		message->fd, message->head, want, 0, &message->head_len, err) ||
	    !envelope_header_lengths(
		message->head, message->head_len, &message->lengths, err))
		return false;
	if ((uint64_t)st.st_size != message->lengths.header +
					message->lengths.trace +
					message->lengths.body)
		return error_set(err, ERROR_CORRUPT,
		    "the message's file is not as long as its envelope says");
	if (message->lengths.header <= message->head_len)
		return true;
	free(message->head);
	want = message->lengths.header;
	message->head = xmalloc(want + 1);
	return os_pread(
	    message->fd, message->head, want, 0, &message->head_len, err);
}

bool message_open_fd(int fd, struct message **result, struct error *err)
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->fd = fd;
	message->arena = arena_new();
	if (fill_head(message, err) &&
	    envelope_header_read(message->head, message->lengths.header,
		message->arena, &message->envelope, &message->status, err)) {
		*result = message;
		return true;
	}
	spool_message_close(&message);
	return false;
}

bool spool_message_open(struct spool *spool, const struct id *id,
    struct message **message, struct error *err)
{
	static const enum box places[] = {BOX_QUEUE, BOX_DEAD};
	char text[ID_TEXT + 1];
	int fd = -1;

	*message = NULL;
	id_format(id, text);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (maildir_open_file(
			&spool->maildirs, places[i], text, O_RDONLY, &fd, err))
			return message_open_fd(fd, message, err);
		if (err != NULL && err->kind != ERROR_NOT_FOUND)
			return false;
	}
	return error_set(err, ERROR_NOT_FOUND, "there is no message %s", text);
}

void spool_message_close(struct message **message)
{
	if (*message == NULL)
		return;
	os_close(&(*message)->fd);
	arena_free(&(*message)->arena);
	free((*message)->head);
	free(*message);
	*message = NULL;
}

const struct envelope *spool_message_envelope(const struct message *message)
{
	return &message->envelope;
}

struct source spool_message_source(struct message *message)
{
	return (struct source){
	    .size = message->lengths.trace + message->lengths.body,
	    .read = read_content,
	    .arg = message};
}

const char *message_status(const struct message *message)
{
	return message->status;
}

char message_status_now(const struct message *message, unsigned recipient)
{
	struct error ignored;
	char status = '\0';
	size_t got;

	return os_pread(message->fd, &status, 1,
		   ENVELOPE_STATUS_OFFSET + (off_t)recipient, &got, &ignored)
		   ? status
		   : '\0';
}

uint64_t message_file_size(const struct message *message)
{
	const struct envelope_lengths *lengths = &message->lengths;

	return lengths->header + lengths->trace + lengths->body;
}

bool message_verify(
    struct message *message, const uint8_t *key, struct error *err)
{
	const struct envelope_lengths *lengths = &message->lengths;
	struct source source = spool_message_source(message);
	struct content_mac mac;
	uint8_t hash[ENVELOPE_HASH_BYTES];
	char *chunk = xmalloc(FIRST_READ);
	uint64_t offset = lengths->trace;
	size_t got = 0;
	bool done = true;

	content_mac_begin(&mac, key);
	for (; done && offset < source.size; offset += got) {
		done =
		    source_read(&source, offset, chunk, FIRST_READ, &got, err);
		content_mac_body(&mac, chunk, done ? got : 0);
	}
	if (done)
		done =
		    source_read(&source, 0, chunk, lengths->trace, &got, err);
	content_mac_end(&mac, key, message->head, lengths->header, chunk,
	    done ? lengths->trace : 0, hash);
	free(chunk);
	if (done && sodium_memcmp(hash, lengths->hash, sizeof(hash)) != 0)
		return error_set(err, ERROR_CORRUPT,
		    "the message's bytes are not those that were stored");
	return done;
}
