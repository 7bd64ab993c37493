#include "spool/heal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/figures.h"
#include "spool/flight.h"
#include "spool/internal.h"
#include "spool/recover.h"

#include <fcntl.h>
#include <stdio.h>

#define PROBE "run/probe"

/* Whether the disk takes and keeps a byte. */
static bool try_disk(struct spool *spool, struct error *err)
{
	struct error ignored;
	bool done;
	int fd;

	if (!os_open(spool->root, PROBE, O_WRONLY | O_CREAT | O_TRUNC, 0600,
		&fd, err))
		return false;
	done = os_write(fd, "x", 1, err) && os_fsync(fd, err);
	os_close(&fd);
	(void)os_unlink(spool->root, PROBE, &ignored);
	return done && os_syncfs(spool->root, err);
}

static bool reopen(struct spool *spool, struct error *err)
{
	char path[4096];
	uint64_t rows;
	bool created, done;

	(void)snprintf(path, sizeof(path), "%s/index", spool->dir);
	(void)pthread_rwlock_wrlock(&spool->index_lock);
	index_close(&spool->index);
	done = index_open(path, false, false, 0, &spool->index, &created, err);
	(void)pthread_rwlock_unlock(&spool->index_lock);
	return done && index_verify(spool->index, &rows, err);
}

void spool_heal(struct spool *spool)
{
	static const char event[] = "spool_still_broken";
	struct recovery report;
	uint64_t retracted;
	struct error err;

	if (!try_disk(spool, &err) || !reopen(spool, &err) ||
	    !flight_settle(spool, spool->writer_name, &retracted, &err) ||
	    !spool_recover_own(spool, spool->undecided, spool->undecided_count,
		&report, &err)) {
		log_event(LOG_ERROR, event, LOG_TEXT("error", err.text));
		return;
	}
	spool->undecided_count = 0;
	atomic_store(&spool->broken, false);
	metric_set(&figure_healthy, NULL, 1);
	log_event(LOG_WARN, "spool_healed", LOG_NUMBER("kept", report.kept),
	    LOG_NUMBER("orphaned", report.orphaned));
}
