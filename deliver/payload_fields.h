/* The members of the payload that come from header, envelope and checks. For
 * payload.c. Each function appends whole members (`"name":value,`) to a buf
 * without a limit. */
#ifndef DELIVER_PAYLOAD_FIELDS_H
#define DELIVER_PAYLOAD_FIELDS_H

#include "base/buf.h"
#include "deliver/payload.h"
#include "envelope.h"
#include "mail/bounce.h"
#include "mail/header_table.h"

#include <stdbool.h>
#include <stdint.h>

/* `"name":`, and that with a value and a comma. A NULL text is null. */
void field_name(struct buf *out, const char *name);
void field_text(struct buf *out, const char *name, const char *text);
void field_number(struct buf *out, const char *name, uint64_t number);
void field_bool(struct buf *out, const char *name, bool value);

/* What several members need: decoded, valid UTF-8; the arena's. */
struct field_texts {
	struct slice from, to, subject;
};
struct field_texts fields_decode(const struct header_table *table,
    const struct envelope *envelope, const char *recipient,
    struct arena *arena);

/* message_id ... subject */
void fields_addresses(struct buf *out, const struct field_texts *texts,
    const struct envelope *envelope, const char *recipient);
/* headers (if asked for), in_reply_to, references, auto_submitted */
void fields_headers(
    struct buf *out, const struct header_table *table, bool include_headers);
/* timestamp, spam_* */
void fields_spam(struct buf *out, const struct header_table *table,
    const struct envelope *envelope, bool trust_headers);
/* failed_recipients, final_recipient, original_recipient,
 * original_message_id; status may be NULL. */
void fields_bounce(struct buf *out, const struct bounce_status *status,
    const char *original_message_id);
/* spf ... auth_user; the last one without a comma behind it */
void fields_checks(struct buf *out, const struct envelope *envelope);

#endif
