#include "mail/body_hash.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <assert.h>
#include <stdlib.h>

/* What is read at a time. */
#define STEP ((size_t)64 * 1024)
#define KINDS 2

struct wish {
	struct wish *next; /* of the same form */
	uint64_t first;
	struct digest digest;
	struct body_hash result;
	size_t number;
};

/* One canonical form, and who wants it. */
struct form {
	struct wish *wishes;
	uint64_t length;
	struct canonical_body body;
};

struct body_hashes {
	struct arena *arena;
	struct form forms[KINDS];
	size_t count;
	bool done, whole;
};

struct body_hashes *body_hashes_new(struct arena *arena)
{
	struct body_hashes *hashes = arena_zalloc(arena, sizeof(*hashes));

	hashes->arena = arena;
	return hashes;
}

size_t body_hashes_ask(
    struct body_hashes *hashes, enum canonical kind, uint64_t first)
{
	struct form *form = &hashes->forms[kind];
	struct wish *wish;

	assert(!hashes->done);
	for (wish = form->wishes; wish != NULL; wish = wish->next)
		if (wish->first == first)
			return wish->number;
	wish = arena_zalloc(hashes->arena, sizeof(*wish));
	wish->first = first;
	wish->number = hashes->count++;
	wish->next = form->wishes;
	form->wishes = wish;
	return wish->number;
}

static void on_canonical(void *arg, const char *bytes, size_t len)
{
	struct form *form = arg;

	for (struct wish *wish = form->wishes; wish != NULL;
	     wish = wish->next) {
		uint64_t left =
		    wish->first > form->length ? wish->first - form->length : 0;
		size_t take = left < len ? (size_t)left : len;

		digest_add(&wish->digest, bytes, take);
		wish->result.hashed += take;
	}
	form->length += len;
}

static void begin(struct form *form, enum canonical kind)
{
	canonical_body_begin(&form->body, kind, on_canonical, form);
	for (struct wish *wish = form->wishes; wish != NULL; wish = wish->next)
		digest_begin(&wish->digest);
}

static void end(struct form *form)
{
	canonical_body_end(&form->body);
	for (struct wish *wish = form->wishes; wish != NULL;
	     wish = wish->next) {
		digest_end(&wish->digest, wish->result.digest);
		digest_free(&wish->digest);
		wish->result.length = form->length;
	}
}

static bool pass(struct body_hashes *hashes, const struct source *source,
    uint64_t offset, struct error *err)
{
	char *chunk = xmalloc(STEP);
	bool good;
	size_t got;

	while ((good = source_read(source, offset, chunk, STEP, &got, err)) &&
	       got > 0) {
		for (size_t i = 0; i < KINDS; i++)
			if (hashes->forms[i].wishes != NULL)
				canonical_body_write(
				    &hashes->forms[i].body, chunk, got);
		offset += got;
	}
	free(chunk);
	return good;
}

bool body_hashes_run(struct body_hashes *hashes, const struct source *source,
    uint64_t offset, struct error *err)
{
	if (hashes->count == 0)
		return true;
	if (hashes->done)
		return hashes->whole ||
		       error_set(err, ERROR_IO, "the body cannot be read");
	begin(&hashes->forms[CANONICAL_SIMPLE], CANONICAL_SIMPLE);
	begin(&hashes->forms[CANONICAL_RELAXED], CANONICAL_RELAXED);
	/* Half a pass is a pass, too: it is not begun again. */
	hashes->done = true;
	hashes->whole = pass(hashes, source, offset, err);
	end(&hashes->forms[CANONICAL_SIMPLE]);
	end(&hashes->forms[CANONICAL_RELAXED]);
	return hashes->whole;
}

const struct body_hash *body_hashes_get(
    const struct body_hashes *hashes, size_t number)
{
	assert(hashes->done);
	for (size_t i = 0; i < KINDS; i++)
		for (const struct wish *wish = hashes->forms[i].wishes;
		     wish != NULL; wish = wish->next)
			if (wish->number == number)
				return &wish->result;
	return NULL;
}
