#include "deliver/payload_fields.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/mailbox.h"
#include "mail/trace_header.h"
#include "spool/spool.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT (SIZE_MAX / 2)
#define DEFAULT_SPAM_THRESHOLD 5.0

void field_name(struct buf *out, const char *name)
{
	(void)buf_append_char(out, '"');
	(void)buf_append_text(out, name);
	(void)buf_append(out, "\":", 2);
}

static void field_slice(struct buf *out, const char *name, struct slice text)
{
	field_name(out, name);
	(void)json_text_append(out, text.data, text.len);
	(void)buf_append_char(out, ',');
}

void field_text(struct buf *out, const char *name, const char *text)
{
	if (text != NULL) {
		field_slice(out, name, slice_of(text));
		return;
	}
	field_name(out, name);
	(void)buf_append_text(out, "null,");
}

void field_number(struct buf *out, const char *name, uint64_t number)
{
	field_name(out, name);
	(void)buf_printf(out, "%" PRIu64 ",", number);
}

void field_bool(struct buf *out, const char *name, bool value)
{
	field_name(out, name);
	(void)buf_append_text(out, value ? "true," : "false,");
}

/* With a point, and only what JSON has. */
static void field_real(struct buf *out, const char *name, double value)
{
	char text[64];

	if (!isfinite(value))
		value = 0;
	(void)snprintf(text, sizeof(text), "%.10g", value);
	field_name(out, name);
	(void)buf_append_text(out, text);
	if (strpbrk(text, ".e") == NULL)
		(void)buf_append_text(out, ".0");
	(void)buf_append_char(out, ',');
}

/* Appends a field's value, decoded, and mended where it was encoded twice. */
static void append_value(struct buf *out, struct slice raw)
{
	struct buf mended = buf_new(NO_LIMIT);
	size_t start = out->len;

	(void)header_decode(raw, out);
	if (out->len > start &&
	    encoded_twice_repair(
		(struct slice){out->data + start, out->len - start}, &mended)) {
		out->len = start;
		(void)buf_append(out, mended.data, mended.len);
	}
	buf_free(&mended);
}

static struct slice kept(struct buf *text, struct arena *arena)
{
	struct slice result = {
	    arena_strndup(arena, buf_text(text), text->len), text->len};

	buf_clear(text);
	return result;
}

/* One address field after its encoded words. */
static void append_list(struct buf *out, struct slice raw)
{
	struct buf unfolded = buf_new(NO_LIMIT), list = buf_new(NO_LIMIT);

	(void)header_unfold_bytes(raw, &unfolded);
	(void)mailbox_list_format(
	    (struct slice){buf_text(&unfolded), unfolded.len}, &list);
	if (list.len == 0 ||
	    !encoded_twice_repair((struct slice){list.data, list.len}, out))
		(void)buf_append(out, buf_text(&list), list.len);
	buf_free(&unfolded);
	buf_free(&list);
}

/* Of fields that should be single the last one that says something. */
static struct slice last_said(const struct header_entry *entry)
{
	struct slice said = {"", 0};

	for (const struct header_value *value = entry == NULL ? NULL
							      : entry->first;
	     value != NULL; value = value->next)
		if (slice_trim(value->raw).len > 0)
			said = value->raw;
	return said;
}

struct field_texts fields_decode(const struct header_table *table,
    const struct envelope *envelope, const char *recipient, struct arena *arena)
{
	const struct header_entry *from = header_table_find(table, "from");
	const struct header_entry *to = header_table_find(table, "to");
	const struct header_entry *subject =
	    header_table_find(table, "subject");
	struct buf text = buf_new(NO_LIMIT);
	struct field_texts texts;

	append_list(&text, last_said(from));
	if (text.len == 0)
		(void)buf_append_text(&text, envelope->sender);
	texts.from = kept(&text, arena);
	for (const struct header_value *value = to == NULL ? NULL : to->first;
	     value != NULL; value = value->next) {
		size_t before = text.len;

		if (before > 0)
			(void)buf_append_text(&text, ", ");
		append_list(&text, value->raw);
		if (before > 0 && text.len == before + 2)
			text.len = before; /* an empty one */
	}
	if (text.len == 0)
		(void)buf_append_text(&text, recipient);
	texts.to = kept(&text, arena);
	append_value(&text, last_said(subject));
	texts.subject = kept(&text, arena);
	buf_free(&text);
	return texts;
}

void fields_addresses(struct buf *out, const struct field_texts *texts,
    const struct envelope *envelope, const char *recipient)
{
	static const struct id none;
	char id[ID_TEXT + 1];
	const char *message_id = envelope->imported_id;

	if (message_id == NULL &&
	    memcmp(&envelope->id, &none, sizeof(none)) != 0) {
		spool_id_format(&envelope->id, id);
		message_id = id;
	}
	field_text(out, "message_id", message_id);
	field_slice(out, "from", texts->from);
	field_slice(out, "to", texts->to);
	field_text(out, "rcpt_to", recipient);
	field_text(out, "mail_from", envelope->sender);
	field_slice(out, "subject", texts->subject);
}

/* All values of a name as one JSON string. */
static void append_joined(
    struct buf *out, const struct header_entry *entry, struct buf *scratch)
{
	const struct header_value *value =
	    header_is_single(entry->name) ? entry->last : entry->first;
	bool structured = header_is_structured(entry->name);
	size_t used;

	(void)buf_append_char(out, '"');
	for (; value != NULL; value = value->next) {
		buf_clear(scratch);
		if (structured)
			(void)header_unfold(value->raw, scratch);
		else
			append_value(scratch, value->raw);
		(void)json_text_append_part(
		    out, buf_text(scratch), scratch->len, true, &used);
		if (value->next != NULL)
			(void)buf_append(out, ", ", 2);
	}
	(void)buf_append_char(out, '"');
}

static void append_object(struct buf *out, const struct header_table *table)
{
	struct buf scratch = buf_new(NO_LIMIT);

	field_name(out, "headers");
	(void)buf_append_char(out, '{');
	for (const struct header_entry *entry = table->first; entry != NULL;
	     entry = entry->next) {
		(void)json_text_append(out, entry->name.data, entry->name.len);
		(void)buf_append_char(out, ':');
		append_joined(out, entry, &scratch);
		if (entry->next != NULL)
			(void)buf_append_char(out, ',');
	}
	(void)buf_append(out, "},", 2);
	buf_free(&scratch);
}

/* The last field of this name; null if there is none. */
static void field_header(struct buf *out, const char *name,
    const struct header_table *table, const char *header)
{
	const struct header_entry *entry = header_table_find(table, header);
	struct buf text = buf_new(NO_LIMIT);

	if (entry == NULL) {
		field_text(out, name, NULL);
		return;
	}
	append_value(&text, entry->last->raw);
	field_slice(out, name, (struct slice){buf_text(&text), text.len});
	buf_free(&text);
}

void fields_headers(
    struct buf *out, const struct header_table *table, bool include_headers)
{
	if (include_headers)
		append_object(out, table);
	field_header(out, "in_reply_to", table, "in-reply-to");
	field_header(out, "references", table, "references");
	field_header(out, "auto_submitted", table, "auto-submitted");
}

/* What is said of a message as spam. */
struct spam {
	const char *status;
	double score, threshold;
	const char *report, *header;
};

/* The number behind a name as in "score=5.2". */
static bool find_number(const char *text, const char *name, double *number)
{
	const char *at = strstr(text, name);
	char *end;
	double value;

	if (at == NULL)
		return false;
	at += strlen(name);
	value = strtod(at, &end);
	if (end == at || !isfinite(value))
		return false;
	*number = value;
	return true;
}

static const char *header_text(
    const struct header_table *table, const char *name, struct buf *text)
{
	const struct header_entry *entry = header_table_find(table, name);

	if (entry == NULL)
		return NULL;
	append_value(text, entry->last->raw);
	return buf_text(text);
}

/* What a relay that we trust found: X-Spam-Status: "Yes, score=5.2
 * required=5.0 tests=...", X-Spam-Score, X-Spam-Report. */
static void spam_of_headers(
    const struct header_table *table, struct spam *spam, struct buf texts[3])
{
	const char *score;

	spam->header = header_text(table, "x-spam-status", &texts[0]);
	score = header_text(table, "x-spam-score", &texts[1]);
	spam->report = header_text(table, "x-spam-report", &texts[2]);
	if (spam->header != NULL) {
		spam->status = slice_starts(slice_of(spam->header), "yes")
				   ? "spam"
				   : "ham";
		(void)find_number(spam->header, "score=", &spam->score);
		(void)find_number(spam->header, "required=", &spam->threshold);
	}
	if (score != NULL)
		(void)find_number(score, "", &spam->score);
}

static struct spam spam_of_checks(const struct check_results *checks)
{
	static const char *const names[] = {[SPAM_UNKNOWN] = "unknown",
	    [SPAM_HAM] = "ham",
	    [SPAM_SPAM] = "spam"};

	if (checks->spam == SPAM_UNKNOWN)
		return (struct spam){.status = names[SPAM_UNKNOWN],
		    .threshold = DEFAULT_SPAM_THRESHOLD};
	return (struct spam){.status = names[checks->spam],
	    .score = checks->spam_score,
	    .threshold = checks->spam_threshold,
	    .report = checks->spam_report,
	    .header = checks->spam_status_header};
}

void fields_spam(struct buf *out, const struct header_table *table,
    const struct envelope *envelope, bool trust_headers)
{
	struct spam spam = spam_of_checks(&envelope->checks);
	struct buf texts[3] = {
	    buf_new(NO_LIMIT), buf_new(NO_LIMIT), buf_new(NO_LIMIT)};
	char timestamp[CLOCK_ISO_SIZE];

	if (envelope->checks.spam == SPAM_UNKNOWN && trust_headers)
		spam_of_headers(table, &spam, texts);
	clock_format_iso(envelope->received_ms, timestamp);
	field_text(out, "timestamp", timestamp);
	field_text(out, "spam_status", spam.status);
	field_real(out, "spam_score", spam.score);
	field_real(out, "spam_threshold", spam.threshold);
	field_text(out, "spam_report", spam.report);
	field_text(out, "spam_status_header", spam.header);
	for (int i = 0; i < 3; i++)
		buf_free(&texts[i]);
}

void fields_bounce(struct buf *out, const struct bounce_status *status,
    const char *original_message_id)
{
	static const struct bounce_status none;

	if (status == NULL)
		status = &none;
	field_name(out, "failed_recipients");
	(void)buf_append_char(out, '[');
	for (size_t i = 0; i < status->failed_count; i++) {
		if (i > 0)
			(void)buf_append_char(out, ',');
		(void)json_text_append(
		    out, status->failed[i], strlen(status->failed[i]));
	}
	(void)buf_append(out, "],", 2);
	field_text(out, "final_recipient", status->final_recipient);
	field_text(out, "original_recipient", status->original_recipient);
	field_text(out, "original_message_id", original_message_id);
}

void fields_checks(struct buf *out, const struct envelope *envelope)
{
	const struct check_results *checks = &envelope->checks;

	field_text(out, "spf", auth_result_name(checks->spf));
	field_text(out, "dkim", auth_result_name(checks->dkim));
	field_text(out, "dmarc", auth_result_name(checks->dmarc));
	field_text(out, "arc", auth_result_name(checks->arc));
	field_bool(out, "aligned", checks->aligned);
	field_bool(out, "authenticated", envelope->authenticated);
	field_text(out, "auth_user",
	    envelope->authenticated ? envelope->auth_user : NULL);
	out->len--; /* the comma */
}
