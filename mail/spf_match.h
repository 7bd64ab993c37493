/* Within mail/spf: one evaluation, and whether a directive matches (RFC 7208
 * section 5). */
#ifndef MAIL_SPF_MATCH_H
#define MAIL_SPF_MATCH_H

#include "mail/spf.h"
#include "mail/spf_macro.h"
#include "mail/spf_record.h"

enum spf_match {
	SPF_MATCH_NO,
	SPF_MATCH_YES,
	SPF_MATCH_TEMPERROR,
	SPF_MATCH_PERMERROR
};

/* A name of the client that leads back to it (section 5.5). */
struct spf_client_name {
	const struct spf_client_name *next;
	const char *name;
};

struct spf_evaluation {
	const struct lookup *lookup;
	struct arena *arena;
	struct spf_values values;
	unsigned terms; /* that asked the DNS */
	unsigned voids; /* that got nothing */
	const char *reason;

	bool names_known; /* the three below are the answer */
	enum lookup_status names_status;
	const struct spf_client_name *names;
	const char *name; /* %{p} */
};

/* Counts a term that asks the DNS; false if it is one too many. */
bool spf_spend_term(struct spf_evaluation *evaluation);

/* The name that a domain-spec, or "" for the current domain, stands for; NULL
 * if nothing can match it (spf_macro_expand_domain()). */
const char *spf_target(struct spf_evaluation *evaluation, struct slice spec);

/* For all mechanisms but include. */
enum spf_match spf_match(
    struct spf_evaluation *evaluation, const struct spf_directive *directive);

/* The callback of struct spf_values; arg is the evaluation. */
const char *spf_client_name(void *arg);

#endif
