/*
 * A file without a name for what must be looked at before it becomes a
 * message: it is gone with its process, so recovery never meets it.
 */
#include "base/alloc.h"
#include "base/errors.h"
#include "base/os.h"
#include "spool/internal.h"

#include <fcntl.h>
#include <stdlib.h>

struct scratch {
	struct spool *spool;
	int fd;
	uint64_t size;
	uint64_t promised;
};

bool spool_scratch_open(struct spool *spool, uint64_t declared_size,
    struct scratch **result, struct error *err)
{
	struct scratch *scratch;

	*result = NULL;
	if (!spool_has_room(spool, declared_size, err))
		return false;
	scratch = xcalloc(1, sizeof(*scratch));
	scratch->spool = spool;
	if (!os_open(spool->writer, ".", O_TMPFILE | O_RDWR, 0600, &scratch->fd,
		err)) {
		free(scratch);
		return false;
	}
	scratch->promised = declared_size != 0
				? declared_size
				: spool->options.max_message_bytes;
	room_promise(&spool->room, scratch->promised);
	*result = scratch;
	return true;
}

bool spool_scratch_write(
    struct scratch *scratch, const void *data, size_t len, struct error *err)
{
	if (!os_pwrite(scratch->fd, data, len, (off_t)scratch->size, err))
		return false;
	scratch->size += len;
	return true;
}

static bool read_scratch(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct scratch *scratch = arg;
	size_t got;

	if (!os_pread(scratch->fd, data, len, (off_t)offset, &got, err))
		return false;
	return got == len || error_set(err, ERROR_IO, "a file shrank");
}

struct source spool_scratch_source(struct scratch *scratch)
{
	return (struct source){
	    .size = scratch->size, .read = read_scratch, .arg = scratch};
}

void spool_scratch_close(struct scratch **scratch)
{
	if (*scratch == NULL)
		return;
	os_close(&(*scratch)->fd);
	room_release(&(*scratch)->spool->room, (*scratch)->promised);
	free(*scratch);
	*scratch = NULL;
}
