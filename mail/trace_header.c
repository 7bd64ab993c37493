#include "mail/trace_header.h"

#include "base/clock.h"

#include <string.h>

bool trace_return_path(struct buf *out, const char *sender)
{
	return buf_printf(out, "Return-Path: <%s>\r\n", sender);
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._:[]", c) != NULL);
}

/* A stranger's name, with a ? for all that could mean something in a header
 * field. */
static bool append_name(struct buf *out, const char *name)
{
	if (name == NULL || *name == '\0')
		return buf_append_text(out, "unknown");
	for (; *name != '\0'; name++)
		if (!buf_append_char(out, is_plain(*name) ? *name : '?'))
			return false;
	return true;
}

/* RFC 5321 section 4.1.3: an IPv6 literal has a tag. */
static bool append_client(struct buf *out, const struct received *received)
{
	const char *ip = received->client_ip;

	return buf_append_text(out, " (") &&
	       (received->client_name == NULL ||
		   (append_name(out, received->client_name) &&
		       buf_append_char(out, ' '))) &&
	       buf_printf(
		   out, "[%s%s])", strchr(ip, ':') != NULL ? "IPv6:" : "", ip);
}

bool trace_received(struct buf *out, const struct received *received)
{
	char when[CLOCK_MAIL_SIZE];

	clock_format_mail(received->when_ms, when);
	if (!buf_append_text(out, "Received: from ") ||
	    !append_name(out, received->helo) || !append_client(out, received))
		return false;
	if (received->tls != NULL &&
	    !buf_printf(out, "\r\n\t(using %s)", received->tls))
		return false;
	if (!buf_printf(out, "\r\n\tby %s with %s id %s", received->host,
		received->protocol, received->id))
		return false;
	if (received->recipient != NULL &&
	    !buf_printf(out, "\r\n\tfor <%s>", received->recipient))
		return false;
	return buf_printf(out, ";\r\n\t%s\r\n", when);
}

bool trace_authentication(
    struct buf *out, const char *host, const char *const *methods, size_t count)
{
	if (count == 0)
		return true;
	if (!buf_printf(out, "Authentication-Results: %s", host))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!buf_printf(out, ";\r\n\t%s", methods[i]))
			return false;
	return buf_append_text(out, "\r\n");
}

const char *auth_result_name(enum auth_result result)
{
	switch (result) {
	case AUTH_NONE:
		break;
	case AUTH_PASS:
		return "pass";
	case AUTH_FAIL:
		return "fail";
	case AUTH_SOFTFAIL:
		return "softfail";
	case AUTH_NEUTRAL:
		return "neutral";
	case AUTH_TEMPERROR:
		return "temperror";
	case AUTH_PERMERROR:
		return "permerror";
	}
	return "none";
}
