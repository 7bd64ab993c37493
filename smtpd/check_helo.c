/*
 * The name that the client gives itself, as far as it is plainly wrong: it
 * takes no question to the DNS to see that. (RFC 5321 section 4.1.1.1: a
 * domain name, or the client's own address in brackets.)
 */
#include "smtpd/policy.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool helo_wanted(struct subject *subject)
{
	return subject->settings->config->check_helo != CHECK_OFF;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" of this very client. */
static bool is_own_literal(const char *helo, size_t len, const struct ip *ip)
{
	static const char tag[] = "IPv6:";
	const char *text = helo + 1;
	struct ip said;

	len -= 2;
	if (len > sizeof(tag) - 1 && strncasecmp(text, tag, 5) == 0) {
		text += sizeof(tag) - 1;
		len -= sizeof(tag) - 1;
	}
	return ip_parse(text, len, &said) && ip_equal(&said, ip);
}

/* Decimal, or hexadecimal behind "0x". */
static bool is_number(struct slice label)
{
	bool hex = slice_starts(label, "0x");

	for (size_t i = hex ? 2 : 0; i < label.len; i++) {
		unsigned char c = (unsigned char)label.data[i];

		if (hex ? !isxdigit(c) : !isdigit(c))
			return false;
	}
	return true;
}

/* No label is empty, and the last one is no number (RFC 1123 section 2.1):
 * what ends in one is an address, however it is spelled ("127.1", "0x7f.1"). */
static bool is_host_name(struct slice name)
{
	size_t len = slice_find(name, '.');

	for (; len < name.len; len = slice_find(name, '.')) {
		if (len == 0)
			return false;
		name = slice_from(name, len + 1);
	}
	return len > 0 && !is_number(name);
}

/* What is wrong with it, or NULL. */
static const char *fault_of(const struct subject *subject)
{
	struct slice helo = slice_of(subject->helo);
	struct ip ip;

	if (helo.len > 0 && helo.data[0] == '[')
		return helo.len > 2 && helo.data[helo.len - 1] == ']' &&
			       is_own_literal(helo.data, helo.len, &subject->ip)
			   ? NULL
			   : "not your address";
	if (helo.len > 0 && helo.data[helo.len - 1] == '.')
		helo.len--;
	if (ip_parse(helo.data, helo.len, &ip))
		return "a bare address";
	if (slice_is(helo, "localhost") ||
	    slice_is(helo, "localhost.localdomain"))
		return "localhost";
	if (memchr(helo.data, '.', helo.len) == NULL)
		return "without a domain";
	if (slice_is(helo, subject->settings->config->haraka_domain))
		return "our name";
	if (!is_host_name(helo))
		return "no host name";
	return NULL;
}

void check_helo(struct subject *subject)
{
	const char *fault = fault_of(subject);

	if (fault == NULL) {
		check_found(subject, "pass", "%s", subject->helo);
		return;
	}
	check_found(subject, "fail", "%s: %s", subject->helo, fault);
	if (subject->settings->config->check_helo == CHECK_REJECT)
		check_refuse(subject, 550, "5.7.1", "helo",
		    "Your host name is wanted, and %.100s is %s", subject->helo,
		    fault);
}
