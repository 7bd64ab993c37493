#include "base/dns_packet.h"

#include "bounds.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63
#define NAME_MAX_TEXT 253
#define OPT_SIZE 11

/* --- the question ----------------------------------------------------- */

/* The wire form of a dotted name; its length, or 0. */
static size_t pack_name(const char *name, unsigned char *out)
{
	size_t len = strlen(name), at = 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAX_TEXT)
		return 0;
	for (;;) {
		const char *dot = memchr(name, '.', len);
		size_t label = dot == NULL ? len : (size_t)(dot - name);

		if (label == 0 || label > LABEL_MAX)
			return 0;
		out[at++] = (unsigned char)label;
		memcpy(out + at, name, label);
		at += label;
		if (dot == NULL)
			break;
		name += label + 1;
		len -= label + 1;
	}
	out[at++] = 0;
	return at;
}

static size_t put16(unsigned char *out, unsigned value)
{
	out[0] = (unsigned char)(value >> 8);
	out[1] = (unsigned char)value;
	return 2;
}

size_t dns_question_write(const char *name, enum dns_type type, uint16_t id,
    unsigned char out[DNS_QUESTION_MAX])
{
	/* Recursion desired (RFC 1035), AD understood (RFC 6840 section 5.7);
	 * one question, one additional record. */
	static const unsigned char header[] = {1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1};
	/* OPT at the root (RFC 6891), behind which goes the size. c-ares takes
	 * it from the end again for servers that do not know it. */
	static const unsigned char opt[] = {0, 0, 41};
	size_t at = put16(out, id), packed;

	memcpy(out + at, header, sizeof(header));
	at += sizeof(header);
	packed = pack_name(name, out + at);
	if (packed == 0)
		return 0;
	at += packed;
	at += put16(out + at, (unsigned)type);
	at += put16(out + at, ns_c_in);
	memcpy(out + at, opt, sizeof(opt));
	at += sizeof(opt);
	at += put16(out + at, LIMIT_DNS_UDP);
	memset(out + at, 0, 6);
	return at + 6;
}

size_t dns_question_strip(unsigned char *question, size_t len)
{
	/* The number of additional records. */
	(void)put16(question + 10, 0);
	return len - OPT_SIZE;
}

bool dns_answer_knows_no_opt(const unsigned char *packet, size_t len)
{
	return len >= NS_HFIXEDSZ && (packet[3] & 0x0F) == ns_r_formerr &&
	       ns_get16(packet + 10) == 0;
}

bool dns_answer_is_cut(const unsigned char *packet, size_t len)
{
	return len >= NS_HFIXEDSZ && (packet[2] & 0x02) != 0;
}

/* --- the answer ------------------------------------------------------- */

struct reading {
	ns_msg message;
	enum dns_type type;
	struct arena *arena;
	struct dns_record *records;
	size_t count;
	uint32_t ttl_s;
};

/* A name in wire form as text; false for labels that text cannot show. */
static bool join_labels(const unsigned char *wire, char out[DNS_NAME_SIZE])
{
	size_t at = 0;

	for (; *wire != 0; wire += 1 + *wire) {
		if (memchr(wire + 1, '.', *wire) != NULL ||
		    memchr(wire + 1, '\0', *wire) != NULL)
			return false;
		if (at > 0)
			out[at++] = '.';
		memcpy(out + at, wire + 1, *wire);
		at += *wire;
	}
	out[at] = '\0';
	return true;
}

/* The name that begins at `at`; what it takes there, or -1. */
static int read_name(const struct reading *reading, const unsigned char *at,
    char out[DNS_NAME_SIZE])
{
	unsigned char wire[NS_MAXCDNAME];
	int used = ns_name_unpack(ns_msg_base(reading->message),
	    ns_msg_end(reading->message), at, wire, sizeof(wire));

	return used >= 0 && join_labels(wire, out) ? used : -1;
}

/* The data as a name, from `skip` bytes on, that ends where the data ends. */
static bool read_name_data(struct reading *reading, const ns_rr *rr,
    size_t skip, struct dns_record *record)
{
	char name[DNS_NAME_SIZE];
	int used;

	if (ns_rr_rdlen(*rr) <= skip)
		return false;
	used = read_name(reading, ns_rr_rdata(*rr) + skip, name);
	if (used < 0 || (size_t)used + skip != ns_rr_rdlen(*rr))
		return false;
	record->text = arena_strdup(reading->arena, name);
	record->len = strlen(name);
	return true;
}

static bool read_strings(
    struct reading *reading, const ns_rr *rr, struct dns_record *record)
{
	const unsigned char *at = ns_rr_rdata(*rr);
	const unsigned char *end = at + ns_rr_rdlen(*rr);
	char *text = arena_alloc(reading->arena, (size_t)(end - at) + 1);

	record->text = text;
	for (; at < end; at += 1 + *at) {
		if (*at >= end - at)
			return false;
		memcpy(text + record->len, at + 1, *at);
		record->len += *at;
	}
	text[record->len] = '\0';
	return true;
}

static bool read_data(
    struct reading *reading, const ns_rr *rr, struct dns_record *record)
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	const unsigned char *data = ns_rr_rdata(*rr);
	size_t len = ns_rr_rdlen(*rr);

	switch (reading->type) {
	case DNS_A:
		memcpy(record->ip.bytes, mapped, sizeof(mapped));
		if (len == 4)
			memcpy(record->ip.bytes + sizeof(mapped), data, 4);
		return len == 4;
	case DNS_AAAA:
		if (len == 16)
			memcpy(record->ip.bytes, data, 16);
		return len == 16;
	case DNS_PTR:
		return read_name_data(reading, rr, 0, record);
	case DNS_MX:
		if (len < 3)
			return false;
		record->preference = ns_get16(data);
		return read_name_data(reading, rr, 2, record);
	case DNS_TXT:
		return read_strings(reading, rr, record);
	case DNS_TLSA:
		if (len < 4)
			return false;
		record->usage = data[0];
		record->selector = data[1];
		record->matching = data[2];
		record->text = arena_strndup(
		    reading->arena, (const char *)data + 3, len - 3);
		record->len = len - 3;
		return true;
	}
	return false;
}

static bool read_owner(const ns_rr *rr, char out[DNS_NAME_SIZE])
{
	unsigned char wire[NS_MAXCDNAME];

	/* ns_parserr() gives it as text with escapes. */
	return ns_name_pton(ns_rr_name(*rr), wire, sizeof(wire)) >= 0 &&
	       join_labels(wire, out);
}

/* Takes the records at `owner`; where an alias stands there instead, the
 * owner changes and true is returned. */
static bool take_records(struct reading *reading, char owner[DNS_NAME_SIZE])
{
	int count = ns_msg_count(reading->message, ns_s_an);
	char name[DNS_NAME_SIZE];
	struct dns_record record;
	ns_rr rr;

	for (int i = 0; i < count; i++) {
		if (ns_parserr(&reading->message, ns_s_an, i, &rr) != 0)
			return false;
		if (ns_rr_class(rr) != ns_c_in || !read_owner(&rr, name) ||
		    strcasecmp(name, owner) != 0)
			continue;
		if (ns_rr_ttl(rr) < reading->ttl_s)
			reading->ttl_s = ns_rr_ttl(rr);
		if (ns_rr_type(rr) == ns_t_cname && reading->count == 0)
			return read_name(reading, ns_rr_rdata(rr), owner) >= 0;
		record = (struct dns_record){.text = ""};
		if ((int)ns_rr_type(rr) == (int)reading->type &&
		    reading->count < LIMIT_DNS_RECORDS &&
		    read_data(reading, &rr, &record))
			reading->records[reading->count++] = record;
	}
	return false;
}

/* How long "there is none" may be kept (RFC 2308 section 5). */
static int64_t negative_ttl_s(struct reading *reading)
{
	int count = ns_msg_count(reading->message, ns_s_ns);
	uint32_t minimum;
	ns_rr rr;

	for (int i = 0; i < count; i++) {
		if (ns_parserr(&reading->message, ns_s_ns, i, &rr) != 0)
			return -1;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_rdlen(rr) < 20)
			continue;
		/* The last of its numbers. */
		minimum =
		    (uint32_t)ns_get32(ns_rr_rdata(rr) + ns_rr_rdlen(rr) - 4);
		return minimum < ns_rr_ttl(rr) ? minimum : ns_rr_ttl(rr);
	}
	return -1;
}

static bool is_question(
    struct reading *reading, const char *name, enum dns_type type)
{
	char asked[DNS_NAME_SIZE];
	size_t len = strlen(name);
	ns_rr rr;

	if (len > 0 && name[len - 1] == '.')
		len--;
	return ns_msg_count(reading->message, ns_s_qd) == 1 &&
	       ns_parserr(&reading->message, ns_s_qd, 0, &rr) == 0 &&
	       (int)ns_rr_type(rr) == (int)type && ns_rr_class(rr) == ns_c_in &&
	       read_owner(&rr, asked) && strlen(asked) == len &&
	       strncasecmp(asked, name, len) == 0;
}

static int compare_preference(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	return (x->preference > y->preference) -
	       (x->preference < y->preference);
}

static void read_records(
    struct reading *reading, const char *name, struct dns_answer *answer)
{
	char owner[DNS_NAME_SIZE];
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	memcpy(owner, name, len);
	owner[len] = '\0';
	reading->records = arena_zalloc(reading->arena,
	    ((size_t)ns_msg_count(reading->message, ns_s_an) + 1) *
		sizeof(struct dns_record));
	for (int i = 0; i < LIMIT_DNS_ALIASES; i++) {
		if (!take_records(reading, owner))
			break;
	}
	if (reading->count > 0) {
		answer->status = DNS_FOUND;
		answer->ttl_s = reading->ttl_s;
	}
	if (reading->type == DNS_MX && reading->count > 1)
		qsort(reading->records, reading->count,
		    sizeof(*reading->records), compare_preference);
	answer->records = reading->records;
	answer->count = reading->count;
}

void dns_answer_read(const unsigned char *packet, size_t len, const char *name,
    enum dns_type type, struct arena *arena, struct dns_answer *answer)
{
	struct reading reading = {
	    .type = type, .arena = arena, .ttl_s = UINT32_MAX};

	*answer = (struct dns_answer){.status = DNS_BROKEN, .ttl_s = -1};
	if (len < NS_HFIXEDSZ || len > NS_MAXMSG ||
	    ns_initparse(packet, (int)len, &reading.message) != 0 ||
	    !ns_msg_getflag(reading.message, ns_f_qr) ||
	    !is_question(&reading, name, type))
		return;
	answer->authentic = ns_msg_getflag(reading.message, ns_f_ad) != 0;
	switch (ns_msg_getflag(reading.message, ns_f_rcode)) {
	case ns_r_noerror:
		answer->status = DNS_NO_DATA;
		answer->ttl_s = negative_ttl_s(&reading);
		read_records(&reading, name, answer);
		break;
	case ns_r_nxdomain:
		answer->status = DNS_NO_NAME;
		answer->ttl_s = negative_ttl_s(&reading);
		break;
	default:
		answer->status = DNS_FAILED;
		break;
	}
}
