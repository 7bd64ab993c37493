#include "spool/idempotency.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/id.h"
#include "spool/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
/* Expired rows taken away with each that is put. */
#define SWEEP 4

/* --- rows ------------------------------------------------------------- */

struct row_key {
	uint8_t bytes[1 + 8 + IDEMPOTENCY_HASH];
	size_t len;
};

struct row_value {
	uint8_t bytes[1 + 8 + ID_BYTES + SPOOL_DIGEST_BYTES];
};

static void put_number(uint8_t *to, int64_t number)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static int64_t get_number(const uint8_t *from)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | from[i];
	return (int64_t)number;
}

static struct row_key key_of(const uint8_t *hash)
{
	struct row_key key = {.bytes = {'k'}, .len = 1 + IDEMPOTENCY_HASH};

	memcpy(key.bytes + 1, hash, IDEMPOTENCY_HASH);
	return key;
}

static struct row_key time_of(int64_t expires_ms, const uint8_t *hash)
{
	struct row_key key = {.bytes = {'t'}, .len = sizeof(key.bytes)};

	put_number(key.bytes + 1, expires_ms);
	memcpy(key.bytes + 9, hash, IDEMPOTENCY_HASH);
	return key;
}

static struct bytes bytes_of(const struct row_key *key)
{
	return (struct bytes){key->bytes, key->len};
}

static bool is_time(struct bytes key)
{
	return key.len == 1 + 8 + IDEMPOTENCY_HASH &&
	       *(const uint8_t *)key.data == 't';
}

static bool read_value(struct bytes value, struct idempotency_row *row)
{
	const uint8_t *bytes = value.data;

	if (value.len != sizeof(struct row_value) || bytes[0] != VERSION)
		return false;
	row->expires_ms = get_number(bytes + 1);
	memcpy(row->id.bytes, bytes + 9, ID_BYTES);
	memcpy(row->digest, bytes + 9 + ID_BYTES, SPOOL_DIGEST_BYTES);
	return true;
}

/* Whether it has expired or not. */
static bool get(struct index_txn *txn, struct idempotency_row *row)
{
	struct row_key key = key_of(row->hash);
	struct bytes value;

	return index_get(txn, TABLE_IDEMPOTENCY, bytes_of(&key), &value) &&
	       read_value(value, row);
}

/* The first that is to be swept, if its time has come. */
static bool find_expired(
    struct index_txn *txn, int64_t now_ms, struct row_key *key)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_IDEMPOTENCY);
	const struct bytes times = {"t", 1};
	struct bytes found, value;
	bool expired = false;

	if (index_seek(walk, times, times, &found, &value) && is_time(found)) {
		memcpy(key->bytes, found.data, found.len);
		key->len = found.len;
		expired = get_number(key->bytes + 1) <= now_ms;
	}
	index_walk_free(&walk);
	return expired;
}

static void put_time(struct index_txn *txn, const struct idempotency_row *row)
{
	struct row_key time = time_of(row->expires_ms, row->hash);

	index_put(
	    txn, TABLE_IDEMPOTENCY, bytes_of(&time), (struct bytes){"", 0});
}

static void sweep(struct index_txn *txn, int64_t now_ms)
{
	struct idempotency_row row;
	struct row_key time, key;

	for (int i = 0; i < SWEEP && find_expired(txn, now_ms, &time); i++) {
		memcpy(row.hash, time.bytes + 9, IDEMPOTENCY_HASH);
		key = key_of(row.hash);
		/* The key may be in use again, with a later expiry. */
		if (get(txn, &row) &&
		    row.expires_ms == get_number(time.bytes + 1))
			index_delete(txn, TABLE_IDEMPOTENCY, bytes_of(&key));
		index_delete(txn, TABLE_IDEMPOTENCY, bytes_of(&time));
	}
}

void idempotency_put(
    struct index_txn *txn, int64_t now_ms, const struct idempotency_row *row)
{
	struct row_key key = key_of(row->hash);
	struct row_value value = {.bytes = {VERSION}};

	sweep(txn, now_ms);
	put_number(value.bytes + 1, row->expires_ms);
	memcpy(value.bytes + 9, row->id.bytes, ID_BYTES);
	memcpy(value.bytes + 9 + ID_BYTES, row->digest, SPOOL_DIGEST_BYTES);
	index_put(txn, TABLE_IDEMPOTENCY, bytes_of(&key),
	    (struct bytes){value.bytes, sizeof(value.bytes)});
	put_time(txn, row);
}

/* --- taking back ------------------------------------------------------ */

/* A wall clock that was set back meanwhile does not hide a row. */
#define SLACK_MS (60 * INT64_C(60000))

static bool is_among(const struct id *id, const struct id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(id, &ids[i], sizeof(*id)) == 0)
			return true;
	return false;
}

/* The youngest row that belongs to one of the ids. */
static bool find_of(struct index_txn *txn, const struct id *ids, size_t count,
    int64_t oldest_ms, struct idempotency_row *row)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_IDEMPOTENCY);
	const struct bytes times = {"t", 1};
	struct bytes key, value;
	bool found = index_seek_last(walk, times, &key, &value);
	bool is_one = false;

	for (; found && !is_one; found = index_previous(walk, &key, &value)) {
		const uint8_t *bytes = key.data;

		if (!is_time(key) || get_number(bytes + 1) < oldest_ms)
			break;
		memcpy(row->hash, bytes + 9, IDEMPOTENCY_HASH);
		is_one = get(txn, row) && is_among(&row->id, ids, count);
	}
	index_walk_free(&walk);
	return is_one;
}

void idempotency_forget(
    struct index_txn *txn, const struct id *ids, size_t count)
{
	struct idempotency_row row;
	struct row_key key, time;
	int64_t oldest_ms = INT64_MAX;

	for (size_t i = 0; i < count; i++)
		if (id_time_ms(&ids[i]) < oldest_ms)
			oldest_ms = id_time_ms(&ids[i]);
	if (count == 0)
		return;
	oldest_ms += LIMIT_KEY_LIFETIME_MS - SLACK_MS;
	while (
	    !index_failed(txn) && find_of(txn, ids, count, oldest_ms, &row)) {
		key = key_of(row.hash);
		time = time_of(row.expires_ms, row.hash);
		index_delete(txn, TABLE_IDEMPOTENCY, bytes_of(&key));
		index_delete(txn, TABLE_IDEMPOTENCY, bytes_of(&time));
	}
}

/* --- checking --------------------------------------------------------- */

/* The row of a key; false if it is none that can be read. */
static bool read_row(
    struct bytes key, struct bytes value, struct idempotency_row *row)
{
	const uint8_t *bytes = key.data;

	if (key.len != 1 + IDEMPOTENCY_HASH || bytes[0] != 'k' ||
	    !read_value(value, row))
		return false;
	memcpy(row->hash, bytes + 1, sizeof(row->hash));
	return true;
}

bool idempotency_is_sound(
    struct index_txn *txn, struct bytes key, struct bytes value)
{
	struct idempotency_row row;
	struct row_key time;

	/* One whose key is gone, or lives longer, is swept all the same. */
	if (is_time(key))
		return true;
	if (!read_row(key, value, &row))
		return false;
	time = time_of(row.expires_ms, row.hash);
	return index_get(txn, TABLE_IDEMPOTENCY, bytes_of(&time), &value);
}

void idempotency_mend(
    struct index_txn *txn, struct bytes key, struct bytes value)
{
	struct idempotency_row row;

	if (read_row(key, value, &row))
		put_time(txn, &row);
	else
		index_delete(txn, TABLE_IDEMPOTENCY, key);
}

/* --- claims ----------------------------------------------------------- */

struct spool_key {
	struct spool *spool;
	int fd; /* holds the lock */
	uint8_t hash[IDEMPOTENCY_HASH];
};

/* A lock of this open file, not of the process: requests of one process
 * exclude each other too. */
static bool lock_byte(int fd, const uint8_t *hash, struct error *err)
{
	uint64_t place;
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	memcpy(&place, hash, sizeof(place));
	lock.l_start = (off_t)(place >> 2);
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return true;
	if (errno == EAGAIN || errno == EACCES)
		return error_set(err, ERROR_BUSY,
		    "a request with this key is still being worked on");
	return error_errno(err, "cannot lock run/keys");
}

bool spool_key_claim(struct spool *spool, const char *text, size_t len,
    struct spool_key **result, struct error *err)
{
	struct spool_key *key = xcalloc(1, sizeof(*key));

	*result = NULL;
	key->spool = spool;
	(void)crypto_generichash(key->hash, sizeof(key->hash),
	    (const unsigned char *)text, len, spool->key, sizeof(spool->key));
	if (!os_open(spool->root, "run/keys", O_RDWR | O_CREAT, 0660, &key->fd,
		err) ||
	    !lock_byte(key->fd, key->hash, err)) {
		spool_key_release(&key);
		return false;
	}
	*result = key;
	return true;
}

void spool_key_release(struct spool_key **key)
{
	if (*key == NULL)
		return;
	os_close(&(*key)->fd);
	free(*key);
	*key = NULL;
}

bool spool_key_find(struct spool_key *key, struct spool_key_use *use,
    bool *found, struct error *err)
{
	struct idempotency_row row;
	struct index_txn *txn;

	*found = false;
	if (!spool_read_begin(key->spool, &txn, err))
		return false;
	memcpy(row.hash, key->hash, sizeof(row.hash));
	if (get(txn, &row) && row.expires_ms > clock_wall_ms()) {
		*found = true;
		spool_id_format(&row.id, use->id_text);
		memcpy(use->digest, row.digest, sizeof(use->digest));
	}
	spool_txn_abort(key->spool, &txn);
	return true;
}

void spool_draft_use_key(struct draft *draft, const struct spool_key *key,
    const uint8_t digest[SPOOL_DIGEST_BYTES])
{
	struct idempotency_row *row = xcalloc(1, sizeof(*row));

	memcpy(row->hash, key->hash, sizeof(row->hash));
	memcpy(row->digest, digest, sizeof(row->digest));
	row->expires_ms = clock_wall_ms() + LIMIT_KEY_LIFETIME_MS;
	row->id = draft->id;
	free(draft->key);
	draft->key = row;
}
