/*
 * Calls to the application: JSON out, JSON back, with our key. Plain blocking
 * code for threads of a pool; connections are kept and shared by whoever calls
 * next. Any thread.
 */
#ifndef BASE_PHOENIX_H
#define BASE_PHOENIX_H

#include "base/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct phoenix;

/* Answers are read up to answer_limit bytes. */
struct phoenix *phoenix_new(size_t answer_limit);
/* Nobody calls any more. Clears the pointer; NULL is fine. */
void phoenix_free(struct phoenix **phoenix);

struct phoenix_answer {
	int status;        /* 0: none came */
	json_t *body;      /* the caller's; NULL if it is no JSON object */
	char problem[160]; /* one sentence, if none came */
};

/* POSTs the body (borrowed), or GETs if it is NULL. True if an answer came,
 * whatever it says. */
bool phoenix_call(struct phoenix *phoenix, const struct config *config,
    const char *url, const json_t *body, int64_t timeout_ms,
    struct phoenix_answer *answer);

/* Ends all calls, and those that come. */
void phoenix_interrupt(struct phoenix *phoenix);

#endif
