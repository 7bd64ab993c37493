#include "smtpd/listing.h"

#include "smtpd/figures.h"
#include "smtpd/list_watch.h"
#include "smtpd/services.h"

#include <stdio.h>

/* By what an error of a list is told from a listing: 127.255.255.0/24;
 * 127.0.0.1, with which URIBL and SURBL answer each question of a host that
 * they do not serve; and what lists of names at Spamhaus (DBL, ZRD) say of an
 * address. */
static bool is_complaint(const uint8_t code[4])
{
	bool of_address =
	    code[1] == 0 && (code[2] == 1 || code[2] == 2) && code[3] == 255;
	bool blocked = code[1] == 0 && code[2] == 0 && code[3] == 1;

	return (code[1] == 255 && code[2] == 255) || blocked || of_address;
}

/* An answer in 127.0.0.0/8 is a listing, or the list's error. What lies
 * elsewhere is a resolver that invents answers. */
static enum listing listing_of(
    const struct dns_answer *answer, char code[IP_TEXT])
{
	(void)snprintf(code, IP_TEXT, "%s", dns_status_name(answer->status));
	if (dns_has_none(answer))
		return LISTING_NONE;
	for (size_t i = 0; i < answer->count; i++) {
		const struct ip *ip = &answer->records[i].ip;

		ip_format(ip, code);
		if (ip_is_v4(ip) && ip->bytes[12] == 127 &&
		    !is_complaint(ip->bytes + 12))
			return LISTING_YES;
	}
	return LISTING_ERROR;
}

static bool is_answer(const struct dns_answer *answer)
{
	return answer->status == DNS_FOUND || dns_has_none(answer);
}

/* A silent list's test entry is asked for, and not waited for: a client that
 * comes later finds the answer in the cache. */
static bool is_left_out(struct subject *subject, const struct block_list *list)
{
	struct list_watch *watch = services_lists(subject->services);
	char test[DNS_NAME_SIZE];
	struct dns_answer answer;

	if (!list_watch_is_silent(watch, list->zone))
		return false;
	(void)snprintf(test, sizeof(test), "%s.%.*s", list->test,
	    (int)list->zone.len, list->zone.data);
	dns_ask(services_dns(subject->services), test, DNS_A, 0,
	    check_arena(subject), &answer);
	if (!is_answer(&answer))
		return true;
	list_watch_note(watch, list->zone, true);
	return false;
}

void listing_ask_ahead(struct subject *subject, const struct block_list *list,
    const char *question)
{
	if (!list_watch_is_silent(
		services_lists(subject->services), list->zone))
		check_ask_ahead(subject, question, DNS_A);
}

enum listing listing_ask(struct subject *subject, const struct block_list *list,
    const char *question, char code[IP_TEXT])
{
	struct dns_answer answer;

	if (is_left_out(subject, list)) {
		metric_add(&figure_list_questions_skipped, NULL, 1);
		(void)snprintf(code, IP_TEXT, "silent");
		return LISTING_ERROR;
	}
	check_ask(subject, question, DNS_A, &answer);
	/* When the time is over, that says nothing of the list. */
	if (check_time_left_ms(subject) > 0)
		list_watch_note(services_lists(subject->services), list->zone,
		    is_answer(&answer));
	return listing_of(&answer, code);
}
