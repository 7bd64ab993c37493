/* What is kept for replay: can each file be replayed? Nothing refers to these
 * files, and nobody writes to them, so what looks wrong is wrong. An hour may
 * expire meanwhile. */
#include "base/errors.h"
#include "base/os.h"
#include "spool/fsck_parts.h"
#include "spool/id.h"
#include "spool/kept.h"

#include <fcntl.h>
#include <string.h>

struct kept {
	struct fsck *fsck;
	bool failed;
	struct error *err;
};

/* Whether the file is, byte for byte, the message of that id. */
static bool verify(const struct fsck *fsck, int hour, const char *name,
    const struct id *id, struct error *err)
{
	struct message *message;
	bool sound;
	int fd;

	if (!os_open(hour, name, O_RDONLY, 0, &fd, err) ||
	    !message_open_fd(fd, &message, err))
		return false;
	sound = message_verify(message, fsck->spool->key, err);
	if (sound &&
	    memcmp(&spool_message_envelope(message)->id, id, sizeof(*id)) != 0)
		sound = error_set(
		    err, ERROR_CORRUPT, "the file is that of another message");
	spool_message_close(&message);
	return sound;
}

static void object(struct fsck *fsck, int hour, const char *name,
    const struct id *id, const struct error *why)
{
	bool is_damaged = why->kind == ERROR_CORRUPT;

	if (fsck_objects(fsck,
		is_damaged ? FINDING_DAMAGED : FINDING_UNREADABLE, is_damaged,
		id, -1, "it is kept for replay, and cannot be replayed: %s",
		why->text))
		fsck_set_aside(fsck, hour, name);
}

static bool check(
    struct fsck *fsck, int hour, const char *name, struct error *err)
{
	struct error why;
	struct turn turn;
	struct id id;
	bool is_ours = id_parse(name, &id);

	if (is_ours && (verify(fsck, hour, name, &id, &why) ||
			   why.kind == ERROR_NOT_FOUND))
		return true;
	if (!fsck_turn_begin(fsck, &turn, err))
		return false;
	if (is_ours)
		object(fsck, hour, name, &id, &why);
	else
		(void)fsck_objects(fsck, FINDING_FOREIGN, false, NULL, -1,
		    "the file %s in " KEPT_FOLDER " is not of this spool",
		    name);
	return fsck_turn_end(fsck, err);
}

static bool on_kept(void *arg, int hour, const char *name)
{
	struct kept *kept = arg;
	struct fsck *fsck = kept->fsck;

	fsck_progress(fsck, KEPT_FOLDER, ++fsck->report->kept, 0);
	kept->failed = !check(fsck, hour, name, kept->err);
	return !kept->failed;
}

bool fsck_kept(struct fsck *fsck, struct error *err)
{
	struct kept kept = {.fsck = fsck, .err = err};

	return kept_each(fsck->spool, 0, 0, on_kept, &kept, err) &&
	       !kept.failed;
}
