/*
 * A message made of its parts (RFC 5322, RFC 2045 to 2047, 2183, 2231, 2387),
 * streamed, so that attachments of any size take no memory. Pure.
 *
 *   text alone, HTML alone                  one part
 *   both                                    multipart/alternative
 *   HTML and parts with a content id        multipart/related around the HTML
 *   attachments                             multipart/mixed around all
 */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "mail/address_list.h"
#include "mail/body_write.h"

struct letter_header {
	const char *name; /* a token */
	struct slice value;
};

struct letter_part {
	const char *filename;     /* NULL: none */
	const char *content_type; /* "image/png"; NULL: by the file's name */
	const char *content_id;   /* without brackets; NULL: none */
	struct source base64;     /* that passed body_check_base64() */
};

struct letter {
	struct address_list from, sender, reply_to, to, cc;
	struct slice subject;
	bool has_subject;
	const struct letter_header *headers; /* further ones */
	size_t header_count;
	const char *message_id; /* with brackets; of no header above */
	int64_t date_ms;        /* 0: a header above has it */
	bool has_text, has_html;
	struct source text, html;
	const struct letter_part *parts;
	size_t part_count;
};

/* Whether a letter may have a header of this name besides what its fields make
 * of it. */
bool compose_may_have(struct slice name);
/* Whether it is a name of a header at all. */
bool compose_is_name(struct slice name);

/* Whether a media type is one ("type/subtype", perhaps with parameters). */
bool compose_is_media_type(const char *text);

/* Writes the whole message. `boundary` is a word that occurs in none of its
 * parts, such as a random one, of 1 to 40 letters and digits. */
MUST_CHECK bool compose_write(const struct letter *letter, const char *boundary,
    const struct body_sink *sink, struct error *err);

#endif
