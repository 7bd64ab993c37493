/*
 * A small world of DNS records for tests, fuzzers and query programs: the
 * answers to mail/lookup.h.
 *
 * As text, one record a line: a name, a type, the data.
 *	example.com TXT v=spf1 mx -all
 *	example.com MX mail.example.com
 *	mail.example.com A 192.0.2.1
 *	slow.example.com A TIMEOUT
 *	dead.example.com TIMEOUT
 * As JSON, names with lists of records, as conformance suites have them:
 *	{"example.com": [{"TXT": ["v=spf1 ", "mx -all"]},
 *	                 {"MX": [10, "mail.example.com"]}],
 *	 "mail.example.com": [{"A": "192.0.2.1"}],
 *	 "alias.example.com": [{"CNAME": "example.com"}],
 *	 "slow.example.com": [{"A": "TIMEOUT"}],
 *	 "dead.example.com": ["TIMEOUT"]}
 * TIMEOUT is no answer, to a type or to all that the name has no record of.
 * An {"SPF": ...} of a name without "TXT" is taken as one, and {"TXT": "NONE"}
 * is none. A name that is not there, and has nothing below it, is an NXDOMAIN.
 */
#ifndef TESTS_ZONE_H
#define TESTS_ZONE_H

#include "mail/lookup.h"

#include <jansson.h>
#include <stdbool.h>

struct zone;

struct zone *zone_new(void);
void zone_free(struct zone **zone);

/* Add the records; false if they are malformed. */
bool zone_add_text(struct zone *zone, const char *text);
bool zone_add_json(struct zone *zone, const json_t *names);

/* The answers; valid while the zone lives. */
struct lookup zone_lookup(struct zone *zone);
/* How many questions were asked so far. */
unsigned zone_questions(const struct zone *zone);

#endif
