#include "mail/domain.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX ((size_t)63) /* RFC 1035 section 2.3.4 */

bool domain_is_valid(const char *name)
{
	size_t len = strlen(name);
	size_t label;

	if (len == 0 || len > DOMAIN_MAX)
		return false;
	for (;; name += label + 1) {
		label = strcspn(name, ".");
		if (label == 0 || label > LABEL_MAX)
			return false;
		if (name[label] == '\0')
			return true;
	}
}

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

static bool has_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7F)
			return true;
	return false;
}

/* RFC 5895: upper case and width are mapped as a person typing would mean. */
static bool to_a_labels(const char *text, char out[DOMAIN_SIZE])
{
	char *ascii = NULL;
	bool done = idn2_to_ascii_8z(text, &ascii,
			IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
		    strlen(ascii) < DOMAIN_SIZE;

	if (done)
		memcpy(out, ascii, strlen(ascii) + 1);
	idn2_free(ascii);
	return done;
}

bool domain_to_ascii(struct slice text, char out[DOMAIN_SIZE])
{
	char copy[4 * DOMAIN_SIZE];

	if (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	if (text.len == 0 || text.len >= sizeof(copy) || has_blank(text) ||
	    text.data[0] == '[')
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (!is_ascii(text)) {
		if (!to_a_labels(copy, out))
			return false;
	} else if (text.len < DOMAIN_SIZE) {
		memcpy(out, copy, text.len + 1);
	} else {
		return false;
	}
	return domain_is_valid(out);
}

const char *domain_of_address(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

bool domain_equal(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

bool domain_is_within(const char *name, const char *parent)
{
	size_t len = strlen(name), tail = strlen(parent);

	if (len <= tail)
		return domain_equal(name, parent);
	return name[len - tail - 1] == '.' &&
	       domain_equal(name + (len - tail), parent);
}

unsigned domain_labels(const char *name)
{
	unsigned labels = 1;

	for (; *name != '\0'; name++)
		if (*name == '.')
			labels++;
	return labels;
}

const char *domain_suffix(const char *name, unsigned labels)
{
	for (unsigned more = domain_labels(name); more > labels; more--)
		name = strchr(name, '.') + 1;
	return name;
}
