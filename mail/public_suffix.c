#include "mail/public_suffix.h"

#include "mail/domain.h"

#include <ctype.h>
#include <libpsl.h>
#include <pthread.h>
#include <string.h>

static const psl_ctx_t *list;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The system's list, which its packages renew, or that of the library. */
static void load(void)
{
	list = psl_latest(NULL);
	if (list == NULL)
		list = psl_builtin();
}

/* The library compares lower case. False if it is no name at all. */
static bool lower(const char *name, char out[DOMAIN_SIZE])
{
	size_t len = strlen(name);

	(void)pthread_once(&once, load);
	if (list == NULL || len >= DOMAIN_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	return true;
}

const char *public_suffix_registered(const char *name)
{
	char copy[DOMAIN_SIZE];
	const char *found =
	    lower(name, copy) ? psl_registrable_domain(list, copy) : NULL;

	return found == NULL ? name : name + (found - copy);
}

/* Without the rule that makes one of any label. */
bool public_suffix_is_registry(const char *name)
{
	char copy[DOMAIN_SIZE];

	return lower(name, copy) &&
	       psl_is_public_suffix2(
		   list, copy, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

bool public_suffix_is_top(const char *label)
{
	return strchr(label, '.') == NULL && public_suffix_is_registry(label);
}
