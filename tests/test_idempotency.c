/* Keys under which a request may be repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/idempotency.h"
#include "spool/internal.h"
#include "spool_damage.h"
#include "spool_fixture.h"

#include <errno.h>
#include <string.h>

static struct spool_key *claim(struct spool *spool, const char *text)
{
	struct spool_key *key;
	struct error err;

	assert_true(spool_key_claim(spool, text, strlen(text), &key, &err));
	return key;
}

static bool find(
    struct spool *spool, const char *text, struct spool_key_use *use)
{
	struct spool_key *key = claim(spool, text);
	struct error err;
	bool found;

	assert_true(spool_key_find(key, use, &found, &err));
	spool_key_release(&key);
	return found;
}

/* Commits a message under the key; its kind of failure. */
static enum error_kind commit_under(
    struct spool *spool, const char *text, uint8_t digest)
{
	struct spool_key *key = claim(spool, text);
	struct envelope envelope = envelope_for(one, 1);
	struct draft *draft = draft_of(spool, &envelope, "x\r\n", 3);
	uint8_t bytes[SPOOL_DIGEST_BYTES];
	enum error_kind kind;

	memset(bytes, digest, sizeof(bytes));
	spool_draft_use_key(draft, key, bytes);
	kind = commit_and_wait(draft, &envelope).kind;
	spool_key_release(&key);
	return kind;
}

static uint64_t rows(struct spool *spool)
{
	struct index_txn *txn;
	struct error err;
	uint64_t count;

	assert_true(spool_read_begin(spool, &txn, &err));
	count = index_count(txn, TABLE_IDEMPOTENCY);
	spool_txn_abort(spool, &txn);
	return count;
}

/* --- cases ------------------------------------------------------------ */

static void a_key_is_found_after_the_commit_and_a_restart(void **state)
{
	struct spool *spool = open_spool();
	struct spool_key_use use;

	(void)state;
	assert_false(find(spool, "a", &use));
	assert_int_equal(commit_under(spool, "a", 7), ERROR_NONE);
	spool_close(&spool);
	spool = open_spool();
	assert_true(find(spool, "a", &use));
	assert_int_equal(use.digest[0], 7);
	assert_int_equal(strlen(use.id_text), ID_TEXT);
	assert_false(find(spool, "A", &use));
	spool_close(&spool);
}

static void a_key_at_work_is_nobody_elses(void **state)
{
	struct spool *spool = open_spool();
	struct spool_key *first = claim(spool, "a"), *again;
	struct spool_key *other = claim(spool, "b");
	struct error err;

	(void)state;
	assert_false(spool_key_claim(spool, "a", 1, &again, &err));
	assert_int_equal(err.kind, ERROR_BUSY);
	assert_null(again);
	spool_key_release(&first);
	first = claim(spool, "a");
	spool_key_release(&first);
	spool_key_release(&other);
	spool_close(&spool);
}

static void a_failed_commit_leaves_no_key(void **state)
{
	struct spool *spool = open_spool();
	struct spool_key_use use;

	(void)state;
	assert_int_equal(commit_under(spool, "kept", 1), ERROR_NONE);
	/* The disk tells that it is full when the file is synced: by then the
	 * rows may be there, and are taken back. */
	os_break_for_test(OS_FDATASYNC, 1, ENOSPC, true);
	os_break_for_test(OS_SYNCFS, 1, ENOSPC, true);
	assert_int_equal(commit_under(spool, "lost", 1), ERROR_FULL);
	os_break_for_test(OS_FDATASYNC, 0, 0, false);
	os_break_for_test(OS_SYNCFS, 0, 0, false);
	assert_false(find(spool, "lost", &use));
	assert_true(find(spool, "kept", &use));
	assert_int_equal(rows(spool), 2);
	assert_int_equal(commit_under(spool, "lost", 2), ERROR_NONE);
	assert_true(find(spool, "lost", &use));
	spool_close(&spool);
}

static void keys_expire_and_are_swept(void **state)
{
	struct spool *spool = open_spool();
	int64_t now_ms = clock_wall_ms();
	struct spool_key_use use;
	char text[] = "0";

	(void)state;
	for (; text[0] < '6'; text[0]++)
		assert_int_equal(commit_under(spool, text, 1), ERROR_NONE);
	assert_int_equal(rows(spool), 12);
	clock_set_for_test(now_ms + LIMIT_KEY_LIFETIME_MS + 60000, -1);
	assert_false(find(spool, "0", &use));
	/* In use again while its old row waits to be swept. */
	assert_int_equal(commit_under(spool, "5", 2), ERROR_NONE);
	assert_int_equal(commit_under(spool, "new", 2), ERROR_NONE);
	assert_true(find(spool, "5", &use));
	assert_int_equal(use.digest[0], 2);
	assert_true(find(spool, "new", &use));
	assert_int_equal(rows(spool), 4);
	clock_set_for_test(-1, -1);
	spool_close(&spool);
}

static void what_is_scratched_comes_back(void **state)
{
	struct spool *spool = open_spool();
	struct scratch *scratch;
	struct source source;
	struct error err;
	char read[6];

	(void)state;
	assert_true(spool_scratch_open(spool, 100, &scratch, &err));
	assert_true(spool_scratch_write(scratch, "abc", 3, &err));
	assert_true(spool_scratch_write(scratch, "def", 3, &err));
	source = spool_scratch_source(scratch);
	assert_int_equal(source.size, 6);
	assert_true(source.read(source.arg, 0, read, 6, &err));
	assert_memory_equal(read, "abcdef", 6);
	assert_true(source.read(source.arg, 2, read, 2, &err));
	assert_memory_equal(read, "cd", 2);
	os_break_for_test(OS_WRITE, 1, ENOSPC, false);
	assert_false(spool_scratch_write(scratch, "x", 1, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	assert_int_equal(atomic_load(&spool->room.promised), 100);
	spool_scratch_close(&scratch);
	assert_int_equal(atomic_load(&spool->room.promised), 0);
	spool_close(&spool);
}

/* Takes the first row whose key begins so away. */
static void drop_row(struct spool *spool, const char *prefix)
{
	const struct bytes from = {prefix, 1};
	struct bytes found, value;
	struct index_walk *walk;
	struct index_txn *txn;
	struct error err;
	struct key key;

	assert_true(spool_write_begin(spool, &txn, &err));
	walk = index_walk_new(txn, TABLE_IDEMPOTENCY);
	assert_true(index_seek(walk, from, from, &found, &value));
	key = (struct key){.len = found.len};
	memcpy(key.data, found.data, found.len);
	index_walk_free(&walk);
	index_delete(txn, TABLE_IDEMPOTENCY, key_bytes(&key));
	assert_true(spool_txn_commit(spool, &txn, &err));
}

static void put_row(struct spool *spool, const char *key, const char *value)
{
	struct index_txn *txn;
	struct error err;

	assert_true(spool_write_begin(spool, &txn, &err));
	index_put(txn, TABLE_IDEMPOTENCY, (struct bytes){key, strlen(key)},
	    (struct bytes){value, strlen(value)});
	assert_true(spool_txn_commit(spool, &txn, &err));
}

static void fsck_mends_keys_that_would_live_for_ever(void **state)
{
	struct spool *spool = open_spool();
	int64_t now_ms = clock_wall_ms();
	struct spool_key_use use;

	(void)state;
	assert_int_equal(commit_under(spool, "a", 1), ERROR_NONE);
	expect_clean(spool);
	drop_row(spool, "t");
	expect_repair(spool, FINDING_KEY);
	assert_true(find(spool, "a", &use));
	assert_int_equal(use.digest[0], 1);
	clock_set_for_test(now_ms + LIMIT_KEY_LIFETIME_MS + 60000, -1);
	assert_int_equal(commit_under(spool, "b", 1), ERROR_NONE);
	assert_int_equal(rows(spool), 2);
	clock_set_for_test(-1, -1);
	spool_close(&spool);
}

static void fsck_takes_unreadable_keys_away(void **state)
{
	struct spool *spool = open_spool();
	struct spool_key_use use;

	(void)state;
	assert_int_equal(commit_under(spool, "a", 1), ERROR_NONE);
	put_row(spool, "k1234567890123456", "no value of ours");
	expect_repair(spool, FINDING_KEY);
	/* In the way of the sweep. */
	put_row(spool, "t", "");
	expect_repair(spool, FINDING_KEY);
	put_row(spool, "x", "");
	expect_repair(spool, FINDING_KEY);
	assert_true(find(spool, "a", &use));
	assert_int_equal(rows(spool), 2);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_key_is_found_after_the_commit_and_a_restart),
	    CASE(a_key_at_work_is_nobody_elses),
	    CASE(a_failed_commit_leaves_no_key),
	    CASE(keys_expire_and_are_swept),
	    CASE(what_is_scratched_comes_back),
	    CASE(fsck_mends_keys_that_would_live_for_ever),
	    CASE(fsck_takes_unreadable_keys_away),
	};

	log_to_fd(-1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
