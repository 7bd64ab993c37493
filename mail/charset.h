/*
 * From any charset that mail uses to UTF-8, piece by piece. The result is
 * always well-formed: what cannot be decoded becomes U+FFFD.
 *
 * A label is looked up in a table of our own, never handed to iconv as it
 * came. An unknown one, and none, mean UTF-8. ISO-8859-1 means Windows-1252,
 * ISO-8859-9 Windows-1254, GB2312 GB18030 and so on, as in browsers: senders
 * label the larger set with the smaller one's name. A byte order mark beats
 * the label's order; without both the text is looked at.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/charset_utf7.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a label stands. In an encoded word "us-ascii" with 8-bit bytes means
 * Windows-1252; in a body it means UTF-8, since so many senders write UTF-8
 * without saying so. */
enum charset_place { CHARSET_BODY, CHARSET_WORD };

enum charset_kind {
	CHARSET_UTF8,
	CHARSET_1252,
	CHARSET_WIDE, /* UTF-16, UTF-32 */
	CHARSET_UTF7,
	CHARSET_ICONV,
	CHARSET_ISO2022JP
};

struct charset_mends;

/* Open to be embedded; the fields are charset.c's. */
struct charset {
	enum charset_kind kind;
	void *iconv;
	size_t unit;    /* bytes skipped when nothing fits */
	char order;     /* CHARSET_WIDE: 'L', 'B', or '\0' if not told */
	struct buf euc; /* ISO-2022-JP on its way to iconv */
	int set;        /* the character set that an escape chose */
	struct utf7 utf7;
	struct buf plain; /* what iconv made, before it is mended */
	const struct charset_mends *mends; /* or NULL */
};

/* Never fails: what cannot be opened is UTF-8. */
void charset_open(
    struct charset *charset, struct slice label, enum charset_place place);
void charset_close(struct charset *charset);

/* Appends what the piece decodes to. A character that the end cuts is left
 * unread unless `last`: *used says how much was taken, and the rest (less
 * than CHARSET_CUT bytes) begins the next piece. `last` ends the text, and
 * makes the charset ready for another one. False if out's limit would be
 * passed. */
#define CHARSET_CUT ((size_t)64)
bool charset_decode(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used);

/* Whether both labels mean the same. */
bool charset_same(struct slice a, struct slice b);

/* How a label is decoded: glibc's name for it, "UTF-8", or NULL if the label
 * is unknown. */
const char *charset_find(struct slice label);

/* What Windows-1252 has for the bytes from 80 to 9F; U+FFFD for nothing. */
extern const uint16_t charset_1252[32];

/* The table behind charset_find, in order, for its test. */
struct charset_name {
	const char *key; /* lower case, letters and digits only */
	const char *name;
};
extern const struct charset_name charset_names[];
extern const size_t charset_name_count;

#endif
