/*
 * What the tests of DKIM and ARC have in common: a message, a zone with keys,
 * and how a verdict is compared.
 */
#ifndef TESTS_DKIM_FIXTURE_H
#define TESTS_DKIM_FIXTURE_H

#include "bounds.h"
#include "mail/arc.h"
#include "mail/dkim.h"
#include "zone.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The time of all tests. */
#define NOW 1800000000

#define MESSAGE                                                                \
	"From: Joe <joe@example.com>\r\n"                                      \
	"To: suzie@example.net\r\n"                                            \
	"Subject: Is dinner ready?\r\n"                                        \
	"\r\n"                                                                 \
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

/* The usual signature, and the record of the key that makes it. */
#define BASE "v=1; a=rsa-sha256; d=example.com; s=sel; "
#define END "h=from:to; bh=@BH; b=@B"
#define GOOD BASE END
#define RECORD "v=DKIM1; p=@RSA1024"

struct fixture {
	struct arena *arena;
	struct zone *zone;
	struct lookup dns;
	struct key_source keys;
	struct dkim_result dkim;
	struct arc_result arc;
};

/* For cmocka; *state is the fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* A TXT record, with keys as forge.h writes them. */
void publish(struct fixture *fixture, const char *name, const char *record);

/* The message with a signature of these tags on top. */
char *signed_with(struct fixture *fixture, const char *tags,
    const char *message, const char *key);

/* DKIM and ARC of a message; the verdicts of its signatures, from the top. */
const struct signature_verdict *verify(
    struct fixture *fixture, const char *message);

/* `why` may be a part of it; `what` is printed if it is another. */
void check_verdict(const struct signature_verdict *one, enum auth_result want,
    const char *why, const char *what);

/* Tags of a signature, and what it is worth. */
struct row {
	const char *tags;
	enum auth_result want;
	const char *why;
};

void check_rows(struct fixture *fixture, const struct row *rows, size_t count);

#endif
