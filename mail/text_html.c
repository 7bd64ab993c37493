#include "mail/text_html.h"

#include <string.h>

/* Blanks in a row that are kept. */
#define BLANKS_MAX 4096

void text_html_open(struct text_html *text)
{
	*text = (struct text_html){.blanks = buf_new(BLANKS_MAX)};
}

void text_html_close(struct text_html *text)
{
	buf_free(&text->blanks);
}

static const char *escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

/* What stands before the next character that is no blank: nothing of it at
 * the start. */
static bool flush_space(struct text_html *text, struct buf *out)
{
	bool fits = true;

	if (text->begun && text->newlines > 1)
		fits = buf_append_text(out, "</p><p>");
	else if (text->begun && text->newlines == 1)
		fits = buf_append_text(out, "<br/>");
	if (text->begun && fits)
		fits =
		    buf_append(out, buf_text(&text->blanks), text->blanks.len);
	text->begun = true;
	text->newlines = 0;
	buf_clear(&text->blanks);
	return fits;
}

bool text_html_write(struct text_html *text, const char *in, size_t len,
    bool last, struct buf *out)
{
	const char *entity;
	size_t run;
	bool fits = true;

	for (size_t i = 0; i < len && fits; i++) {
		if (in[i] == '\n') {
			text->newlines++;
			buf_clear(&text->blanks);
			continue;
		}
		if (in[i] == ' ' || in[i] == '\t') {
			(void)buf_append_char(&text->blanks, in[i]);
			continue;
		}
		if (in[i] == '\r')
			buf_clear(&text->blanks);
		fits = flush_space(text, out);
		entity = escape(in[i]);
		if (entity != NULL) {
			fits = fits && buf_append_text(out, entity);
			continue;
		}
		for (run = i + 1; run < len && escape(in[run]) == NULL &&
				  strchr(" \t\n", in[run]) == NULL;
		     run++)
			;
		fits = fits && buf_append(out, in + i, run - i);
		i = run - 1;
	}
	return fits && (!last || buf_append_text(out, "</p>"));
}
