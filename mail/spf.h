/*
 * The Sender Policy Framework (RFC 7208): may this client send mail for this
 * domain? Pure over a lookup function; any thread.
 *
 * Where the RFC leaves a choice:
 * - A term counts once as a void lookup (section 4.6.4), by the answer to its
 *   own question: a host of an mx without addresses is not one.
 * - More than ten MX records are a permerror, whichever order they come in.
 * - The type SPF (99) is not asked for (section 3.1).
 */
#ifndef MAIL_SPF_H
#define MAIL_SPF_H

#include "base/arena.h"
#include "base/net.h"
#include "envelope.h"
#include "mail/lookup.h"

#include <stdbool.h>
#include <stdint.h>

struct spf_query {
	struct ip ip;
	const char *helo;     /* as the client said it; NULL is "" */
	const char *sender;   /* MAIL FROM; with "" HELO is checked */
	const char *receiver; /* our name, for explanations; may be NULL */
	int64_t now_s;        /* for explanations */
};

struct spf_outcome {
	enum auth_result result;
	bool helo;          /* HELO was checked, not MAIL FROM */
	const char *domain; /* the one that was checked, in A-labels; as the
			     * client wrote it if it is none */
	/* What decided: the term that matched as it is written, or which rule
	 * is broken. Printable ASCII, never NULL. */
	const char *reason;
	/* What the domain wants to be said (section 6.2), with a fail only;
	 * printable ASCII; NULL if nothing. */
	const char *explanation;
};

/* The strings are the arena's. */
void spf_check(const struct spf_query *query, const struct lookup *lookup,
    struct arena *arena, struct spf_outcome *outcome);

#endif
