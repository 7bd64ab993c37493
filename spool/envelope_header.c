#include "spool/envelope_header.h"

#include "base/digit.h"
#include "base/errors.h"
#include "base/number.h"
#include "bounds.h"
#include "spool/id.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "X-Elektrine-Spool: 1 HHHHHHH TTTTTTT BBBBBBBBBBBBBB <64 hex>\r\n" */
#define PREFIX ENVELOPE_HEADER_NAME ": 1 "
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define HASH_OFFSET (PREFIX_LEN + 8 + 8 + 13)
/* A folded line, without its CRLF, stays well below 998 (RFC 5322, 2.1.1). */
#define FOLD 900
/* The least that padding can add: " .\r\n". */
#define LEAST_PADDING 4

static_assert(HASH_OFFSET + 64 + 2 == ENVELOPE_FIRST_LINE, "first line");

/* --- writing ---------------------------------------------------------- */

static bool is_safe(unsigned char c)
{
	return c > 0x20 && c < 0x7F && c != '%';
}

/* Appends the value percent-encoded, folded into lines that begin with " +"
 * where it is long. `room` bounds the encoded length; it says whether all of
 * the value went in. */
static bool append_value(struct buf *out, const char *value, size_t room)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t line = 0, used = 0;

	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char encoded[3] = {'%', hex[c >> 4], hex[c & 15]};
		size_t need = is_safe(c) ? 1 : 3;

		if (line + need > FOLD) {
			used += 4;
			line = 0;
			if (used > room || !buf_append(out, "\r\n +", 4))
				return false;
		}
		used += need;
		line += need;
		if (used > room)
			return false;
		if (!buf_append(
			out, is_safe(c) ? (const char *)&c : encoded, need))
			return false;
	}
	return true;
}

static bool append_text(struct buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return true;
	return buf_printf(out, " %s ", key) &&
	       append_value(out, value, LIMIT_ENVELOPE) &&
	       buf_append(out, "\r\n", 2);
}

static bool append_recipient(struct buf *out, const struct recipient *recipient)
{
	return buf_printf(
		   out, " r %d %u ", (int)recipient->lane, recipient->notify) &&
	       append_value(out, recipient->address, LIMIT_ENVELOPE) &&
	       buf_append(out, "\r\n", 2) &&
	       append_text(out, "rd", recipient->destination) &&
	       append_text(out, "ro", recipient->orcpt);
}

static bool nothing_checked(const struct check_results *checks)
{
	return checks->spf == AUTH_NONE && checks->dkim == AUTH_NONE &&
	       checks->dmarc == AUTH_NONE && checks->arc == AUTH_NONE &&
	       !checks->aligned && checks->spam == SPAM_UNKNOWN &&
	       checks->spam_score == 0 && checks->spam_threshold == 0 &&
	       checks->spam_status_header == NULL;
}

static bool append_checks(struct buf *out, const struct check_results *checks)
{
	if (nothing_checked(checks))
		return true;
	return buf_printf(out, " checks %d %d %d %d %d %d %.3f %.3f\r\n",
		   (int)checks->spf, (int)checks->dkim, (int)checks->dmarc,
		   (int)checks->arc, (int)checks->aligned, (int)checks->spam,
		   checks->spam_score, checks->spam_threshold) &&
	       append_text(out, "spamline", checks->spam_status_header);
}

static bool append_finding(struct buf *out, const struct check_finding *finding)
{
	return buf_printf(out, " f %" PRId64 " ", finding->duration_ms) &&
	       append_value(out, finding->check, LIMIT_ENVELOPE) &&
	       buf_append_char(out, ' ') &&
	       append_value(out, finding->result, LIMIT_ENVELOPE) &&
	       buf_append_char(out, ' ') &&
	       append_value(out, finding->saw == NULL ? "" : finding->saw,
		   LIMIT_ENVELOPE) &&
	       buf_append(out, "\r\n", 2);
}

/* As many as LIMIT_FINDINGS_ROOM takes. */
static bool append_findings(struct buf *out, const struct envelope *envelope)
{
	size_t end = out->len + LIMIT_FINDINGS_ROOM;

	for (size_t i = 0; i < envelope->finding_count; i++) {
		const struct check_finding *finding = &envelope->findings[i];
		size_t start = out->len;

		if (!append_finding(out, finding))
			return false;
		if (out->len > end) {
			out->len = start;
			return true;
		}
	}
	return true;
}

/* All fields but the spam report, which takes what room is left. */
static bool append_fields(struct buf *out, const struct envelope *envelope)
{
	char id[ID_TEXT + 1];

	id_format(&envelope->id, id);
	if (!buf_printf(out, " id %s\r\n at %" PRId64 "\r\n flags %d\r\n", id,
		envelope->received_ms,
		(envelope->authenticated ? 1 : 0) |
		    (envelope->smtputf8 ? 2 : 0) |
		    (envelope->eight_bit ? 4 : 0)) ||
	    !append_text(out, "from", envelope->sender) ||
	    !append_text(out, "ip", envelope->client_ip) ||
	    !append_text(out, "name", envelope->client_name) ||
	    !append_text(out, "helo", envelope->helo) ||
	    !append_text(out, "proto", envelope->protocol) ||
	    !append_text(out, "tls", envelope->tls) ||
	    !append_text(out, "user", envelope->auth_user) ||
	    !append_text(out, "envid", envelope->envid) ||
	    !append_text(out, "ret", envelope->ret) ||
	    !append_text(out, "msgid", envelope->message_id) ||
	    !append_text(out, "was", envelope->imported_id) ||
	    !append_checks(out, &envelope->checks) ||
	    !append_findings(out, envelope))
		return false;
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		if (!append_recipient(out, &envelope->recipients[i]))
			return false;
	}
	return true;
}

static bool append_report(struct buf *out, const char *report, size_t room)
{
	static const char key[] = " report ";

	if (report == NULL || room < sizeof(key) + 2 + LEAST_PADDING)
		return true;
	if (!buf_append_text(out, key))
		return false;
	/* A report that is too long is cut to fit. */
	(void)append_value(
	    out, report, room - (sizeof(key) - 1) - 2 - LEAST_PADDING);
	return buf_append(out, "\r\n", 2);
}

/* Lines of dots that no reader of mail minds. */
static bool append_padding(struct buf *out, size_t pad)
{
	while (pad > 0) {
		size_t line = pad;

		/* Never leave less than a whole line for the next turn. */
		if (line > FOLD)
			line = pad - FOLD >= LEAST_PADDING
				   ? FOLD
				   : FOLD - LEAST_PADDING;
		char *room = buf_room(out, line);

		if (room == NULL)
			return false;
		memset(room, '.', line);
		room[0] = ' ';
		memcpy(room + line - 2, "\r\n", 2);
		buf_added(out, line);
		pad -= line;
	}
	return true;
}

size_t envelope_header_reserve(const struct envelope *so_far)
{
	size_t total = LIMIT_ENVELOPE_ROOM + LIMIT_FINDINGS_ROOM + LIMIT_TRACE;

	for (size_t i = 0; i < so_far->recipient_count; i++) {
		const struct recipient *r = &so_far->recipients[i];

		/* Every byte may need three, and a status byte. */
		total += 40 + 3 * strlen(r->address);
		if (r->destination != NULL)
			total += 8 + 3 * strlen(r->destination);
		if (r->orcpt != NULL)
			total += 8 + 3 * strlen(r->orcpt);
	}
	return total;
}

static bool append_first_lines(struct buf *out, const struct envelope *envelope)
{
	char *status;

	if (!buf_append_text(out, PREFIX))
		return false;
	/* Lengths and hash are filled in when they are known. */
	if (buf_room(out, ENVELOPE_FIRST_LINE) == NULL)
		return false;
	memset(buf_room(out, ENVELOPE_FIRST_LINE - PREFIX_LEN), '0',
	    ENVELOPE_FIRST_LINE - PREFIX_LEN);
	buf_added(out, ENVELOPE_FIRST_LINE - PREFIX_LEN);
	memcpy(out->data + out->len - 2, "\r\n", 2);
	if (!buf_append_text(out, " s="))
		return false;
	status = buf_room(out, envelope->recipient_count);
	if (status == NULL)
		return false;
	memset(status, STATUS_QUEUED, envelope->recipient_count);
	buf_added(out, envelope->recipient_count);
	return buf_append(out, "\r\n", 2);
}

static bool too_long(struct error *err)
{
	return error_set(err, ERROR_LIMIT,
	    "the envelope does not fit into the room reserved for it");
}

bool envelope_header_write(struct buf *out, const struct envelope *envelope,
    size_t trace_len, uint64_t body_len, size_t total, struct error *err)
{
	size_t start = out->len, used, room;
	char lengths[64];

	assert(envelope->recipient_count > 0 &&
	       envelope->recipient_count <= LIMIT_RECIPIENTS);
	if (!append_first_lines(out, envelope) || !append_fields(out, envelope))
		return too_long(err);
	used = out->len - start + trace_len;
	if (total != 0 && used + LEAST_PADDING > total && used != total)
		return too_long(err);
	room = total != 0 ? total - used : LIMIT_ENVELOPE_ROOM;
	if (!append_report(out, envelope->checks.spam_report, room))
		return too_long(err);
	if (total != 0 &&
	    !append_padding(out, total - trace_len - (out->len - start)))
		return too_long(err);
	(void)snprintf(lengths, sizeof(lengths), "%07zu %07zu %012" PRIu64 " ",
	    out->len - start, trace_len, body_len);
	assert(strlen(lengths) == HASH_OFFSET - PREFIX_LEN);
	memcpy(out->data + start + PREFIX_LEN, lengths, strlen(lengths));
	return true;
}

struct envelope_hashed envelope_header_hashed(const char *header, size_t len)
{
	const char *rest = header + ENVELOPE_FIRST_LINE;

	rest = (const char *)memchr(rest, '\n', len - ENVELOPE_FIRST_LINE) + 1;
	return (struct envelope_hashed){.first = header,
	    .first_len = HASH_OFFSET,
	    .rest = rest,
	    .rest_len = len - (size_t)(rest - header)};
}

void envelope_header_set_hash(
    char *header, const uint8_t hash[ENVELOPE_HASH_BYTES])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < ENVELOPE_HASH_BYTES; i++) {
		header[HASH_OFFSET + 2 * i] = hex[hash[i] >> 4];
		header[HASH_OFFSET + 2 * i + 1] = hex[hash[i] & 15];
	}
}

/* --- reading ---------------------------------------------------------- */

static bool corrupt(struct error *err, const char *what)
{
	return error_set(
	    err, ERROR_CORRUPT, "the envelope header is damaged: %s", what);
}

/* Exactly `width` digits and the space behind them. */
static bool read_number(const char **at, int width, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < width; i++) {
		char c = *(*at)++;

		if (c < '0' || c > '9')
			return false;
		*value = *value * 10 + (uint64_t)(c - '0');
	}
	return *(*at)++ == ' ';
}

static bool read_hash(const char *at, uint8_t hash[ENVELOPE_HASH_BYTES])
{
	for (size_t i = 0; i < ENVELOPE_HASH_BYTES; i++) {
		int byte = hex_byte(at + 2 * i);

		if (byte < 0)
			return false;
		hash[i] = (uint8_t)byte;
	}
	return true;
}

bool envelope_header_lengths(const char *bytes, size_t len,
    struct envelope_lengths *lengths, struct error *err)
{
	const char *at = bytes + PREFIX_LEN;
	uint64_t header, trace;

	if (len < ENVELOPE_FIRST_LINE ||
	    memcmp(bytes, PREFIX, PREFIX_LEN) != 0 ||
	    memcmp(bytes + ENVELOPE_FIRST_LINE - 2, "\r\n", 2) != 0)
		return corrupt(err, "its first line is missing");
	if (!read_number(&at, 7, &header) || !read_number(&at, 7, &trace) ||
	    !read_number(&at, 12, &lengths->body) ||
	    !read_hash(at, lengths->hash))
		return corrupt(err, "its first line is malformed");
	if (header <= ENVELOPE_STATUS_OFFSET || header > LIMIT_ENVELOPE ||
	    trace > LIMIT_TRACE)
		return corrupt(err, "its lengths are impossible");
	lengths->header = (size_t)header;
	lengths->trace = (size_t)trace;
	return true;
}

struct field {
	char key[12];
	const char *value; /* decoded, in the arena; the rest of the line for
			    * fields of several numbers */
};

/* Where the field that begins at `line` ends, with its " +" continuations;
 * NULL if a line of it is not ended by CRLF. */
static const char *field_end(const char *line, const char *end)
{
	do {
		line = memchr(line, '\n', (size_t)(end - line));
		if (line == NULL || line[-1] != '\r')
			return NULL;
		line++;
	} while (end - line >= 2 && memcmp(line, " +", 2) == 0);
	return line;
}

/* Decodes percent signs and drops the folds; false if it is malformed. */
static bool decode_value(const char *from, const char *stop, char *value)
{
	while (from < stop) {
		if (stop - from >= 4 && memcmp(from, "\r\n +", 4) == 0) {
			from += 4;
		} else if (*from == '%' && stop - from >= 3) {
			int byte = hex_byte(from + 1);

			if (byte < 0)
				return false;
			*value++ = (char)byte;
			from += 3;
		} else {
			*value++ = *from++;
		}
	}
	*value = '\0';
	return true;
}

static bool next_field(
    const char **at, const char *end, struct arena *arena, struct field *field)
{
	const char *from = *at + 1, *stop = field_end(*at, end);
	size_t key_len;
	char *value;

	if (stop == NULL || **at != ' ')
		return false;
	*at = stop;
	stop -= 2;
	if (stop - from < 1)
		return false;
	if (*from == '.') { /* padding */
		*field = (struct field){.value = ""};
		return true;
	}
	for (key_len = 0; from + key_len < stop && from[key_len] != ' ';)
		key_len++;
	if (key_len >= sizeof(field->key))
		return false;
	memcpy(field->key, from, key_len);
	field->key[key_len] = '\0';
	from += key_len;
	if (from < stop)
		from++;
	value = arena_alloc(arena, (size_t)(stop - from) + 1);
	field->value = value;
	return decode_value(from, stop, value);
}

/* The text fields, by key. */
static const struct {
	const char *key;
	size_t offset;
} text_fields[] = {
    {"from", offsetof(struct envelope, sender)},
    {"ip", offsetof(struct envelope, client_ip)},
    {"name", offsetof(struct envelope, client_name)},
    {"helo", offsetof(struct envelope, helo)},
    {"proto", offsetof(struct envelope, protocol)},
    {"tls", offsetof(struct envelope, tls)},
    {"user", offsetof(struct envelope, auth_user)},
    {"envid", offsetof(struct envelope, envid)},
    {"ret", offsetof(struct envelope, ret)},
    {"msgid", offsetof(struct envelope, message_id)},
    {"was", offsetof(struct envelope, imported_id)},
    {"spamline", offsetof(struct envelope, checks.spam_status_header)},
    {"report", offsetof(struct envelope, checks.spam_report)},
};

/* One of several numbers with a blank between them. */
static bool next_number(const char **text, uint64_t most, uint64_t *number)
{
	*text += strspn(*text, " ");
	return number_take(text, most, number);
}

static bool next_score(const char **text, double *score)
{
	char *end;

	*score = strtod(*text, &end);
	if (end == *text || !isfinite(*score))
		return false;
	*text = end;
	return true;
}

static bool read_checks(const char *text, struct check_results *checks)
{
	uint64_t auth[4], aligned, spam;

	for (int i = 0; i < 4; i++) {
		if (!next_number(&text, AUTH_PERMERROR, &auth[i]))
			return false;
	}
	if (!next_number(&text, 1, &aligned) ||
	    !next_number(&text, SPAM_SPAM, &spam) ||
	    !next_score(&text, &checks->spam_score) ||
	    !next_score(&text, &checks->spam_threshold) || *text != '\0')
		return false;
	checks->spf = (enum auth_result)auth[0];
	checks->dkim = (enum auth_result)auth[1];
	checks->dmarc = (enum auth_result)auth[2];
	checks->arc = (enum auth_result)auth[3];
	checks->aligned = aligned != 0;
	checks->spam = (enum spam_status)spam;
	return true;
}

static bool read_recipient(
    const char *text, struct recipient *recipient, struct error *err)
{
	uint64_t lane, notify;

	if (!next_number(&text, LANE_SMTP, &lane) || lane < LANE_WEBHOOK ||
	    !next_number(&text, UINT_MAX, &notify) || *text != ' ')
		return corrupt(err, "a recipient is malformed");
	recipient->lane = (enum lane)lane;
	recipient->notify = (unsigned)notify;
	recipient->address = text + 1;
	return true;
}

/* The next blank-terminated word; NULL if there is none. */
static const char *next_word(struct arena *arena, const char **text)
{
	size_t len = strcspn(*text, " ");
	const char *word;

	if (len == 0 || (*text)[len] == '\0')
		return NULL;
	word = arena_strndup(arena, *text, len);
	*text += len + 1;
	return word;
}

static bool read_finding(
    const char *text, struct arena *arena, struct check_finding *finding)
{
	uint64_t duration_ms;

	if (!next_number(&text, INT64_MAX, &duration_ms) || *text++ != ' ')
		return false;
	finding->duration_ms = (int64_t)duration_ms;
	finding->check = next_word(arena, &text);
	if (finding->check != NULL)
		finding->result = next_word(arena, &text);
	finding->saw = text;
	return finding->result != NULL;
}

struct reading {
	struct arena *arena;
	struct envelope *envelope;
	struct recipient *recipients;
	struct check_finding *findings;
	size_t finding_room;
	size_t seen;
	bool has_id;
};

static bool take_flags(const char *text, struct envelope *envelope)
{
	long flags = strtol(text, NULL, 10);

	envelope->authenticated = (flags & 1) != 0;
	envelope->smtputf8 = (flags & 2) != 0;
	envelope->eight_bit = (flags & 4) != 0;
	return true;
}

static bool take_finding(struct reading *reading, const char *text)
{
	struct envelope *envelope = reading->envelope;
	struct check_finding finding = {.check = NULL}, *grown;

	if (!read_finding(text, reading->arena, &finding))
		return false;
	if (envelope->finding_count == reading->finding_room) {
		reading->finding_room =
		    reading->finding_room == 0 ? 16 : 2 * reading->finding_room;
		grown = arena_alloc(
		    reading->arena, reading->finding_room * sizeof(*grown));
		if (envelope->finding_count > 0)
			memcpy(grown, reading->findings,
			    envelope->finding_count * sizeof(*grown));
		reading->findings = grown;
		envelope->findings = grown;
	}
	reading->findings[envelope->finding_count++] = finding;
	return true;
}

/* Unknown keys are left alone: a later version may have added them. */
static bool take_field(
    struct reading *reading, const struct field *field, struct error *err)
{
	struct envelope *envelope = reading->envelope;

	for (size_t i = 0; i < sizeof(text_fields) / sizeof(text_fields[0]);
	     i++) {
		if (strcmp(field->key, text_fields[i].key) == 0) {
			*(const char **)(void *)((char *)envelope +
						 text_fields[i].offset) =
			    field->value;
			return true;
		}
	}
	if (strcmp(field->key, "id") == 0) {
		reading->has_id = id_parse(field->value, &envelope->id);
		return reading->has_id || corrupt(err, "its id is malformed");
	}
	if (strcmp(field->key, "at") == 0)
		envelope->received_ms = strtoll(field->value, NULL, 10);
	else if (strcmp(field->key, "flags") == 0)
		(void)take_flags(field->value, envelope);
	else if (strcmp(field->key, "checks") == 0)
		return read_checks(field->value, &envelope->checks) ||
		       corrupt(err, "its check results are malformed");
	else if (strcmp(field->key, "f") == 0)
		return take_finding(reading, field->value) ||
		       corrupt(err, "a finding is malformed");
	else if (strcmp(field->key, "r") == 0) {
		if (reading->seen == envelope->recipient_count)
			return corrupt(err, "it has too many recipients");
		return read_recipient(
		    field->value, &reading->recipients[reading->seen++], err);
	} else if (reading->seen > 0 && strcmp(field->key, "rd") == 0)
		reading->recipients[reading->seen - 1].destination =
		    field->value;
	else if (reading->seen > 0 && strcmp(field->key, "ro") == 0)
		reading->recipients[reading->seen - 1].orcpt = field->value;
	return true;
}

bool envelope_header_read(const char *bytes, size_t len, struct arena *arena,
    struct envelope *envelope, const char **status, struct error *err)
{
	const char *at = bytes + ENVELOPE_STATUS_OFFSET, *end = bytes + len;
	const char *stop;
	struct reading reading = {.arena = arena, .envelope = envelope};
	struct field field;

	memset(envelope, 0, sizeof(*envelope));
	stop = len > ENVELOPE_STATUS_OFFSET
		   ? memchr(at, '\n', (size_t)(end - at))
		   : NULL;
	if (stop == NULL || stop - at < 2 || stop[-1] != '\r' ||
	    stop - 1 - at > LIMIT_RECIPIENTS ||
	    memcmp(bytes + ENVELOPE_FIRST_LINE, " s=", 3) != 0)
		return corrupt(err, "its status line is malformed");
	envelope->recipient_count = (size_t)(stop - 1 - at);
	*status = arena_strndup(arena, at, envelope->recipient_count);
	reading.recipients = arena_zalloc(
	    arena, envelope->recipient_count * sizeof(struct recipient));
	envelope->recipients = reading.recipients;
	for (at = stop + 1; at < end;) {
		if (!next_field(&at, end, arena, &field))
			return corrupt(err, "a line of it is malformed");
		if (!take_field(&reading, &field, err))
			return false;
	}
	if (!reading.has_id || envelope->sender == NULL ||
	    reading.seen != envelope->recipient_count)
		return corrupt(err, "it is not complete");
	return true;
}
