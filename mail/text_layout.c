#include "mail/text_layout.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>

#define LEAST_WIDTH 20U
#define QUOTE "> "
/* Of what stands to the left of a block; deeper ones are not set in. */
#define MARGIN_MAX 200

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static struct layout_block *top(struct layout *layout)
{
	return &layout->blocks[layout->depth - 1];
}

void layout_open(struct layout *layout, struct buf *out)
{
	*layout = (struct layout){.out = out,
	    .depth = 1,
	    .word = buf_new(SIZE_MAX / 2),
	    .margin = buf_new(MARGIN_MAX)};
	layout->blocks[0].width = LAYOUT_WIDTH;
}

static void write(struct layout *layout, const char *text, size_t len)
{
	if (!layout->full && !buf_append(layout->out, text, len))
		layout->full = true;
}

/* The line breaks of the text itself, each with the margin of the block. At
 * the start of a quotation they do not count. */
static void write_newlines(struct layout *layout)
{
	if (layout->quote_begins)
		layout->newlines = 0;
	layout->quote_begins = false;
	for (; layout->newlines > 0 && !layout->full; layout->newlines--) {
		write(layout, "\n", 1);
		write(layout, buf_text(&layout->margin), layout->margin.len);
	}
	layout->newlines = 0;
}

/* Writes what a block begins with. */
static void write_mark(struct layout *layout, struct layout_block *block)
{
	static const char blanks[LAYOUT_MARK] = "                        ";

	block->begun = true;
	block->margin_len = layout->margin.len;
	if (block->kind != LAYOUT_QUOTE && block->kind != LAYOUT_ITEM)
		return;
	write_newlines(layout);
	if (block->kind == LAYOUT_QUOTE) {
		write(layout, QUOTE, strlen(QUOTE));
		(void)buf_append_text(&layout->margin, QUOTE);
		layout->quote_begins = true;
		return;
	}
	write(layout, block->mark, block->mark_len);
	(void)buf_append(&layout->margin, blanks, block->mark_len);
}

/*
 * Text comes into the current block: it and the blocks around it that had
 * none begin here. The innermost says how far below what is before them, and
 * each around it only if something empty in it asked for more.
 */
static void begin(struct layout *layout)
{
	struct layout_block *blocks = layout->blocks;
	size_t begun = layout->depth, i;
	unsigned leading;

	while (begun > 0 && !blocks[begun - 1].begun)
		begun--;
	if (begun == layout->depth)
		return;
	leading = blocks[layout->depth - 1].leading;
	for (i = layout->depth - 1; i > 0 && i >= begun; i--) {
		leading = larger(blocks[i - 1].owed, leading);
		blocks[i - 1].owed = 0;
	}
	if (begun > 0)
		layout->newlines += leading;
	for (i = begun; i < layout->depth; i++)
		write_mark(layout, &blocks[i]);
}

/* Writes the word that waited. */
static void end_word(struct layout *layout)
{
	struct layout_block *block = top(layout);

	if (layout->word.len == 0)
		return;
	if (block->used > 0 &&
	    block->used + 1 + layout->word_width > block->width) {
		layout->newlines++;
		block->used = 0;
	}
	if (block->used > 0) {
		write(layout, " ", 1);
		block->used++;
	}
	write_newlines(layout);
	write(layout, buf_text(&layout->word), layout->word.len);
	block->used += layout->word_width;
	buf_clear(&layout->word);
	layout->word_width = 0;
}

void layout_close(struct layout *layout)
{
	end_word(layout);
	write_newlines(layout);
	buf_free(&layout->word);
	buf_free(&layout->margin);
}

void layout_begin(
    struct layout *layout, enum layout_kind kind, unsigned leading)
{
	struct layout_block *outer, *block;

	end_word(layout);
	assert(
	    layout->depth < sizeof(layout->blocks) / sizeof(layout->blocks[0]));
	outer = top(layout);
	block = &layout->blocks[layout->depth++];
	*block = (struct layout_block){.kind = kind,
	    .leading = leading,
	    .pre = outer->pre || kind == LAYOUT_PRE,
	    .width = outer->width};
	if (kind == LAYOUT_QUOTE)
		block->width =
		    larger(LEAST_WIDTH, outer->width - (unsigned)strlen(QUOTE));
}

void layout_begin_item(struct layout *layout, const char *mark)
{
	struct layout_block *block;
	size_t len = strlen(mark);

	layout_begin(layout, LAYOUT_ITEM, 1);
	block = top(layout);
	if (len > LAYOUT_MARK)
		len = LAYOUT_MARK;
	memcpy(block->mark, mark, len);
	block->mark_len = (unsigned)len;
	block->width = block->width > LEAST_WIDTH + block->mark_len
			   ? block->width - block->mark_len
			   : LEAST_WIDTH;
}

void layout_end(struct layout *layout, unsigned trailing)
{
	struct layout_block *block = top(layout), *outer = block - 1;
	unsigned breaks;

	end_word(layout);
	assert(layout->depth > 1);
	if (block->kind == LAYOUT_QUOTE ||
	    (block->kind == LAYOUT_ITEM && block->mark_len > 0))
		begin(layout);
	if (block->kind == LAYOUT_QUOTE && block->begun) {
		layout->newlines = 0;
		layout->quote_begins = false;
	} else if (block->kind == LAYOUT_ITEM && block->begun) {
		write_newlines(layout);
	}
	if (block->begun) {
		layout->margin.len = block->margin_len;
	} else {
		/* Nothing in it, but its distance counts. */
		breaks = larger(outer->owed, block->leading);
		if (outer->begun)
			layout->newlines += breaks;
		else
			outer->leading = breaks;
	}
	outer->owed = larger(block->owed, trailing);
	outer->used = 0;
	layout->depth--;
}

/* Letters that have their capitals at a fixed distance, or, where that is 0,
 * just before them, in pairs that begin with an even or an odd number. */
struct letters {
	uint32_t first, last, distance;
	bool odd;
};

/* The capital of a letter of the scripts that have them. */
static uint32_t upper(uint32_t c)
{
	static const struct letters ranges[] = {
	    {0x61, 0x7A, 0x20, false}, /* ASCII */
	    {0xE0, 0xF6, 0x20, false}, /* Latin-1 */
	    {0xF8, 0xFE, 0x20, false},
	    {0x100, 0x12F, 0, false}, /* Latin Extended-A */
	    {0x132, 0x137, 0, false},
	    {0x139, 0x148, 0, true},
	    {0x14A, 0x177, 0, false},
	    {0x179, 0x17E, 0, true},
	    {0x1A0, 0x1A5, 0, false}, /* Latin Extended-B, in part */
	    {0x1AF, 0x1B0, 0, true},
	    {0x1CD, 0x1DC, 0, true},
	    {0x1DE, 0x1EF, 0, false},
	    {0x1F8, 0x21F, 0, false},
	    {0x222, 0x233, 0, false},
	    {0x3AC, 0x3AC, 0x26, false}, /* Greek */
	    {0x3AD, 0x3AF, 0x25, false},
	    {0x3B1, 0x3C1, 0x20, false},
	    {0x3C2, 0x3C2, 0x1F, false},
	    {0x3C3, 0x3CB, 0x20, false},
	    {0x3CC, 0x3CC, 0x40, false},
	    {0x3CD, 0x3CE, 0x3F, false},
	    {0x430, 0x44F, 0x20, false}, /* Cyrillic */
	    {0x450, 0x45F, 0x50, false},
	    {0x460, 0x481, 0, false},
	    {0x48A, 0x4BF, 0, false},
	    {0x4C1, 0x4CE, 0, true},
	    {0x4CF, 0x4CF, 0xF, false},
	    {0x4D0, 0x52F, 0, false},
	    {0x561, 0x586, 0x30, false}, /* Armenian */
	    {0x1E00, 0x1E95, 0, false},  /* Latin Extended Additional */
	    {0x1EA0, 0x1EFF, 0, false},
	};

	/* Letters whose capital is in another block: micro, y with diaeresis,
	 * dotless i, long s. */
	static const uint32_t strays[][2] = {
	    {0xB5, 0x39C}, {0xFF, 0x178}, {0x131, 0x49}, {0x17F, 0x53}};

	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++)
		if (c == strays[i][0])
			return strays[i][1];
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (c < ranges[i].first || c > ranges[i].last)
			continue;
		if (ranges[i].distance > 0)
			return c - ranges[i].distance;
		return (c & 1U) == (ranges[i].odd ? 0U : 1U) ? c - 1 : c;
	}
	return c;
}

/* Columns as most programs count them: a pair of surrogates is two. */
static unsigned width_of(struct slice text)
{
	unsigned width = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		width += (c & 0xC0) != 0x80;
		width += c >= 0xF0;
	}
	return width;
}

static void add_capitals(struct layout *layout, struct slice text)
{
	char capital[UTF8_MAX];
	size_t bad, len;
	int seq;

	for (size_t at = 0; at < text.len; at += (size_t)seq) {
		seq = utf8_sequence(text.data + at, text.len - at, &bad);
		if (seq <= 0)
			seq = (int)bad;
		if (seq == 2 && memcmp(text.data + at, "\xC3\x9F", 2) == 0) {
			(void)buf_append(&layout->word, "SS", 2);
			layout->word_width++;
			continue;
		}
		len = utf8_encode(
		    upper(utf8_decode(text.data + at, seq)), capital);
		(void)buf_append(&layout->word, capital, len);
	}
}

static void add_to_word(struct layout *layout, struct slice text)
{
	layout->word_width += width_of(text);
	layout->words++;
	if (layout->upper > 0)
		add_capitals(layout, text);
	else
		(void)buf_append(&layout->word, text.data, text.len);
}

/* How many bytes of white space the text begins with: that of HTML, and the
 * space without width. */
static size_t white_len(struct slice text)
{
	size_t len = 0;

	while (len < text.len) {
		if (slice_is_space(text.data[len]) || text.data[len] == '\f')
			len++;
		else if (text.len - len >= 3 &&
			 memcmp(text.data + len, "\xE2\x80\x8B", 3) == 0)
			len += 3;
		else
			break;
	}
	return len;
}

static size_t word_len(struct slice text)
{
	size_t len = 0;

	while (len < text.len) {
		unsigned char c = (unsigned char)text.data[len];

		if ((c <= ' ' || c == 0xE2) &&
		    white_len(slice_from(text, len)) > 0)
			break;
		len++;
	}
	return len;
}

static void add_pre(struct layout *layout, struct slice text)
{
	size_t len;

	if (text.len == 0)
		return;
	begin(layout);
	while (text.len > 0) {
		len = slice_find(text, '\n');
		if (len > 0) {
			write_newlines(layout);
			write(layout, text.data, len);
		}
		if (len < text.len)
			layout->newlines++;
		text = slice_from(text, len < text.len ? len + 1 : len);
	}
}

/* The line breaks that blocks inside left behind. */
static void pay_breaks(struct layout *layout, struct layout_block *block)
{
	begin(layout);
	if (block->owed == 0)
		return;
	layout->newlines += block->owed;
	block->owed = 0;
	block->used = 0;
}

void layout_text(struct layout *layout, struct slice text)
{
	struct layout_block *block = top(layout);
	size_t white;

	if (block->pre) {
		add_pre(layout, text);
		return;
	}
	while (text.len > 0 && !layout->full) {
		white = white_len(text);
		text = slice_from(text, white);
		if (white > 0 && (text.len > 0 || block->owed == 0))
			block->space = true;
		if (text.len == 0)
			break;
		pay_breaks(layout, block);
		if (block->space)
			end_word(layout);
		block->space = false;
		add_to_word(layout, slice_first(text, word_len(text)));
		text = slice_from(text, word_len(text));
	}
}

void layout_break(struct layout *layout)
{
	end_word(layout);
	begin(layout);
	layout->newlines++;
	top(layout)->used = 0;
}

void layout_space(struct layout *layout)
{
	top(layout)->space = true;
}

void layout_fresh_line(struct layout *layout)
{
	end_word(layout);
	if (top(layout)->used > 0)
		layout_break(layout);
}
