#include "smtpd/listing.h"

#include <stdio.h>

/* An answer in 127.0.0.0/8 is a listing, but for 127.255.255.0/24, which is
 * the list's error. What lies elsewhere is a resolver that invents answers. */
enum listing listing_of(const struct dns_answer *answer, char code[IP_TEXT])
{
	(void)snprintf(code, IP_TEXT, "%s", dns_status_name(answer->status));
	if (answer->status == DNS_NO_NAME || answer->status == DNS_NO_DATA)
		return LISTING_NONE;
	for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count;
	     i++) {
		const struct ip *ip = &answer->records[i].ip;

		ip_format(ip, code);
		if (ip_is_v4(ip) && ip->bytes[12] == 127 &&
		    !(ip->bytes[13] == 255 && ip->bytes[14] == 255))
			return LISTING_YES;
	}
	return LISTING_ERROR;
}
