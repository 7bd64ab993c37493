/*
 * What the disk alone allows: the file patterns of a group-committing spool,
 * without SMTP.
 *
 * Creating threads write message files and hand them to a committer, which
 * makes a whole group durable at once: data synced, names moved into new/,
 * new/ synced, one LMDB transaction. A reaper, when asked for, removes old
 * messages at the rate at which new ones come.
 *
 *   creator --full--> committer --live--> reaper --free--> creator (recycle)
 *
 * Prints one line of key=value pairs. The folder given must be empty or new;
 * it is left behind for the caller to remove.
 */
#include "disk_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <lmdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum {
	NAME_SIZE = 40,
	WRITE_CHUNK = 65536,
	NAMES_PER_INODE = 60000, /* ext4 allows 65000 links */
};

struct slot {
	int fd;
	int from; /* folder that holds the name until it is moved */
	size_t size;
	char name[NAME_SIZE];
};

struct ring { /* of names: slots passed on by value */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot *slots;
	size_t room, head, count;
	bool closed;
};

enum phase { SYNC_DATA, MOVE_NAMES, SYNC_FOLDER, INDEX, CLEAN, PHASES };
static const char *const phase_names[PHASES] = {
    "data", "names", "folder", "index", "clean"};

struct bench {
	struct plan plan;
	int root, tmp, new, spare;
	int tmps[MAX_ROTATED];
	struct ring full, live, freed;
	sem_t folder_wanted, folder_synced;
	MDB_env *env;
	MDB_dbi tables[5];
	uint64_t made; /* numbers the names, by atomic add */
	uint64_t committed;
	uint64_t groups;
	double waited[PHASES]; /* wall seconds of the committer */
};

static const char payload[WRITE_CHUNK];

static void must_lmdb(int rc, const char *what)
{
	if (rc != 0)
		die("%s: %s", what, mdb_strerror(rc));
}

static double seconds_now(clockid_t clock)
{
	struct timespec now;

	must(clock_gettime(clock, &now) == 0, "clock_gettime");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Rings */

static void ring_init(struct ring *ring, size_t room)
{
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->changed, NULL);
	ring->slots = calloc(room, sizeof(*ring->slots));
	must(ring->slots != NULL, "calloc");
	ring->room = room;
}

static bool ring_put(struct ring *ring, const struct slot *slot)
{
	bool open;

	pthread_mutex_lock(&ring->lock);
	while (ring->count == ring->room && !ring->closed)
		pthread_cond_wait(&ring->changed, &ring->lock);
	open = !ring->closed;
	if (open) {
		ring->slots[(ring->head + ring->count) % ring->room] = *slot;
		ring->count++;
		pthread_cond_broadcast(&ring->changed);
	}
	pthread_mutex_unlock(&ring->lock);
	return open;
}

/* Takes COUNT slots once more than KEEP + COUNT are there. */
static bool ring_take(
    struct ring *ring, struct slot *slots, size_t count, size_t keep)
{
	bool enough;
	size_t i;

	pthread_mutex_lock(&ring->lock);
	while (ring->count < keep + count && !ring->closed)
		pthread_cond_wait(&ring->changed, &ring->lock);
	enough = ring->count >= keep + count;
	for (i = 0; enough && i < count; i++) {
		slots[i] = ring->slots[ring->head];
		ring->head = (ring->head + 1) % ring->room;
		ring->count--;
	}
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	return enough;
}

static bool ring_try(struct ring *ring, struct slot *slot)
{
	bool some;

	pthread_mutex_lock(&ring->lock);
	some = ring->count > 0;
	if (some) {
		*slot = ring->slots[ring->head];
		ring->head = (ring->head + 1) % ring->room;
		ring->count--;
	}
	pthread_mutex_unlock(&ring->lock);
	return some;
}

static void ring_close(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->closed = true;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

/* Creating */

static uint64_t scatter(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* 26 characters, as a ULID: 10 of time, 16 of chance. */
static void make_name(char name[NAME_SIZE], uint64_t number)
{
	snprintf(name, NAME_SIZE, "%010jx%016jx", (uintmax_t)number / 64,
	    (uintmax_t)scatter(number + 1));
}

static int open_folder(int at, const char *name)
{
	int fd;

	must(mkdirat(at, name, 0700) == 0 || errno == EEXIST, name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, name);
	return fd;
}

static void open_slot(struct bench *bench, struct slot *slot, uint64_t number)
{
	const struct plan *plan = &bench->plan;
	unsigned which;

	slot->from = bench->tmp;
	if (plan->rotate > 0) {
		which = (unsigned)(number / plan->rotate % plan->rotated);
		slot->from = bench->tmps[which];
	}
	if (plan->pattern == PATTERN_RECYCLE && ring_try(&bench->freed, slot)) {
		slot->from = bench->spare;
		slot->fd = openat(slot->from, slot->name, O_WRONLY | O_CLOEXEC);
		must(slot->fd >= 0, "open a spare file");
		return;
	}
	make_name(slot->name, number);
	if (plan->pattern == PATTERN_TMPFILE)
		slot->fd = openat(
		    slot->from, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	else
		slot->fd = openat(slot->from, slot->name,
		    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	must(slot->fd >= 0, "create");
	slot->size = 0;
}

static void write_message(struct bench *bench, struct slot *slot)
{
	uint64_t number = __atomic_fetch_add(&bench->made, 1, __ATOMIC_RELAXED);
	/* Sizes differ a little, so that a spare file needs ftruncate. */
	size_t size = bench->plan.size - number % 8 * (bench->plan.size / 64);
	size_t chunk, left;

	open_slot(bench, slot, number);
	for (left = size; left > 0; left -= chunk) {
		chunk = left < WRITE_CHUNK ? left : WRITE_CHUNK;
		must(
		    write(slot->fd, payload, chunk) == (ssize_t)chunk, "write");
	}
	if (slot->size > size)
		must(ftruncate(slot->fd, (off_t)size) == 0, "ftruncate");
	slot->size = size;
}

static void *create_messages(void *arg)
{
	struct bench *bench = arg;
	struct slot slot;

	do {
		memset(&slot, 0, sizeof(slot));
		write_message(bench, &slot);
	} while (ring_put(&bench->full, &slot));
	close(slot.fd);
	return NULL;
}

/* Committing */

/* Syncs new/ whenever it is asked to. */
static void *sync_folder(void *arg)
{
	struct bench *bench = arg;

	for (;;) {
		sem_wait(&bench->folder_wanted);
		must(fsync(bench->new) == 0, "fsync of new/");
		sem_post(&bench->folder_synced);
	}
	return NULL;
}

static void sync_group(struct bench *bench, const struct slot *slots)
{
	const struct plan *plan = &bench->plan;
	unsigned i;

	if (plan->flush == FLUSH_SYNCFS)
		must(syncfs(bench->new) == 0, "syncfs");
	for (i = 0; plan->flush == FLUSH_STARTED && i < plan->group; i++)
		must(sync_file_range(
			 slots[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0,
		    "sync_file_range");
	if (plan->flush == FLUSH_BESIDE)
		sem_post(&bench->folder_wanted);
	for (i = 0; plan->flush <= FLUSH_BESIDE && i < plan->group; i++)
		must(fdatasync(slots[i].fd) == 0, "fdatasync");
	if (plan->flush == FLUSH_BESIDE)
		sem_wait(&bench->folder_synced);
}

/* Whether new/ was synced with the group: a syncfs after the names moved has
 * written it as well. */
static bool syncs_folder(const struct plan *plan)
{
	return plan->flush == FLUSH_BESIDE ||
	       (plan->names_first && plan->flush == FLUSH_SYNCFS);
}

static void move_name(
    struct bench *bench, const struct slot *slot, const char *name)
{
	char path[64];

	switch (bench->plan.pattern) {
	case PATTERN_LINK:
		must(linkat(slot->from, slot->name, bench->new, name, 0) == 0,
		    "link");
		break;
	case PATTERN_RENAME:
	case PATTERN_RECYCLE:
		must(renameat(slot->from, slot->name, bench->new, name) == 0,
		    "rename");
		break;
	case PATTERN_TMPFILE:
		snprintf(path, sizeof(path), "/proc/self/fd/%d", slot->fd);
		must(linkat(AT_FDCWD, path, bench->new, name,
			 AT_SYMLINK_FOLLOW) == 0,
		    "link an unnamed file");
		break;
	}
}

static void put_row(MDB_txn *txn, MDB_dbi table, const char *prefix,
    const char *name, size_t value_len)
{
	char key[80];
	int len = snprintf(key, sizeof(key), "%s%s", prefix, name);
	MDB_val k = {.mv_size = (size_t)len, .mv_data = key};
	MDB_val v = {.mv_size = value_len, .mv_data = NULL};

	must_lmdb(mdb_put(txn, table, &k, &v, MDB_RESERVE), "mdb_put");
	memset(v.mv_data, 'x', value_len);
}

/* Five small rows a message, of about the sizes that the index needs. */
static void index_group(
    struct bench *bench, char names[][NAME_SIZE], unsigned count)
{
	MDB_txn *txn;
	unsigned i;

	must_lmdb(mdb_txn_begin(bench->env, NULL, 0, &txn), "mdb_txn_begin");
	for (i = 0; i < count; i++) {
		put_row(txn, bench->tables[0], "", names[i], 160);
		put_row(txn, bench->tables[1], "0", names[i], 64);
		put_row(txn, bench->tables[2], "w0", names[i], 8);
		put_row(txn, bench->tables[3], names[i] + 10, names[i], 1);
		put_row(txn, bench->tables[4], "queued", "", 8);
	}
	must_lmdb(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void commit_group(struct bench *bench, struct slot *slots)
{
	const struct plan *plan = &bench->plan;
	char names[MAX_GROUP][NAME_SIZE];
	double at[PHASES + 1];
	unsigned i;

	at[SYNC_DATA] = seconds_now(CLOCK_MONOTONIC);
	if (!plan->names_first)
		sync_group(bench, slots);
	at[MOVE_NAMES] = seconds_now(CLOCK_MONOTONIC);
	for (i = 0; i < plan->group; i++) {
		make_name(names[i], (1ull << 40) + bench->committed + i);
		move_name(bench, &slots[i], names[i]);
	}
	at[SYNC_FOLDER] = seconds_now(CLOCK_MONOTONIC);
	if (plan->names_first)
		sync_group(bench, slots);
	if (plan->flush != FLUSH_NONE && !syncs_folder(plan))
		must(fsync(bench->new) == 0, "fsync of new/");
	at[INDEX] = seconds_now(CLOCK_MONOTONIC);
	if (plan->index)
		index_group(bench, names, plan->group);
	at[CLEAN] = seconds_now(CLOCK_MONOTONIC);
	for (i = 0; i < plan->group; i++) {
		if (plan->pattern == PATTERN_LINK)
			must(unlinkat(slots[i].from, slots[i].name, 0) == 0,
			    "unlink from tmp/");
		close(slots[i].fd);
		memcpy(slots[i].name, names[i], NAME_SIZE);
		if (plan->backlog > 0)
			ring_put(&bench->live, &slots[i]);
	}
	at[PHASES] = seconds_now(CLOCK_MONOTONIC);
	for (i = 0; i < PHASES; i++)
		bench->waited[i] += at[i + 1] - at[i];
	bench->committed += plan->group;
	bench->groups++;
}

static void *remove_messages(void *arg)
{
	struct bench *bench = arg;
	struct slot slot;

	while (ring_take(&bench->live, &slot, 1, bench->plan.backlog)) {
		if (bench->plan.pattern == PATTERN_RECYCLE) {
			must(renameat(bench->new, slot.name, bench->spare,
				 slot.name) == 0,
			    "rename to spare/");
			ring_put(&bench->freed, &slot);
		} else {
			must(unlinkat(bench->new, slot.name, 0) == 0, "unlink");
		}
	}
	return NULL;
}

/* Measuring */

struct reading {
	double wall, cpu;
	double thread_cpu[3]; /* committer, creators, reapers */
	unsigned long long flushes, written;
	uint64_t committed, groups;
	double waited[PHASES];
};

struct threads {
	pthread_t creator[MAX_THREADS], reaper[MAX_THREADS];
};

/* The numbers in /sys/dev/block/M:N/stat: the 7th is sectors written, the
 * 16th flush requests. */
static void read_device(const struct bench *bench, struct reading *reading)
{
	char path[64], line[512] = "", *next = line;
	unsigned long long field[16] = {0};
	struct stat info;
	FILE *file;
	int i;

	must(fstat(bench->new, &info) == 0, "fstat");
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat",
	    major(info.st_dev), minor(info.st_dev));
	file = fopen(path, "re");
	if (file == NULL)
		return; /* not a plain block device: both stay 0 */
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	for (i = 0; i < 16; i++)
		field[i] = strtoull(next, &next, 10);
	reading->written = field[6] * 512;
	reading->flushes = field[15];
}

static double thread_seconds(pthread_t thread)
{
	clockid_t clock;

	must(pthread_getcpuclockid(thread, &clock) == 0, "cpu clock");
	return seconds_now(clock);
}

static void take_reading(const struct bench *bench,
    const struct threads *threads, struct reading *reading)
{
	unsigned i;

	memset(reading, 0, sizeof(*reading));
	reading->wall = seconds_now(CLOCK_MONOTONIC);
	reading->cpu = seconds_now(CLOCK_PROCESS_CPUTIME_ID);
	reading->thread_cpu[0] = thread_seconds(pthread_self());
	for (i = 0; i < bench->plan.creators; i++)
		reading->thread_cpu[1] += thread_seconds(threads->creator[i]);
	for (i = 0; i < bench->plan.reapers; i++)
		reading->thread_cpu[2] += thread_seconds(threads->reaper[i]);
	read_device(bench, reading);
	reading->committed = bench->committed;
	reading->groups = bench->groups;
	memcpy(reading->waited, bench->waited, sizeof(reading->waited));
}

static void print_result(const struct bench *bench, const struct reading *from,
    const struct reading *to)
{
	const struct plan *plan = &bench->plan;
	double messages = (double)(to->committed - from->committed);
	double groups = (double)(to->groups - from->groups);
	double seconds = to->wall - from->wall;
	int i;

	printf("pattern=%s sync=%s%s size=%u group=%u creators=%u backlog=%u "
	       "reapers=%u rotate=%u names=%u index=%d "
	       "ahead=%u",
	    pattern_names[plan->pattern], flush_names[plan->flush],
	    plan->names_first ? "+names" : "", plan->size, plan->group,
	    plan->creators, plan->backlog, plan->reapers, plan->rotate,
	    plan->names, plan->index, plan->ahead);
	printf(" rate=%.0f cpu_ms=%.4f", messages / seconds,
	    (to->cpu - from->cpu) * 1e3 / messages);
	printf(" commit_cpu_ms=%.4f create_cpu_ms=%.4f reap_cpu_ms=%.4f",
	    (to->thread_cpu[0] - from->thread_cpu[0]) * 1e3 / messages,
	    (to->thread_cpu[1] - from->thread_cpu[1]) * 1e3 / messages,
	    (to->thread_cpu[2] - from->thread_cpu[2]) * 1e3 / messages);
	printf(" flushes_per_group=%.2f written_kb=%.1f",
	    (double)(to->flushes - from->flushes) / groups,
	    (double)(to->written - from->written) / 1024 / messages);
	for (i = 0; i < PHASES; i++)
		printf(" %s_ms=%.3f", phase_names[i],
		    (to->waited[i] - from->waited[i]) * 1e3 / groups);
	printf("\n");
}

static void collect_group(struct bench *bench, struct slot *slots)
{
	unsigned i;

	if (bench->plan.creators > 0) {
		ring_take(&bench->full, slots, bench->plan.group, 0);
		return;
	}
	memset(slots, 0, bench->plan.group * sizeof(*slots));
	for (i = 0; i < bench->plan.group; i++)
		write_message(bench, &slots[i]);
}

static void start_threads(struct bench *bench, struct threads *threads)
{
	pthread_t syncer;
	unsigned i;

	sem_init(&bench->folder_wanted, 0, 0);
	sem_init(&bench->folder_synced, 0, 0);
	if (bench->plan.flush == FLUSH_BESIDE)
		must(pthread_create(&syncer, NULL, sync_folder, bench) == 0 &&
			 pthread_detach(syncer) == 0,
		    "pthread_create");

	for (i = 0; i < bench->plan.creators; i++)
		must(pthread_create(&threads->creator[i], NULL, create_messages,
			 bench) == 0,
		    "pthread_create");
	for (i = 0; i < bench->plan.reapers; i++)
		must(pthread_create(&threads->reaper[i], NULL, remove_messages,
			 bench) == 0,
		    "pthread_create");
}

static void stop_threads(struct bench *bench, struct threads *threads)
{
	unsigned i;

	ring_close(&bench->full);
	ring_close(&bench->live);
	ring_close(&bench->freed);
	for (i = 0; i < bench->plan.creators; i++)
		pthread_join(threads->creator[i], NULL);
	for (i = 0; i < bench->plan.reapers; i++)
		pthread_join(threads->reaper[i], NULL);
}

static void run(struct bench *bench)
{
	struct slot slots[MAX_GROUP] = {0};
	struct threads threads = {0};
	struct reading from, to;
	double end;

	start_threads(bench, &threads);
	end = seconds_now(CLOCK_MONOTONIC) + bench->plan.warm;
	while (seconds_now(CLOCK_MONOTONIC) < end) {
		collect_group(bench, slots);
		commit_group(bench, slots);
	}
	take_reading(bench, &threads, &from);
	end = from.wall + bench->plan.seconds;
	do {
		collect_group(bench, slots);
		commit_group(bench, slots);
	} while (seconds_now(CLOCK_MONOTONIC) < end);
	take_reading(bench, &threads, &to);
	stop_threads(bench, &threads);
	print_result(bench, &from, &to);
}

/* Preparing */

/* Gives the index file blocks that need no allocation later, so that its sync
 * carries no metadata with it. */
static void write_ahead(struct bench *bench)
{
	off_t size = (off_t)bench->plan.ahead << 20, at;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/index/data.mdb", bench->plan.folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0, path);
	for (at = lseek(fd, 0, SEEK_END); at < size; at += WRITE_CHUNK)
		must(pwrite(fd, payload, WRITE_CHUNK, at) == WRITE_CHUNK,
		    "write ahead");
	must(fsync(fd) == 0, "fsync of the index");
	close(fd);
}

static void open_index(struct bench *bench)
{
	static const char *const names[] = {
	    "message", "delivery", "due", "lookup", "meta"};
	char path[4096];
	MDB_txn *txn;
	int i;

	snprintf(path, sizeof(path), "%s/index", bench->plan.folder);
	must(mkdir(path, 0700) == 0 || errno == EEXIST, path);
	must_lmdb(mdb_env_create(&bench->env), "mdb_env_create");
	must_lmdb(mdb_env_set_maxdbs(bench->env, 8), "maxdbs");
	must_lmdb(mdb_env_set_mapsize(bench->env, (size_t)64 << 30), "mapsize");
	must_lmdb(mdb_env_open(bench->env, path, 0, 0600), "mdb_env_open");
	must_lmdb(mdb_txn_begin(bench->env, NULL, 0, &txn), "mdb_txn_begin");
	for (i = 0; i < 5; i++)
		must_lmdb(
		    mdb_dbi_open(txn, names[i], MDB_CREATE, &bench->tables[i]),
		    "mdb_dbi_open");
	must_lmdb(mdb_txn_commit(txn), "mdb_txn_commit");
	write_ahead(bench);
}

/* Fills new/ with names only: hard links to a few empty files. */
static void fill_names(struct bench *bench)
{
	char name[NAME_SIZE], base[NAME_SIZE];
	unsigned i;
	int fd;

	for (i = 0; i < bench->plan.names; i++) {
		make_name(name, (1ull << 39) + i);
		if (i % NAMES_PER_INODE == 0) {
			fd = openat(bench->new, name,
			    O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
			must(fd >= 0, "create a name");
			close(fd);
			memcpy(base, name, sizeof(base));
			continue;
		}
		must(linkat(bench->new, base, bench->new, name, 0) == 0 ||
			 errno == EEXIST,
		    "link a name");
	}
	must(syncfs(bench->new) == 0, "syncfs");
}

static void spread_children(int folder)
{
	int flags = 0;

	must(ioctl(folder, FS_IOC_GETFLAGS, &flags) == 0, "get flags");
	flags |= FS_TOPDIR_FL;
	must(ioctl(folder, FS_IOC_SETFLAGS, &flags) == 0, "set flags");
}

static void prepare(struct bench *bench)
{
	const struct plan *plan = &bench->plan;
	char name[16];
	unsigned i;

	must(mkdir(plan->folder, 0700) == 0 || errno == EEXIST, plan->folder);
	bench->root = open(plan->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(bench->root >= 0, plan->folder);
	bench->tmp = open_folder(bench->root, "tmp");
	bench->new = open_folder(bench->root, "new");
	bench->spare = open_folder(bench->root, "spare");
	if (plan->spread)
		spread_children(bench->tmp);
	for (i = 0; plan->rotate > 0 && i < plan->rotated; i++) {
		snprintf(name, sizeof(name), "%u", i);
		bench->tmps[i] = open_folder(bench->tmp, name);
	}
	ring_init(&bench->full, 2 * (size_t)plan->group);
	ring_init(&bench->live, plan->backlog + 2 * (size_t)plan->group);
	ring_init(&bench->freed, plan->backlog + 4 * (size_t)plan->group);
	fill_names(bench);
	if (plan->index)
		open_index(bench);
}

int main(int argc, char **argv)
{
	static struct bench bench = {
	    .plan = {.pattern = PATTERN_RENAME,
		.flush = FLUSH_SYNCFS,
		.size = 4096,
		.group = 100,
		.creators = 1,
		.reapers = 1,
		.rotated = 64,
		.index = true,
		.warm = 0.5,
		.seconds = 2},
	};

	plan_parse(&bench.plan, argc, argv);
	prepare(&bench);
	run(&bench);
	if (bench.env != NULL)
		mdb_env_close(bench.env);
	return 0;
}
