#include "httpapi/reply.h"

#include "base/errors.h"
#include "base/utf8.h"
#include "bounds.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct title {
	unsigned status;
	const char *text;
};

/* RFC 9110 section 15, RFC 6585, RFC 4918. */
static const struct title titles[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *reply_title(unsigned status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (titles[i].status == status)
			return titles[i].text;
	return "Error";
}

struct reply reply_new(struct arena *arena)
{
	return (struct reply){
	    .arena = arena, .body = buf_new(LIMIT_HTTP_ANSWER)};
}

void reply_free(struct reply *reply)
{
	buf_free(&reply->body);
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
	assert(reply->header_count < REPLY_HEADERS);
	reply->headers[reply->header_count++] =
	    (struct reply_header){arena_strdup(reply->arena, name),
		arena_strdup(reply->arena, value)};
}

void reply_begin(struct reply *reply, unsigned status, const char *type)
{
	reply->status = status;
	reply->type = arena_strdup(reply->arena, type);
	buf_clear(&reply->body);
}

static int append_json(const char *text, size_t len, void *arg)
{
	return buf_append(arg, text, len) ? 0 : -1;
}

static void write_json(
    struct reply *reply, unsigned status, json_t *value, const char *type)
{
	reply_begin(reply, status, type);
	assert(value != NULL);
	if (json_dump_callback(
		value, append_json, &reply->body, JSON_COMPACT) != 0)
		fatal("an answer is larger than %zu bytes", LIMIT_HTTP_ANSWER);
	json_decref(value);
}

void reply_json(struct reply *reply, unsigned status, json_t *value)
{
	write_json(reply, status, value, "application/json");
}

/* What a stranger wrote may be part of a sentence, and may be anything. */
static json_t *sentence(struct reply *reply, const char *text)
{
	struct buf clean = buf_new(SIZE_MAX);
	const char *kept;
	size_t used;

	if (!utf8_append_clean(&clean, text, strlen(text), true, &used))
		fatal("an unlimited buffer was full");
	kept = arena_strdup(reply->arena, buf_text(&clean));
	buf_free(&clean);
	return json_string(kept);
}

void reply_problem(
    struct reply *reply, unsigned status, const char *detail, json_t *members)
{
	json_t *body = json_pack("{s:b, s:o, s:s, s:s, s:i, s:o}", "success", 0,
	    "error", sentence(reply, detail), "type", "about:blank", "title",
	    reply_title(status), "status", (int)status, "detail",
	    sentence(reply, detail));

	if (members != NULL) {
		(void)json_object_update(body, members);
		json_decref(members);
	}
	write_json(reply, status, body, "application/problem+json");
}

void reply_error(struct reply *reply, unsigned status, const char *format, ...)
{
	char detail[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	reply_problem(reply, status, detail, NULL);
}

static unsigned status_of(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NOT_FOUND:
		return 404;
	case ERROR_FULL:
		return 507;
	case ERROR_LIMIT:
		return 413;
	case ERROR_PERMANENT:
		return 400;
	case ERROR_BUSY:
	case ERROR_TEMPORARY:
	case ERROR_IO:
		return 503;
	case ERROR_CONFIG:
	case ERROR_CORRUPT:
	case ERROR_NONE:
		break;
	}
	return 500;
}

void reply_failure(struct reply *reply, const struct error *err)
{
	if (status_of(err->kind) == 503)
		reply_header(reply, "Retry-After", "5");
	reply_problem(reply, status_of(err->kind), err->text, NULL);
}
