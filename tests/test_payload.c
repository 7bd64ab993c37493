#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "bounds.h"
#include "deliver/payload.h"
#include "deliver/payload_file.h"
#include "deliver/payload_plan.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define NOW 1769862896789 /* 2026-01-31T12:34:56.789Z */

static const struct payload_options everything = {.include_headers = true,
    .include_body = true,
    .include_attachments = true,
    .max_parts = 1000};

static const struct recipient recipients[] = {
    {.address = "first@example.com", .lane = LANE_WEBHOOK},
    {.address = "second@example.com", .lane = LANE_WEBHOOK}};

static struct envelope plain_envelope(void)
{
	return (struct envelope){.sender = "sender@example.org",
	    .recipients = recipients,
	    .recipient_count = 2,
	    .received_ms = NOW};
}

/* Reads all of it in steps. */
static void read_all(struct payload *payload, size_t step, struct buf *out)
{
	char *piece = malloc(step);
	struct error err = {0};
	size_t got;

	assert_non_null(piece);
	buf_clear(out);
	do {
		assert_true(payload_read(payload, piece, step, &got, &err));
		assert_true(buf_append(out, piece, got));
	} while (got > 0);
	free(piece);
	assert_int_equal(out->len, payload_size(payload));
}

static json_t *parse(const struct buf *text)
{
	json_error_t error;
	json_t *json =
	    json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL)
		fail_msg("%s at %d", error.text, error.position);
	return json;
}

static struct payload *make(const char *text, size_t len,
    const struct envelope *envelope, const struct payload_options *options)
{
	static struct source source; /* outlives the payload */
	struct payload *payload = NULL;
	struct error err = {0};

	source = source_memory(text, len);
	assert_true(payload_new(&source, envelope, 1, options, &payload, &err));
	return payload;
}

/* The payload of a message as JSON, after it was read whole, read again in
 * single bytes, and compared. */
static json_t *payload_json(const char *text, size_t len,
    const struct envelope *envelope, const struct payload_options *options)
{
	struct payload *payload = make(text, len, envelope, options);
	struct buf whole = buf_new(SIZE_MAX / 2), again = whole;
	json_t *json;

	read_all(payload, 100000, &whole);
	payload_rewind(payload);
	read_all(payload, whole.len < 100000 ? 1 : 4097, &again);
	assert_int_equal(whole.len, again.len);
	assert_memory_equal(whole.data, again.data, whole.len);
	json = parse(&whole);
	buf_free(&whole);
	buf_free(&again);
	payload_free(&payload);
	return json;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	assert_non_null(text);
	return text;
}

static int is_message(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".eml") == 0;
}

static void check_golden(const char *name)
{
	char path[4096];
	struct payload_file *file = NULL;
	struct payload *payload = NULL;
	struct buf text = buf_new(SIZE_MAX / 2);
	struct error err = {0};
	json_t *got, *want;

	(void)snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
	assert_true(payload_file_open(path, NULL, NULL, &file, &err));
	assert_true(payload_file_payload(file, &everything, &payload, &err));
	read_all(payload, 1000, &text);
	got = parse(&text);
	(void)snprintf(path, sizeof(path), "%s/%.*s.json", GOLDEN,
	    (int)strlen(name) - 4, name);
	want = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (want == NULL)
		fail_msg("%s is missing or no JSON", path);
	if (!json_equal(got, want))
		fail_msg("%s: got %s", path, buf_text(&text));
	json_decref(got);
	json_decref(want);
	buf_free(&text);
	payload_free(&payload);
	payload_file_close(&file);
}

static void golden_messages_give_their_payloads(void **state)
{
	struct dirent **names;
	int count = scandir(GOLDEN, &names, is_message, alphasort);

	(void)state;
	assert_true(count > 40);
	for (int i = 0; i < count; i++) {
		check_golden(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static const char short_message[] =
    "From: a@example.org\r\nSubject: s\r\n"
    "X-Spam-Status: Yes, score=7.5 required=6.25 tests=X\r\n"
    "X-Spam-Report: bad\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
    "--b\r\nContent-Type: a/b\r\n\r\nbytes\r\n--b--\r\n";

static void fields_come_from_the_envelope(void **state)
{
	struct envelope envelope = plain_envelope();
	json_t *json;

	(void)state;
	envelope.id.bytes[15] = 1;
	envelope.authenticated = true;
	envelope.auth_user = "user";
	envelope.checks = (struct check_results){.spf = AUTH_PASS,
	    .dkim = AUTH_TEMPERROR,
	    .dmarc = AUTH_FAIL,
	    .arc = AUTH_NONE,
	    .aligned = true,
	    .spam = SPAM_HAM,
	    .spam_score = -1.5,
	    .spam_threshold = 5,
	    .spam_report = "report",
	    .spam_status_header = "No, score=-1.5"};
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &everything);
	assert_string_equal(
	    text_of(json, "message_id"), "00000000000000000000000001");
	assert_string_equal(text_of(json, "rcpt_to"), "second@example.com");
	assert_string_equal(text_of(json, "to"), "second@example.com");
	assert_string_equal(text_of(json, "mail_from"), "sender@example.org");
	assert_string_equal(
	    text_of(json, "timestamp"), "2026-01-31T12:34:56.789Z");
	assert_string_equal(text_of(json, "spf"), "pass");
	assert_string_equal(text_of(json, "dkim"), "temperror");
	assert_string_equal(text_of(json, "dmarc"), "fail");
	assert_string_equal(text_of(json, "arc"), "none");
	assert_true(json_is_true(json_object_get(json, "aligned")));
	assert_true(json_is_true(json_object_get(json, "authenticated")));
	assert_string_equal(text_of(json, "auth_user"), "user");
	assert_string_equal(text_of(json, "spam_status"), "ham");
	assert_true(
	    json_real_value(json_object_get(json, "spam_score")) == -1.5);
	assert_string_equal(text_of(json, "spam_report"), "report");
	assert_int_equal(json_integer_value(json_object_get(json, "size")),
	    strlen(short_message));
	json_decref(json);
	/* The old id of an imported message stays its id. */
	envelope.imported_id = "old-id";
	/* Whoever says so in a header is not authenticated. */
	envelope.authenticated = false;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &everything);
	assert_string_equal(text_of(json, "message_id"), "old-id");
	assert_true(json_is_null(json_object_get(json, "auth_user")));
	json_decref(json);
}

static void spam_headers_count_only_from_trusted_relays(void **state)
{
	struct payload_options options = everything;
	struct envelope envelope = plain_envelope();
	json_t *json;

	(void)state;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &options);
	assert_string_equal(text_of(json, "spam_status"), "unknown");
	assert_true(
	    json_real_value(json_object_get(json, "spam_threshold")) == 5.0);
	json_decref(json);
	options.trust_spam_headers = true;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &options);
	assert_string_equal(text_of(json, "spam_status"), "spam");
	assert_true(
	    json_real_value(json_object_get(json, "spam_score")) == 7.5);
	assert_true(
	    json_real_value(json_object_get(json, "spam_threshold")) == 6.25);
	assert_string_equal(text_of(json, "spam_report"), "bad");
	json_decref(json);
	/* But never against spamd. */
	envelope.checks.spam = SPAM_HAM;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &options);
	assert_string_equal(text_of(json, "spam_status"), "ham");
	json_decref(json);
}

static void options_leave_things_out(void **state)
{
	struct payload_options options = {.max_parts = 1000};
	struct envelope envelope = plain_envelope();
	const json_t *attachment;
	json_t *json;

	(void)state;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &options);
	assert_null(json_object_get(json, "headers"));
	assert_string_equal(text_of(json, "text_body"), "");
	assert_string_equal(text_of(json, "html_body"), "");
	attachment = json_array_get(json_object_get(json, "attachments"), 0);
	assert_true(json_is_null(json_object_get(attachment, "content")));
	assert_int_equal(
	    json_integer_value(json_object_get(attachment, "size")), 5);
	assert_null(json_object_get(json, "raw"));
	json_decref(json);
	options = everything;
	options.include_raw = true;
	json = payload_json(
	    short_message, strlen(short_message), &envelope, &options);
	assert_string_equal(text_of(json, "raw"), short_message);
	json_decref(json);
	/* No raw of what is not UTF-8. */
	json = payload_json("X: \xE9\r\n\r\nx", 9, &envelope, &options);
	assert_null(json_object_get(json, "raw"));
	json_decref(json);
}

static void bounces_are_told(void **state)
{
	struct envelope envelope = plain_envelope();
	static const char message[] =
	    "From: MAILER-DAEMON@example.net\r\n\r\nx";
	struct payload *payload;

	(void)state;
	payload = make(message, strlen(message), &envelope, &everything);
	assert_false(payload_is_bounce(payload));
	payload_free(&payload);
	envelope.sender = "";
	payload = make(message, strlen(message), &envelope, &everything);
	assert_true(payload_is_bounce(payload));
	payload_free(&payload);
}

/* A message with a text, HTML and attachments of these sizes, the second of
 * which is the larger one. */
static void build(struct buf *message, size_t text, size_t html, size_t small,
    size_t large, const char *encoding)
{
	size_t sizes[] = {text, html, small, large};
	static const char *const types[] = {"text/plain; charset=utf-8",
	    "text/html; charset=utf-8", "application/x-small",
	    "application/x-large"};

	*message = buf_new(SIZE_MAX / 2);
	(void)buf_append_text(message,
	    "From: a@example.org\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		(void)buf_printf(message,
		    "--b\r\nContent-Type: %s\r\n"
		    "Content-Transfer-Encoding: %s\r\n\r\n",
		    types[i], i < 2 ? "8bit" : encoding);
		for (size_t len = 0; len < sizes[i]; len += 74)
			(void)buf_append_text(message,
			    i < 2 ? "Gr\xC3\xBC\xC3\x9F"
				    "e \"quoted\" \\ and more text that "
				    "fills this line of text ......\r\n"
				  : "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNv"
				    "bnNlY3RldHVyIGFkaXBpc2Npbmc9\r\n");
	}
	(void)buf_append_text(message, "--b--\r\n");
}

/* Long texts are read when their turn comes, short ones rendered at once; and
 * contents by copying, encoding or decoding first. */
static void large_messages_are_produced_exactly(void **state)
{
	static const char *const encodings[] = {
	    "base64", "8bit", "quoted-printable"};
	struct envelope envelope = plain_envelope();

	(void)state;
	for (size_t i = 0; i < COUNT(encodings); i++) {
		struct buf message;
		struct payload_options options = everything;
		const char *body;
		json_t *json;

		options.include_raw = true;
		build(&message, 300000, 200000, 100000, 900000, encodings[i]);
		json = payload_json(
		    message.data, message.len, &envelope, &options);
		body = text_of(json, "text_body");
		assert_int_equal(strncmp(body, "Gr\xC3\xBC\xC3\x9F", 5), 0);
		assert_null(strchr(body, '\r'));
		assert_string_equal(text_of(json, "raw"), message.data);
		json_decref(json);
		buf_free(&message);
	}
}

static size_t size_at(const json_t *json, size_t index, const char **content)
{
	const json_t *attachment =
	    json_array_get(json_object_get(json, "attachments"), index);

	*content = json_string_value(json_object_get(attachment, "content"));
	return (size_t)json_integer_value(json_object_get(attachment, "size"));
}

/* What is left after so many steps. */
struct step {
	bool raw, large, small, html, text;
};

static void check_step(struct payload *payload, const struct step *want)
{
	struct buf text = buf_new(SIZE_MAX / 2);
	const char *small, *large;
	const json_t *last;
	json_t *json;

	read_all(payload, 5000, &text);
	json = parse(&text);
	/* The sizes stay, whatever happens to the contents. */
	assert_in_range(size_at(json, 0, &small), 6900, 7400);
	assert_in_range(size_at(json, 1, &large), 13800, 14800);
	assert_int_equal(json_object_get(json, "raw") != NULL, want->raw);
	assert_int_equal(large != NULL, want->large);
	assert_int_equal(small != NULL, want->small);
	last = json_array_get(json_object_get(json, "attachments"), 1);
	assert_int_equal(json_is_true(json_object_get(last, "content_omitted")),
	    !want->large);
	assert_int_equal(text_of(json, "html_body")[0] != '\0', want->html);
	assert_int_equal(
	    json_is_true(json_object_get(json, "body_truncated")), !want->text);
	json_decref(json);
	buf_free(&text);
}

static void reducing_leaves_out_one_thing_after_the_other(void **state)
{
	static const struct step steps[] = {
	    {true, true, true, true, true},
	    {false, true, true, true, true},
	    {false, false, true, true, true},
	    {false, false, false, true, true},
	    {false, false, false, false, true},
	    {false, false, false, false, false},
	    {false, false, false, false, false},
	};
	struct envelope envelope = plain_envelope();
	struct payload_options options = everything;
	struct payload *payload;
	struct buf message;
	uint64_t size;

	(void)state;
	options.include_raw = true;
	build(&message, 7400, 7400, 7400, 14800, "8bit");
	payload = make(message.data, message.len, &envelope, &options);
	assert_false(payload_is_reduced(payload));
	for (size_t i = 0; i < COUNT(steps); i++) {
		check_step(payload, &steps[i]);
		size = payload_size(payload);
		assert_true(payload_reduce(payload));
		assert_true(payload_size(payload) < size);
		assert_true(payload_is_reduced(payload));
	}
	/* At last nothing of the text is left, and nothing more can go. */
	for (int i = 0; i < 20 && payload_reduce(payload); i++)
		;
	assert_false(payload_reduce(payload));
	payload_free(&payload);
	buf_free(&message);
}

/* The fallback stops as soon as the payload fits: at its size, and one byte
 * below it. */
static void the_limit_is_kept_to_the_byte(void **state)
{
	struct envelope envelope = plain_envelope();
	struct payload_options options = everything;
	size_t texts[] = {7400, 200000};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct buf message, text = buf_new(SIZE_MAX / 2);
		struct payload *payload;
		uint64_t whole;

		build(&message, texts[i], 0, 74, 148, "8bit");
		options.max_bytes = 0;
		payload = make(message.data, message.len, &envelope, &options);
		whole = payload_size(payload);
		payload_free(&payload);
		options.max_bytes = whole;
		payload = make(message.data, message.len, &envelope, &options);
		assert_false(payload_is_reduced(payload));
		payload_free(&payload);
		options.max_bytes = whole - 1;
		payload = make(message.data, message.len, &envelope, &options);
		assert_true(payload_is_reduced(payload));
		payload_free(&payload);
		/* Any limit that the fields leave room for is kept, and the
		 * text is cut as late as it can be. */
		for (options.max_bytes = 1500; options.max_bytes < 1540;
		     options.max_bytes++) {
			payload = make(
			    message.data, message.len, &envelope, &options);
			read_all(payload, 1000, &text);
			assert_in_range(
			    text.len, options.max_bytes - 1, options.max_bytes);
			json_decref(parse(&text));
			payload_free(&payload);
		}
		/* Too little for the fields: as small as it goes. */
		options.max_bytes = 1;
		payload = make(message.data, message.len, &envelope, &options);
		read_all(payload, 1000, &text);
		json_decref(parse(&text));
		payload_free(&payload);
		buf_free(&text);
		buf_free(&message);
	}
}

static void escaped_text_is_cut_between_characters(void **state)
{
	static const char text[] = "a\\n\\u0001\xC3\xA9\xE2\x82\xAC\\\\z";
	static const size_t want[] = {
	    0, 1, 1, 3, 3, 3, 3, 3, 3, 9, 9, 11, 11, 11, 14, 14, 16, 17};

	(void)state;
	for (size_t max = 0; max < COUNT(want); max++)
		assert_int_equal(
		    payload_cut(text, strlen(text), max), want[max]);
}

struct failing {
	const char *text;
	size_t reads; /* that succeed */
};

static bool read_until_failing(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	struct failing *failing = arg;

	if (failing->reads == 0) {
		err->kind = ERROR_IO;
		return false;
	}
	failing->reads--;
	memcpy(data, failing->text + offset, len);
	return true;
}

static void a_source_that_fails_is_told_not_hidden(void **state)
{
	struct envelope envelope = plain_envelope();
	struct buf message;
	char data[65536];
	bool done = false;

	(void)state;
	build(&message, 300000, 300000, 300000, 300000, "base64");
	for (size_t reads = 0; !done; reads++) {
		struct failing failing = {message.data, reads};
		struct source source = {
		    message.len, read_until_failing, &failing};
		struct payload *payload = NULL;
		struct error err = {0};
		size_t got = 1;

		done = payload_new(
		    &source, &envelope, 0, &everything, &payload, &err);
		while (done && got > 0)
			done = payload_read(
			    payload, data, sizeof(data), &got, &err);
		assert_true(done || err.kind == ERROR_IO);
		payload_free(&payload);
	}
	buf_free(&message);
}

static int freeze(void **state)
{
	(void)state;
	clock_set_for_test(NOW, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_messages_give_their_payloads),
	    cmocka_unit_test(fields_come_from_the_envelope),
	    cmocka_unit_test(spam_headers_count_only_from_trusted_relays),
	    cmocka_unit_test(options_leave_things_out),
	    cmocka_unit_test(bounces_are_told),
	    cmocka_unit_test(large_messages_are_produced_exactly),
	    cmocka_unit_test(reducing_leaves_out_one_thing_after_the_other),
	    cmocka_unit_test(the_limit_is_kept_to_the_byte),
	    cmocka_unit_test(escaped_text_is_cut_between_characters),
	    cmocka_unit_test(a_source_that_fails_is_told_not_hidden),
	};

	return cmocka_run_group_tests(tests, freeze, NULL);
}
