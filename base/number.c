#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool number_take(const char **text, uint64_t most, uint64_t *number)
{
	const char *p = *text;
	uint64_t value = 0, digit;

	for (; isdigit((unsigned char)*p); p++) {
		digit = (uint64_t)(*p - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (p == *text || value > most)
		return false;
	*text = p;
	*number = value;
	return true;
}

bool number_parse(const char *text, uint64_t most, uint64_t *number)
{
	uint64_t value;

	if (!number_take(&text, most, &value) || *text != '\0')
		return false;
	*number = value;
	return true;
}

bool number_parse_decimal(const char *text, double *number)
{
	double value;
	char *end;

	if (text[strspn(text, "0123456789.")] != '\0')
		return false;
	value = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(value))
		return false;
	*number = value;
	return true;
}
