/*
 * ARC: chains of strangers. Besides no crash: no more keys are asked for than
 * there may be sets; a chain that passes has all its sets, and what has no ARC
 * field is none.
 */
#include "bounds.h"
#include "key_line.h"
#include "mail/arc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct raw_header *header, const char *name)
{
	size_t found = 0, at = raw_header_lowest(header, slice_of(name));

	for (; at != RAW_NONE; at = header->fields[at].above)
		found++;
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct key_line line;
	struct slice text = key_line_take(&line, data, size);
	struct lookup dns = {key_line_find, &line};
	struct key_source keys = {&dns, 1800000000};
	struct source source = source_memory(text.data, text.len);
	const struct raw_header *header;
	struct signed_mail *mail;
	struct arc_result result;
	bool good = signed_mail_open(&source, arena, &mail, NULL) &&
		    arc_validate(mail, &keys, &result, NULL);
	size_t seals, messages, results;

	assert(good && line.questions <= LIMIT_ARC_SETS + 1);
	header = signed_mail_header(mail);
	seals = count(header, "ARC-Seal");
	messages = count(header, "ARC-Message-Signature");
	results = count(header, "ARC-Authentication-Results");
	assert(
	    (result.result == AUTH_NONE) == (seals + messages + results == 0));
	assert((result.result == AUTH_FAIL) == (result.why[0] != '\0'));
	if (result.result == AUTH_PASS)
		assert(result.instance == seals && seals == messages &&
		       seals == results && line.questions == seals + 1);
	assert(arc_results_instance(text) <= LIMIT_ARC_SETS);
	arena_free(&arena);
	return 0;
}
