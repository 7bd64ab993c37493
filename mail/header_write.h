/*
 * Header fields written: folded at 78 columns, with what is not ASCII as
 * encoded words (RFC 5322 section 2.2.3, RFC 2047). Encoded words that are
 * there already stay as they are. Whatever is handed in, no line but its own
 * begins: control characters become blanks. Pure.
 */
#ifndef MAIL_HEADER_WRITE_H
#define MAIL_HEADER_WRITE_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/address_list.h"

struct header_writer {
	struct buf *out;
	size_t column;
};

/* Begins a field: "Name:". */
void header_write_begin(
    struct header_writer *writer, struct buf *out, const char *name);
/* One more word that cannot be divided, folded in front if need be. */
void header_write_word(struct header_writer *writer, struct slice word);
/* "; name=value" of a structured field, as RFC 2231 has it if need be. */
void header_write_parameter(
    struct header_writer *writer, const char *name, struct slice value);
void header_write_end(struct header_writer *writer);

/* Whole fields. The buf has no limit. */
void header_write_text(struct buf *out, const char *name, struct slice text);
void header_write_addresses(
    struct buf *out, const char *name, const struct address_list *list);

#endif
