#include "base/buf.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 64

struct buf buf_new(size_t limit)
{
	return (struct buf){.limit = limit};
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = buf_new(buf->limit);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_consume(struct buf *buf, size_t count)
{
	assert(count <= buf->len);
	if (count == 0)
		return;
	memmove(buf->data, buf->data + count, buf->len - count + 1);
	buf->len -= count;
}

char *buf_room(struct buf *buf, size_t want)
{
	size_t need, size;

	if (want > buf->limit - buf->len)
		return NULL;
	need = buf->len + want + 1;
	if (need > buf->size) {
		size = buf->size < SMALLEST ? SMALLEST : buf->size * 2;
		if (size > buf->limit + 1)
			size = buf->limit + 1;
		if (size < need)
			size = need;
		buf->data = xrealloc(buf->data, size);
		buf->size = size;
	}
	return buf->data + buf->len;
}

void buf_added(struct buf *buf, size_t count)
{
	assert(buf->len + count < buf->size);
	buf->len += count;
	buf->data[buf->len] = '\0';
}

bool buf_append(struct buf *buf, const void *data, size_t len)
{
	char *room = buf_room(buf, len);

	if (room == NULL)
		return false;
	if (len > 0)
		memcpy(room, data, len);
	buf_added(buf, len);
	return true;
}

bool buf_append_text(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

bool buf_append_char(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	bool done;

	va_start(args, format);
	done = buf_vprintf(buf, format, args);
	va_end(args);
	return done;
}

bool buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	size_t room = buf->size - buf->len;
	va_list again;
	int len;

	/* Most fit into what is there already. */
	va_copy(again, args);
	len = vsnprintf(
	    room > 0 ? buf->data + buf->len : NULL, room, format, again);
	va_end(again);
	assert(len >= 0);
	if ((size_t)len >= room) {
		if (room > 0)
			buf->data[buf->len] = '\0';
		if (buf_room(buf, (size_t)len) == NULL)
			return false;
		(void)vsnprintf(
		    buf->data + buf->len, (size_t)len + 1, format, args);
	}
	buf_added(buf, (size_t)len);
	return true;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data == NULL ? "" : buf->data;
}
