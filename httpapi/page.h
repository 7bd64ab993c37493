/* The files of httpapi/page, which the build puts into the program. */
#ifndef HTTPAPI_PAGE_H
#define HTTPAPI_PAGE_H

#include <stddef.h>

struct page_file {
	const unsigned char *data;
	size_t len;
};

extern const struct page_file page_status_html, page_status_js;
extern const struct page_file page_status_css, page_icon_svg;
extern const struct page_file page_openapi_json;

#endif
