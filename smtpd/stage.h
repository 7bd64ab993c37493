/*
 * A stage of a session: its checks are made, at once or while the session
 * waits in STATE_CHECKING, and what they leave is kept with the session or
 * with its transaction. The session's thread only.
 */
#ifndef SMTPD_STAGE_H
#define SMTPD_STAGE_H

#include "smtpd/check.h"
#include "smtpd/command.h"

struct session;

/* What the checks of a stage left. All zero: nothing. */
struct record {
	struct arena *arena;
	struct check_findings findings;
	struct results results;
};

/* Frees what it holds; it is empty then. */
void record_free(struct record *record);

/* What follows a stage. The command is the one that led to it (a copy, if it
 * took long), or NULL. */
typedef void judged_fn(struct session *session, const struct command *command,
    const struct verdict *verdict);

/* Has the checks of the stage made, then calls judged(): before this returns
 * or, the session having waited, later from the loop; in the state that the
 * session is in now. A session that ends meanwhile forgets it. */
void stage_judge(struct session *session, enum stage stage,
    const struct command *command, judged_fn *judged);

/* The stage that the session waits for in STATE_CHECKING. */
enum stage stage_waited_for(const struct session *session);
/* Goes on without the checks of CONNECT that are waited for. Those of MAIL
 * will wait for them, and a refusal of theirs is the answer to each MAIL. */
void stage_leave_behind(struct session *session);

/* For the session: gives up a stage that takes too long, with a 451. */
void stage_check_time(struct session *session);
/* Forgets what is waited for, and what was left behind. */
void stage_forget(struct session *session);

/* All findings of connection, greeting and transaction, in the transaction's
 * memory. */
const struct check_finding *stage_findings(
    const struct session *session, size_t *count);

#endif
