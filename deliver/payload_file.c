#include "deliver/payload_file.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "bounds.h"
#include "mail/header.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The header that the spool puts in front of what it stores. */
#define ENVELOPE_NAME "X-Elektrine-Spool:"

struct payload_file {
	int fd;
	uint64_t start; /* of the message in the file */
	struct source source;
	struct arena *arena;
	struct envelope envelope;
	struct recipient recipient;
};

static bool read_file(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct payload_file *file = arg;
	size_t got;

	if (!os_pread(
		file->fd, data, len, (off_t)(file->start + offset), &got, err))
		return false;
	return got == len ||
	       error_set(err, ERROR_CORRUPT, "the file has become shorter");
}

/* The first of the fields that holds an address, without its brackets. */
static const char *address_field(
    struct slice block, const char *name, struct arena *arena)
{
	struct header_field field;
	struct slice value;

	if (!header_first(block, name, &field))
		return "";
	value = slice_trim(field.value);
	if (value.len > 1 && value.data[0] == '<')
		value = slice_from(value, 1);
	value.len = slice_find(value, '>');
	return arena_strndup(arena, value.data, value.len);
}

/* Passes over the envelope header with its continuations. */
static size_t envelope_len(struct slice block)
{
	size_t len;

	if (!slice_starts(block, ENVELOPE_NAME))
		return 0;
	len = slice_find(block, '\n');
	while (len < block.len) {
		len++;
		if (len == block.len ||
		    (block.data[len] != ' ' && block.data[len] != '\t'))
			break;
		len += slice_find(slice_from(block, len), '\n');
	}
	return len;
}

static bool read_envelope(struct payload_file *file, const char *sender,
    const char *recipient, struct error *err)
{
	size_t size = LIMIT_ENVELOPE + LIMIT_HEADER_BLOCK, got;
	char *text = xmalloc(size);
	struct slice block;

	if (!os_pread(file->fd, text, size, 0, &got, err)) {
		free(text);
		return false;
	}
	block = (struct slice){text, got};
	file->start = envelope_len(block);
	block = slice_from(block, (size_t)file->start);
	if (sender == NULL)
		sender = address_field(block, "return-path", file->arena);
	if (recipient == NULL)
		recipient = address_field(block, "delivered-to", file->arena);
	file->recipient =
	    (struct recipient){.address = arena_strdup(file->arena, recipient),
		.lane = LANE_WEBHOOK};
	file->envelope =
	    (struct envelope){.sender = arena_strdup(file->arena, sender),
		.recipients = &file->recipient,
		.recipient_count = 1,
		.received_ms = clock_wall_ms()};
	free(text);
	return true;
}

bool payload_file_open(const char *path, const char *sender,
    const char *recipient, struct payload_file **file, struct error *err)
{
	struct payload_file *new = xcalloc(1, sizeof(*new));
	struct stat status;

	new->fd = -1;
	new->arena = arena_new();
	if (!os_open(AT_FDCWD, path, O_RDONLY, 0, &new->fd, err) ||
	    !read_envelope(new, sender, recipient, err))
		goto failed;
	if (fstat(new->fd, &status) == -1) {
		(void)error_errno(err, "cannot look at %s", path);
		goto failed;
	}
	new->source =
	    (struct source){.size = (uint64_t)status.st_size > new->start
					? (uint64_t)status.st_size - new->start
					: 0,
		.read = read_file,
		.arg = new};
	*file = new;
	return true;
failed:
	payload_file_close(&new);
	return false;
}

void payload_file_close(struct payload_file **file)
{
	if (*file == NULL)
		return;
	os_close(&(*file)->fd);
	arena_free(&(*file)->arena);
	free(*file);
	*file = NULL;
}

bool payload_file_payload(struct payload_file *file,
    const struct payload_options *options, struct payload **payload,
    struct error *err)
{
	return payload_new(
	    &file->source, &file->envelope, 0, options, payload, err);
}
