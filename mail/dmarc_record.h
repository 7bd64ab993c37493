/* DMARC policy records (RFC 9989 sections 4.7 and 4.8, and pct= of RFC 7489
 * section 6.3). Pure. */
#ifndef MAIL_DMARC_RECORD_H
#define MAIL_DMARC_RECORD_H

#include "base/slice.h"

#include <stdbool.h>

enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

/* Is the domain one under which others register theirs? */
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_NO, DMARC_PSD_YES };

struct dmarc_record {
	enum dmarc_policy policy;     /* p */
	enum dmarc_policy subdomains; /* sp, or what stands for it */
	enum dmarc_policy absent;     /* np, or what stands for it */
	bool has_np;
	bool strict_dkim, strict_spf; /* adkim, aspf */
	enum dmarc_psd psd;
	bool testing;     /* t */
	unsigned percent; /* pct */
	/* A policy in it is not valid, and nobody is to be told: no verdict can
	 * come of it (section 4.10.1). */
	bool unusable;
};

/* Whether the text begins with the version tag. All else is no DMARC record,
 * and is not counted as one. */
bool dmarc_record_is(struct slice text);

/* Reads a text of which dmarc_record_is() is true. Whatever is malformed or
 * unknown in it has its default. */
void dmarc_record_parse(struct slice text, struct dmarc_record *record);

#endif
