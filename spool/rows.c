#include "spool/rows.h"

#include <assert.h>
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Every value begins with its version. */
#define ROW_VERSION 1
/* The longest text of a row: an address, or a Message-ID. */
#define ROW_TEXT_LIMIT 1024
#define ROW_TEXTS 5

/* --- keys ------------------------------------------------------------- */

struct bytes key_bytes(const struct key *key)
{
	return (struct bytes){.data = key->data, .len = key->len};
}

struct key key_behind(struct bytes key)
{
	struct key behind = {.len = key.len + 1};

	if (behind.len <= sizeof(behind.data)) {
		if (key.len > 0)
			memcpy(behind.data, key.data, key.len);
		return behind;
	}
	behind.len = sizeof(behind.data);
	memcpy(behind.data, key.data, behind.len);
	while (behind.len > 0 && ++behind.data[behind.len - 1] == 0)
		behind.len--;
	return behind;
}

static void add(struct key *key, const void *data, size_t len)
{
	assert(key->len + len <= sizeof(key->data));
	memcpy(key->data + key->len, data, len);
	key->len += len;
}

static void add_u64(struct key *key, uint64_t value)
{
	uint8_t big[8];

	for (int i = 0; i < 8; i++)
		big[i] = (uint8_t)(value >> (56 - 8 * i));
	add(key, big, sizeof(big));
}

static void add_u16(struct key *key, unsigned value)
{
	uint8_t big[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	add(key, big, sizeof(big));
}

static void add_lane(struct key *key, enum lane lane)
{
	uint8_t byte = (uint8_t)lane;

	add(key, &byte, 1);
}

static void add_delivery(
    struct key *key, const struct id *id, unsigned recipient)
{
	add(key, id->bytes, ID_BYTES);
	add_u16(key, recipient);
}

static uint64_t get_u64(struct bytes key, size_t offset)
{
	const uint8_t *at = (const uint8_t *)key.data + offset;
	uint64_t value = 0;

	if (key.len < offset + 8)
		return 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

/* Times are never negative in a key. */
static uint64_t time_bits(int64_t ms)
{
	return ms < 0 ? 0 : (uint64_t)ms;
}

bool key_delivery(struct bytes key, struct id *id, unsigned *recipient)
{
	const uint8_t *at = key.data;

	if (key.len < ID_BYTES + 2)
		return false;
	at += key.len - ID_BYTES - 2;
	memcpy(id->bytes, at, ID_BYTES);
	*recipient = (unsigned)at[ID_BYTES] << 8 | at[ID_BYTES + 1];
	return true;
}

struct id key_id(struct bytes key)
{
	struct id id = {{0}};

	if (key.len >= ID_BYTES)
		memcpy(id.bytes, (const uint8_t *)key.data + key.len - ID_BYTES,
		    ID_BYTES);
	return id;
}

struct key message_key(const struct id *id)
{
	struct key key = {.len = 0};

	add(&key, id->bytes, ID_BYTES);
	return key;
}

struct key doomed_key(const struct id *id)
{
	return message_key(id);
}

/* One byte of names, and the owner if there is one. */
void doomed_put(
    struct index_txn *txn, const struct id *id, unsigned names, uint64_t owner)
{
	struct key key = doomed_key(id);
	uint8_t value[1 + sizeof(owner)] = {(uint8_t)names};

	memcpy(value + 1, &owner, sizeof(owner));
	index_put(txn, TABLE_DOOMED, key_bytes(&key),
	    (struct bytes){value, owner != 0 ? sizeof(value) : 1});
}

bool doomed_read(struct bytes value, unsigned *names, uint64_t *owner)
{
	const uint8_t *at = value.data;

	*owner = 0;
	if (value.len == 0)
		return false;
	*names = at[0];
	if (value.len >= 1 + sizeof(*owner))
		memcpy(owner, at + 1, sizeof(*owner));
	return true;
}

struct key delivery_key(const struct id *id, unsigned recipient)
{
	struct key key = {.len = 0};

	add_delivery(&key, id, recipient);
	return key;
}

struct key due_prefix(enum lane lane, uint64_t destination)
{
	struct key key = {.len = 0};

	add_lane(&key, lane);
	add_u64(&key, destination);
	return key;
}

struct key due_key(enum lane lane, uint64_t destination, int64_t due_ms,
    const struct id *id, unsigned recipient)
{
	struct key key = due_prefix(lane, destination);

	add_u64(&key, time_bits(due_ms));
	add_delivery(&key, id, recipient);
	return key;
}

int64_t due_key_time(struct bytes key)
{
	return (int64_t)get_u64(key, 9);
}

struct key waiting_prefix(enum lane lane)
{
	struct key key = {.len = 0};

	add_lane(&key, lane);
	return key;
}

struct key waiting_key(enum lane lane, int64_t next_ms, uint64_t destination)
{
	struct key key = waiting_prefix(lane);

	add_u64(&key, time_bits(next_ms));
	add_u64(&key, destination);
	return key;
}

int64_t waiting_key_time(struct bytes key)
{
	return (int64_t)get_u64(key, 1);
}

uint64_t waiting_key_destination(struct bytes key)
{
	return get_u64(key, 9);
}

struct key destination_key(enum lane lane, uint64_t destination)
{
	return due_prefix(lane, destination);
}

bool key_destination(struct bytes key, enum lane *lane, uint64_t *destination)
{
	if (key.len < 9)
		return false;
	*lane = (enum lane)(*(const uint8_t *)key.data);
	*destination = get_u64(key, 1);
	return *lane == LANE_WEBHOOK || *lane == LANE_SMTP;
}

struct key claim_key(uint64_t agent, const struct id *id, unsigned recipient)
{
	struct key key = {.len = 0};

	add_u64(&key, agent);
	add_delivery(&key, id, recipient);
	return key;
}

uint64_t claim_key_agent(struct bytes key)
{
	return get_u64(key, 0);
}

struct key lookup_prefix(uint64_t hash)
{
	struct key key = {.len = 0};

	add_u64(&key, hash);
	return key;
}

struct key lookup_key(uint64_t hash, const struct id *id)
{
	struct key key = lookup_prefix(hash);

	add(&key, id->bytes, ID_BYTES);
	return key;
}

struct key dead_key(int64_t died_ms, const struct id *id, unsigned recipient)
{
	return claim_key(time_bits(died_ms), id, recipient);
}

int64_t dead_key_time(struct bytes key)
{
	return (int64_t)get_u64(key, 0);
}

uint64_t text_hash(const char *text)
{
	uint8_t digest[16];
	uint64_t value;

	(void)crypto_generichash(digest, sizeof(digest),
	    (const unsigned char *)text, strlen(text), NULL, 0);
	memcpy(&value, digest, sizeof(value));
	return value == 0 ? 1 : value;
}

uint64_t address_hash(const char *address)
{
	char lower[LIMIT_PATH];
	size_t len;

	for (len = 0; address[len] != '\0' && len < sizeof(lower) - 1; len++)
		lower[len] = (char)tolower((unsigned char)address[len]);
	lower[len] = '\0';
	return text_hash(lower);
}

/* --- values ----------------------------------------------------------- */

/* A fixed part, then texts, each with its NUL. */
struct value {
	uint8_t data[512 + ROW_TEXTS * ROW_TEXT_LIMIT];
	size_t len;
};

static void value_text(struct value *value, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	if (len > ROW_TEXT_LIMIT - 1)
		len = ROW_TEXT_LIMIT - 1;
	if (len > 0)
		memcpy(value->data + value->len, text, len);
	value->data[value->len + len] = '\0';
	value->len += len + 1;
}

/* The next text of a row, or "" if the row is damaged. */
static const char *take_text(struct bytes *rest)
{
	const char *text = rest->data;
	const char *end = rest->len > 0 ? memchr(text, '\0', rest->len) : NULL;

	if (end == NULL)
		return "";
	rest->data = end + 1;
	rest->len -= (size_t)(end - text) + 1;
	return text;
}

/* Copies the fixed part; false if the row is too short or too new. */
static bool take_fixed(struct bytes *value, void *fixed, size_t len)
{
	if (value->len < len || *(const uint8_t *)value->data != ROW_VERSION)
		return false;
	memcpy(fixed, value->data, len);
	value->data = (const uint8_t *)value->data + len;
	value->len -= len;
	return true;
}

struct message_fixed {
	uint8_t version, unused[1];
	uint16_t recipients, live, dead;
	int64_t received_ms;
	uint64_t size, message_id_hash;
};

void message_put(
    struct index_txn *txn, const struct id *id, const struct message_row *row)
{
	struct message_fixed fixed = {.version = ROW_VERSION,
	    .recipients = row->recipients,
	    .live = row->live,
	    .dead = row->dead,
	    .received_ms = row->received_ms,
	    .size = row->size,
	    .message_id_hash = row->message_id_hash};
	struct key key = message_key(id);
	struct value value;

	memcpy(value.data, &fixed, sizeof(fixed));
	value.len = sizeof(fixed);
	value_text(&value, row->sender);
	value_text(&value, row->client_ip);
	value_text(&value, row->helo);
	value_text(&value, row->user);
	value_text(&value, row->message_id);
	index_put(txn, TABLE_MESSAGE, key_bytes(&key),
	    (struct bytes){value.data, value.len});
}

bool message_read(struct bytes value, struct message_row *row)
{
	struct message_fixed fixed;

	if (!take_fixed(&value, &fixed, sizeof(fixed)))
		return false;
	*row = (struct message_row){.received_ms = fixed.received_ms,
	    .size = fixed.size,
	    .message_id_hash = fixed.message_id_hash,
	    .recipients = fixed.recipients,
	    .live = fixed.live,
	    .dead = fixed.dead};
	row->sender = take_text(&value);
	row->client_ip = take_text(&value);
	row->helo = take_text(&value);
	row->user = take_text(&value);
	row->message_id = take_text(&value);
	return true;
}

bool message_get(
    struct index_txn *txn, const struct id *id, struct message_row *row)
{
	struct key key = message_key(id);
	struct bytes value;

	return index_get(txn, TABLE_MESSAGE, key_bytes(&key), &value) &&
	       message_read(value, row);
}

struct delivery_fixed {
	uint8_t version, lane, state, unused;
	uint32_t attempts, tries;
	int32_t status;
	int64_t due_ms, age_ms, aged_at_ms, planned_wait_ms;
	uint64_t claim_agent, claim_number;
	int64_t claim_mono_ms;
	uint64_t destination;
};

void delivery_put(struct index_txn *txn, const struct id *id,
    unsigned recipient, const struct delivery_row *row)
{
	struct delivery_fixed fixed = {.version = ROW_VERSION,
	    .lane = (uint8_t)row->lane,
	    .state = (uint8_t)row->state,
	    .attempts = row->attempts,
	    .tries = row->tries,
	    .status = row->status,
	    .due_ms = row->due_ms,
	    .age_ms = row->age_ms,
	    .aged_at_ms = row->aged_at_ms,
	    .planned_wait_ms = row->planned_wait_ms,
	    .claim_agent = row->claim_agent,
	    .claim_number = row->claim_number,
	    .claim_mono_ms = row->claim_mono_ms,
	    .destination = row->destination};
	struct key key = delivery_key(id, recipient);
	struct value value;

	memcpy(value.data, &fixed, sizeof(fixed));
	value.len = sizeof(fixed);
	value_text(&value, row->address);
	value_text(&value, row->destination_name);
	value_text(&value, row->reason);
	value_text(&value, row->answer);
	index_put(txn, TABLE_DELIVERY, key_bytes(&key),
	    (struct bytes){value.data, value.len});
}

bool delivery_read(struct bytes value, struct delivery_row *row)
{
	struct delivery_fixed fixed;

	if (!take_fixed(&value, &fixed, sizeof(fixed)) ||
	    fixed.state >= STATE_COUNT ||
	    (fixed.lane != LANE_WEBHOOK && fixed.lane != LANE_SMTP))
		return false;
	*row = (struct delivery_row){.lane = (enum lane)fixed.lane,
	    .state = (enum delivery_state)fixed.state,
	    .attempts = fixed.attempts,
	    .tries = fixed.tries,
	    .status = fixed.status,
	    .due_ms = fixed.due_ms,
	    .age_ms = fixed.age_ms,
	    .aged_at_ms = fixed.aged_at_ms,
	    .planned_wait_ms = fixed.planned_wait_ms,
	    .claim_agent = fixed.claim_agent,
	    .claim_number = fixed.claim_number,
	    .claim_mono_ms = fixed.claim_mono_ms,
	    .destination = fixed.destination};
	row->address = take_text(&value);
	row->destination_name = take_text(&value);
	row->reason = take_text(&value);
	row->answer = take_text(&value);
	return true;
}

bool delivery_get(struct index_txn *txn, const struct id *id,
    unsigned recipient, struct delivery_row *row)
{
	struct key key = delivery_key(id, recipient);
	struct bytes value;

	return index_get(txn, TABLE_DELIVERY, key_bytes(&key), &value) &&
	       delivery_read(value, row);
}

bool delivery_set_key(const struct delivery_row *row, const struct id *id,
    unsigned recipient, enum index_table *table, struct key *key)
{
	switch (row->state) {
	case STATE_QUEUED:
	case STATE_DEFERRED:
		*table = TABLE_DUE;
		*key = due_key(
		    row->lane, row->destination, row->due_ms, id, recipient);
		return true;
	case STATE_CLAIMED:
		*table = TABLE_CLAIM;
		*key = claim_key(row->claim_agent, id, recipient);
		return true;
	case STATE_DEAD:
		*table = TABLE_DEAD;
		*key = dead_key(row->due_ms, id, recipient);
		return true;
	case STATE_HELD:
	case STATE_DELIVERED:
	case STATE_CANCELLED:
	case STATE_COUNT:
		break;
	}
	return false;
}

bool delivery_is_final(enum delivery_state state)
{
	return state == STATE_DELIVERED || state == STATE_CANCELLED;
}

/* The row itself behind its version. */
struct destination_value {
	uint64_t version;
	struct destination_row row;
};

bool destination_read(struct bytes value, struct destination_row *row)
{
	struct destination_value stored;

	memset(row, 0, sizeof(*row));
	row->next_ms = INT64_MAX;
	if (value.len != sizeof(stored))
		return false;
	memcpy(&stored, value.data, sizeof(stored));
	if (stored.version != ROW_VERSION)
		return false;
	*row = stored.row;
	return true;
}

bool destination_get(struct index_txn *txn, enum lane lane,
    uint64_t destination, struct destination_row *row)
{
	struct key key = destination_key(lane, destination);
	struct bytes value = {0};

	/* Without a value the row is an empty one. */
	(void)index_get(txn, TABLE_DESTINATION, key_bytes(&key), &value);
	return destination_read(value, row);
}

void destination_put(struct index_txn *txn, enum lane lane,
    uint64_t destination, const struct destination_row *row)
{
	struct key key = destination_key(lane, destination);
	struct destination_value stored;

	memset(&stored, 0, sizeof(stored));
	stored.version = ROW_VERSION;
	stored.row = *row;
	index_put(txn, TABLE_DESTINATION, key_bytes(&key),
	    (struct bytes){&stored, sizeof(stored)});
}

/* --- meta ------------------------------------------------------------- */

bool meta_get(struct index_txn *txn, const char *name, struct bytes *value)
{
	return index_get(
	    txn, TABLE_META, (struct bytes){name, strlen(name)}, value);
}

void meta_put(
    struct index_txn *txn, const char *name, const void *value, size_t len)
{
	index_put(txn, TABLE_META, (struct bytes){name, strlen(name)},
	    (struct bytes){value, len});
}

void counters_get(struct index_txn *txn, struct counters *counters)
{
	struct bytes value;

	memset(counters, 0, sizeof(*counters));
	/* A newer program may have added counters at the end. */
	if (meta_get(txn, "counters", &value))
		memcpy(counters, value.data,
		    value.len < sizeof(*counters) ? value.len
						  : sizeof(*counters));
}

void counters_put(struct index_txn *txn, const struct counters *counters)
{
	meta_put(txn, "counters", counters, sizeof(*counters));
}
