/* Block lists of addresses (RFC 5782). */
#include "smtpd/listing.h"
#include "smtpd/policy.h"

#include <stdio.h>
#include <string.h>

bool dnsbl_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	return config->dnsbl_action != CHECK_OFF &&
	       config->dnsbl_zones.count > 0;
}

struct lists {
	char text[LIMIT_FINDING_TEXT + 1]; /* "zone 127.0.0.2, ..." */
	size_t len;
	const char *listed; /* the first that has it */
	bool failed;
};

static void note(struct lists *lists, const char *zone, const char *what)
{
	int len =
	    snprintf(lists->text + lists->len, sizeof(lists->text) - lists->len,
		"%s%s %s", lists->len > 0 ? ", " : "", zone, what);

	lists->len += (size_t)len;
	if (lists->len >= sizeof(lists->text))
		lists->len = sizeof(lists->text) - 1;
}

static void ask(struct subject *subject, const char *zone, struct lists *lists)
{
	char name[DNS_NAME_SIZE], code[IP_TEXT];
	struct dns_answer answer;

	if (!dns_reverse_name(&subject->ip, zone, name))
		return;
	check_ask(subject, name, DNS_A, &answer);
	switch (listing_of(&answer, code)) {
	case LISTING_NONE:
		break;
	case LISTING_YES:
		note(lists, zone, code);
		if (lists->listed == NULL)
			lists->listed = zone;
		break;
	case LISTING_ERROR:
		note(lists, zone, code);
		lists->failed = true;
		break;
	}
}

void check_dnsbl(struct subject *subject)
{
	const struct config *config = subject->settings->config;
	const struct list *zones = &config->dnsbl_zones;
	struct lists lists = {.len = 0};
	char name[DNS_NAME_SIZE];

	for (size_t i = 0; i < zones->count; i++)
		if (dns_reverse_name(&subject->ip, zones->items[i], name))
			check_ask_ahead(subject, name, DNS_A);
	for (size_t i = 0; i < zones->count; i++)
		ask(subject, zones->items[i], &lists);
	check_found(subject,
	    lists.listed != NULL ? "listed"
	    : lists.failed       ? "temperror"
				 : "pass",
	    "%s", lists.text);
	if (lists.listed != NULL && config->dnsbl_action == CHECK_REJECT)
		check_refuse(subject, 554, "5.7.1", "dnsbl",
		    "Your address %s is listed by %s", subject->ip_text,
		    lists.listed);
}
