#include "base/source.h"

#include "base/unconst.h"

#include <string.h>

static bool read_memory(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	(void)err;
	memcpy(data, (const char *)arg + offset, len);
	return true;
}

struct source source_memory(const void *data, size_t len)
{
	return (struct source){
	    .size = len, .read = read_memory, .arg = unconst(data)};
}

bool source_read(const struct source *source, uint64_t offset, void *data,
    size_t len, size_t *got, struct error *err)
{
	*got = 0;
	if (offset >= source->size || len == 0)
		return true;
	if (len > source->size - offset)
		len = (size_t)(source->size - offset);
	if (!source->read(source->arg, offset, data, len, err))
		return false;
	*got = len;
	return true;
}
