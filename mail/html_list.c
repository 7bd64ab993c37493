#include "mail/html_list.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The marks of so many items, the last ones, are looked at for the widest. */
#define MEASURED 500U

struct counter {
	struct html_outline *outline;
	struct {
		enum html_tag tag;
		size_t list;
	} stack[LIMIT_HTML_DEPTH];
	size_t depth;
};

static bool is_list(enum html_tag tag)
{
	return tag == HTML_UL || tag == HTML_OL;
}

static void on_open(
    void *arg, enum html_tag tag, const struct html_attributes *attributes)
{
	struct counter *counter = arg;
	struct html_outline *outline = counter->outline;
	size_t outer = counter->depth - 1;

	(void)attributes;
	outline->has_body |= tag == HTML_BODY;
	if (tag == HTML_LI && counter->depth > 0 &&
	    is_list(counter->stack[outer].tag) &&
	    counter->stack[outer].list < HTML_LISTS)
		outline->items[counter->stack[outer].list]++;
	counter->stack[counter->depth].tag = tag;
	counter->stack[counter->depth++].list = outline->lists;
	outline->lists += is_list(tag);
}

static void on_close(void *arg, enum html_tag tag)
{
	(void)tag;
	((struct counter *)arg)->depth--;
}

static void on_text(void *arg, struct slice text)
{
	(void)arg;
	(void)text;
}

struct html_outline *html_outline_of(struct slice html)
{
	struct counter counter = {
	    .outline = xcalloc(1, sizeof(*counter.outline))};
	struct html_handler handler = {
	    &counter, on_open, on_close, on_text, false};

	html_scan(html, &handler);
	return counter.outline;
}

static void format_roman(long number, bool lower, char *out)
{
	static const struct {
		int value;
		const char *upper, *lower;
	} digits[] = {{1000, "M", "m"}, {900, "CM", "cm"}, {500, "D", "d"},
	    {400, "CD", "cd"}, {100, "C", "c"}, {90, "XC", "xc"},
	    {50, "L", "l"}, {40, "XL", "xl"}, {10, "X", "x"}, {9, "IX", "ix"},
	    {5, "V", "v"}, {4, "IV", "iv"}, {1, "I", "i"}};

	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++)
		for (; number >= digits[i].value; number -= digits[i].value)
			out = stpcpy(
			    out, lower ? digits[i].lower : digits[i].upper);
}

static void format_letters(long number, char first, char *out)
{
	char backwards[16];
	size_t len = 0;

	for (; number > 0; number = (number - 1) / 26)
		backwards[len++] = (char)(first + (number - 1) % 26);
	while (len > 0)
		*out++ = backwards[--len];
	*out = '\0';
}

static void format_mark(
    const struct html_list *list, long number, char mark[LAYOUT_MARK + 1])
{
	/* In the item of another list there is no blank before it. */
	const char *lead = list->inner ? "" : " ";
	char text[LAYOUT_MARK];

	if (list->tag == HTML_UL) {
		(void)snprintf(mark, LAYOUT_MARK + 1, "%s* ", lead);
		return;
	}
	if ((list->type == 'i' || list->type == 'I') && number > 0 &&
	    number < 4000)
		format_roman(number, list->type == 'i', text);
	else if ((list->type == 'a' || list->type == 'A') && number > 0)
		format_letters(number, list->type, text);
	else
		(void)snprintf(text, sizeof(text), "%ld", number);
	(void)snprintf(mark, LAYOUT_MARK + 1, "%s%.20s. ", lead, text);
}

static unsigned measure_marks(const struct html_list *list, unsigned items)
{
	char mark[LAYOUT_MARK + 1];
	size_t widest = 0;

	for (unsigned i = items > MEASURED ? items - MEASURED : 0; i < items;
	     i++) {
		format_mark(list, list->next + (long)i, mark);
		if (strlen(mark) > widest)
			widest = strlen(mark);
	}
	return (unsigned)widest;
}

static long first_number(struct slice start)
{
	char text[12];
	long number;

	if (start.len == 0 || start.len >= sizeof(text))
		return 1;
	memcpy(text, start.data, start.len);
	text[start.len] = '\0';
	number = strtol(text, NULL, 10);
	return number > INT_MAX / 2 || number < INT_MIN / 2 ? 1 : number;
}

struct html_list html_list_open(const struct html_outline *outline,
    size_t number, enum html_tag tag, bool inner,
    const struct html_attributes *attributes)
{
	struct html_list list = {.tag = tag, .inner = inner, .type = '1'};

	if (attributes->type.len == 1)
		list.type = attributes->type.data[0];
	list.next = first_number(attributes->start);
	if (number < HTML_LISTS)
		list.mark_width = measure_marks(&list, outline->items[number]);
	return list;
}

void html_list_mark(
    struct html_list *list, bool marked, char mark[LAYOUT_MARK + 1])
{
	char text[LAYOUT_MARK + 1] = "";

	if (marked)
		format_mark(list, list->next++, text);
	(void)snprintf(
	    mark, LAYOUT_MARK + 1, "%-*s", (int)list->mark_width, text);
}
