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

check_fn check_recipient; /* is its domain one of ours */
check_fn check_newlines;  /* bare CR or LF in the content */
check_fn check_size;      /* of the message and of its header */
check_fn check_loop;      /* has it been received too often */
wanted_fn parts_wanted;
check_fn check_parts; /* how many are there */
wanted_fn attachment_wanted;
check_fn check_attachment; /* names and types that are not wanted */
wanted_fn uribl_wanted;    /* URIBL_ZONES */
check_fn check_uribl;
wanted_fn clamd_wanted; /* CLAMAV_ADDRESS */
/* Each in its file; *_wanted: whether its setting asks for it. */
check_fn check_access; /* is the address allowed here */
wanted_fn early_talker_wanted;
check_fn check_early_talker; /* did it wait for the greeting */
wanted_fn fcrdns_wanted;
check_fn check_fcrdns; /* has the address a name that leads back to it */
wanted_fn dnsbl_wanted;
check_fn check_dnsbl; /* is it on a block list */
wanted_fn helo_wanted;
check_fn check_helo; /* is the name that it gives itself plainly wrong */
wanted_fn sender_domain_wanted;
check_fn check_sender_domain; /* can the sender be answered */
check_fn check_recipient;     /* is its domain one of ours */
bool verify_wanted(struct subject *subject);
check_fn check_verify;   /* does it exist, says Phoenix */
check_fn check_newlines; /* bare CR or LF in the content */
check_fn check_size;     /* of the message and of its header */
check_fn check_loop;     /* has it been received too often */
check_fn check_newlines; /* bare CR or LF in the content */
check_fn check_size;     /* of the message and of its header */
check_fn check_loop;     /* has it been received too often */
wanted_fn clamd_wanted;  /* CLAMAV_ADDRESS */
check_fn check_clamd;
wanted_fn spamd_wanted; /* SPAMASSASSIN_ADDRESS */
check_fn check_spamd;

/* Whether the setting is on. */
bool dkim_wanted(struct subject *subject), arc_wanted(struct subject *subject);
bool spf_wanted(struct subject *subject);
check_fn check_spf; /* may the client send for the sender's domain */
/* Whether the sender's domain is one that SPF_PROTECT_LOCAL protects. */
bool protect_local_applies(const struct subject *subject);
check_fn check_protect_local; /* does a stranger write in our name */
/* The refusal of both, with what the domain explains. */
void check_refuse_spf(struct subject *subject, const char *reason);
check_fn check_recipient; /* is its domain one of ours */
check_fn check_newlines;  /* bare CR or LF in the content */
check_fn check_size;      /* of the message and of its header */
check_fn check_loop;      /* has it been received too often */
bool dkim_wanted(struct subject *subject);
check_fn check_recipient; /* is its domain one of ours */
check_fn check_newlines;  /* bare CR or LF in the content */
check_fn check_size;      /* of the message and of its header */
check_fn check_loop;      /* has it been received too often */
wanted_fn clamd_wanted;   /* CLAMAV_ADDRESS */
check_fn check_clamd;
wanted_fn spamd_wanted; /* SPAMASSASSIN_ADDRESS */
check_fn check_spamd;

/* Whether the setting is on. */
bool dkim_wanted(struct subject *subject), arc_wanted(struct subject *subject);
check_fn check_dkim; /* are its signatures worth something */
bool dmarc_wanted(struct subject *subject);
check_fn check_dmarc; /* did SPF or DKIM pass for the domain of From */
bool arc_wanted(struct subject *subject);
check_fn check_arc; /* is the chain of those who forwarded it whole */

#endif
