/*
 * Answers that were given, by what was asked, and what is being asked now:
 * whoever asks the same meanwhile waits for the same answer. Bounded: the
 * oldest answers go first. Not thread-safe by itself: its owner has a lock,
 * which all functions are called with.
 */
#ifndef BASE_ASK_CACHE_H
#define BASE_ASK_CACHE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Its owner sets and reads all but the first three. */
struct ask_entry {
	struct ask_entry *next;          /* of its bucket */
	struct ask_entry *older, *newer; /* among those that are answered */
	pthread_cond_t answered;
	unsigned waiters;
	bool asking;
	struct ask_entry *queued; /* for an owner that has a queue */
	void *owner;
	unsigned how; /* it is asked, for the owner */

	/* The last answer; also while it is asked for again. */
	int64_t until_ms; /* when it should be asked for; 0 = at once */
	int64_t heard_ms;
	int64_t hold_ms;      /* no answer came: not asked again before */
	int status;           /* 0 if there was none yet */
	unsigned char *bytes; /* malloc'd; NULL = none */
	size_t len;
	char key[];
};

struct ask_cache;

/* For at most so many answers, and so many bytes of them together. */
struct ask_cache *ask_cache_new(size_t most, size_t most_bytes);
/* Nobody waits. Clears the pointer; NULL is fine. */
void ask_cache_free(struct ask_cache **cache);

/* The entry, or NULL. */
struct ask_entry *ask_cache_find(struct ask_cache *cache, const char *key);
/* The same, made if there is none, for whoever will ask and answer. It is
 * `asking`, and stays where it is until ask_cache_end(). */
struct ask_entry *ask_cache_begin(struct ask_cache *cache, const char *key);
/* It is answered: wakes those who wait. It may be gone afterwards, as others
 * may, but not those with waiters. */
void ask_cache_end(struct ask_cache *cache, struct ask_entry *entry);

/* Puts a copy of the bytes (NULL: none) in the place of what was there. */
void ask_entry_set(struct ask_entry *entry, const void *bytes, size_t len);
/* Waits until it is answered, somebody calls ask_cache_wake_all() and *end is
 * true, or so many milliseconds have passed. The lock is the owner's. */
void ask_entry_wait(struct ask_entry *entry, pthread_mutex_t *lock,
    int64_t wait_ms, const bool *end);
void ask_cache_wake_all(struct ask_cache *cache);

#endif
