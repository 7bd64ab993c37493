/* What a name server answers: the first byte chooses what was asked, the rest
 * is the packet. All that is read must be usable as it is. */
#include "base/dns_packet.h"
#include "bounds.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {
    DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena;
	struct dns_answer answer;
	enum dns_type type;

	if (size == 0)
		return 0;
	arena = arena_new();
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	dns_answer_read(data + 1, size - 1, "a.example", type, arena, &answer);
	assert((answer.status == DNS_FOUND) == (answer.count > 0));
	assert(answer.count <= LIMIT_DNS_RECORDS);
	for (size_t i = 0; i < answer.count; i++) {
		const struct dns_record *record = &answer.records[i];

		assert(record->text[record->len] == '\0');
		if (type == DNS_MX || type == DNS_PTR)
			assert(strlen(record->text) == record->len &&
			       record->len < DNS_NAME_SIZE);
		if (type == DNS_MX && i > 0)
			assert(answer.records[i - 1].preference <=
			       record->preference);
	}
	arena_free(&arena);
	return 0;
}
