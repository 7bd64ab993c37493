#include "smtpd/authentication.h"

#include "mail/domain.h"

#include <ctype.h>
#include <string.h>

/* --- questions -------------------------------------------------------- */

static enum dns_type type_of(enum lookup_type type)
{
	switch (type) {
	case LOOKUP_A:
		return DNS_A;
	case LOOKUP_AAAA:
		return DNS_AAAA;
	case LOOKUP_MX:
		return DNS_MX;
	case LOOKUP_PTR:
		return DNS_PTR;
	case LOOKUP_TXT:
		return DNS_TXT;
	}
	return DNS_TXT;
}

static enum lookup_status status_of(enum dns_status status)
{
	switch (status) {
	case DNS_FOUND:
		return LOOKUP_FOUND;
	case DNS_NO_DATA:
		return LOOKUP_NODATA;
	case DNS_NO_NAME:
	case DNS_BAD_NAME: /* nobody can have such a name */
		return LOOKUP_NXDOMAIN;
	case DNS_FAILED:
	case DNS_BROKEN:
	case DNS_TIMEOUT:
		return LOOKUP_TEMPERROR;
	}
	return LOOKUP_TEMPERROR;
}

static enum lookup_status find(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	struct dns_answer answer;

	check_ask(arg, name, type_of(type), &answer);
	for (size_t i = answer.count; i > 0; i--) {
		const struct dns_record *from = &answer.records[i - 1];
		struct lookup_record *record =
		    arena_zalloc(arena, sizeof(*record));

		record->ip = from->ip;
		record->text = (struct slice){from->text, from->len};
		record->next = *records;
		*records = record;
	}
	return status_of(answer.status);
}

struct lookup authentication_lookup(struct subject *subject)
{
	return (struct lookup){.find = find, .arg = subject};
}

/* --- the message ------------------------------------------------------ */

bool authentication_mail(
    struct subject *subject, struct signed_mail **mail, struct error *err)
{
	if (subject->signed_mail == NULL &&
	    !signed_mail_open(&subject->message, check_arena(subject),
		&subject->signed_mail, err)) {
		subject->signed_mail = NULL;
		return false;
	}
	*mail = subject->signed_mail;
	return true;
}

/* --- results ---------------------------------------------------------- */

/* RFC 2045 section 5.1: a token; and what stands in addresses and domains,
 * which is the same here (RFC 8601 section 2.2). */
static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || strchr("!#$%&'*+-._`{|}~@", c);
}

/* Whether it may stand there, within quotes. As a whole: the first half of a
 * domain is another domain. */
static bool is_usable(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~' || value[i] == '"' ||
		    value[i] == '\\')
			return false;
	return len > 0 && len <= DOMAIN_MAX;
}

void authentication_property(
    struct buf *out, const char *name, const char *value)
{
	bool plain = true;

	if (!is_usable(value))
		return;
	for (const char *c = value; *c != '\0'; c++)
		plain = plain && is_plain(*c);
	(void)buf_printf(out, plain ? " %s=%s" : " %s=\"%s\"", name, value);
}
