/*
 * Any bytes in any charset: UTF-8 comes out, the same whole and in pieces,
 * the second time as the first, and never more than the limit.
 *
 * The first two bytes choose a row of the table of names (or none), the third
 * the length of the pieces.
 */
#include "base/utf8.h"
#include "mail/charset.h"
#include "pieces.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICES 3

static bool stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	bool fits = charset_decode(arg, in, len, last, out, used);

	/* What is left unread is the beginning of one character. */
	assert(!fits || last || len - *used < CHARSET_CUT);
	assert(!fits || !last || *used == len);
	return fits;
}

static void check_limit(struct slice label, const struct buf *whole,
    const char *text, size_t len, size_t step)
{
	struct buf tight = buf_new(whole->len - 1);
	struct charset charset;

	charset_open(&charset, label, CHARSET_WORD);
	(void)feed(stage, &charset, text, len, step, &tight);
	assert(tight.len <= whole->len - 1);
	charset_close(&charset);
	buf_free(&tight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Opened once: loading a converter takes far longer than using it. */
	static struct charset charsets[1000];
	struct buf whole = buf_new(SIZE_MAX / 2), pieces = whole;
	size_t row, step, len = size - CHOICES;
	struct slice label = {NULL, 0};
	const char *text;

	if (size < CHOICES)
		return 0;
	assert(charset_name_count < sizeof(charsets) / sizeof(charsets[0]));
	row = (size_t)(data[0] << 8 | data[1]) % (charset_name_count + 1);
	step = data[2] % 100 + (size_t)1;
	text = (const char *)data + CHOICES;
	if (row < charset_name_count)
		label = slice_of(charset_names[row].key);
	if (charsets[row].unit == 0)
		charset_open(&charsets[row], label, CHARSET_BODY);
	assert(feed(stage, &charsets[row], text, len, len + 1, &whole));
	assert(utf8_valid(buf_text(&whole), whole.len));
	assert(feed(stage, &charsets[row], text, len, step, &pieces));
	same(&whole, &pieces);
	if (whole.len > 0 && data[2] > 200)
		check_limit(label, &whole, text, len, step);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
