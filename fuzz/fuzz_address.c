/* Addresses of the envelope and address lists of the header: an address that
 * was read is written in one spelling, which reads as itself; a list becomes
 * UTF-8, however it is written. */
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/mailbox.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ": " and ";" around a group, `"" <>, ` around an address. */
#define GROWTH 8

static bool same(const struct address *a, const struct address *b)
{
	return a->domain_len == b->domain_len &&
	       memcmp(a->domain, b->domain, a->domain_len) == 0 &&
	       a->utf8 == b->utf8;
}

static void check_spelling(const struct address *address)
{
	char once[ADDRESS_SIZE], twice[ADDRESS_SIZE];
	size_t len = address_format(address, once);
	struct address again;

	assert(len == strlen(once) && len <= LIMIT_PATH);
	assert(utf8_valid(once, len));
	assert(address_is_ascii(once) == !address->utf8);
	assert(address_is_null(address) == (len == 0));
	if (address->domain_len == 0)
		return;
	assert(address_parse(once, len, &again));
	assert(same(address, &again));
	assert(address_format(&again, twice) == len);
	assert(strcmp(once, twice) == 0);
}

static void check_list(struct slice text)
{
	struct buf out = buf_new(text.len * GROWTH + 16), again;

	assert(mailbox_list_format(text, &out));
	assert(utf8_valid(buf_text(&out), out.len));
	again = buf_new(out.len / 2);
	if (!mailbox_list_format(text, &again))
		assert(again.len <= out.len / 2);
	buf_free(&again);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	struct address address;
	size_t used;

	if (address_parse_path(text.data, text.len, &address, &used)) {
		assert(used >= 2 && used <= size && used <= LIMIT_PATH);
		assert(text.data[used - 1] == '>');
		check_spelling(&address);
	}
	if (address_parse(text.data, text.len, &address)) {
		assert(address.domain_len > 0);
		check_spelling(&address);
	}
	check_list(text);
	return 0;
}
