/* Hexadecimal digits of either case, as strangers write them. Pure. */
#ifndef BASE_DIGIT_H
#define BASE_DIGIT_H

/* What a digit is worth; -1 if it is none. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that two digits stand for; -1 if they are not two. */
static inline int hex_byte(const char *pair)
{
	int high = hex_digit(pair[0]), low = hex_digit(pair[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

#endif
