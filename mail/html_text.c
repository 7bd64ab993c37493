#include "mail/html_text.h"
bool html_text(struct slice html, struct buf *out)
{
	return buf_append(out, html.data, html.len);
}
