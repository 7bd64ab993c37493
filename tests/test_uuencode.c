#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounds.h"
#include "mail/transfer.h"
#include "mail/uuencode.h"
#include "pieces.h"

#include <stdio.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	bool fits = uuencode_decode(arg, in, len, last, out, used);

	assert_true(last || len - *used <= UUENCODE_CUT);
	return fits;
}

static void files_are_decoded_as_far_as_they_go(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"begin 644 cat\n#0V%T\n`\nend\n", "Cat"},
	    {"begin 644 cat\r\n#0V%T\r\n \r\nend\r\n", "Cat"},
	    {"text\n\nbegin 0644 a b\n#0V%T\n#0V%T\nend", "CatCat"},
	    {"begin 777 x\n#0V%T\n", "Cat"},
	    {"begin 644 x\n#````\n#0V%T\n", NULL},
	    /* Other lengths, and a checksum behind the line. */
	    {"begin 644 x\n!0P\n", "C"},
	    {"begin 644 x\n\"0V$\n", "Ca"},
	    {"begin 644 x\n#0V%T7\n`\n", "Cat"},
	    /* Blanks that were lost on the way. */
	    {"begin 644 x\n&0V%T\n", "Cat"},
	    {"begin 644 x\n#    \n", NULL},
	    /* What ends it. */
	    {"begin 644 x\n#0V%T\nno data\n#0V%T\n", "Cat"},
	    {"begin 644 x\n#0V%T\n\n#0V%T\n", "Cat"},
	    {"begin 644 x\n#0V%T\nend\nbegin 644 y\n#0V%T\n", "Cat"},
	    {"begin 644 x\n#0V%T\n#0V%\xE9\n", "Cat"},
	    /* No file. */
	    {"#0V%T\n", ""},
	    {"begin 644\n#0V%T\n", ""},
	    {"begin 999 x\n#0V%T\n", ""},
	    {"begin 64400 x\n#0V%T\n", ""},
	    {"begin 644  \n#0V%T\n", ""},
	    {" begin 644 x\n#0V%T\n", ""},
	    {"begun 644 x\n#0V%T\n", ""},
	    {"", ""},
	    {"\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct uuencode uuencode = {.cut = false};
		struct buf out = buf_new(1000);

		feed(stage, &uuencode, rows[r].in, strlen(rows[r].in), step,
		    &out);
		if (rows[r].out == NULL)
			assert_memory_equal(out.data, "\0\0\0", 3);
		else
			assert_string_equal(buf_text(&out), rows[r].out);
		buf_free(&out);
	}
}

static void lines_have_a_limit(void **state)
{
	struct buf text = buf_new(10000);

	(void)state;
	/* "begin 644 " and its end with a name of the length that is left. */
	for (size_t len = UUENCODE_CUT - 12; len < UUENCODE_CUT - 8; len++) {
		(void)buf_printf(&text, "begin 644 ");
		for (size_t i = 0; i < len; i++)
			(void)buf_append_char(&text, 'n');
		(void)buf_append_text(&text, "\n#0V%T\n");
		for (size_t i = 0; i < COUNT(steps); i++) {
			struct uuencode uuencode = {.cut = false};
			struct buf out = buf_new(1000);

			feed(stage, &uuencode, text.data, text.len, steps[i],
			    &out);
			assert_string_equal(buf_text(&out),
			    len + 11 <= UUENCODE_CUT ? "Cat" : "");
			buf_free(&out);
		}
		buf_clear(&text);
	}
	buf_free(&text);
}

/* The files in a text as "name:start-end ". */
static void find(const char *text, size_t len, size_t capacity, struct buf *out)
{
	struct source source = source_memory(text, len);
	struct arena *arena = arena_new();
	struct uuencoded *files;
	struct window window;
	struct error err = {0};
	size_t count;

	window_open(&window, &source, capacity);
	assert_true(
	    uuencode_find(&window, 0, len, arena, &files, &count, &err));
	for (size_t i = 0; i < count; i++)
		(void)buf_printf(out, "%s:%d-%d ", files[i].name,
		    (int)files[i].start, (int)files[i].end);
	window_close(&window);
	arena_free(&arena);
}

static void files_are_found_in_text(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"begin 644 cat\n#0V%T\n`\nend\n", "cat:0-26 "},
	    {"x\nbegin 644 cat\n#0V%T\nend\nbegin 600 b\r\n#0V%T\r\nend\r\n",
		"cat:2-26 b:26-51 "},
	    /* Without its end up to the first other line. */
	    {"begin 644 cat\n#0V%T\nother\n", "cat:0-20 "},
	    {"begin 644 cat\n#0V%T", "cat:0-19 "},
	    {"begin 644 cat\n#0V%T\nbegin 644 b\n#0V%T\n", "cat:0-20 b:20-38 "},
	    /* Nothing in it, or no whole line. */
	    {"begin 644 cat\n`\nend\n", ""},
	    {"begin 644 cat\nend\n", ""},
	    {"begin 644 of the end\nText.\n", ""},
	    {"begin 644 cat\n#0V%\n", ""},
	    {"> begin 644 cat\n> #0V%T\n", ""},
	    {"begin 644 a\nbegin 644 b\n#0V%T\n", "b:12-30 "},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = buf_new(1000);

		find(rows[i].in, strlen(rows[i].in), 4096, &out);
		assert_string_equal(buf_text(&out), rows[i].out);
		buf_free(&out);
	}
}

/* A text larger than the window, with lines longer than it. */
static void files_are_found_wherever_they_stand(void **state)
{
	static const char file[] = "\nbegin 644 cat\n#0V%T\nend\n";
	size_t size = 600000, at = 300000;
	char *text = malloc(size);
	char want[60];

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < 400; shift += 3) {
		struct buf out = buf_new(1000);
		size_t start = at + shift;

		memset(text, 'x', size);
		memcpy(text + start, file, sizeof(file) - 1);
		find(text, size, 131072, &out);
		(void)snprintf(want, sizeof(want), "cat:%zu-%zu ", start + 1,
		    start + sizeof(file) - 1);
		assert_string_equal(buf_text(&out), want);
		buf_free(&out);
	}
	free(text);
}

static void a_text_holds_files_up_to_a_limit(void **state)
{
	struct buf text = buf_new(100000), out = buf_new(100000);
	size_t count = 0;

	(void)state;
	for (int i = 0; i <= LIMIT_UUENCODED; i++)
		(void)buf_append_text(&text, "begin 644 cat\n#0V%T\nend\n");
	find(text.data, text.len, 4096, &out);
	for (size_t i = 0; i < out.len; i++)
		count += out.data[i] == ' ';
	assert_int_equal(count, LIMIT_UUENCODED);
	buf_free(&text);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_are_decoded_as_far_as_they_go),
	    cmocka_unit_test(lines_have_a_limit),
	    cmocka_unit_test(files_are_found_in_text),
	    cmocka_unit_test(files_are_found_wherever_they_stand),
	    cmocka_unit_test(a_text_holds_files_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
