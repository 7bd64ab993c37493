#include "smtpd/domains.h"

#include "base/alloc.h"
#include "base/slice.h"

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

struct domains *domains_new(const struct list *names)
{
	struct domains *domains =
	    xcalloc(1, sizeof(*domains) + names->count * sizeof(char *));

	domains->count = names->count;
	for (size_t i = 0; i < names->count; i++)
		domains->sorted[i] = xstrdup(names->items[i]);
	if (names->count > 0)
		domains->first = domains->sorted[0];
	qsort(domains->sorted, domains->count, sizeof(char *), compare_names);
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

static int compare_slice(const void *key, const void *element)
{
	const struct slice *name = key;
	const char *entry = *(const char *const *)element;
	int order = strncasecmp(name->data, entry, name->len);

	if (order == 0 && entry[name->len] != '\0')
		return -1; /* a beginning of the entry */
	return order;
}

bool domains_has(const struct domains *domains, const char *name, size_t len)
{
	struct slice key = {name, len};

	return bsearch(&key, domains->sorted, domains->count, sizeof(char *),
		   compare_slice) != NULL;
}

const char *domains_first(const struct domains *domains)
{
	return domains->first;
}
