#include "base/proxy_header.h"

#include "base/slice.h"

#include <netinet/in.h>
#include <string.h>

/* Of version 1, with its CRLF and without a NUL. */
#define LINE_MAX_V1 107

static const char signature[12] = {
    '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n" --------- */

/* The next word; they are divided by exactly one blank. */
static struct slice next_word(struct slice *rest)
{
	size_t len = slice_find(*rest, ' ');
	struct slice word = slice_first(*rest, len);

	*rest = slice_from(*rest, len < rest->len ? len + 1 : len);
	return word;
}

static bool is_port(struct slice word)
{
	unsigned value = 0;

	if (word.len == 0 || word.len > 5 ||
	    (word.len > 1 && word.data[0] == '0'))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
		value = value * 10 + (unsigned)(word.data[i] - '0');
	}
	return value <= 65535;
}

static bool is_of_family(struct slice word, bool v4, struct ip *ip)
{
	bool has_colon = slice_find(word, ':') < word.len;

	return has_colon != v4 && ip_parse(word.data, word.len, ip);
}

static bool read_line(struct slice line, struct proxy_header *header)
{
	struct slice word;
	struct ip ignored;
	bool v4;

	(void)next_word(&line);
	word = next_word(&line);
	if (slice_equals(word, "UNKNOWN"))
		return true;
	v4 = slice_equals(word, "TCP4");
	if ((!v4 && !slice_equals(word, "TCP6")) ||
	    !is_of_family(next_word(&line), v4, &header->client) ||
	    !is_of_family(next_word(&line), v4, &ignored) ||
	    !is_port(next_word(&line)) || slice_find(line, ' ') < line.len ||
	    !is_port(line))
		return false;
	header->has_client = true;
	return true;
}

static enum proxy_parse parse_v1(
    const char *bytes, size_t len, struct proxy_header *header, size_t *used)
{
	static const char prefix[] = "PROXY ";
	const char *end;

	if (memcmp(bytes, prefix, least(len, sizeof(prefix) - 1)) != 0)
		return PROXY_BAD;
	end = memchr(bytes, '\n', least(len, LINE_MAX_V1));
	if (end == NULL)
		return len >= LINE_MAX_V1 ? PROXY_BAD : PROXY_MORE;
	if (end[-1] != '\r' ||
	    !read_line(
		(struct slice){bytes, (size_t)(end - bytes) - 1}, header))
		return PROXY_BAD;
	*used = (size_t)(end - bytes) + 1;
	return PROXY_DONE;
}

/* --- version 2: binary ------------------------------------------------ */

enum { V2_HEADER = 16, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

static bool read_v2(
    const unsigned char *bytes, size_t len, struct proxy_header *header)
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	unsigned char *to = header->client.bytes;

	if (bytes[12] == 0x20) /* LOCAL */
		return true;
	if (bytes[12] != 0x21)
		return false;
	switch (bytes[13]) {
	case V2_TCP4:
		if (len < 12)
			return false;
		memcpy(to, mapped, sizeof(mapped));
		memcpy(to + sizeof(mapped), bytes + V2_HEADER, 4);
		break;
	case V2_TCP6:
		if (len < 36)
			return false;
		memcpy(to, bytes + V2_HEADER, 16);
		break;
	default:
		/* Unspecified, datagrams, Unix sockets: nobody we know. */
		return true;
	}
	header->has_client = true;
	return true;
}

static enum proxy_parse parse_v2(
    const char *bytes, size_t len, struct proxy_header *header, size_t *used)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t rest;

	if (len < V2_HEADER)
		return PROXY_MORE;
	rest = (size_t)at[14] << 8 | at[15];
	if (V2_HEADER + rest > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (len < V2_HEADER + rest)
		return PROXY_MORE;
	if (!read_v2(at, rest, header))
		return PROXY_BAD;
	*used = V2_HEADER + rest;
	return PROXY_DONE;
}

enum proxy_parse proxy_header_parse(
    const char *bytes, size_t len, struct proxy_header *header, size_t *used)
{
	*header = (struct proxy_header){.has_client = false};
	*used = 0;
	if (len == 0)
		return PROXY_MORE;
	if (memcmp(bytes, signature, least(len, sizeof(signature))) == 0)
		return parse_v2(bytes, len, header, used);
	return parse_v1(bytes, len, header, used);
}
