#include "mail/signature.h"

#include "bounds.h"
#include "mail/body_hash.h"
#include "mail/domain.h"
#include "mail/tag_list.h"

#include <ctype.h>

/* RFC 6376 sections 3.5 and 3.6: digits of t= and x=, and of l=. */
#define TIME_DIGITS 12
#define LENGTH_DIGITS 76
/* RFC 1035 section 2.3.4. */
#define LABEL 63

/* --- names ------------------------------------------------------------ */

bool signature_is_domain(struct slice name)
{
	size_t label = 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (isalnum(c) || c == '-' || c == '_' || c >= 0x80) {
			label++;
		} else {
			return false;
		}
		if (label > LABEL)
			return false;
	}
	return label > 0 && name.len <= LIMIT_DOMAIN;
}

bool signature_agrees(const struct signature *signature, bool exact)
{
	return exact ? domain_equal(signature->within, signature->domain)
		     : domain_is_within(signature->within, signature->domain);
}

/* --- one tag after the other ------------------------------------------ */

struct parse {
	const struct tag_list *list;
	struct arena *arena;
	struct signature *out;
};

typedef const char *read_fn(struct parse *parse, struct slice value);

static const char *read_version(struct parse *parse, struct slice value)
{
	(void)parse;
	return slice_equals(value, "1") ? NULL : "unknown version";
}

static const char *read_algorithm(struct parse *parse, struct slice value)
{
	parse->out->algorithm = tag_squeeze(value, parse->arena);
	if (slice_equals(value, "rsa-sha256")) {
		parse->out->type = KEY_RSA;
		return NULL;
	}
	if (slice_equals(value, "ed25519-sha256")) {
		parse->out->type = KEY_ED25519;
		return NULL;
	}
	/* RFC 8301 section 3.1. */
	return slice_equals(value, "rsa-sha1") ? "rsa-sha1 does not count"
					       : "unknown algorithm";
}

/* The name as the DNS has it (RFC 8616 section 4); NULL if it is none. Limits
 * are those of A-labels. */
static const char *to_ascii(struct slice name, struct arena *arena)
{
	char ascii[DOMAIN_SIZE];

	if (name.len == 0 || name.data[name.len - 1] == '.' ||
	    !domain_to_ascii(name, ascii) ||
	    !signature_is_domain(slice_of(ascii)))
		return NULL;
	return arena_strdup(arena, ascii);
}

/* RFC 6376 section 3.5, domain-name: sub-domains of RFC 5321, two at least. */
static bool is_domain_name(const char *name)
{
	char before = '.';

	for (const char *c = name; *c != '\0'; before = *c++)
		if ((*c == '-' && before == '.') ||
		    (*c == '.' && before == '-'))
			return false;
	return before != '-' && strchr(name, '.') != NULL;
}

static const char *read_domain(struct parse *parse, struct slice value)
{
	const char *name = to_ascii(value, parse->arena);

	if (name == NULL || !is_domain_name(name))
		return "malformed domain";
	parse->out->domain = name;
	return NULL;
}

static const char *read_selector(struct parse *parse, struct slice value)
{
	const char *name = to_ascii(value, parse->arena);

	if (name == NULL)
		return "malformed selector";
	parse->out->selector = name;
	return NULL;
}

static const char *read_signature(struct parse *parse, struct slice value)
{
	uint8_t *bytes;

	parse->out->text = tag_squeeze(value, parse->arena);
	if (!tag_base64(value, parse->arena, &bytes, &parse->out->len))
		return "malformed signature";
	parse->out->bytes = bytes;
	return NULL;
}

static const char *read_body_hash(struct parse *parse, struct slice value)
{
	uint8_t *bytes;
	size_t len;

	if (!tag_base64(value, parse->arena, &bytes, &len) ||
	    len != DIGEST_BYTES)
		return "malformed body hash";
	memcpy(parse->out->body_hash, bytes, DIGEST_BYTES);
	return NULL;
}

static bool one_canonical(struct slice word, enum canonical *kind)
{
	*kind = slice_equals(word, "relaxed") ? CANONICAL_RELAXED
					      : CANONICAL_SIMPLE;
	return *kind == CANONICAL_RELAXED || slice_equals(word, "simple");
}

static const char *read_canonical(struct parse *parse, struct slice value)
{
	size_t slash = slice_find(value, '/');

	if (!one_canonical(slice_first(value, slash), &parse->out->header))
		return "unknown canonicalisation";
	if (slash < value.len &&
	    !one_canonical(slice_from(value, slash + 1), &parse->out->body))
		return "unknown canonicalisation";
	return NULL;
}

static bool is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.data[i] <= ' ' || name.data[i] == 0x7F)
			return false;
	return name.len > 0;
}

static const char *read_names(struct parse *parse, struct slice value)
{
	bool ended = false, from = false, seal = false;
	struct slice name, rest = value;
	size_t count = 0;

	while (tag_next_word(&rest, &ended, &name)) {
		if (!is_field_name(name))
			return "malformed list of header fields";
		if (++count > LIMIT_SIGNED_NAMES)
			return "too many header fields signed";
		from = from || slice_is(name, "from");
		seal = seal || slice_is(name, "arc-seal");
	}
	if (!from) /* RFC 6376 section 5.4 */
		return "From is not signed";
	/* RFC 8617 section 4.1.2. The other two fields of a set must not be
	 * there either, but are in old messages, and do no harm. */
	if (seal && parse->out->kind == SIGNATURE_ARC_MESSAGE)
		return "an ARC-Seal is signed";
	parse->out->names = value;
	return NULL;
}

static const char *read_identity(struct parse *parse, struct slice value)
{
	const char *text = tag_squeeze(value, parse->arena);
	const char *at = strrchr(text, '@');

	if (at == NULL)
		return "malformed identity";
	parse->out->within = to_ascii(slice_of(at + 1), parse->arena);
	return parse->out->within == NULL ? "malformed identity" : NULL;
}

static const char *read_length(struct parse *parse, struct slice value)
{
	if (!tag_number(value, LENGTH_DIGITS, &parse->out->length))
		return "malformed body length";
	if (parse->out->length == BODY_WHOLE)
		parse->out->length--; /* more than any body has */
	return NULL;
}

static const char *read_made(struct parse *parse, struct slice value)
{
	return tag_number(value, TIME_DIGITS, &parse->out->made_s)
		   ? NULL
		   : "malformed time";
}

static const char *read_end(struct parse *parse, struct slice value)
{
	if (!tag_number(value, TIME_DIGITS, &parse->out->ends_s))
		return "malformed time of expiry";
	if (parse->out->ends_s == 0)
		parse->out->ends_s = 1; /* 1970 either way */
	return NULL;
}

static const char *read_query(struct parse *parse, struct slice value)
{
	(void)parse;
	return tag_has_word(value, "dns/txt") ? NULL : "unknown query method";
}

static const char *read_instance(struct parse *parse, struct slice value)
{
	parse->out->instance = signature_instance(tag_bare(value));
	return parse->out->instance == 0 ? "malformed instance" : NULL;
}

static const char *read_chain(struct parse *parse, struct slice value)
{
	value = tag_bare(value);
	if (slice_equals(value, "none"))
		parse->out->chain = CHAIN_NONE;
	else if (slice_equals(value, "pass"))
		parse->out->chain = CHAIN_PASS;
	else if (slice_equals(value, "fail"))
		parse->out->chain = CHAIN_FAIL;
	else
		return "unknown chain status";
	return NULL;
}

static const char *refuse_names(struct parse *parse, struct slice value)
{
	(void)parse;
	(void)value;
	return "a list of header fields in a seal";
}

/* --- the table -------------------------------------------------------- */

#define DKIM (1U << SIGNATURE_DKIM)
#define MESSAGE (1U << SIGNATURE_ARC_MESSAGE)
#define SEAL (1U << SIGNATURE_ARC_SEAL)

/* In this order, so that of a malformed signature is known which one it is and
 * who is said to have made it. What is not here is ignored: z=, r=, and what
 * may come. */
static const struct {
	const char *name;
	unsigned known, required; /* in which kinds */
	read_fn *read;
	const char *missing;
} tags[] = {
    {"i", MESSAGE | SEAL, MESSAGE | SEAL, read_instance, "no instance"},
    {"d", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_domain,
	"no domain"},
    {"s", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_selector,
	"no selector"},
    {"b", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_signature,
	"no signature"},
    {"v", DKIM, DKIM, read_version, "no version"},
    {"a", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_algorithm,
	"no algorithm"},
    {"cv", SEAL, SEAL, read_chain, "no chain status"},
    {"bh", DKIM | MESSAGE, DKIM | MESSAGE, read_body_hash, "no body hash"},
    {"h", DKIM | MESSAGE, DKIM | MESSAGE, read_names,
	"no list of header fields"},
    {"h", SEAL, 0, refuse_names, ""},
    {"c", DKIM | MESSAGE, 0, read_canonical, ""},
    {"i", DKIM, 0, read_identity, ""},
    {"l", DKIM | MESSAGE, 0, read_length, ""},
    {"q", DKIM | MESSAGE, 0, read_query, ""},
    {"t", DKIM | MESSAGE | SEAL, 0, read_made, ""},
    {"x", DKIM | MESSAGE, 0, read_end, ""},
};

static const char *read_tags(struct parse *parse)
{
	unsigned kind = 1U << parse->out->kind;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const struct tag *tag = tag_list_get(parse->list, tags[i].name);
		const char *fault = NULL;

		if (tag != NULL && (tags[i].known & kind) != 0)
			fault = tags[i].read(parse, tag->value);
		else if ((tags[i].required & kind) != 0)
			fault = tags[i].missing;
		if (fault != NULL)
			return fault;
	}
	return NULL;
}

const char *signature_parse(enum signature_kind kind,
    const struct raw_field *field, struct arena *arena, struct signature *out)
{
	struct tag_list list;
	struct parse parse = {.list = &list, .arena = arena, .out = out};
	const char *fault = kind == SIGNATURE_DKIM
				? tag_list_parse(field->value, &list)
				: tag_list_parse_commented(field->value, &list);

	*out = (struct signature){.kind = kind,
	    .field = field->whole,
	    .domain = "",
	    .selector = "",
	    .algorithm = "",
	    .text = "",
	    .length = BODY_WHOLE};
	if (fault == NULL)
		fault = read_tags(&parse);
	if (fault != NULL)
		return fault;
	out->erased = tag_list_get(&list, "b")->space;
	if (kind == SIGNATURE_ARC_SEAL) {
		out->header = CANONICAL_RELAXED;
		return NULL;
	}
	if (out->within == NULL)
		out->within = out->domain;
	/* RFC 6376 section 3.5, i= and x=. */
	if (!signature_agrees(out, false))
		return "the identity is not of the domain";
	if (out->ends_s != 0 && out->made_s != 0 && out->ends_s <= out->made_s)
		return "expires before it was made";
	return NULL;
}

unsigned signature_instance(struct slice value)
{
	uint64_t number;

	if (!tag_number(value, 2, &number) || number > LIMIT_ARC_SETS)
		return 0;
	return (unsigned)number;
}

bool signature_canonical(const struct signature *signature, struct buf *out)
{
	size_t before =
	    (size_t)(signature->erased.data - signature->field.data);
	size_t after = before + signature->erased.len, start = out->len;
	struct buf copy = buf_new(signature->field.len);
	bool fits;

	(void)buf_append(&copy, signature->field.data, before);
	(void)buf_append(
	    &copy, signature->field.data + after, signature->field.len - after);
	fits = canonical_field(
	    signature->header, (struct slice){buf_text(&copy), copy.len}, out);
	if (fits && out->len >= start + 2)
		out->len -= 2;
	buf_free(&copy);
	return fits;
}
