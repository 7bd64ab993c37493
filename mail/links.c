#include "mail/links.h"

#include "base/buf.h"
#include "base/digit.h"
#include "mail/html_entity.h"
#include "mail/html_scan.h"
#include "mail/public_suffix.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Of a host: each byte of a name may be written as three. */
#define HOST_MAX (3 * DOMAIN_SIZE)
/* A label (RFC 1035 section 2.3.4). */
#define LINK_TOP ((size_t)63)

struct finder {
	link_fn *found;
	void *arg;
	struct buf decoded; /* of the piece of HTML at hand */
};

/* --- hosts ------------------------------------------------------------ */

static bool ends_authority(char c)
{
	return (unsigned char)c <= ' ' || strchr("/\\?#<>\"'`{}|^", c) != NULL;
}

/* The authority at the front of the text: "user@host:80". */
static void take_authority(
    const struct finder *finder, struct slice text, size_t *used)
{
	struct slice host;
	const char *at;

	*used = 0;
	while (*used < text.len && !ends_authority(text.data[*used]))
		++*used;
	host = slice_first(text, *used);
	at = memrchr(host.data, '@', host.len);
	if (at != NULL)
		host = slice_from(host, (size_t)(at - host.data) + 1);
	host.len = slice_find(host, ':');
	while (
	    host.len > 0 && strchr(".,;!)]*_", host.data[host.len - 1]) != NULL)
		host.len--;
	if (host.len > 0)
		finder->found(finder->arg, host);
}

/* What stands there, with "%65" undone. Returns how many bytes it has. */
static size_t take_char(struct slice text, size_t at, char *c)
{
	int byte = text.data[at] == '%' && at + 2 < text.len
		       ? hex_byte(text.data + at + 1)
		       : -1;

	*c = byte >= 0 ? (char)byte : text.data[at];
	return byte >= 0 ? 3 : 1;
}

/* In a link as a parameter of another one, which leads on to it. */
static void take_encoded_authority(
    const struct finder *finder, struct slice text, size_t *used)
{
	char plain[HOST_MAX];
	size_t len = 0, step, ignored;

	for (*used = 0; *used < text.len && len < sizeof(plain);
	     *used += step) {
		step = take_char(text, *used, &plain[len]);
		if (ends_authority(plain[len]) || plain[len] == '&')
			break;
		len++;
	}
	take_authority(finder, (struct slice){plain, len}, &ignored);
}

/* --- text ------------------------------------------------------------- */

static bool ends_with(struct slice text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len &&
	       slice_is(slice_from(text, text.len - len), end);
}

/* Letters in front of it belong to a word, and mean nothing. */
static bool has_scheme(struct slice text, size_t colon)
{
	struct slice before = slice_first(text, colon);

	return ends_with(before, "http") || ends_with(before, "https");
}

/* "://", or that as a parameter has it; *used says how far it goes. */
static bool take_link(
    const struct finder *finder, struct slice text, size_t at, size_t *used)
{
	struct slice rest = slice_from(text, at);
	size_t mark = 0;

	if (rest.data[0] == ':' && slice_starts(rest, "://"))
		mark = 3;
	else if (rest.data[0] == '%' && slice_starts(rest, "%3a%2f%2f"))
		mark = 9;
	if (mark == 0 || !has_scheme(text, at))
		return false;
	rest = slice_from(rest, mark);
	if (mark == 3)
		take_authority(finder, rest, used);
	else
		take_encoded_authority(finder, rest, used);
	*used += mark;
	return true;
}

static bool is_word_char(char c)
{
	return (unsigned char)c < 0x80 &&
	       (isalnum((unsigned char)c) || c == '-' || c == '.');
}

/* Nothing stands before it that would make it a part of something else: an
 * address, a path, a longer word. */
static bool begins_word(struct slice text, size_t at)
{
	char before;

	if (!is_word_char(text.data[at]))
		return false;
	if (at == 0)
		return true;
	before = text.data[at - 1];
	return (unsigned char)before < 0x80 && !is_word_char(before) &&
	       strchr("/@_", before) == NULL;
}

static struct slice without_dots(struct slice word)
{
	while (word.len > 0 && word.data[word.len - 1] == '.')
		word.len--;
	return word;
}

/* Reading programs make a link of a name without a scheme if there is such a
 * top-level domain. */
static bool is_bare_host(struct slice word)
{
	const char *dot = memrchr(word.data, '.', word.len);
	char top[LINK_TOP + 1];
	struct slice label;

	if (dot == NULL || dot == word.data)
		return false;
	label = slice_from(word, (size_t)(dot - word.data) + 1);
	if (label.len > LINK_TOP)
		return false;
	memcpy(top, label.data, label.len);
	top[label.len] = '\0';
	return public_suffix_is_top(top);
}

/* From the beginning of a word. Returns how far it goes. */
static size_t take_word(const struct finder *finder, struct slice text)
{
	size_t len = 0, used;
	struct slice word;

	while (len < text.len && is_word_char(text.data[len]))
		len++;
	word = without_dots(slice_first(text, len));
	if (slice_starts(word, "www.")) {
		take_authority(finder, text, &used);
		return used;
	}
	/* Before an "@" it is the user of an address. */
	if ((len == text.len || text.data[len] != '@') && is_bare_host(word))
		finder->found(finder->arg, word);
	return len;
}

static void search_text(const struct finder *finder, struct slice text)
{
	size_t at = 0, used;

	while (at < text.len) {
		used = 1;
		if (begins_word(text, at))
			used = take_word(finder, slice_from(text, at));
		else
			(void)take_link(finder, text, at, &used);
		at += used;
	}
}

void links_in_text(struct slice text, link_fn *found, void *arg)
{
	struct finder finder = {.found = found, .arg = arg};

	search_text(&finder, text);
}

/* --- HTML ------------------------------------------------------------- */

static struct slice decode(
    struct finder *finder, struct slice raw, bool attribute)
{
	buf_clear(&finder->decoded);
	if (!html_entity_decode(raw, attribute, &finder->decoded))
		return (struct slice){"", 0};
	return (struct slice){buf_text(&finder->decoded), finder->decoded.len};
}

/* Browsers leave out line ends and tabs, and what is no character in front,
 * and take a backslash for a slash. */
static struct slice straighten(struct finder *finder)
{
	struct buf *text = &finder->decoded;
	size_t len = 0, blank = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];

		if (c != '\t' && c != '\n' && c != '\r')
			text->data[len++] = (char)(c == '\\' ? '/' : c);
	}
	while (blank < len && (unsigned char)text->data[blank] <= ' ')
		blank++;
	return slice_from((struct slice){buf_text(text), len}, blank);
}

/* "http:" or "https:" and as many slashes as one likes, or just two. */
static void search_address(struct finder *finder, struct slice raw)
{
	size_t used, step, slashes = 0, least = 0;
	struct slice address;

	if (raw.len == 0)
		return;
	(void)decode(finder, raw, true);
	address = straighten(finder);
	if (slice_starts(address, "https:"))
		address = slice_from(address, 6);
	else if (slice_starts(address, "http:"))
		address = slice_from(address, 5);
	else
		least = 2;
	while (slashes < address.len && address.data[slashes] == '/')
		slashes++;
	if (slashes < least)
		return;
	address = slice_from(address, slashes);
	take_authority(finder, address, &used);
	/* It may be one who leads on to wherever he is told. */
	for (; used < address.len; used += step)
		if (!take_link(finder, address, used, &step))
			step = 1;
}

static void on_open(
    void *arg, enum html_tag tag, const struct html_attributes *attributes)
{
	(void)tag;
	search_address(arg, attributes->href);
	search_address(arg, attributes->src);
	search_address(arg, attributes->action);
	search_address(arg, attributes->formaction);
	search_address(arg, attributes->background);
	/* "0;url=http://a.example" */
	if (attributes->content.len > 0)
		search_text(arg, decode(arg, attributes->content, true));
}

static void on_close(void *arg, enum html_tag tag)
{
	(void)arg;
	(void)tag;
}

static void on_text(void *arg, struct slice text)
{
	struct finder *finder = arg;

	search_text(finder, decode(finder, text, false));
}

void links_in_html(struct slice html, link_fn *found, void *arg)
{
	/* References become shorter or stay: entities have three letters or
	 * more for each of their bytes, but for a few. */
	struct finder finder = {
	    .found = found, .arg = arg, .decoded = buf_new(2 * html.len + 16)};
	struct html_handler handler = {.arg = &finder,
	    .open = on_open,
	    .close = on_close,
	    .text = on_text,
	    .flat = true};

	html_scan(html, &handler);
	buf_free(&finder.decoded);
}

/* --- what is asked for ------------------------------------------------ */

/* "%65xample" hides a name from those who do not undo it. */
static size_t undo_percent(struct slice host, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < host.len; len++) {
		i += take_char(host, i, &out[len]);
		out[len] = (char)tolower((unsigned char)out[len]);
	}
	return len;
}

/* Letters, digits, and these. */
static bool is_made_of(const char *name, const char *marks)
{
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) &&
		    strchr(marks, *name) == NULL)
			return false;
	return true;
}

/* Browsers ask the DNS for a name with odd characters in front, and whoever
 * registered the rest of it can answer. */
bool link_list_name(struct slice host, char out[DOMAIN_SIZE])
{
	char plain[HOST_MAX + 1], name[DOMAIN_SIZE];
	struct in_addr ip;
	size_t len;

	if (host.len > HOST_MAX)
		return false;
	len = undo_percent(host, plain);
	plain[len] = '\0';
	/* Browsers, too, take "0x7f.1" and "2130706433" for an address. */
	if (strspn(plain, "0123456789abcdefx.") == len &&
	    inet_aton(plain, &ip) != 0) {
		const uint8_t *bytes = (const uint8_t *)&ip.s_addr;

		(void)snprintf(out, DOMAIN_SIZE, "%u.%u.%u.%u", bytes[3],
		    bytes[2], bytes[1], bytes[0]);
		return true;
	}
	if (!domain_to_ascii((struct slice){plain, len}, name) ||
	    strchr(name, '.') == NULL)
		return false;
	if (!is_made_of(name, "-_.!$&'()*+,;=~"))
		return false;
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	(void)snprintf(out, DOMAIN_SIZE, "%s", public_suffix_registered(name));
	return is_made_of(out, "-_.") && strchr(out, '.') != NULL;
}
