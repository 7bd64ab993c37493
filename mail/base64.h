/* The alphabet of base64 (RFC 4648 section 4), for those who read it their own
 * way; transfer.h decodes that of mail. */
#ifndef MAIL_BASE64_H
#define MAIL_BASE64_H

/* The six bits of a character; -1 if it is none of the alphabet. */
static inline int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

#endif
