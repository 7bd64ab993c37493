#include "spool/index.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/os.h"
#include "base/unconst.h"
#include "bounds.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_READERS 512

static const char *const table_names[TABLE_COUNT] = {
    [TABLE_MESSAGE] = "message",
    [TABLE_DELIVERY] = "delivery",
    [TABLE_DUE] = "due",
    [TABLE_DESTINATION] = "destination",
    [TABLE_WAITING] = "waiting",
    [TABLE_CLAIM] = "claim",
    [TABLE_LOOKUP] = "lookup",
    [TABLE_DEAD] = "dead",
    [TABLE_EVENT] = "event",
    [TABLE_DOOMED] = "doomed",
    [TABLE_IDEMPOTENCY] = "idempotency",
    [TABLE_META] = "meta",
};

struct index {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	/* Held for reading by every transaction, for writing while the map
	 * grows: LMDB may not move the map under a transaction. */
	pthread_rwlock_t map_lock;
	bool read_only;
};

struct index_txn {
	struct index *index;
	MDB_txn *txn;
	int failure; /* the first one of a put or delete; 0 = none */
};

struct index_walk {
	struct index_txn *txn;
	MDB_cursor *cursor;
	char prefix[64];
	size_t prefix_len;
};

static bool fail(struct error *err, int code, const char *what)
{
	enum error_kind kind = ERROR_IO;

	switch (code) {
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_NOTFOUND:
	case MDB_PANIC:
		kind = ERROR_CORRUPT;
		break;
	case ENOSPC:
	case EDQUOT:
		kind = ERROR_FULL;
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		kind = ERROR_CONFIG;
		break;
	case ENOENT:
		kind = ERROR_NOT_FOUND;
		break;
	case MDB_BAD_VALSIZE: /* this row, not the index */
		kind = ERROR_LIMIT;
		break;
	default:
		break;
	}
	return error_set(err, kind, "index: cannot %s: %s", what,
	    code > 0 ? strerrordesc_np(code) : mdb_strerror(code));
}

/* --- opening ---------------------------------------------------------- */

/* LMDB never syncs the folder of its files: without this a power cut can take
 * a whole committed index away. */
static bool sync_folders(const char *dir, struct error *err)
{
	char above[4096];
	int fd;
	bool done;

	(void)snprintf(above, sizeof(above), "%s/..", dir);
	for (int i = 0; i < 2; i++) {
		if (!os_open(AT_FDCWD, i == 0 ? dir : above,
			O_RDONLY | O_DIRECTORY, 0, &fd, err))
			return false;
		done = os_fsync(fd, err);
		os_close(&fd);
		if (!done)
			return false;
	}
	return true;
}

static int open_tables(struct index *index, bool create)
{
	unsigned flags = create && !index->read_only ? MDB_CREATE : 0;
	MDB_txn *txn;
	int code;

	code = mdb_txn_begin(
	    index->env, NULL, index->read_only ? MDB_RDONLY : 0, &txn);
	for (int i = 0; code == 0 && i < TABLE_COUNT; i++)
		code =
		    mdb_dbi_open(txn, table_names[i], flags, &index->tables[i]);
	if (code == 0)
		return mdb_txn_commit(txn);
	if (txn != NULL)
		mdb_txn_abort(txn);
	return code;
}

/* Reading past the end of a file that was cut short would be a SIGBUS. Pages
 * that were free when the file last grew may be missing at its end. */
static int check_length(struct index *index, const char *dir)
{
	const size_t free_at_end = 256;
	char path[4096];
	struct stat st;
	MDB_envinfo info;
	MDB_stat stat_of;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &st) != 0)
		return errno;
	(void)mdb_env_info(index->env, &info);
	(void)mdb_env_stat(index->env, &stat_of);
	if ((size_t)st.st_size / stat_of.ms_psize + free_at_end <
	    info.me_last_pgno + 1)
		return MDB_CORRUPTED;
	return 0;
}

static int open_environment(
    struct index *index, const char *dir, uint64_t map_size)
{
	/* Every thread that reads gives its slot back with the transaction. */
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
	int code = mdb_env_create(&index->env);

	if (code != 0)
		return code;
	(void)mdb_env_set_maxdbs(index->env, TABLE_COUNT);
	(void)mdb_env_set_maxreaders(index->env, MAX_READERS);
	(void)mdb_env_set_mapsize(
	    index->env, map_size != 0 ? map_size : LIMIT_MAP_SIZE);
	if (index->read_only)
		flags |= MDB_RDONLY;
	code = mdb_env_open(index->env, dir, flags, 0660);
	return code == 0 ? check_length(index, dir) : code;
}

/* Frees the reader slots of processes that died. */
static void check_readers(struct index *index)
{
	int dead;

	(void)mdb_reader_check(index->env, &dead);
}

bool index_open(const char *dir, bool create, bool read_only, uint64_t map_size,
    struct index **result, bool *created, struct error *err)
{
	struct index *index = xcalloc(1, sizeof(*index));
	char path[4096];
	struct stat st;
	int code;

	*result = NULL;
	index->read_only = read_only;
	(void)pthread_rwlock_init(&index->map_lock, NULL);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	*created = stat(path, &st) != 0 || st.st_size == 0;
	if (*created && !create) {
		index_close(&index);
		return error_set(
		    err, ERROR_CORRUPT, "index: there is none in %.300s", dir);
	}
	code = open_environment(index, dir, map_size);
	if (code == 0)
		code = open_tables(index, *created);
	if (code == 0 && *created && !sync_folders(dir, err)) {
		index_close(&index);
		return false;
	}
	if (code != 0) {
		index_close(&index);
		return fail(err, code, "open it");
	}
	check_readers(index);
	*result = index;
	return true;
}

void index_close(struct index **index)
{
	if (*index == NULL)
		return;
	if ((*index)->env != NULL)
		mdb_env_close((*index)->env);
	(void)pthread_rwlock_destroy(&(*index)->map_lock);
	free(*index);
	*index = NULL;
}

/* --- transactions ----------------------------------------------------- */

/* Another process has made the map larger: 0 takes its size over. Or ours is
 * full: `factor` 2 doubles it. */
static int resize(struct index *index, size_t factor)
{
	MDB_envinfo info;
	int code;

	(void)pthread_rwlock_wrlock(&index->map_lock);
	(void)mdb_env_info(index->env, &info);
	code = mdb_env_set_mapsize(index->env, info.me_mapsize * factor);
	(void)pthread_rwlock_unlock(&index->map_lock);
	return code;
}

static bool begin(struct index *index, unsigned flags, struct index_txn **txn,
    struct error *err)
{
	struct index_txn *begun = xcalloc(1, sizeof(*begun));
	int code;

	for (;;) {
		(void)pthread_rwlock_rdlock(&index->map_lock);
		code = mdb_txn_begin(index->env, NULL, flags, &begun->txn);
		if (code == 0)
			break;
		(void)pthread_rwlock_unlock(&index->map_lock);
		if (code == MDB_MAP_RESIZED)
			code = resize(index, 0);
		else if (code == MDB_READERS_FULL) {
			check_readers(index);
			free(begun);
			return error_set(err, ERROR_TEMPORARY,
			    "index: too many readers at once");
		}
		if (code != 0) {
			free(begun);
			return fail(err, code, "begin a transaction");
		}
	}
	begun->index = index;
	*txn = begun;
	return true;
}

bool index_read_begin(
    struct index *index, struct index_txn **txn, struct error *err)
{
	return begin(index, MDB_RDONLY, txn, err);
}

bool index_write_begin(
    struct index *index, struct index_txn **txn, struct error *err)
{
	return begin(index, 0, txn, err);
}

static void end(struct index_txn **txn)
{
	(void)pthread_rwlock_unlock(&(*txn)->index->map_lock);
	free(*txn);
	*txn = NULL;
}

bool index_commit(struct index_txn **txn, struct error *err)
{
	struct index *index = (*txn)->index;
	int code = (*txn)->failure;

	if (code == 0)
		code = mdb_txn_commit((*txn)->txn);
	else
		mdb_txn_abort((*txn)->txn);
	end(txn);
	if (code == 0)
		return true;
	if (code == MDB_MAP_FULL && resize(index, 2) == 0)
		return error_set(
		    err, ERROR_TEMPORARY, "index: its map has just grown");
	return fail(err, code, "commit");
}

void index_abort(struct index_txn **txn)
{
	if (*txn == NULL)
		return;
	mdb_txn_abort((*txn)->txn);
	end(txn);
}

const char *index_table_name(enum index_table table)
{
	return table_names[table];
}

bool index_failed(const struct index_txn *txn)
{
	return txn->failure != 0;
}

/* --- rows ------------------------------------------------------------- */

static MDB_val to_val(struct bytes bytes)
{
	return (MDB_val){.mv_data = unconst(bytes.data), .mv_size = bytes.len};
}

static struct bytes to_bytes(MDB_val val)
{
	return (struct bytes){.data = val.mv_data, .len = val.mv_size};
}

bool index_get(struct index_txn *txn, enum index_table table, struct bytes key,
    struct bytes *value)
{
	MDB_val k = to_val(key), v;

	if (mdb_get(txn->txn, txn->index->tables[table], &k, &v) != 0)
		return false;
	*value = to_bytes(v);
	return true;
}

void index_put(struct index_txn *txn, enum index_table table, struct bytes key,
    struct bytes value)
{
	MDB_val k = to_val(key), v = to_val(value);

	if (txn->failure == 0)
		txn->failure =
		    mdb_put(txn->txn, txn->index->tables[table], &k, &v, 0);
}

void index_delete(
    struct index_txn *txn, enum index_table table, struct bytes key)
{
	MDB_val k = to_val(key);
	int code;

	if (txn->failure != 0)
		return;
	code = mdb_del(txn->txn, txn->index->tables[table], &k, NULL);
	if (code != MDB_NOTFOUND)
		txn->failure = code;
}

uint64_t index_count(struct index_txn *txn, enum index_table table)
{
	MDB_stat stat;

	if (mdb_stat(txn->txn, txn->index->tables[table], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

/* --- walks ------------------------------------------------------------ */

struct index_walk *index_walk_new(struct index_txn *txn, enum index_table table)
{
	struct index_walk *walk = xcalloc(1, sizeof(*walk));

	walk->txn = txn;
	if (mdb_cursor_open(
		txn->txn, txn->index->tables[table], &walk->cursor) != 0)
		walk->cursor = NULL;
	return walk;
}

void index_walk_free(struct index_walk **walk)
{
	if (*walk == NULL)
		return;
	if ((*walk)->cursor != NULL)
		mdb_cursor_close((*walk)->cursor);
	free(*walk);
	*walk = NULL;
}

static bool move(struct index_walk *walk, MDB_cursor_op op, MDB_val *k,
    struct bytes *key, struct bytes *value)
{
	MDB_val v;

	if (walk->cursor == NULL ||
	    mdb_cursor_get(walk->cursor, k, &v, op) != 0 ||
	    k->mv_size < walk->prefix_len ||
	    memcmp(k->mv_data, walk->prefix, walk->prefix_len) != 0)
		return false;
	*key = to_bytes(*k);
	*value = to_bytes(v);
	return true;
}

static void set_prefix(struct index_walk *walk, struct bytes prefix)
{
	walk->prefix_len = prefix.len < sizeof(walk->prefix)
			       ? prefix.len
			       : sizeof(walk->prefix);
	if (walk->prefix_len > 0)
		memcpy(walk->prefix, prefix.data, walk->prefix_len);
}

bool index_seek(struct index_walk *walk, struct bytes from, struct bytes prefix,
    struct bytes *key, struct bytes *value)
{
	MDB_val k = to_val(from);

	set_prefix(walk, prefix);
	if (from.len == 0)
		return move(walk, MDB_FIRST, &k, key, value);
	return move(walk, MDB_SET_RANGE, &k, key, value);
}

bool index_seek_last(struct index_walk *walk, struct bytes prefix,
    struct bytes *key, struct bytes *value)
{
	unsigned char past[64];
	MDB_val k = {0};
	struct bytes ignored_key, ignored_value;
	size_t len = prefix.len;

	set_prefix(walk, (struct bytes){0});
	/* The row before the first one that is behind all with the prefix. */
	if (len > 0)
		memcpy(past, prefix.data, len);
	while (len > 0 && ++past[len - 1] == 0)
		len--;
	k.mv_data = past;
	k.mv_size = len;
	if (len > 0 &&
	    move(walk, MDB_SET_RANGE, &k, &ignored_key, &ignored_value)) {
		set_prefix(walk, prefix);
		return move(walk, MDB_PREV, &k, key, value);
	}
	set_prefix(walk, prefix);
	return move(walk, MDB_LAST, &k, key, value);
}

bool index_next(struct index_walk *walk, struct bytes *key, struct bytes *value)
{
	MDB_val k;

	return move(walk, MDB_NEXT, &k, key, value);
}

bool index_previous(
    struct index_walk *walk, struct bytes *key, struct bytes *value)
{
	MDB_val k;

	return move(walk, MDB_PREV, &k, key, value);
}

/* --- whole ------------------------------------------------------------ */

/* The key of the row before, which must be less than the next one. */
struct previous {
	char data[512];
	size_t len;
};

static bool follows(const struct previous *previous, MDB_val key)
{
	size_t len = previous->len < key.mv_size ? previous->len : key.mv_size;
	int order = memcmp(previous->data, key.mv_data, len);

	return order < 0 || (order == 0 && previous->len < key.mv_size);
}

/* Reads a byte of every page that the value lies on. */
static void touch(MDB_val value)
{
	const volatile char *bytes = value.mv_data;

	for (size_t at = 0; at < value.mv_size; at += 4096)
		(void)bytes[at];
	if (value.mv_size > 0)
		(void)bytes[value.mv_size - 1];
}

static int verify_rows(MDB_cursor *cursor, uint64_t *rows)
{
	struct previous previous = {.len = 0};
	MDB_val key, value;
	int code;

	*rows = 0;
	while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		if (key.mv_size == 0 || key.mv_size >= sizeof(previous.data) ||
		    (*rows > 0 && !follows(&previous, key)))
			return MDB_CORRUPTED;
		touch(value);
		memcpy(previous.data, key.mv_data, key.mv_size);
		previous.len = key.mv_size;
		(*rows)++;
	}
	return code == MDB_NOTFOUND ? 0 : code;
}

bool index_verify_table(struct index *index, enum index_table table,
    uint64_t *rows, struct error *err)
{
	struct index_txn *txn = NULL;
	MDB_cursor *cursor;
	char what[64];
	int code;

	*rows = 0;
	if (!index_read_begin(index, &txn, err))
		return false;
	assert(txn != NULL);
	code = mdb_cursor_open(txn->txn, index->tables[table], &cursor);
	if (code == 0) {
		code = verify_rows(cursor, rows);
		mdb_cursor_close(cursor);
	}
	if (code == 0 && *rows != index_count(txn, table))
		code = MDB_CORRUPTED;
	index_abort(&txn);
	if (code == 0)
		return true;
	(void)snprintf(
	    what, sizeof(what), "read all of table %s", table_names[table]);
	return fail(err, code, what);
}

bool index_verify(struct index *index, uint64_t *rows, struct error *err)
{
	uint64_t more;

	*rows = 0;
	for (int i = 0; i < TABLE_COUNT; i++) {
		if (!index_verify_table(index, (enum index_table)i, &more, err))
			return false;
		*rows += more;
	}
	return true;
}
