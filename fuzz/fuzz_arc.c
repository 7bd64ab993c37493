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
	const struct raw_header *header;
	struct signed_input input;
	struct arc_result result;
	size_t seals, messages, results;
	bool good;

	signed_input_open(&input, data, size);
	good = arc_validate(input.mail, &input.keys, &result, NULL);
	assert(good && input.line.questions <= LIMIT_ARC_SETS + 1);
	header = signed_mail_header(input.mail);
	seals = count(header, "ARC-Seal");
	messages = count(header, "ARC-Message-Signature");
	results = count(header, "ARC-Authentication-Results");
	assert(
	    (result.result == AUTH_NONE) == (seals + messages + results == 0));
	assert((result.result == AUTH_FAIL) == (result.why[0] != '\0'));
	if (result.result == AUTH_PASS)
		assert(result.instance == seals && seals == messages &&
		       seals == results && input.line.questions == seals + 1);
	assert(arc_results_instance(input.text) <= LIMIT_ARC_SETS);
	arena_free(&input.arena);
	return 0;
}
