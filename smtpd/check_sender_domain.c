/*
 * Whether the sender can be answered: its domain has an MX, or an address
 * (RFC 5321 section 5.1), and does not say that it takes no mail (RFC 7505).
 */
#include "mail/domain.h"
#include "smtpd/policy.h"

bool sender_domain_wanted(struct subject *subject)
{
	const char *domain = domain_of_address(subject->sender);

	/* An address in brackets needs no name. */
	return subject->settings->config->check_sender_domain != CHECK_OFF &&
	       domain[0] != '\0' && domain[0] != '[';
}

static bool is_null_mx(const struct dns_answer *mx)
{
	return mx->count == 1 && mx->records[0].len == 0;
}

static void pass(struct subject *subject, const char *domain, const char *what,
    const struct dns_answer *answer)
{
	char ip[IP_TEXT];

	if (answer->records[0].len > 0) {
		check_found(subject, "pass", "%s %s %s", domain, what,
		    answer->records[0].text);
		return;
	}
	ip_format(&answer->records[0].ip, ip);
	check_found(subject, "pass", "%s %s %s", domain, what, ip);
}

static void fail(struct subject *subject, const char *domain, const char *why,
    const char *enhanced, const char *text)
{
	check_found(subject, "fail", "%s %s", domain, why);
	if (subject->settings->config->check_sender_domain == CHECK_REJECT)
		check_refuse(subject, 550, enhanced, "sender_domain",
		    "Sender domain %s %s", domain, text);
}

/* Without an MX the domain's own address is where mail goes. */
static void look_for_address(struct subject *subject, const char *domain)
{
	struct dns_answer four, six;

	check_ask_ahead(subject, domain, DNS_AAAA);
	check_ask(subject, domain, DNS_A, &four);
	if (four.status == DNS_FOUND) {
		pass(subject, domain, "A", &four);
		return;
	}
	check_ask(subject, domain, DNS_AAAA, &six);
	if (six.status == DNS_FOUND)
		pass(subject, domain, "AAAA", &six);
	else if (dns_has_none(&four) && dns_has_none(&six))
		fail(subject, domain, "no MX, no address", "5.1.8",
		    "has neither MX nor address");
	else
		check_found(subject, "temperror", "%s A %s, AAAA %s", domain,
		    dns_status_name(four.status), dns_status_name(six.status));
}

void check_sender_domain(struct subject *subject)
{
	const char *text = domain_of_address(subject->sender);
	char domain[DOMAIN_SIZE];
	struct dns_answer mx;

	if (!domain_to_ascii(slice_of(text), domain)) {
		fail(subject, text, "is no domain", "5.1.8",
		    "cannot be in the DNS");
		return;
	}
	check_ask(subject, domain, DNS_MX, &mx);
	if (mx.status == DNS_FOUND && is_null_mx(&mx))
		fail(subject, domain, "null MX", "5.7.27",
		    "takes no mail (null MX)");
	else if (mx.status == DNS_FOUND)
		pass(subject, domain, "MX", &mx);
	else if (mx.status == DNS_NO_NAME)
		fail(subject, domain, "nxdomain", "5.1.8", "does not exist");
	else if (mx.status == DNS_NO_DATA)
		look_for_address(subject, domain);
	else
		check_found(subject, "temperror", "%s MX %s", domain,
		    dns_status_name(mx.status));
}
