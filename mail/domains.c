#include "mail/domains.h"

#include "base/alloc.h"
#include "mail/address.h"
#include "mail/domain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct domains {
	char *first;
	size_t count;
	char *sorted[];
};

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* As it is kept; false if no address can have it. */
static bool to_member(struct slice name, char ascii[DOMAIN_SIZE])
{
	return domain_to_ascii(name, ascii) &&
	       address_is_domain(ascii, strlen(ascii));
}

bool domains_can_have(struct slice name)
{
	char ascii[DOMAIN_SIZE];

	return to_member(name, ascii);
}

struct domains *domains_new(const char *const *names, size_t count)
{
	struct domains *domains =
	    xcalloc(1, sizeof(*domains) + count * sizeof(char *));
	char ascii[DOMAIN_SIZE];

	for (size_t i = 0; i < count; i++)
		if (to_member(slice_of(names[i]), ascii))
			domains->sorted[domains->count++] = xstrdup(ascii);
	if (domains->count > 0)
		domains->first = domains->sorted[0];
	qsort(domains->sorted, domains->count, sizeof(char *), compare_names);
	return domains;
}

struct domains *domains_of_lines(struct slice lines)
{
	char *text = xstrndup(lines.data, lines.len), *rest = text, *line;
	size_t count = 1, at = 0;
	struct domains *domains;
	const char **names;

	for (const char *c = text; *c != '\0'; c++)
		count += *c == '\n';
	names = xcalloc(count, sizeof(*names));
	while ((line = strsep(&rest, "\n")) != NULL)
		names[at++] = line;
	domains = domains_new(names, at);
	free(names);
	free(text);
	return domains;
}

void domains_free(struct domains **domains)
{
	if (*domains == NULL)
		return;
	for (size_t i = 0; i < (*domains)->count; i++)
		free((*domains)->sorted[i]);
	free(*domains);
	*domains = NULL;
}

bool domains_has(const struct domains *domains, const char *name, size_t len)
{
	char ascii[DOMAIN_SIZE];
	const char *key = ascii;

	return domain_to_ascii((struct slice){name, len}, ascii) &&
	       bsearch(&key, domains->sorted, domains->count, sizeof(char *),
		   compare_names) != NULL;
}

size_t domains_count(const struct domains *domains)
{
	return domains->count;
}

const char *domains_first(const struct domains *domains)
{
	return domains->first;
}
