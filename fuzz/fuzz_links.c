/* The links of a text and of a page, and what lists are asked about them. */
#include "mail/links.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct slice input;
	bool plain; /* nothing in it stands for something longer */
	size_t count;
};

static void look(void *arg, struct slice host)
{
	struct seen *seen = arg;
	char name[DOMAIN_SIZE];

	seen->count++;
	assert(host.len > 0);
	assert(!seen->plain || host.len <= seen->input.len);
	if (!link_list_name(host, name))
		return;
	assert(domain_is_valid(name) && strchr(name, '.') != NULL);
	for (const char *c = name; *c != '\0'; c++)
		assert(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *c) !=
		       NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {.input = {(const char *)data, size}, .plain = true};

	links_in_text(seen.input, look, &seen);
	/* The shortest one is "www.". */
	assert(seen.count <= size / 4);
	seen.plain = false;
	links_in_html(seen.input, look, &seen);
	if (size > 0)
		look(&seen, seen.input);
	return 0;
}
