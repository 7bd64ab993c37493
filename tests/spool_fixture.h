/* A spool in a scratch folder, and the steps that its tests are made of. Each
 * fails the test that takes it when it does not work. */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include "spool/operator.h"
#include "spool/rows.h"
#include "spool/spool.h"

/* Where the spool of this case is; from fixture_setup() to teardown. */
extern char *dir;
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Retries from 1 s to 15 min, for 5 days; no budget; claims for a minute. */
extern const struct lane_policy policy;
/* One recipient, and three. */
extern const struct recipient one[1], three[3];
/* The header line that every message gets in front. */
extern const char trace[];

struct spool *open_spool(void);
/* The same that keeps what was delivered. */
struct spool *open_keeping(int64_t keep_ms);
struct id id_of(const char *text);
struct envelope envelope_for(const struct recipient *to, size_t count);
/* A draft with this body, written in pieces. NULL if the disk refused. */
struct draft *draft_of(struct spool *spool, const struct envelope *envelope,
    const char *body, size_t len);
/* Commits; kind ERROR_NONE once it is durable. */
struct error commit_and_wait(
    struct draft *draft, const struct envelope *envelope);
/* All of that for a small message. */
void put(struct spool *spool, const struct recipient *to, size_t count,
    char id[ID_TEXT + 1]);

struct agent *open_agent(struct spool *spool, const struct lane_policy *with);
/* spool_turn(); how many works it gave. */
size_t turn(struct agent *agent, const struct outcome *outcomes, size_t count,
    struct work **works, size_t want);
/* Ends a work (and frees it) with this outcome. */
struct outcome outcome_of(
    struct work **work, enum outcome_kind kind, enum outcome_blame blame);

/* Claims all that is due and ends it so; how many. */
size_t end_due(struct agent *agent, enum outcome_kind kind);
/* The same by an agent that is gone afterwards, and with it what it had to
 * unlink. */
size_t end_all(struct spool *spool, enum outcome_kind kind);

/* What operator_act() and operator_replay() told, by their result: for
 * on_acted(). */
struct acted {
	unsigned of[OPERATOR_NOT_FOUND + 1];
};
void on_acted(
    void *acted, const struct operator_entry *entry, enum operator_result);
struct acted act(struct spool *spool, struct operator_order order);
struct acted act_on(
    struct spool *spool, enum operator_verb verb, const char *text);
struct operator_status status_of(struct spool *spool);

/* Files are unlinked beside the turn that ends their message: waits for the
 * number that is expected in that folder of the spool. */
void expect_files(const char *folder, size_t expected);
/* The state of one delivery; STATE_COUNT if there is none. */
enum delivery_state state_of(
    struct spool *spool, const char *text, unsigned recipient);
/* The status bytes in the file. */
void expect_status(struct spool *spool, const char *text, const char *expected);

#endif
