/* Whether Phoenix knows the recipient. */
#include "smtpd/policy.h"
#include "smtpd/verifier.h"

static void conclude(struct subject *subject, const char *address,
    const struct verified *verified)
{
	const char *how = verified->stale    ? ", an old answer: "
			  : verified->cached ? ", cached"
					     : "";

	switch (verified->existence) {
	case EXISTENCE_YES:
		check_found(subject, verified->stale ? "stale" : "pass",
		    "%s%s%s", address, how, verified->why);
		return;
	case EXISTENCE_NO:
		check_found(subject, "fail", "%s%s", address, how);
		check_refuse(subject, 550, "5.1.1", "unknown_recipient",
		    "No such recipient here");
		return;
	case EXISTENCE_UNKNOWN:
		check_found(
		    subject, "temperror", "%s: %s", address, verified->why);
		check_refuse(subject, 451, "4.4.3", "verify_unavailable",
		    "Cannot verify the recipient now, try again later");
		return;
	}
}

/* What is known already need not wait for a thread. */
bool verify_wanted(struct subject *subject)
{
	char address[ADDRESS_SIZE];
	struct verified verified;

	/* A bare <postmaster> is always taken. */
	if (subject->settings->config->phoenix_verify_url == NULL ||
	    subject->recipient->domain_len == 0)
		return false;
	(void)address_format(subject->recipient, address);
	if (verifier_knows(
		services_verifier(subject->services), address, &verified))
		conclude(subject, address, &verified);
	return true;
}

void check_verify(struct subject *subject)
{
	char address[ADDRESS_SIZE];
	struct verified verified;

	(void)address_format(subject->recipient, address);
	verifier_ask(services_verifier(subject->services),
	    subject->settings->config, address, check_time_left_ms(subject),
	    &verified);
	conclude(subject, address, &verified);
}
