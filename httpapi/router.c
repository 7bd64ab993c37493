#include "httpapi/router.h"

#include "base/buf.h"
#include "base/digit.h"
#include "base/utf8.h"
#include "bounds.h"

#include <string.h>

/* One segment of a path, with its %XX undone; NULL if it is no text. The
 * framing has seen that every % is followed by two digits. */
static const char *decode(struct slice segment, struct arena *arena)
{
	char *text = arena_alloc(arena, segment.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.data[i];

		if (c == '%') {
			c = (char)hex_byte(segment.data + i + 1);
			i += 2;
		}
		text[len++] = c;
	}
	text[len] = '\0';
	return len > 0 && utf8_valid(text, len) ? text : NULL;
}

/* Takes "/segment" off the front. */
static bool take_segment(struct slice *path, struct slice *segment)
{
	if (path->len == 0 || path->data[0] != '/')
		return false;
	*path = slice_from(*path, 1);
	*segment = slice_first(*path, slice_find(*path, '/'));
	*path = slice_from(*path, segment->len);
	return true;
}

static bool match_path(const char *pattern, struct slice path,
    const char *parameters[REQUEST_PARAMETERS], struct arena *arena)
{
	struct slice rest = slice_of(pattern), wanted, got;
	size_t count = 0;

	while (rest.len > 0) {
		if (!take_segment(&rest, &wanted) || !take_segment(&path, &got))
			return false;
		if (wanted.len == 0 || wanted.data[0] != '{') {
			if (got.len != wanted.len ||
			    memcmp(got.data, wanted.data, got.len) != 0)
				return false;
			continue;
		}
		parameters[count] = decode(got, arena);
		if (parameters[count++] == NULL)
			return false;
	}
	return path.len == 0;
}

static bool match_method(const char *wanted, const char *got)
{
	return strcmp(wanted, got) == 0 ||
	       (strcmp(got, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

enum route_match router_find(
    struct request *request, struct slice target, const char **allow)
{
	struct slice path = slice_first(target, slice_find(target, '?'));
	const char *parameters[REQUEST_PARAMETERS] = {0};

	*allow = NULL;
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];

		if (!match_path(route->path, path, parameters, request->arena))
			continue;
		if (match_method(route->method, request->method)) {
			request->route = route;
			memcpy(request->parameters, parameters,
			    sizeof(parameters));
			return ROUTE_FOUND;
		}
		*allow = arena_printf(request->arena, "%s%s%s%s",
		    *allow == NULL ? "" : *allow, *allow == NULL ? "" : ", ",
		    route->method,
		    strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
	}
	return *allow == NULL ? ROUTE_NO_PATH : ROUTE_NO_METHOD;
}

const char *request_parameter(const struct request *request, const char *name)
{
	struct slice rest = slice_of(request->route->path), segment;
	size_t count = 0;

	while (take_segment(&rest, &segment)) {
		if (segment.len < 2 || segment.data[0] != '{')
			continue;
		if (slice_equals(
			(struct slice){segment.data + 1, segment.len - 2},
			name))
			return request->parameters[count];
		count++;
	}
	return NULL;
}
