/*
 * DKIM: messages and key records of strangers. Besides no crash: no more keys
 * are asked for than there may be signatures, and each of them gets a verdict.
 */
#include "bounds.h"
#include "key_line.h"
#include "mail/dkim.h"
#include "mail/tag_list.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tags(struct slice text, struct arena *arena)
{
	struct tag_list list;
	uint8_t *bytes;
	size_t len;

	if (tag_list_parse(text, &list) != NULL)
		return;
	assert(list.count > 0 && list.count <= LIMIT_TAGS);
	for (size_t i = 0; i < list.count; i++) {
		const struct tag *tag = &list.tags[i];

		assert(
		    tag->value.data >= text.data &&
		    tag->value.data + tag->value.len <= text.data + text.len);
		if (tag_base64(tag->value, arena, &bytes, &len))
			assert(len <= tag->value.len);
	}
}

static void check_verdict(const struct signature_verdict *one)
{
	assert(one->result == AUTH_PASS || one->result == AUTH_FAIL ||
	       one->result == AUTH_TEMPERROR || one->result == AUTH_PERMERROR);
	assert((one->why[0] == '\0') == (one->result == AUTH_PASS));
	assert(one->result != AUTH_PASS || one->key_bits >= 256);
	assert(strlen(one->signature.domain) <= LIMIT_DOMAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct raw_header *header;
	struct signed_input input;
	struct dkim_result result;
	bool good;

	signed_input_open(&input, data, size);
	good = dkim_verify(input.mail, &input.keys, &result, NULL);
	assert(good && input.line.questions <= LIMIT_SIGNATURES);
	for (size_t i = 0; i < result.signatures->count; i++)
		check_verdict(&result.signatures->list[i]);
	assert((result.result == AUTH_NONE) == (result.decisive == NULL));
	header = signed_mail_header(input.mail);
	for (size_t i = 0; i < header->count; i++)
		check_tags(header->fields[i].value, input.arena);
	check_tags(input.line.records, input.arena);
	arena_free(&input.arena);
	return 0;
}
