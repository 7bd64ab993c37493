/*
 * A stage of checks of which some block, made while a session waits. The
 * review has copies of all that its checks look at, so that the session may
 * die at any time. The session's thread only.
 */
#ifndef SMTPD_REVIEW_H
#define SMTPD_REVIEW_H

#include "base/loop.h"
#include "smtpd/check.h"
#include "smtpd/services.h"
#include "spool/spool.h"

struct review;

/* Goes on with the stage where policy_advance() stopped for want of this
 * service. Takes the subject's findings and arena over, and the draft that its
 * message is in (*draft is cleared; it may be NULL), and copies the rest.
 * done(arg) is called once, from the loop, unless the review is forgotten.
 * NULL if too many wait already: then the subject has a refusal, and keeps
 * what it had. */
struct review *review_begin(struct loop *loop, struct subject *subject,
    enum service service, struct draft **draft, void (*done)(void *arg),
    void *arg);

/* In done or after it: the subject with what was left in it, and the draft
 * back. They lie in the review. */
struct subject *review_subject(struct review *review);
struct draft *review_take_draft(struct review *review);
/* When the checks should have ended. */
int64_t review_deadline_ms(const struct review *review);

/* Nobody waits for it any more: done will not be called, the draft is
 * discarded. Also how a review that is done is freed. Clears the pointer; NULL
 * is fine. */
void review_forget(struct review **review);

#endif
