#include "spool/room.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define ASK_EVERY_MS 200
#define BALLAST "run/ballast"

void room_init(
    struct room *room, int root, uint64_t min_bytes, unsigned min_percent)
{
	room->root = root;
	room->min_bytes = min_bytes;
	room->min_percent = min_percent;
	atomic_store(&room->promised, 0);
	atomic_store(&room->asked_ms, -1);
}

/* Threads may ask at the same moment: the answers are the same. */
static bool ask(struct room *room, struct error *err)
{
	int64_t now = clock_mono_ms(), last = atomic_load(&room->asked_ms);
	uint64_t free_bytes, total;

	if (last >= 0 && now - last < ASK_EVERY_MS)
		return true;
	if (!os_free_space(room->root, &free_bytes, &total, err))
		return false;
	atomic_store(&room->free_bytes, free_bytes);
	atomic_store(&room->floor_bytes, room->min_percent != 0
					     ? total / 100 * room->min_percent
					     : room->min_bytes);
	atomic_store(&room->asked_ms, now);
	return true;
}

bool room_check(struct room *room, uint64_t size, struct error *err)
{
	uint64_t need;

	if (!ask(room, err))
		return false;
	need = atomic_load(&room->floor_bytes) + atomic_load(&room->promised) +
	       size;
	if (atomic_load(&room->free_bytes) >= need)
		return true;
	return error_set(err, ERROR_FULL,
	    "the spool's disk has %" PRIu64 " bytes free, %" PRIu64
	    " are needed",
	    atomic_load(&room->free_bytes), need);
}

void room_promise(struct room *room, uint64_t size)
{
	atomic_fetch_add(&room->promised, size);
}

void room_release(struct room *room, uint64_t size)
{
	atomic_fetch_sub(&room->promised, size);
}

void room_look(struct room *room, uint64_t *free_bytes, uint64_t *floor_bytes)
{
	struct error ignored;

	(void)ask(room, &ignored);
	*free_bytes = atomic_load(&room->free_bytes);
	*floor_bytes = atomic_load(&room->floor_bytes);
}

void ballast_make(struct room *room)
{
	struct error err;
	struct stat st;
	int fd;

	if (fstatat(room->root, BALLAST, &st, 0) == 0 &&
	    st.st_size == LIMIT_BALLAST)
		return;
	if (!room_check(room, LIMIT_BALLAST, &err))
		return;
	if (!os_open(room->root, BALLAST, O_RDWR | O_CREAT, 0600, &fd, &err)) {
		log_event(
		    LOG_WARN, "ballast_failed", LOG_TEXT("error", err.text));
		return;
	}
	if (!os_allocate(fd, LIMIT_BALLAST, &err)) {
		log_event(
		    LOG_WARN, "ballast_failed", LOG_TEXT("error", err.text));
		(void)os_unlink(room->root, BALLAST, &err);
	}
	os_close(&fd);
}

bool ballast_release(struct room *room)
{
	struct error ignored;

	if (!os_unlink(room->root, BALLAST, &ignored))
		return false;
	atomic_store(&room->asked_ms, -1);
	log_event(LOG_ERROR, "ballast_released",
	    LOG_TEXT("text", "the disk is full: the ballast was given back so "
			     "that outcomes can be recorded"));
	return true;
}
