/*
 * The client's name, confirmed: one that its address points to (PTR) and that
 * has this address (RFC 8601 section 3, "iprev").
 */
#include "smtpd/policy.h"

#include <string.h>

/* More are not tried: one is what a mail server has. */
#define NAMES 5

bool fcrdns_wanted(struct subject *subject)
{
	return subject->settings->config->check_fcrdns != CHECK_OFF;
}

/* Whether the name has the address; *failed if nobody could say. */
static bool has_address(
    struct subject *subject, const char *name, enum dns_type type, bool *failed)
{
	struct dns_answer answer;

	check_ask(subject, name, type, &answer);
	for (size_t i = 0; i < answer.count; i++)
		if (ip_equal(&answer.records[i].ip, &subject->ip))
			return true;
	/* A name that cannot be asked for has no address. */
	*failed = *failed ||
		  (answer.status != DNS_FOUND &&
		      answer.status != DNS_BAD_NAME && !dns_has_none(&answer));
	return false;
}

static const char *confirmed(
    struct subject *subject, const struct dns_answer *names, bool *failed)
{
	enum dns_type type = ip_is_v4(&subject->ip) ? DNS_A : DNS_AAAA;
	size_t count = names->count < NAMES ? names->count : NAMES;

	for (size_t i = 0; i < count; i++)
		check_ask_ahead(subject, names->records[i].text, type);
	for (size_t i = 0; i < count; i++)
		if (has_address(subject, names->records[i].text, type, failed))
			return names->records[i].text;
	return NULL;
}

/* What an Authentication-Results line can hold as it is. */
static bool is_plain(const char *name)
{
	return name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] ==
		   '\0';
}

static void conclude(
    struct subject *subject, const char *result, const char *name)
{
	check_authenticates(subject, "iprev=%s policy.iprev=\"%s\"%s%s%s",
	    result, subject->ip_text, name != NULL ? " (" : "",
	    name != NULL ? name : "", name != NULL ? ")" : "");
	if (strcmp(result, "fail") != 0 ||
	    subject->settings->config->check_fcrdns != CHECK_REJECT)
		return;
	check_refuse(subject, 554, "5.7.25", "fcrdns",
	    "Your address %s has no name that leads back to it",
	    subject->ip_text);
}

void check_fcrdns(struct subject *subject)
{
	char reverse[DNS_NAME_SIZE];
	struct dns_answer names;
	const char *name;
	bool failed = false;

	(void)dns_reverse_name(&subject->ip, NULL, reverse);
	check_ask(subject, reverse, DNS_PTR, &names);
	if (dns_has_none(&names)) {
		check_found(
		    subject, "fail", "PTR %s", dns_status_name(names.status));
		conclude(subject, "fail", NULL);
		return;
	}
	if (names.status != DNS_FOUND) {
		check_found(subject, "temperror", "PTR %s",
		    dns_status_name(names.status));
		conclude(subject, "temperror", NULL);
		return;
	}
	name = confirmed(subject, &names, &failed);
	if (name != NULL && is_plain(name)) {
		subject->results.client_name = name;
		check_found(subject, "pass", "%s", name);
		conclude(subject, "pass", name);
		return;
	}
	check_found(subject, failed ? "temperror" : "fail",
	    "%s does not lead back", names.records[0].text);
	conclude(subject, failed ? "temperror" : "fail", NULL);
}
