#include "httpapi/json_intake.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/digit.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "bounds.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decoded text is written to the store in pieces of about this size; less than
 * one stays in memory. */
#define CHUNK ((size_t)16 * 1024)
#define NONCE_BYTES 16
#define NONCE_TEXT (2 * NONCE_BYTES)

enum state {
	OUTSIDE,
	SHORT,         /* in a string that is not long so far */
	SHORT_ESCAPED, /* behind its backslash */
	LONG,
	LONG_ESCAPED,
	LONG_DIGITS /* in its four digits */
};

struct passage {
	uint64_t offset, len;
};

struct json_intake {
	struct json_store store;
	struct arena *arena;
	enum state state;
	struct buf kept;     /* what jansson will see */
	size_t string_begin; /* in kept, behind the quote */
	bool behind_long;    /* with nothing but blanks in between */
	char nonce[NONCE_TEXT + 1];
	struct passage *passages;
	size_t passage_count, passage_room;
	struct buf decoded; /* of long strings: what is not in the store */
	size_t checked;     /* so much of it is UTF-8 */
	uint64_t stored;    /* bytes in the store, before decoded */
	/* The long string at hand. */
	unsigned digits, value; /* of \uXXXX */
	unsigned high;          /* the first half of a surrogate pair */
	json_t *root;
	struct error failure;
};

struct json_intake *json_intake_new(
    const struct json_store *store, struct arena *arena)
{
	struct json_intake *intake = xcalloc(1, sizeof(*intake));
	unsigned char nonce[NONCE_BYTES];

	intake->store = *store;
	intake->arena = arena;
	intake->kept = buf_new(LIMIT_JSON_KEPT);
	intake->decoded = buf_new(2 * CHUNK);
	randombytes_buf(nonce, sizeof(nonce));
	(void)sodium_bin2hex(
	    intake->nonce, sizeof(intake->nonce), nonce, sizeof(nonce));
	return intake;
}

void json_intake_free(struct json_intake **intake)
{
	if (*intake == NULL)
		return;
	json_decref((*intake)->root);
	buf_free(&(*intake)->kept);
	buf_free(&(*intake)->decoded);
	free((*intake)->passages);
	free(*intake);
	*intake = NULL;
}

static bool fail(
    struct json_intake *intake, enum error_kind kind, const char *text)
{
	if (intake->failure.kind == ERROR_NONE)
		(void)error_set(&intake->failure, kind, "%s", text);
	return false;
}

static bool malformed(struct json_intake *intake)
{
	return fail(intake, ERROR_PERMANENT, "the body is not JSON");
}

static bool keep(struct json_intake *intake, const char *data, size_t len)
{
	return buf_append(&intake->kept, data, len) ||
	       fail(intake, ERROR_LIMIT,
		   "the body has too many values beside its long strings");
}

/* --- long strings ----------------------------------------------------- */

/* A character that is cut waits, unless the string ends here. */
static bool check_text(struct json_intake *intake, bool last)
{
	const char *data = intake->decoded.data + intake->checked;
	size_t left = intake->decoded.len - intake->checked, bad = 0;
	size_t len = left > 0 ? utf8_valid_prefix(data, left) : 0;

	intake->checked += len;
	return len == left ||
	       (!last && utf8_sequence(data + len, left - len, &bad) < 0) ||
	       fail(intake, ERROR_PERMANENT, "the body is not UTF-8");
}

/* Gives what is decoded to the store. */
static bool flush(struct json_intake *intake)
{
	if (!check_text(intake, false) ||
	    !intake->store.write(intake->store.arg, intake->decoded.data,
		intake->checked, &intake->failure))
		return false;
	intake->stored += intake->checked;
	buf_consume(&intake->decoded, intake->checked);
	intake->checked = 0;
	return true;
}

static bool put(struct json_intake *intake, const char *data, size_t len)
{
	if (intake->high != 0)
		return malformed(intake); /* half of a pair */
	(void)buf_append(&intake->decoded, data, len);
	return intake->decoded.len < CHUNK || flush(intake);
}

static bool put_character(struct json_intake *intake, unsigned value)
{
	char text[UTF8_MAX];

	if (value >= 0xdc00 && value < 0xe000 && intake->high != 0) {
		value = 0x10000 + ((intake->high - 0xd800) << 10) +
			(value - 0xdc00);
		intake->high = 0;
	}
	if (intake->high != 0 || (value >= 0xdc00 && value < 0xe000))
		return malformed(intake);
	if (value >= 0xd800 && value < 0xdc00) {
		intake->high = value;
		return true;
	}
	return put(intake, text, utf8_encode(value, text));
}

static bool read_digit(struct json_intake *intake, char c)
{
	int digit = hex_digit(c);

	if (digit < 0)
		return malformed(intake);
	intake->value = intake->value * 16 + (unsigned)digit;
	if (++intake->digits < 4)
		return true;
	intake->state = LONG;
	return put_character(intake, intake->value);
}

static bool read_escape(struct json_intake *intake, char c)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *at = c == '\0' ? NULL : strchr(names, c);

	if (c == 'u') {
		intake->state = LONG_DIGITS;
		intake->digits = intake->value = 0;
		return true;
	}
	if (at == NULL)
		return malformed(intake);
	intake->state = LONG;
	return put(intake, &values[at - names], 1);
}

static bool end_long(struct json_intake *intake)
{
	struct passage *passage = &intake->passages[intake->passage_count - 1];
	char standin[NONCE_TEXT + 24];
	int len;

	if (intake->high != 0)
		return malformed(intake);
	if (!check_text(intake, true))
		return false;
	passage->len = intake->stored + intake->decoded.len - passage->offset;
	len = snprintf(standin, sizeof(standin), "%s%zu\"", intake->nonce,
	    intake->passage_count - 1);
	intake->state = OUTSIDE;
	intake->behind_long = true;
	return keep(intake, standin, (size_t)len);
}

/* Ordinary bytes of a long string, as many as there are. */
static size_t plain_run(const char *data, size_t len)
{
	size_t run = 0;

	while (run < len && data[run] != '"' && data[run] != '\\' &&
	       (unsigned char)data[run] >= ' ')
		run++;
	return run < CHUNK ? run : CHUNK;
}

/* One step; how many bytes it took, 0 if it failed. */
static size_t read_long(
    struct json_intake *intake, const char *data, size_t len)
{
	size_t run;

	if (intake->state == LONG_DIGITS)
		return read_digit(intake, *data) ? 1 : 0;
	if (intake->state == LONG_ESCAPED)
		return read_escape(intake, *data) ? 1 : 0;
	run = plain_run(data, len);
	if (run > 0)
		return put(intake, data, run) ? run : 0;
	if (*data == '"')
		return end_long(intake) ? 1 : 0;
	if (*data != '\\')
		return malformed(intake) ? 1 : 0; /* a control character */
	intake->state = LONG_ESCAPED;
	return 1;
}

/* The string at hand has become long: its beginning goes to the store too. */
static bool become_long(struct json_intake *intake)
{
	size_t len = intake->kept.len - intake->string_begin, at = 0, took;
	char *begin = xmalloc(len + 1);

	memcpy(begin, intake->kept.data + intake->string_begin, len);
	intake->kept.len = intake->string_begin;
	intake->kept.data[intake->kept.len] = '\0';
	if (intake->passage_count == intake->passage_room) {
		intake->passage_room = intake->passage_room * 2 + 8;
		intake->passages = xrealloc(intake->passages,
		    intake->passage_room * sizeof(*intake->passages));
	}
	intake->passages[intake->passage_count++] =
	    (struct passage){.offset = intake->stored + intake->decoded.len};
	intake->state = LONG;
	do {
		took = read_long(intake, begin + at, len - at);
		at += took;
	} while (took > 0 && at < len);
	free(begin);
	return at == len;
}

/* --- the rest --------------------------------------------------------- */

static size_t read_short(
    struct json_intake *intake, const char *data, size_t len)
{
	size_t run = intake->state == SHORT ? plain_run(data, len) : 0;
	char c = *data;

	/* Not more than it takes to become long. */
	if (run > LIMIT_JSON_STRING)
		run = LIMIT_JSON_STRING;
	if (run == 0)
		run = 1;
	if (!keep(intake, data, run))
		return 0;
	if (intake->state == SHORT_ESCAPED)
		intake->state = SHORT;
	else if (c == '\\')
		intake->state = SHORT_ESCAPED;
	else if (c == '"')
		intake->state = OUTSIDE;
	/* Not between a backslash and what it escapes. */
	if (intake->state == SHORT &&
	    intake->kept.len - intake->string_begin > LIMIT_JSON_STRING &&
	    !become_long(intake))
		return 0;
	return run;
}

/* Blanks between values, of which one is enough. */
static bool is_further_blank(const struct json_intake *intake, char c)
{
	const struct buf *kept = &intake->kept;

	return slice_is_space(c) && kept->len > 0 &&
	       slice_is_space(kept->data[kept->len - 1]);
}

static size_t read_outside(
    struct json_intake *intake, const char *data, size_t len)
{
	(void)len;
	if (is_further_blank(intake, *data))
		return 1;
	/* Only values can be asked for by their stand-ins. */
	if (intake->behind_long && *data == ':') {
		(void)fail(
		    intake, ERROR_PERMANENT, "a name in the body is too long");
		return 0;
	}
	if (!slice_is_space(*data))
		intake->behind_long = false;
	if (!keep(intake, data, 1))
		return 0;
	if (*data == '"') {
		intake->state = SHORT;
		intake->string_begin = intake->kept.len;
	}
	return 1;
}

bool json_intake_feed(struct json_intake *intake, const char *data, size_t len)
{
	size_t took = 1;

	while (len > 0 && took > 0 && intake->failure.kind == ERROR_NONE) {
		if (intake->state == OUTSIDE)
			took = read_outside(intake, data, len);
		else if (intake->state <= SHORT_ESCAPED)
			took = read_short(intake, data, len);
		else
			took = read_long(intake, data, len);
		data += took;
		len -= took;
	}
	return intake->failure.kind == ERROR_NONE;
}

const json_t *json_intake_finish(struct json_intake *intake, struct error *err)
{
	json_error_t why;

	if (intake->failure.kind == ERROR_NONE && intake->state != OUTSIDE)
		(void)fail(intake, ERROR_PERMANENT,
		    "the body is not JSON: it ends in a string");
	/* All in one place. */
	if (intake->failure.kind == ERROR_NONE && intake->stored > 0 &&
	    intake->decoded.len > 0)
		(void)flush(intake);
	if (intake->failure.kind == ERROR_NONE) {
		intake->root = json_loadb(buf_text(&intake->kept),
		    intake->kept.len,
		    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY,
		    &why);
		if (intake->root == NULL)
			(void)error_set(&intake->failure, ERROR_PERMANENT,
			    "the body is not JSON: %s", why.text);
	}
	*err = intake->failure;
	return intake->root;
}

/* --- strings ---------------------------------------------------------- */

static const struct passage *find(
    const struct json_intake *intake, const char *text, size_t len)
{
	uint64_t number;

	if (len <= NONCE_TEXT || memcmp(text, intake->nonce, NONCE_TEXT) != 0 ||
	    !number_parse(text + NONCE_TEXT, SIZE_MAX, &number) ||
	    number >= intake->passage_count)
		return NULL;
	return &intake->passages[number];
}

struct window_of {
	struct source whole;
	uint64_t offset;
};

static bool read_window(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct window_of *window = arg;

	return window->whole.read(
	    window->whole.arg, window->offset + offset, data, len, err);
}

struct source json_intake_string(struct json_intake *intake,
    const json_t *string, const struct source *stored)
{
	const char *text = json_string_value(string);
	size_t len = json_string_length(string);
	const struct passage *passage = find(intake, text, len);
	struct window_of *window;

	if (passage == NULL)
		return source_memory(text, len);
	if (intake->stored == 0)
		return source_memory(intake->decoded.data + passage->offset,
		    (size_t)passage->len);
	window = arena_alloc(intake->arena, sizeof(*window));
	*window = (struct window_of){*stored, passage->offset};
	return (struct source){
	    .size = passage->len, .read = read_window, .arg = window};
}

bool json_intake_has_stored(const struct json_intake *intake)
{
	return intake->stored > 0;
}

bool json_intake_is_long(const struct json_intake *intake, const char *name)
{
	return find(intake, name, strlen(name)) != NULL;
}
