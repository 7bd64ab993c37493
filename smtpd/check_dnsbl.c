/* Block lists of addresses (RFC 5782). */
#include "smtpd/listing.h"
#include "smtpd/policy.h"

bool dnsbl_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	return config->dnsbl_action != CHECK_OFF &&
	       config->dnsbl_zones.count > 0;
}

struct lists {
	struct finding_text text; /* "zone 127.0.0.2, ..." */
	const char *listed;       /* the first that has it */
	bool failed;
};

/* RFC 5782 section 5: 127.0.0.2 is always listed. */
static struct block_list list_of(const char *zone)
{
	return (struct block_list){slice_of(zone), "2.0.0.127"};
}

static void ask(struct subject *subject, const char *zone, struct lists *lists)
{
	struct block_list list = list_of(zone);
	char name[DNS_NAME_SIZE], code[IP_TEXT];

	if (!dns_reverse_name(&subject->ip, zone, name))
		return;
	switch (listing_ask(subject, &list, name, code)) {
	case LISTING_NONE:
		return;
	case LISTING_YES:
		if (lists->listed == NULL)
			lists->listed = zone;
		break;
	case LISTING_ERROR:
		lists->failed = true;
		break;
	}
	finding_add(&lists->text, "%s %s", zone, code);
}

void check_dnsbl(struct subject *subject)
{
	const struct config *config = subject->settings->config;
	const struct list *zones = &config->dnsbl_zones;
	struct lists lists = {.failed = false};
	char name[DNS_NAME_SIZE];

	for (size_t i = 0; i < zones->count; i++) {
		struct block_list list = list_of(zones->items[i]);

		if (dns_reverse_name(&subject->ip, zones->items[i], name))
			listing_ask_ahead(subject, &list, name);
	}
	for (size_t i = 0; i < zones->count; i++)
		ask(subject, zones->items[i], &lists);
	check_found(subject,
	    lists.listed != NULL ? "listed"
	    : lists.failed       ? "temperror"
				 : "pass",
	    "%s", lists.text.text);
	if (lists.listed != NULL && config->dnsbl_action == CHECK_REJECT)
		check_refuse(subject, 554, "5.7.1", "dnsbl",
		    "Your address %s is listed by %s", subject->ip_text,
		    lists.listed);
}
