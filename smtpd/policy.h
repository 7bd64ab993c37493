/*
 * What we take: for each stage of a session an ordered table of checks, each
 * in a file of its own (check_<name>.c), and one verdict. How a session waits
 * for those that block is review.h.
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "smtpd/check.h"
#include "smtpd/services.h"

typedef bool wanted_fn(struct subject *subject);

/* A row of the table. */
struct check {
	const char *name; /* in the log, the trace and `explain` */
	enum stage stage;
	enum service service; /* that it may wait for */
	/* Must not block: whether it is to be made (its setting, the kind of
	 * client). It may be asked more than once. One that knows the answer
	 * already (from a cache) leaves it, as a check does; then it is made,
	 * whatever is returned. NULL: yes. */
	wanted_fn *wanted;
	/* May be NULL if `wanted` always says no. */
	check_fn *make;
};

/* Makes the checks of the subject's stage, from where it was left, that need
 * no service. SERVICE_NONE: the stage is over, and subject->verdict final.
 * Otherwise the next check waits for that service. */
enum service policy_advance(struct subject *subject);
/* On a thread that may block: makes the check that policy_advance() stopped at
 * and all behind it that need the same service or none. */
void policy_make(struct subject *subject);
/* Both until the stage is over, in this thread: for what is pure, and for
 * those who can wait. */
void policy_judge(struct subject *subject);

/* For tests: another table; NULL gives the real one back. */
void policy_set_for_test(const struct check *table, size_t count);

/* Each in a file of its name, in the order of the table. */
check_fn check_access;       /* is the address allowed here */
check_fn check_fcrdns;       /* has it a name that leads back to it */
check_fn check_dnsbl;        /* is it on a block list */
check_fn check_early_talker; /* did it wait for the greeting */
check_fn check_helo; /* is the name that it gives itself plainly wrong */
check_fn check_sender_domain; /* can the sender be answered */
check_fn check_spf;           /* may it send for the sender's domain */
check_fn check_protect_local; /* does a stranger write in our name */
check_fn check_recipient;     /* is its domain one of ours */
check_fn check_verify;        /* does it exist, says Phoenix */
check_fn check_newlines;      /* bare CR or LF in the content */
check_fn check_size;          /* of the message and of its header */
check_fn check_loop;          /* has it been received too often */
check_fn check_dkim;          /* are its signatures worth something */
check_fn check_dmarc;         /* did SPF or DKIM pass for the domain of From */
check_fn check_arc;           /* is the chain of those who forwarded it whole */
check_fn check_parts;         /* how many are there */
check_fn check_attachment;    /* names and types that are not wanted */
check_fn check_uribl;         /* what it links to */
check_fn check_clamd, check_spamd;

/* Whether the settings ask for it. */
wanted_fn fcrdns_wanted, dnsbl_wanted, early_talker_wanted, helo_wanted,
    sender_domain_wanted, spf_wanted, verify_wanted, dkim_wanted, dmarc_wanted,
    arc_wanted, parts_wanted, attachment_wanted, uribl_wanted, clamd_wanted,
    spamd_wanted;

/* Whether the sender's domain is one that SPF_PROTECT_LOCAL protects. */
bool protect_local_applies(const struct subject *subject);
/* The refusal of check_spf and check_protect_local, with what the domain
 * explains. */
void check_refuse_spf(struct subject *subject, const char *reason);

#endif
