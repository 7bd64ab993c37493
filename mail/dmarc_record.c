#include "mail/dmarc_record.h"

#include <ctype.h>

/* *WSP, which is not a line end. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice text)
{
	while (text.len > 0 && is_blank(text.data[0]))
		text = slice_from(text, 1);
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* --- tags ------------------------------------------------------------- */

struct tag {
	struct slice name, value;
};

/* Takes what stands before the next ';' off the text; false at the end. A tag
 * that is malformed has no name. */
static bool next_tag(struct slice *text, struct tag *tag)
{
	struct slice all;
	size_t equals;

	if (text->len == 0)
		return false;
	all = slice_first(*text, slice_find(*text, ';'));
	*text = slice_from(*text, all.len < text->len ? all.len + 1 : all.len);
	equals = slice_find(all, '=');
	*tag = (struct tag){{NULL, 0}, {NULL, 0}};
	if (equals == all.len)
		return true;
	tag->name = trim(slice_first(all, equals));
	tag->value = trim(slice_from(all, equals + 1));
	return true;
}

bool dmarc_record_is(struct slice text)
{
	struct tag tag;

	/* Nothing may stand before it. */
	return text.len > 0 && !is_blank(text.data[0]) &&
	       next_tag(&text, &tag) && slice_is(tag.name, "v") &&
	       slice_equals(tag.value, "DMARC1");
}

/* --- values ----------------------------------------------------------- */

/* The tags that matter here. */
enum {
	TAG_P,
	TAG_SP,
	TAG_NP,
	TAG_ADKIM,
	TAG_ASPF,
	TAG_PSD,
	TAG_T,
	TAG_PCT,
	TAG_RUA,
	TAGS
};

static const char *const names[TAGS] = {
    "p", "sp", "np", "adkim", "aspf", "psd", "t", "pct", "rua"};

struct tags {
	struct slice value[TAGS];
	unsigned seen[TAGS]; /* twice is a syntax error (RFC 6376, 3.2) */
};

static void collect(struct slice text, struct tags *tags)
{
	struct tag tag;

	*tags = (struct tags){.seen = {0}};
	while (next_tag(&text, &tag)) {
		for (int i = 0; i < TAGS; i++) {
			if (!slice_is(tag.name, names[i]))
				continue;
			tags->value[i] = tag.value;
			tags->seen[i]++;
		}
	}
}

static bool has(const struct tags *tags, int tag, const char *value)
{
	return tags->seen[tag] == 1 && slice_is(tags->value[tag], value);
}

/* False if it is there and not valid. */
static bool read_policy(
    const struct tags *tags, int tag, enum dmarc_policy *policy)
{
	if (has(tags, tag, "none"))
		*policy = DMARC_NONE;
	else if (has(tags, tag, "quarantine"))
		*policy = DMARC_QUARANTINE;
	else if (has(tags, tag, "reject"))
		*policy = DMARC_REJECT;
	else
		return tags->seen[tag] == 0;
	return true;
}

static unsigned read_percent(const struct tags *tags)
{
	struct slice value = tags->value[TAG_PCT];
	unsigned percent = 0;

	if (tags->seen[TAG_PCT] != 1 || value.len == 0 || value.len > 3)
		return 100;
	for (size_t i = 0; i < value.len; i++) {
		if (!isdigit((unsigned char)value.data[i]))
			return 100;
		percent = percent * 10 + (unsigned)(value.data[i] - '0');
	}
	return percent > 100 ? 100 : percent;
}

/* scheme ":" and something; of mailto (RFC 6068) an address. */
static bool is_uri(struct slice uri)
{
	size_t colon = slice_find(uri, ':'), at;

	if (colon + 1 >= uri.len || !isalpha((unsigned char)uri.data[0]))
		return false;
	for (size_t i = 0; i < uri.len; i++) {
		unsigned char c = (unsigned char)uri.data[i];

		if (c <= ' ' || c >= 0x7F || strchr("<>\"\\^`{|}", c) != NULL)
			return false;
		if (i < colon && !isalnum(c) && strchr("+-.", c) == NULL)
			return false;
	}
	if (!slice_is(slice_first(uri, colon), "mailto"))
		return true;
	uri = slice_from(uri, colon + 1);
	at = slice_find(uri, '@');
	return at > 0 && at + 1 < uri.len && uri.data[at + 1] != '!';
}

/* Section 4.10.1: whether someone wants to hear. */
static bool has_reporting_uri(const struct tags *tags)
{
	struct slice rest = tags->value[TAG_RUA], uri;

	if (tags->seen[TAG_RUA] != 1)
		return false;
	while (rest.len > 0) {
		uri = slice_first(rest, slice_find(rest, ','));
		rest = slice_from(
		    rest, uri.len < rest.len ? uri.len + 1 : uri.len);
		if (is_uri(trim(uri)))
			return true;
	}
	return false;
}

static void read_policies(const struct tags *tags, struct dmarc_record *record)
{
	bool valid = read_policy(tags, TAG_P, &record->policy);

	record->subdomains = record->policy;
	valid = read_policy(tags, TAG_SP, &record->subdomains) && valid;
	record->absent = record->subdomains;
	valid = read_policy(tags, TAG_NP, &record->absent) && valid;
	record->has_np = tags->seen[TAG_NP] > 0;
	if (valid)
		return;
	record->policy = record->subdomains = record->absent = DMARC_NONE;
	record->unusable = !has_reporting_uri(tags);
}

void dmarc_record_parse(struct slice text, struct dmarc_record *record)
{
	struct tags tags;

	collect(text, &tags);
	*record = (struct dmarc_record){.policy = DMARC_NONE,
	    .strict_dkim = has(&tags, TAG_ADKIM, "s"),
	    .strict_spf = has(&tags, TAG_ASPF, "s"),
	    .psd = has(&tags, TAG_PSD, "y")   ? DMARC_PSD_YES
		   : has(&tags, TAG_PSD, "n") ? DMARC_PSD_NO
					      : DMARC_PSD_UNKNOWN,
	    .testing = has(&tags, TAG_T, "y"),
	    .percent = read_percent(&tags)};
	read_policies(&tags, record);
}
