/*
 * SPF: records and explanations as strangers' domains have them, with senders
 * and HELO names as strangers say them. The input is lines: HELO, sender, then
 * TXT records, of which each name that is asked for gets one, in turn, so that
 * includes and redirects go on as long as they may. What is said of it must be
 * printable and short, and the questions bounded.
 */
#include "bounds.h"
#include "mail/domain.h"
#include "mail/spf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A record for each check_host(), an explanation, and for each term the
 * question itself and ten names. */
#define MOST_QUESTIONS                                                         \
	(2 * (LIMIT_SPF_TERMS + 1) + 2 +                                       \
	    (LIMIT_SPF_TERMS + 1) * (LIMIT_SPF_NAMES + 1))

struct world {
	struct slice texts, next;
	unsigned questions;
};

static struct slice take_line(struct slice *text)
{
	struct slice line = slice_first(*text, slice_find(*text, '\n'));

	*text =
	    slice_from(*text, line.len < text->len ? line.len + 1 : line.len);
	return line;
}

static struct slice next_text(struct world *world)
{
	if (world->next.len == 0)
		world->next = world->texts;
	return take_line(&world->next);
}

/* What kind of answer depends on the name, so that it is always the same. */
static unsigned hash(const char *name)
{
	unsigned value = 5381;

	for (; *name != '\0'; name++)
		value = value * 33 + (unsigned char)*name;
	return value;
}

static enum lookup_status find(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	static const struct ip client = {{[10] = 0xFF, 0xFF, 192, 0, 2, 1}};
	struct world *world = arg;
	struct lookup_record *list;
	unsigned count = type == LOOKUP_TXT ? 1 : hash(name) % 13;

	assert(domain_is_valid(name));
	world->questions++;
	if (type != LOOKUP_TXT && count < 2)
		return count == 0 ? LOOKUP_NXDOMAIN : LOOKUP_TEMPERROR;
	list = arena_zalloc(arena, count * sizeof(*list));
	for (unsigned i = 0; i < count; i++) {
		list[i].next = i + 1 < count ? &list[i + 1] : NULL;
		list[i].ip = client;
		list[i].ip.bytes[15] = (uint8_t)(i == 3 ? 1 : i + 20);
		list[i].text = next_text(world);
	}
	*records = list;
	return LOOKUP_FOUND;
}

static void check_text(const char *text, size_t most)
{
	assert(strlen(text) <= most);
	for (; *text != '\0'; text++)
		assert(*text >= ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size};
	struct slice helo = take_line(&rest), sender = take_line(&rest);
	struct world world = {.texts = rest, .next = rest};
	const struct lookup lookup = {.find = find, .arg = &world};
	struct arena *arena = arena_new();
	struct spf_query query = {
	    .helo = arena_strndup(arena, helo.data, helo.len),
	    .sender = arena_strndup(arena, sender.data, sender.len)};
	struct spf_outcome outcome;

	for (int six = 0; six < 2; six++) {
		query.ip = (struct ip){{0x20, 1, [15] = 1}};
		if (six == 0)
			query.ip =
			    (struct ip){{[10] = 0xFF, 0xFF, 192, 0, 2, 1}};
		world.questions = 0;
		spf_check(&query, &lookup, arena, &outcome);
		assert(world.questions <= MOST_QUESTIONS);
		assert(outcome.reason != NULL && outcome.domain != NULL);
		check_text(outcome.reason, size + 100);
		check_text(outcome.domain, size + 100);
		if (outcome.explanation != NULL) {
			assert(outcome.result == AUTH_FAIL);
			check_text(outcome.explanation, LIMIT_SPF_EXPLANATION);
		}
	}
	arena_free(&arena);
	return 0;
}
