#include "httpapi/route_page.h"

#include "httpapi/page.h"

/* Nothing from elsewhere, nothing inline, no frame around it. */
#define POLICY                                                                 \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"img-src 'self'; connect-src 'self'; base-uri 'none'; "                \
	"form-action 'none'; frame-ancestors 'none'"

static void answer(struct reply *reply, unsigned status, const char *type,
    const struct page_file *file)
{
	reply_begin(reply, status, type);
	(void)buf_append(&reply->body, file->data, file->len);
	reply_header(reply, "Content-Security-Policy", POLICY);
	reply_header(reply, "Referrer-Policy", "no-referrer");
	reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
}

void page_answer(struct request *request, unsigned status, struct reply *reply)
{
	(void)request;
	answer(reply, status, "text/html; charset=utf-8", &page_status_html);
}

void route_page_script(struct request *request, struct reply *reply)
{
	(void)request;
	answer(reply, 200, "text/javascript; charset=utf-8", &page_status_js);
}

void route_page_style(struct request *request, struct reply *reply)
{
	(void)request;
	answer(reply, 200, "text/css; charset=utf-8", &page_status_css);
}

void route_page_icon(struct request *request, struct reply *reply)
{
	(void)request;
	answer(reply, 200, "image/svg+xml", &page_icon_svg);
}
