/*
 * DKIM and ARC from outside: for other suites and other implementations.
 *
 *   dkim_query [--now SECONDS] MESSAGE RECORDS.json
 *       prints `dkim RESULT`, `arc RESULT WHY`, and a line for each signature.
 *   dkim_query [--now SECONDS] --sign KEY.pem DOMAIN SELECTOR MESSAGE
 *       prints the field.
 *   dkim_query --batch
 *       reads a JSON object a line, {"message", "records", "now"} or
 *       {"message", "sign": {...}}, the message in base64, and answers in kind.
 *
 * RECORDS.json maps a name to its TXT: a string, an array of records (each a
 * string, or an array of strings to be joined), or null, which is a query
 * without an answer. What is not there does not exist.
 */
#include "base/errors.h"
#include "mail/arc.h"
#include "mail/dkim.h"
#include "mail/dkim_sign.h"
#include "mail/tag_list.h"
#include "mail/trace_header.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)

/* --- records ---------------------------------------------------------- */

static struct slice join(const json_t *record, struct arena *arena)
{
	struct buf text = buf_new(1024 * 1024);
	struct slice joined;
	const json_t *piece;
	size_t i;

	if (json_is_string(record))
		(void)buf_append(&text, json_string_value(record),
		    json_string_length(record));
	json_array_foreach(record, i, piece)(void) buf_append(
	    &text, json_string_value(piece), json_string_length(piece));
	joined.data = arena_strndup(arena, buf_text(&text), text.len);
	joined.len = text.len;
	buf_free(&text);
	return joined;
}

static const json_t *find(json_t *records, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(records, key, value)
	{
		size_t len = strlen(key);

		if (len > 0 && key[len - 1] == '.')
			len--;
		if (len == strlen(name) && strncasecmp(key, name, len) == 0)
			return value;
	}
	return NULL;
}

static enum lookup_status look_up(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	const json_t *value = find(arg, name);
	size_t count = json_is_array(value) ? json_array_size(value) : 1;

	(void)type;
	if (value == NULL)
		return LOOKUP_NXDOMAIN;
	if (json_is_null(value))
		return LOOKUP_TEMPERROR;
	for (size_t i = count; i > 0; i--) {
		struct lookup_record *record =
		    arena_zalloc(arena, sizeof(*record));

		record->text = join(
		    json_is_array(value) ? json_array_get(value, i - 1) : value,
		    arena);
		record->next = *records;
		*records = record;
	}
	return count > 0 ? LOOKUP_FOUND : LOOKUP_NODATA;
}

/* --- verifying -------------------------------------------------------- */

static json_t *describe(const struct signature_verdict *one)
{
	const struct signature *signature = &one->signature;

	/* What strangers wrote need not be UTF-8. */
	return json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:i, s:b, s:I}",
	    "result", auth_result_name(one->result), "why", one->why, "d",
	    signature->domain, "s", signature->selector, "a",
	    signature->algorithm, "b", signature->text, "bits",
	    (int)one->key_bits, "testing", (int)one->testing, "uncovered",
	    (json_int_t)one->uncovered);
}

static json_t *verify(
    const struct source *message, json_t *records, int64_t now)
{
	struct lookup dns = {look_up, records};
	struct key_source keys = {&dns, now};
	struct arena *arena = arena_new();
	struct signed_mail *mail;
	struct dkim_result dkim;
	struct arc_result arc;
	struct error err = {0};
	json_t *answer = NULL, *list = json_array();

	if (!signed_mail_open(message, arena, &mail, &err) ||
	    !dkim_verify(mail, &keys, &dkim, &err) ||
	    !arc_validate(mail, &keys, &arc, &err))
		fatal("%s", err.text);
	for (size_t i = 0; i < dkim.signatures->count; i++)
		(void)json_array_append_new(
		    list, describe(&dkim.signatures->list[i]));
	answer = json_pack("{s:s, s:s, s:s, s:i, s:o}", "dkim",
	    auth_result_name(dkim.result), "arc", auth_result_name(arc.result),
	    "arc_why", arc.why, "arc_instance", (int)arc.instance, "signatures",
	    list);
	arena_free(&arena);
	return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static void print_verdict(const json_t *answer)
{
	const json_t *one;
	size_t i;

	(void)printf("dkim %s\n", text_of(answer, "dkim"));
	(void)printf(
	    "arc %s %s\n", text_of(answer, "arc"), text_of(answer, "arc_why"));
	json_array_foreach(json_object_get(answer, "signatures"), i, one)(void)
	    printf("signature %zu %s d=%s s=%s a=%s b=%.8s %s\n", i + 1,
		text_of(one, "result"), text_of(one, "d"), text_of(one, "s"),
		text_of(one, "a"), text_of(one, "b"), text_of(one, "why"));
}

/* --- signing ---------------------------------------------------------- */

static bool sign(const struct source *message, const char *pem,
    const char *domain, const char *selector,
    const struct dkim_sign_options *options, struct buf *field,
    struct error *err)
{
	struct dkim_signer *signer;
	bool good;

	if (!dkim_signer_new(domain, selector, pem, strlen(pem), &signer, err))
		return false;
	good = dkim_sign(message, &signer, 1, options, field, err);
	dkim_signer_free(&signer);
	return good;
}

static enum canonical canonical_of(const json_t *wish, const char *key)
{
	return strcmp(text_of(wish, key), "simple") == 0 ? CANONICAL_SIMPLE
							 : CANONICAL_RELAXED;
}

static json_t *sign_wish(const struct source *message, const json_t *wish)
{
	struct dkim_signed_name names[64];
	struct dkim_sign_options options = {
	    .header = canonical_of(wish, "header"),
	    .body = canonical_of(wish, "body"),
	    .now_s = json_integer_value(json_object_get(wish, "now")),
	    .identity = json_string_value(json_object_get(wish, "identity")),
	    .names = names};
	const json_t *list = json_object_get(wish, "names"), *name;
	struct buf field = buf_new(65536);
	struct error err = {0};
	json_t *answer;
	size_t i;

	json_array_foreach(list, i, name) if (i < 64)
	    names[options.name_count++] =
		(struct dkim_signed_name){json_string_value(name), i % 2 == 0};
	if (list == NULL)
		options.names = NULL;
	if (sign(message, text_of(wish, "key"), text_of(wish, "domain"),
		text_of(wish, "selector"), &options, &field, &err))
		answer = json_pack("{s:s}", "field", buf_text(&field));
	else
		answer = json_pack("{s:s}", "error", err.text);
	buf_free(&field);
	return answer;
}

/* --- the ways in ------------------------------------------------------ */

static int batch(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		json_t *query = json_loads(line, 0, NULL);
		struct arena *arena = arena_new();
		struct source message;
		json_t *answer;
		uint8_t *bytes;
		size_t len;

		(void)tag_base64(
		    slice_of(text_of(query, "message")), arena, &bytes, &len);
		message = source_memory(bytes, len);
		if (json_object_get(query, "sign") != NULL)
			answer =
			    sign_wish(&message, json_object_get(query, "sign"));
		else
			answer = verify(&message,
			    json_object_get(query, "records"),
			    json_integer_value(json_object_get(query, "now")));
		(void)json_dumpf(answer, stdout, JSON_COMPACT);
		(void)putchar('\n');
		(void)fflush(stdout);
		json_decref(answer);
		json_decref(query);
		arena_free(&arena);
	}
	free(line);
	return 0;
}

static struct buf read_file(const char *path)
{
	struct buf data = buf_new(MESSAGE_MAX);
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char chunk[65536];
	size_t got;

	if (file == NULL)
		fatal("%s cannot be read", path);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		if (!buf_append(&data, chunk, got))
			fatal("%s is too large", path);
	(void)fclose(file);
	return data;
}

static int one_message(const char *path, const char *records_path, int64_t now)
{
	struct buf data = read_file(path);
	struct source message = source_memory(buf_text(&data), data.len);
	json_error_t fault;
	json_t *records = json_load_file(records_path, 0, &fault);
	json_t *answer;

	if (!json_is_object(records))
		fatal("%s: %s", records_path, fault.text);
	answer = verify(&message, records, now);
	print_verdict(answer);
	json_decref(answer);
	json_decref(records);
	buf_free(&data);
	return 0;
}

static int one_signature(char **args, int64_t now)
{
	struct dkim_sign_options options = {.header = CANONICAL_RELAXED,
	    .body = CANONICAL_RELAXED,
	    .now_s = now};
	struct buf pem = read_file(args[0]), data = read_file(args[3]);
	struct source message = source_memory(buf_text(&data), data.len);
	struct buf field = buf_new(65536);
	struct error err = {0};
	bool good = sign(
	    &message, buf_text(&pem), args[1], args[2], &options, &field, &err);

	(void)fputs(good ? buf_text(&field) : err.text, good ? stdout : stderr);
	buf_free(&field);
	buf_free(&data);
	buf_free(&pem);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	int64_t now = time(NULL);

	if (argc > 2 && strcmp(argv[1], "--now") == 0) {
		now = strtoll(argv[2], NULL, 10);
		argc -= 2;
		argv += 2;
	}
	if (argc == 2 && strcmp(argv[1], "--batch") == 0)
		return batch();
	if (argc == 6 && strcmp(argv[1], "--sign") == 0)
		return one_signature(argv + 2, now);
	if (argc == 3)
		return one_message(argv[1], argv[2], now);
	(void)fputs("usage: see the head of dkim_query.c\n", stderr);
	return 2;
}
