#include "work_count.h"

#include <iconv.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static uint64_t work;
static size_t memory, peak, before;

void work_begin(void)
{
	work = 0;
	before = peak = memory;
}

uint64_t work_done(void)
{
	return work;
}

size_t work_peak_memory(void)
{
	return peak - before;
}

/* The names are the compiler's, and the linker's (--wrap). */
/* NOLINTBEGIN(bugprone-*,cert-*,readability-identifier-naming) */
void __sanitizer_cov_trace_pc(void);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__real_memchr(const void *s, int c, size_t len);
void *__real_memmem(
    const void *s, size_t len, const void *needle, size_t needle_len);
void *__real_memcpy(void *to, const void *from, size_t len);
void *__real_memmove(void *to, const void *from, size_t len);
void *__real_memset(void *to, int c, size_t len);
size_t __real_strlen(const char *s);
size_t __real_iconv(
    iconv_t handle, char **in, size_t *left, char **out, size_t *out_left);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);
void *__wrap_memchr(const void *s, int c, size_t len);
void *__wrap_memmem(
    const void *s, size_t len, const void *needle, size_t needle_len);
void *__wrap_memcpy(void *to, const void *from, size_t len);
void *__wrap_memmove(void *to, const void *from, size_t len);
void *__wrap_memset(void *to, int c, size_t len);
size_t __wrap_strlen(const char *s);
size_t __wrap_iconv(
    iconv_t handle, char **in, size_t *left, char **out, size_t *out_left);

/* The library goes over many bytes in the time of one basic block. */
static void count_bytes(size_t bytes)
{
	work += 1 + bytes / 8;
}

static void *count_new(void *new)
{
	memory += malloc_usable_size(new);
	if (memory > peak)
		peak = memory;
	return new;
}

static void count_old(void *old)
{
	memory -= malloc_usable_size(old);
}

void __sanitizer_cov_trace_pc(void)
{
	work++;
}

void *__wrap_malloc(size_t size)
{
	return count_new(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	count_bytes(count * size);
	return count_new(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	count_bytes(malloc_usable_size(old));
	count_old(old);
	return count_new(__real_realloc(old, size));
}

void __wrap_free(void *old)
{
	count_old(old);
	__real_free(old);
}

void *__wrap_memchr(const void *s, int c, size_t len)
{
	char *found = __real_memchr(s, c, len);

	count_bytes(found == NULL ? len : (size_t)(found - (const char *)s));
	return found;
}

void *__wrap_memmem(
    const void *s, size_t len, const void *needle, size_t needle_len)
{
	char *found = __real_memmem(s, len, needle, needle_len);

	count_bytes(found == NULL ? len : (size_t)(found - (const char *)s));
	return found;
}

void *__wrap_memcpy(void *to, const void *from, size_t len)
{
	count_bytes(len);
	return __real_memcpy(to, from, len);
}

void *__wrap_memmove(void *to, const void *from, size_t len)
{
	count_bytes(len);
	return __real_memmove(to, from, len);
}

void *__wrap_memset(void *to, int c, size_t len)
{
	count_bytes(len);
	return __real_memset(to, c, len);
}

size_t __wrap_strlen(const char *s)
{
	size_t len = __real_strlen(s);

	count_bytes(len);
	return len;
}

size_t __wrap_iconv(
    iconv_t handle, char **in, size_t *left, char **out, size_t *out_left)
{
	size_t before_call = left == NULL ? 0 : *left;
	size_t result = __real_iconv(handle, in, left, out, out_left);

	count_bytes(left == NULL ? 0 : (before_call - *left) * 8);
	return result;
}
/* NOLINTEND(bugprone-*,cert-*,readability-identifier-naming) */
