/*
 * Whether Phoenix knows a recipient. Answers are kept: "exists" for
 * VERIFY_CACHE_TTL_MS, and for VERIFY_STALE_TTL_MS while Phoenix does not
 * answer; "does not" for a minute. Equal questions that are under way are
 * asked once. Any thread.
 */
#ifndef SMTPD_VERIFIER_H
#define SMTPD_VERIFIER_H

#include "base/config.h"
#include "base/phoenix.h"

#include <stdbool.h>
#include <stdint.h>

struct verifier;

struct verifier *verifier_new(struct phoenix *phoenix);
/* Nobody asks any more. Clears the pointer; NULL is fine. */
void verifier_free(struct verifier **verifier);
/* Who waits for another's question does so no longer. */
void verifier_interrupt(struct verifier *verifier);

enum existence {
	EXISTENCE_YES = 1,
	EXISTENCE_NO,
	EXISTENCE_UNKNOWN /* no answer that makes sense */
};

struct verified {
	enum existence existence;
	bool cached;   /* an earlier answer */
	bool stale;    /* and too old, but Phoenix does not answer */
	char why[160]; /* it is unknown, or stale */
};

/* What is known already; false if Phoenix must be asked. Never blocks. */
bool verifier_knows(
    struct verifier *verifier, const char *address, struct verified *verified);
/* Asks if it must, for at most wait_ms. */
void verifier_ask(struct verifier *verifier, const struct config *config,
    const char *address, int64_t wait_ms, struct verified *verified);

#endif
