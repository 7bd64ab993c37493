/* Within mail/dmarc: the walk up the DNS (RFC 9989 section 4.10). */
#ifndef MAIL_DMARC_WALK_H
#define MAIL_DMARC_WALK_H

#include "mail/dmarc_record.h"
#include "mail/lookup.h"

#include <stdbool.h>

/* What is at _dmarc below a name. */
struct dmarc_node {
	struct dmarc_node *next;
	const char *name;
	bool error; /* no answer */
	bool found; /* exactly one record */
	struct dmarc_record record;
};

/* What was asked so far: walks share their upper part. */
struct dmarc_tree {
	const struct lookup *lookup;
	struct arena *arena;
	struct dmarc_node *nodes;
};

const struct dmarc_node *dmarc_tree_node(
    struct dmarc_tree *tree, const char *name);

struct dmarc_walk {
	bool error; /* a query had no answer: nothing below is known */
	bool any;   /* there is a record somewhere */
	const char *organisation;
	/* The record of the organisation, or else of the public suffix above
	 * it; NULL if neither has one. */
	const struct dmarc_node *policy;
};

/* From a name in A-labels. */
struct dmarc_walk dmarc_tree_walk(struct dmarc_tree *tree, const char *name);

#endif
