#include "mail/body_write.h"

#include "base/buf.h"
#include "base/errors.h"

#include <assert.h>
#include <string.h>

#define PIECE ((size_t)8 * 1024)
/* RFC 2045 section 6.7 and 6.8: characters of an encoded line. */
#define LINE 76
/* A longer line is not sent as it is; RFC 5322 allows 998. */
#define PLAIN_LINE_MAX 900

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

const char *body_encoding_name(enum body_encoding encoding)
{
	switch (encoding) {
	case BODY_7BIT:
		return "7bit";
	case BODY_QUOTED_PRINTABLE:
		return "quoted-printable";
	case BODY_BASE64:
		break;
	}
	return "base64";
}

/* --- pieces ----------------------------------------------------------- */

typedef bool piece_fn(
    void *arg, const unsigned char *data, size_t len, struct error *err);

static bool each_piece(
    const struct source *source, piece_fn *call, void *arg, struct error *err)
{
	unsigned char piece[PIECE];
	uint64_t offset = 0;
	size_t got;

	while (offset < source->size) {
		if (!source_read(
			source, offset, piece, sizeof(piece), &got, err) ||
		    !call(arg, piece, got, err))
			return false;
		offset += got;
	}
	return true;
}

/* --- output ----------------------------------------------------------- */

/* What is written, gathered a little. */
struct writer {
	const struct body_sink *sink;
	char data[PIECE];
	size_t len;
	size_t column;
	struct error *err;
	bool failed;
};

static void flush(struct writer *writer)
{
	if (!writer->failed && writer->len > 0 &&
	    !writer->sink->write(
		writer->sink->arg, writer->data, writer->len, writer->err))
		writer->failed = true;
	writer->len = 0;
}

static void put(struct writer *writer, char c)
{
	if (writer->len == sizeof(writer->data))
		flush(writer);
	writer->data[writer->len++] = c;
	writer->column++;
}

static void end_line(struct writer *writer)
{
	put(writer, '\r');
	put(writer, '\n');
	writer->column = 0;
}

/* --- text ------------------------------------------------------------- */

/* Text as lines, whatever ends them: CRLF, LF or CR. */
struct lines {
	void (*text)(void *arg, const unsigned char *data, size_t len);
	void (*end)(void *arg);
	void *arg;
	bool after_cr;
};

static bool read_lines(
    void *arg, const unsigned char *data, size_t len, struct error *err)
{
	struct lines *lines = arg;
	size_t begin = 0;

	(void)err;
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\r' && data[i] != '\n')
			continue;
		if (i > begin)
			lines->text(lines->arg, data + begin, i - begin);
		/* The LF of a CRLF ends nothing more. */
		if (data[i] == '\r' || i > begin || !lines->after_cr)
			lines->end(lines->arg);
		lines->after_cr = data[i] == '\r';
		begin = i + 1;
	}
	if (begin < len) {
		lines->text(lines->arg, data + begin, len - begin);
		lines->after_cr = false;
	}
	return true;
}

struct survey {
	uint64_t bytes, high;
	size_t column;
	size_t matched; /* of "From " at the beginning of the line */
	bool long_line, control, from;
};

static void survey_text(void *arg, const unsigned char *data, size_t len)
{
	static const char from[] = "From ";
	struct survey *survey = arg;
	bool control = false;
	uint64_t high = 0;

	for (size_t i = 0; i < len && survey->matched == survey->column + i &&
			   survey->matched < 5 &&
			   data[i] == (unsigned char)from[survey->matched];
	     i++)
		survey->from |= ++survey->matched == 5;
	for (size_t i = 0; i < len; i++) {
		high += data[i] >> 7;
		control |=
		    (data[i] < ' ' && data[i] != '\t') || data[i] == 0x7f;
	}
	survey->bytes += len;
	survey->high += high;
	survey->control |= control;
	survey->column += len;
	survey->long_line |= survey->column > PLAIN_LINE_MAX;
}

static void survey_end(void *arg)
{
	struct survey *survey = arg;

	survey->column = 0;
	survey->matched = 0;
}

bool body_text_encoding(
    const struct source *text, enum body_encoding *encoding, struct error *err)
{
	struct survey survey = {0};
	struct lines lines = {survey_text, survey_end, &survey, false};

	*encoding = BODY_7BIT;
	if (!each_piece(text, read_lines, &lines, err))
		return false;
	/* Some systems still put a '>' before "From ", which breaks
	 * signatures. */
	if (survey.high > 0 || survey.long_line || survey.control ||
	    survey.from)
		*encoding = survey.high > survey.bytes / 6
				? BODY_BASE64
				: BODY_QUOTED_PRINTABLE;
	return true;
}

static void put_plain(void *arg, const unsigned char *data, size_t len)
{
	struct writer *writer = arg;
	size_t part;

	writer->column += len;
	for (; len > 0; data += part, len -= part) {
		if (writer->len == sizeof(writer->data))
			flush(writer);
		part = sizeof(writer->data) - writer->len;
		if (part > len)
			part = len;
		memcpy(writer->data + writer->len, data, part);
		writer->len += part;
	}
}

static void end_plain(void *arg)
{
	end_line(arg);
}

/* Quoted-printable, one character behind: a blank at the end of a line is not
 * written like others. */
struct quoting {
	struct writer *writer;
	int held; /* -1: none */
};

static void put_quoted(struct writer *writer, unsigned char c, bool literal)
{
	/* Room for the soft line break. */
	if (writer->column + (literal ? 1 : 3) > LINE - 1) {
		put(writer, '=');
		end_line(writer);
	}
	/* What some systems change at the beginning of a line. */
	if (writer->column == 0 && (c == 'F' || c == '.'))
		literal = false;
	if (literal) {
		put(writer, (char)c);
		return;
	}
	put(writer, '=');
	put(writer, hex_digits[c >> 4]);
	put(writer, hex_digits[c & 15]);
}

static void release(struct quoting *quoting, bool at_end)
{
	unsigned char c = (unsigned char)quoting->held;
	bool blank = c == ' ' || c == '\t';

	if (quoting->held < 0)
		return;
	quoting->held = -1;
	put_quoted(quoting->writer, c,
	    blank ? !at_end : c > ' ' && c < 0x7f && c != '=');
}

static void quote(void *arg, const unsigned char *data, size_t len)
{
	struct quoting *quoting = arg;

	for (size_t i = 0; i < len; i++) {
		release(quoting, false);
		quoting->held = data[i];
	}
}

static void end_quoted(void *arg)
{
	struct quoting *quoting = arg;

	release(quoting, true);
	end_line(quoting->writer);
}

/* Base64 of what comes byte by byte. */
struct encoding {
	struct writer *writer;
	unsigned char group[3];
	size_t count;
};

static void put_digit(struct writer *writer, char digit)
{
	if (writer->column == LINE)
		end_line(writer);
	put(writer, digit);
}

static void put_group(struct encoding *encoding)
{
	const unsigned char *group = encoding->group;
	uint32_t bits;

	for (size_t i = encoding->count; i < 3; i++)
		encoding->group[i] = 0;
	bits = (uint32_t)group[0] << 16 | (uint32_t)group[1] << 8 | group[2];
	put_digit(encoding->writer, base64_digits[bits >> 18]);
	put_digit(encoding->writer, base64_digits[bits >> 12 & 63]);
	put_digit(encoding->writer,
	    encoding->count > 1 ? base64_digits[bits >> 6 & 63] : '=');
	put_digit(encoding->writer,
	    encoding->count > 2 ? base64_digits[bits & 63] : '=');
	encoding->count = 0;
}

static void encode(void *arg, const unsigned char *data, size_t len)
{
	struct encoding *encoding = arg;

	for (size_t i = 0; i < len; i++) {
		encoding->group[encoding->count++] = data[i];
		if (encoding->count == 3)
			put_group(encoding);
	}
}

static void end_encoded(void *arg)
{
	encode(arg, (const unsigned char *)"\r\n", 2);
}

bool body_write_text(const struct source *text, enum body_encoding encoding,
    const struct body_sink *sink, struct error *err)
{
	struct writer writer = {.sink = sink, .err = err};
	struct quoting quoting = {.writer = &writer, .held = -1};
	struct encoding base64 = {.writer = &writer};
	struct lines lines = {put_plain, end_plain, &writer, false};

	if (encoding == BODY_QUOTED_PRINTABLE)
		lines = (struct lines){quote, end_quoted, &quoting, false};
	else if (encoding == BODY_BASE64)
		lines = (struct lines){encode, end_encoded, &base64, false};
	if (!each_piece(text, read_lines, &lines, err))
		return false;
	release(&quoting, true);
	if (base64.count > 0)
		put_group(&base64);
	if (writer.column > 0)
		end_line(&writer);
	flush(&writer);
	return !writer.failed;
}

/* --- base64 ----------------------------------------------------------- */

static bool is_digit(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct check {
	uint64_t digits;
	unsigned padding;
};

static bool check_piece(
    void *arg, const unsigned char *data, size_t len, struct error *err)
{
	struct check *check = arg;

	for (size_t i = 0; i < len; i++) {
		if (is_digit(data[i]) && check->padding == 0)
			check->digits++;
		else if (data[i] == '=')
			check->padding++;
		else if (!is_blank(data[i]))
			return error_set(err, ERROR_PERMANENT, "is not base64");
	}
	return true;
}

bool body_check_base64(
    const struct source *base64, uint64_t *size, struct error *err)
{
	struct check check = {0};

	if (!each_piece(base64, check_piece, &check, err))
		return false;
	if (check.padding > 2 || (check.digits + check.padding) % 4 != 0)
		return error_set(err, ERROR_PERMANENT,
		    "is not whole base64: its length is wrong");
	*size = check.digits * 3 / 4;
	return true;
}

static bool rewrap(
    void *arg, const unsigned char *data, size_t len, struct error *err)
{
	struct writer *writer = arg;

	(void)err;
	for (size_t i = 0; i < len; i++)
		if (!is_blank(data[i]))
			put_digit(writer, (char)data[i]);
	return !writer->failed;
}

bool body_write_base64(const struct source *base64,
    const struct body_sink *sink, struct error *err)
{
	struct writer writer = {.sink = sink, .err = err};

	if (!each_piece(base64, rewrap, &writer, err))
		return false;
	if (writer.column > 0)
		end_line(&writer);
	flush(&writer);
	return !writer.failed;
}
