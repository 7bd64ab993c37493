/*
 * DMARC: policy records of strangers' domains, and From fields of strangers'
 * mail. The input is lines: two domains that SPF and DKIM passed for, TXT
 * records, an empty line, and a header block. Whatever they say, nothing
 * passes that does not belong to the one domain of From.
 */
#include "bounds.h"
#include "mail/dmarc.h"
#include "mail/domain.h"
#include "mail/public_suffix.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct slice texts;
	unsigned questions;
};

static struct slice take_line(struct slice *text)
{
	struct slice line = slice_first(*text, slice_find(*text, '\n'));

	*text =
	    slice_from(*text, line.len < text->len ? line.len + 1 : line.len);
	return line;
}

/* The record that a name has depends on its length. */
static enum lookup_status find(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	struct world *world = arg;
	struct slice rest = world->texts;
	struct lookup_record *record;

	assert(domain_is_valid(name));
	world->questions++;
	if (type != LOOKUP_TXT || strlen(name) % 5 == 1)
		return LOOKUP_NODATA;
	if (strlen(name) % 11 == 1)
		return LOOKUP_TEMPERROR;
	record = arena_zalloc(arena, sizeof(*record));
	for (size_t skip = strlen(name) % 3 + 1; skip > 0; skip--)
		record->text = take_line(&rest);
	*records = record;
	return LOOKUP_FOUND;
}

static void check_author(const struct author *author)
{
	assert(author->count <= LIMIT_AUTHORS);
	assert(author->count > 0 || author->fault != NULL);
	for (size_t i = 0; i < author->count; i++) {
		assert(domain_is_valid(author->domains[i]));
		for (size_t j = 0; j < i; j++)
			assert(!domain_equal(
			    author->domains[i], author->domains[j]));
	}
}

/* The last two labels at least are the same; one, if there is but one, if a
 * top-level domain may have said that it is all one organisation (psd=n), or if
 * it is none that the public suffix list knows. */
static bool are_related(const char *a, const char *b, bool has_psd)
{
	char ascii[DOMAIN_SIZE];
	unsigned labels;

	if (!domain_to_ascii(slice_of(b), ascii))
		return false;
	labels = domain_labels(a) > 1 && !has_psd &&
			 public_suffix_is_top(domain_suffix(a, 1))
		     ? 2
		     : 1;
	return domain_labels(ascii) >= labels &&
	       domain_equal(
		   domain_suffix(a, labels), domain_suffix(ascii, labels));
}

/* Names of tags have no case. */
static bool says_psd(struct slice texts)
{
	for (; texts.len >= 3; texts = slice_from(texts, 1))
		if (strncasecmp(texts.data, "psd", 3) == 0)
			return true;
	return false;
}

static void check_outcome(const struct dmarc_query *query, bool has_psd,
    const struct dmarc_outcome *outcome)
{
	const char *from;

	assert(outcome->reason != NULL);
	assert(outcome->disposition <= outcome->policy);
	if (outcome->result != AUTH_PASS && !outcome->aligned)
		return;
	assert(query->author->count == 1 && query->author->fault == NULL);
	assert(outcome->result != AUTH_PASS || outcome->aligned);
	from = query->author->domains[0];
	assert(are_related(from, query->spf.domain, has_psd) ||
	       are_related(from, query->dkim->domain, has_psd));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size};
	struct slice spf = take_line(&rest), dkim = take_line(&rest);
	struct world world = {.texts = rest};
	const struct lookup lookup = {.find = find, .arg = &world};
	struct arena *arena = arena_new();
	struct dmarc_identity signature = {
	    AUTH_PASS, arena_strndup(arena, dkim.data, dkim.len)};
	struct author author;
	struct dmarc_query query = {.author = &author,
	    .spf = {AUTH_PASS, arena_strndup(arena, spf.data, spf.len)},
	    .dkim = &signature,
	    .dkim_count = 1,
	    .sample = (unsigned)size % 100};
	struct dmarc_outcome outcome;

	while (rest.len > 0 && take_line(&rest).len > 0)
		continue;
	author_read(rest, arena, &author);
	check_author(&author);
	dmarc_check(&query, &lookup, arena, &outcome);
	check_outcome(&query, says_psd(world.texts), &outcome);
	assert(world.questions <= (LIMIT_AUTHORS + 2) * (LIMIT_DMARC_WALK + 1));
	arena_free(&arena);
	return 0;
}
