#include "base/alloc.h"
#include "base/clock.h"
#include "base/os.h"
#include "spool/circuit.h"
#include "spool/guard.h"
#include "spool/internal.h"
#include "spool/operator.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Messages that are looked at for the oldest that is not dead in whole. */
#define OLDEST_VISITS 10000
/* Destinations that one transaction looks at. */
#define CIRCUIT_VISITS 1000

/* Counts the locks `folder/<name><suffix>` that are held. */
static unsigned count_live(int root, const char *folder, const char *suffix)
{
	int fd = openat(root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	unsigned count = 0;

	if (dir == NULL) {
		os_close(&fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strcspn(entry->d_name, ".");
		char path[128];

		if (len == 0 || len > 40)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%.*s%s", folder,
		    (int)len, entry->d_name, suffix);
		/* Agents have a socket beside their lock. */
		if ((entry->d_name[len] == '\0' ||
			strcmp(entry->d_name + len, suffix) == 0) &&
		    guard_is_live(root, path))
			count++;
	}
	(void)closedir(dir);
	return count;
}

static int64_t find_oldest(struct index_txn *txn)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_MESSAGE);
	const struct bytes all = {0};
	struct message_row row = {0};
	struct bytes key, value;
	unsigned visits = 0;
	bool found = index_seek(walk, all, all, &key, &value);

	while (found && message_read(value, &row) && row.live == 0 &&
	       ++visits < OLDEST_VISITS)
		found = index_next(walk, &key, &value);
	index_walk_free(&walk);
	return found ? row.received_ms : 0;
}

bool operator_status(
    struct spool *spool, struct operator_status *status, struct error *err)
{
	struct counters counters;
	struct index_txn *txn;

	memset(status, 0, sizeof(*status));
	if (!spool_read_begin(spool, &txn, err))
		return false;
	counters_get(txn, &counters);
	status->oldest_ms = find_oldest(txn);
	spool_txn_abort(spool, &txn);
	status->messages = counters.messages;
	status->bytes = counters.bytes;
	memcpy(status->deliveries, counters.deliveries,
	    sizeof(status->deliveries));
	status->accepted = counters.accepted;
	status->delivered = counters.delivered;
	status->died = counters.died;
	status->cancelled = counters.cancelled;
	status->writers = count_live(spool->root, "queue/tmp", "/lock");
	status->agents = count_live(spool->root, "run/agents", ".lock");
	room_look(&spool->room, &status->free_bytes, &status->floor_bytes);
	return true;
}

bool operator_probe(struct spool *spool, struct error *err)
{
	int64_t now = clock_wall_ms();
	struct index_txn *txn;

	if (!spool_healthy(spool, err) || !spool_write_begin(spool, &txn, err))
		return false;
	meta_put(txn, "probe", &now, sizeof(now));
	return spool_txn_commit(spool, &txn, err);
}

static uint64_t sum(const struct operator_status *status,
    enum delivery_state first, enum delivery_state last)
{
	uint64_t count = 0;

	for (int lane = LANE_WEBHOOK; lane <= LANE_SMTP; lane++) {
		for (int state = (int)first; state <= (int)last; state++)
			count += status->deliveries[lane][state];
	}
	return count;
}

uint64_t operator_waiting(const struct operator_status *status)
{
	return sum(status, STATE_QUEUED, STATE_CLAIMED);
}

uint64_t operator_dead(const struct operator_status *status)
{
	return sum(status, STATE_DEAD, STATE_DEAD);
}

/* --- circuits --------------------------------------------------------- */

/* What one transaction finds. */
struct circuits {
	struct key from;
	size_t count;
	struct destination_row rows[CIRCUIT_VISITS];
	enum lane lanes[CIRCUIT_VISITS];
	bool ended;
};

static void visit(
    struct circuits *circuits, struct bytes key, struct bytes value)
{
	struct destination_row *row = &circuits->rows[circuits->count];
	uint64_t hash;

	circuits->from = key_behind(key);
	if (key_destination(key, &circuits->lanes[circuits->count], &hash) &&
	    destination_read(value, row) && circuit_is_open(row))
		circuits->count++;
}

static bool collect(
    struct spool *spool, struct circuits *circuits, struct error *err)
{
	struct index_walk *walk;
	struct index_txn *txn;
	struct bytes key, value;
	unsigned visits = 0;
	bool found;

	circuits->count = 0;
	if (!spool_read_begin(spool, &txn, err))
		return false;
	walk = index_walk_new(txn, TABLE_DESTINATION);
	found = index_seek(
	    walk, key_bytes(&circuits->from), (struct bytes){0}, &key, &value);
	for (; found && visits < CIRCUIT_VISITS; visits++) {
		visit(circuits, key, value);
		found = index_next(walk, &key, &value);
	}
	circuits->ended = !found;
	index_walk_free(&walk);
	spool_txn_abort(spool, &txn);
	return true;
}

bool operator_circuits(struct spool *spool, operator_circuit_fn *each,
    void *arg, struct error *err)
{
	struct circuits *circuits = xcalloc(1, sizeof(*circuits));
	bool done = true;

	while (done && !circuits->ended) {
		done = collect(spool, circuits, err);
		for (size_t i = 0; done && i < circuits->count; i++) {
			const struct destination_row *row = &circuits->rows[i];

			each(arg, &(struct operator_circuit){
				      .lane = circuits->lanes[i],
				      .destination = row->name,
				      .reason = row->reason,
				      .opened_ms = row->opened_ms,
				      .probe_ms = row->probe_ms});
		}
	}
	free(circuits);
	return done;
}
