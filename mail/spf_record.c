#include "mail/spf_record.h"

#include "mail/spf_macro.h"

#include <ctype.h>

#define VERSION "v=spf1"
#define VERSION_LEN (sizeof(VERSION) - 1)

/* How an argument may follow a name. */
enum argument {
	ARGUMENT_NONE,            /* all */
	ARGUMENT_DOMAIN,          /* :domain-spec */
	ARGUMENT_OPTIONAL_DOMAIN, /* [:domain-spec] */
	ARGUMENT_DOMAIN_PREFIX,   /* [:domain-spec] [dual-cidr-length] */
	ARGUMENT_NETWORK          /* :address [/length] */
};

static const struct {
	const char *name;
	enum spf_mechanism mechanism;
	enum argument argument;
} mechanisms[] = {
    {"all", SPF_ALL, ARGUMENT_NONE},
    {"include", SPF_INCLUDE, ARGUMENT_DOMAIN},
    {"a", SPF_A, ARGUMENT_DOMAIN_PREFIX},
    {"mx", SPF_MX, ARGUMENT_DOMAIN_PREFIX},
    {"ptr", SPF_PTR, ARGUMENT_OPTIONAL_DOMAIN},
    {"exists", SPF_EXISTS, ARGUMENT_DOMAIN},
    {"ip4", SPF_IP4, ARGUMENT_NETWORK},
    {"ip6", SPF_IP6, ARGUMENT_NETWORK},
};

bool spf_record_is(struct slice text)
{
	return slice_starts(text, VERSION) &&
	       (text.len == VERSION_LEN || text.data[VERSION_LEN] == ' ');
}

/* --- prefix lengths --------------------------------------------------- */

/* Takes "<slashes><digits>" off the end: 1 if it was there, 0 if not, -1 if
 * the number is none of those that are allowed. */
static int take_prefix(
    struct slice *text, const char *slashes, unsigned most, unsigned *prefix)
{
	size_t digits = text->len, count = strlen(slashes), start;
	unsigned value = 0;

	while (digits > 0 && isdigit((unsigned char)text->data[digits - 1]))
		digits--;
	if (digits == text->len || digits < count ||
	    memcmp(text->data + digits - count, slashes, count) != 0)
		return 0;
	start = digits;
	/* No zero in front of other digits. */
	if (text->len - start > 3 ||
	    (text->data[start] == '0' && text->len - start > 1))
		return -1;
	for (; digits < text->len; digits++)
		value = value * 10 + (unsigned)(text->data[digits] - '0');
	if (value > most)
		return -1;
	*prefix = value;
	text->len = start - count;
	return 1;
}

/* --- arguments -------------------------------------------------------- */

static bool parse_domain(struct slice text, struct spf_directive *directive)
{
	if (text.len == 0 || text.data[0] != ':' ||
	    !spf_macro_is_domain(slice_from(text, 1)))
		return false;
	directive->domain = slice_from(text, 1);
	return true;
}

static bool parse_domain_prefix(
    struct slice text, struct spf_directive *directive)
{
	if (take_prefix(&text, "//", 128, &directive->prefix6) < 0 ||
	    take_prefix(&text, "/", 32, &directive->prefix4) < 0)
		return false;
	return text.len == 0 || parse_domain(text, directive);
}

/* qnum "." qnum "." qnum "." qnum, or RFC 4291 section 2.2: ip_parse() refuses
 * zeros in front of a qnum. Neither family may stand for the other. */
static bool parse_network(struct slice text, struct spf_directive *directive)
{
	bool six = directive->mechanism == SPF_IP6;

	if (take_prefix(&text, "/", six ? 128 : 32,
		six ? &directive->prefix6 : &directive->prefix4) < 0 ||
	    text.len == 0 || text.data[0] != ':')
		return false;
	text = slice_from(text, 1);
	return (memchr(text.data, ':', text.len) != NULL) == six &&
	       ip_parse(text.data, text.len, &directive->ip);
}

static bool parse_argument(
    enum argument argument, struct slice text, struct spf_directive *directive)
{
	switch (argument) {
	case ARGUMENT_NONE:
		return text.len == 0;
	case ARGUMENT_DOMAIN:
		return parse_domain(text, directive);
	case ARGUMENT_OPTIONAL_DOMAIN:
		return text.len == 0 || parse_domain(text, directive);
	case ARGUMENT_DOMAIN_PREFIX:
		return parse_domain_prefix(text, directive);
	case ARGUMENT_NETWORK:
		return parse_network(text, directive);
	}
	return false;
}

/* --- terms ------------------------------------------------------------ */

static bool take_qualifier(struct slice *text, enum auth_result *result)
{
	static const char signs[] = "+-~?";
	static const enum auth_result results[] = {
	    AUTH_PASS, AUTH_FAIL, AUTH_SOFTFAIL, AUTH_NEUTRAL};
	const char *sign = memchr(signs, text->data[0], sizeof(signs) - 1);

	*result = sign == NULL ? AUTH_PASS : results[sign - signs];
	if (sign != NULL)
		*text = slice_from(*text, 1);
	return text->len > 0;
}

static struct spf_directive *parse_directive(
    struct slice term, struct arena *arena)
{
	struct spf_directive *directive =
	    arena_zalloc(arena, sizeof(*directive));
	struct slice name;
	size_t len = 0;

	directive->text = term;
	directive->prefix4 = 32;
	directive->prefix6 = 128;
	if (!take_qualifier(&term, &directive->result))
		return NULL;
	while (len < term.len && term.data[len] != ':' && term.data[len] != '/')
		len++;
	name = slice_first(term, len);
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
	     i++) {
		if (!slice_is(name, mechanisms[i].name))
			continue;
		directive->mechanism = mechanisms[i].mechanism;
		return parse_argument(mechanisms[i].argument,
			   slice_from(term, len), directive)
			   ? directive
			   : NULL;
	}
	return NULL;
}

/* name "=": the length of the name, or 0. */
static size_t modifier_name(struct slice term)
{
	size_t len = 0;

	if (term.len == 0 || !isalpha((unsigned char)term.data[0]))
		return 0;
	while (len < term.len && (isalnum((unsigned char)term.data[len]) ||
				     memchr("-_.", term.data[len], 3) != NULL))
		len++;
	return len < term.len && term.data[len] == '=' ? len : 0;
}

/* Section 6: neither may come twice. */
static bool keep_domain(struct slice value, struct slice *domain)
{
	if (domain->len > 0 || !spf_macro_is_domain(value))
		return false;
	*domain = value;
	return true;
}

static bool parse_modifier(
    struct slice term, size_t name_len, struct spf_record *record)
{
	struct slice name = slice_first(term, name_len);
	struct slice value = slice_from(term, name_len + 1);

	if (slice_is(name, "redirect"))
		return keep_domain(value, &record->redirect);
	if (slice_is(name, "exp"))
		return keep_domain(value, &record->exp);
	return spf_macro_is_string(value);
}

bool spf_record_parse(struct slice text, struct arena *arena,
    struct spf_record *record, struct slice *wrong)
{
	const struct spf_directive **link = &record->first;
	struct spf_directive *directive;
	struct slice term;
	size_t name_len;

	*record = (struct spf_record){.first = NULL};
	text = slice_from(text, VERSION_LEN);
	for (; text.len > 0; text = slice_from(text, term.len)) {
		term = slice_first(text, slice_find(text, ' '));
		if (term.len == 0) {
			term.len = 1;
			continue;
		}
		*wrong = term;
		name_len = modifier_name(term);
		if (name_len > 0) {
			if (!parse_modifier(term, name_len, record))
				return false;
			continue;
		}
		directive = parse_directive(term, arena);
		if (directive == NULL)
			return false;
		*link = directive;
		link = &directive->next;
	}
	return true;
}
