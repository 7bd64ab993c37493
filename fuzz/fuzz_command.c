/* Command lines of strangers: a stream is read to its end, and every command
 * must also be what its own bytes alone say. */
#include "smtpd/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const char *bytes, size_t len, enum parse result,
    const struct command *want)
{
	char *copy = malloc(len);
	char address[ADDRESS_SIZE], again[ADDRESS_SIZE];
	struct command command;
	struct address read;
	size_t used;

	assert(copy != NULL);
	memcpy(copy, bytes, len);
	assert(command_parse(copy, len, &command, &used) == result);
	assert(used == len && command.verb == want->verb &&
	       command.fault == want->fault);
	assert(len == 1 ||
	       command_parse(copy, len - 1, &command, &used) == PARSE_MORE);
	free(copy);
	if (result != PARSE_DONE || want->address.domain_len == 0)
		return;
	/* The spelling of an address is an address with that spelling. */
	(void)address_format(&want->address, address);
	assert(address_parse(address, strlen(address), &read));
	(void)address_format(&read, again);
	assert(strcmp(address, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct command command;
	enum parse result;
	size_t at = 0, used;

	for (; at < size; at += used) {
		result = command_parse(bytes + at, size - at, &command, &used);
		if (result == PARSE_MORE)
			break;
		assert(used > 0 && used <= size - at);
		assert((result == PARSE_BAD) == (command.fault != REPLY_OK));
		if (command.fault != REPLY_LINE_TOO_LONG)
			check_again(bytes + at, used, result, &command);
	}
	return 0;
}
