#include "mail/spf_macro.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a name only what stands on the right can survive, so no more is kept. */
#define EXPANDED_KEPT ((size_t)512)
#define EXPANDED_LIMIT ((size_t)8192)
/* A value of one letter: a path, or an IPv6 address in dotted nibbles. */
#define VALUE_SIZE ((size_t)700)
/* RFC 7208 section 7.1 asks for 127 at least; no value has more parts. */
#define MOST_PARTS 1000U

/* One macro-expand or one literal character. */
struct unit {
	struct slice text;
	char letter; /* of "%{...}", as written; 0: literal is what it means */
	const char *literal;
	unsigned parts; /* rightmost ones that are kept */
	bool reverse;
	struct slice delimiters;
};

static bool is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "{" letter, transformers, delimiters "}", from position 2. */
static bool parse_braces(struct slice text, bool in_text, struct unit *unit)
{
	static const char letters[] = "slodiphvcrt";
	const char *found;
	size_t at = 3;

	if (text.len < 4 || text.data[2] == '\0')
		return false;
	unit->letter = text.data[2];
	found = strchr(letters, tolower((unsigned char)unit->letter));
	/* The last three only mean something to a person. */
	if (found == NULL || (!in_text && found >= letters + 8))
		return false;
	unit->parts = MOST_PARTS;
	if (is_digit(text.data[at])) {
		for (unit->parts = 0; at < text.len && is_digit(text.data[at]);
		     at++)
			if (unit->parts < MOST_PARTS)
				unit->parts = unit->parts * 10 +
					      (unsigned)(text.data[at] - '0');
		if (unit->parts == 0)
			return false;
	}
	unit->reverse =
	    at < text.len && (text.data[at] == 'r' || text.data[at] == 'R');
	at += unit->reverse ? 1 : 0;
	unit->delimiters = slice_from(text, at);
	while (at < text.len && is_delimiter(text.data[at]))
		at++;
	unit->delimiters.len -= text.len - at;
	unit->text = slice_first(text, at + 1);
	return at < text.len && text.data[at] == '}';
}

/* Takes the next unit off a text that is not empty. False if there is none:
 * the syntax is wrong. */
static bool next_unit(struct slice *text, bool in_text, struct unit *unit)
{
	static const char *const escapes[] = {"%%", "%_ ", "%-%20"};
	char c = text->data[0];
	bool good = false;

	*unit = (struct unit){.text = slice_first(*text, 1)};
	if (c != '%') {
		good = (c > ' ' && c < 0x7F) || (in_text && c == ' ');
	} else if (text->len > 1 && text->data[1] == '{') {
		good = parse_braces(*text, in_text, unit);
	} else {
		for (size_t i = 0; text->len > 1 && i < 3; i++) {
			if (text->data[1] != escapes[i][1])
				continue;
			unit->text.len = 2;
			unit->literal = escapes[i] + (i == 0 ? 1 : 2);
			good = true;
		}
	}
	if (good)
		*text = slice_from(*text, unit->text.len);
	return good;
}

/* --- syntax ----------------------------------------------------------- */

bool spf_macro_is_string(struct slice text)
{
	struct unit unit;

	while (text.len > 0)
		if (!next_unit(&text, true, &unit) || unit.text.data[0] == ' ')
			return false;
	return true;
}

/* ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" )
 * alphanum ) */
static bool is_toplabel(struct slice label)
{
	bool numeric = true;

	if (label.len == 0 || label.data[0] == '-' ||
	    label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		unsigned char c = (unsigned char)label.data[i];

		if (c != '-' && (c >= 0x80 || !isalnum(c)))
			return false;
		numeric = numeric && isdigit(c);
	}
	return !numeric;
}

/* domain-end: ( "." toplabel [ "." ] ) / macro-expand; `tail` is what stands
 * behind the last macro. */
static bool is_domain_end(struct slice tail, bool has_macro)
{
	size_t dot;

	if (tail.len == 0)
		return has_macro;
	if (tail.data[tail.len - 1] == '.')
		tail.len--;
	for (dot = tail.len; dot > 0 && tail.data[dot - 1] != '.'; dot--)
		continue;
	return dot > 0 && is_toplabel(slice_from(tail, dot));
}

bool spf_macro_is_domain(struct slice text)
{
	struct slice tail = text;
	bool has_macro = false;
	struct unit unit;

	while (text.len > 0) {
		if (!next_unit(&text, false, &unit))
			return false;
		if (unit.text.data[0] == '%') {
			has_macro = true;
			tail = text;
		}
	}
	return is_domain_end(tail, has_macro);
}

/* --- values ----------------------------------------------------------- */

/* "192.0.2.1", or "2.0.0.1.0.d.b.8. ..." */
static void format_dotted(const struct ip *ip, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0;

	if (ip_is_v4(ip)) {
		(void)snprintf(out, size, "%u.%u.%u.%u", ip->bytes[12],
		    ip->bytes[13], ip->bytes[14], ip->bytes[15]);
		return;
	}
	for (size_t i = 0; i < sizeof(ip->bytes); i++) {
		out[len++] = hex[ip->bytes[i] >> 4];
		out[len++] = '.';
		out[len++] = hex[ip->bytes[i] & 15];
		out[len++] = '.';
	}
	out[len - 1] = '\0';
}

static void value_of(
    char letter, const struct spf_values *values, char out[VALUE_SIZE])
{
	const char *text = "";

	switch (letter) {
	case 's':
		(void)snprintf(out, VALUE_SIZE, "%s@%s", values->local,
		    values->sender_domain);
		return;
	case 'i':
		format_dotted(&values->ip, out, VALUE_SIZE);
		return;
	case 'c':
		ip_format(&values->ip, out);
		return;
	case 't':
		(void)snprintf(out, VALUE_SIZE, "%" PRId64, values->now_s);
		return;
	case 'l':
		text = values->local;
		break;
	case 'o':
		text = values->sender_domain;
		break;
	case 'd':
		text = values->domain;
		break;
	case 'h':
		text = values->helo;
		break;
	case 'p':
		text = values->client_name(values->arg);
		break;
	case 'v':
		text = ip_is_v4(&values->ip) ? "in-addr" : "ip6";
		break;
	default:
		assert(letter == 'r');
		text = values->receiver == NULL ? "unknown" : values->receiver;
	}
	(void)snprintf(out, VALUE_SIZE, "%s", text);
}

/* --- expansion -------------------------------------------------------- */

/* Appends; what does not fit pushes out what came first. */
static void put_last(struct buf *out, const char *data, size_t len)
{
	if (len > out->limit - out->len)
		buf_consume(out, out->len - EXPANDED_KEPT);
	(void)buf_append(out, data, len);
}

/* Appends what fits. */
static void put_first(struct buf *out, const char *data, size_t len)
{
	size_t room = out->limit - out->len;

	(void)buf_append(out, data, len < room ? len : room);
}

typedef void put_fn(struct buf *out, const char *data, size_t len);

static void put_part(
    struct buf *out, struct slice part, bool escape, put_fn *put)
{
	char code[4];

	if (!escape) {
		put(out, part.data, part.len);
		return;
	}
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = (unsigned char)part.data[i];

		/* RFC 3986 section 2.3. */
		if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL)) {
			put(out, &part.data[i], 1);
			continue;
		}
		(void)snprintf(code, sizeof(code), "%%%02X", c);
		put(out, code, 3);
	}
}

static size_t cut_parts(
    struct slice value, struct slice delimiters, struct slice parts[VALUE_SIZE])
{
	size_t count = 0, start = 0;

	if (delimiters.len == 0)
		delimiters = slice_of(".");
	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && memchr(delimiters.data, value.data[i],
					 delimiters.len) == NULL)
			continue;
		parts[count++] = (struct slice){value.data + start, i - start};
		start = i + 1;
	}
	return count;
}

static void put_macro(struct buf *out, const struct unit *unit,
    const struct spf_values *values, put_fn *put)
{
	bool escape = isupper((unsigned char)unit->letter) != 0;
	struct slice parts[VALUE_SIZE];
	char value[VALUE_SIZE];
	size_t count, first;

	value_of((char)tolower((unsigned char)unit->letter), values, value);
	count = cut_parts(slice_of(value), unit->delimiters, parts);
	first = count > unit->parts ? count - unit->parts : 0;
	for (size_t i = first; i < count; i++) {
		/* Reversed, the rightmost are the parts that came first. */
		size_t which = unit->reverse ? count - 1 - i : i;

		if (i > first)
			put(out, ".", 1);
		put_part(out, parts[which], escape, put);
	}
}

static void put_unit(struct buf *out, const struct unit *unit,
    const struct spf_values *values, put_fn *put)
{
	if (unit->letter != 0)
		put_macro(out, unit, values, put);
	else if (unit->literal != NULL)
		put(out, unit->literal, unit->text.data[1] == '-' ? 3 : 1);
	else
		put(out, unit->text.data, 1);
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* Whether what a letter stands for can be part of a name. The others' values
 * always can. */
static bool is_speakable(char letter, const struct spf_values *values)
{
	switch (tolower((unsigned char)letter)) {
	case 's':
		return is_printable(values->local) &&
		       is_printable(values->sender_domain);
	case 'l':
		return is_printable(values->local);
	case 'o':
		return is_printable(values->sender_domain);
	case 'h':
		return is_printable(values->helo);
	default:
		return true;
	}
}

bool spf_macro_expand_domain(
    struct slice spec, const struct spf_values *values, struct buf *out)
{
	struct buf name = buf_new(EXPANDED_LIMIT);
	size_t cut = 0;
	struct unit unit;

	while (spec.len > 0 && next_unit(&spec, false, &unit)) {
		if (!is_speakable(unit.letter, values)) {
			buf_free(&name);
			return false;
		}
		put_unit(&name, &unit, values, put_last);
	}
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.data[--name.len] = '\0';
	while (name.len - cut > DOMAIN_MAX) {
		const char *dot = memchr(name.data + cut, '.', name.len - cut);

		if (dot == NULL)
			break;
		cut = (size_t)(dot - name.data) + 1;
	}
	(void)buf_append_text(out, buf_text(&name) + cut);
	buf_free(&name);
	return true;
}

bool spf_macro_expand_text(
    struct slice text, const struct spf_values *values, struct buf *out)
{
	struct unit unit;

	while (text.len > 0) {
		if (!next_unit(&text, true, &unit))
			return false;
		put_unit(out, &unit, values, put_first);
	}
	return is_printable(buf_text(out));
}
