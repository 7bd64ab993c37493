#include "mail/signed_mail.h"

#include "mail/tag_list.h"

/* RFC 6376 section 3.6.2.1: the name of the key. */
#define KEY_LABEL "._domainkey."
/* A domain name in a query, without its last dot. */
#define QUERY_NAME 253
#define KINDS 3

struct signed_mail {
	struct arena *arena;
	struct source source;
	uint64_t body; /* where it begins */
	struct raw_header header;
	const char *fault;
	struct signature_set sets[KINDS];
	size_t *next; /* of each name, while its fields are taken */
	struct body_hashes *hashes;
};

/* --- opening ---------------------------------------------------------- */

#define FIRST_READ ((size_t)16 * 1024)

/* Reads more and more until the end of the header is seen. */
static bool read_block(
    struct signed_mail *mail, struct slice *block, struct error *err)
{
	size_t size = FIRST_READ, got, len = 0, skip = 0;
	char *data;
	bool ended;

	for (;;) {
		data = arena_alloc(mail->arena, size);
		if (!source_read(&mail->source, 0, data, size, &got, err))
			return false;
		ended = raw_header_end((struct slice){data, got}, &len, &skip);
		if (ended || got < size || size >= LIMIT_HEADER_BLOCK)
			break;
		size = size * 4 < LIMIT_HEADER_BLOCK ? size * 4
						     : LIMIT_HEADER_BLOCK;
	}
	if (!ended) {
		len = got;
		skip = 0;
		if (got < mail->source.size)
			mail->fault = "the header is too large";
	}
	*block = (struct slice){data, len};
	mail->body = len + skip;
	return true;
}

static void collect(struct signed_mail *mail, enum signature_kind kind,
    const char *name, size_t most)
{
	const struct raw_header *header = &mail->header;
	struct signature_set *set = &mail->sets[kind];
	size_t count = 0;

	for (size_t at = raw_header_lowest(header, slice_of(name));
	     at != RAW_NONE; at = header->fields[at].above)
		count++;
	count = count < most ? count : most;
	set->list =
	    arena_zalloc(mail->arena, (count + 1) * sizeof(set->list[0]));
	for (size_t i = 0; set->count < count; i++) {
		struct signature_verdict *one = &set->list[set->count];

		if (!slice_is(header->fields[i].name, name))
			continue;
		one->field = i;
		one->why = "";
		one->fault = signature_parse(
		    kind, &header->fields[i], mail->arena, &one->signature);
		set->count++;
	}
}

static void ask(struct signed_mail *mail, struct signature_verdict *one)
{
	if (one->fault == NULL)
		one->hash = body_hashes_ask(
		    mail->hashes, one->signature.body, one->signature.length);
}

/* Of ARC's signatures only the newest must hold (RFC 8617 section 5.2). */
static void ask_for_hashes(struct signed_mail *mail)
{
	struct signature_set *dkim = &mail->sets[SIGNATURE_DKIM];
	struct signature_set *arc = &mail->sets[SIGNATURE_ARC_MESSAGE];
	unsigned newest = 0;

	for (size_t i = 0; i < dkim->count; i++)
		ask(mail, &dkim->list[i]);
	for (size_t i = 0; i < arc->count; i++)
		if (arc->list[i].signature.instance > newest)
			newest = arc->list[i].signature.instance;
	for (size_t i = 0; i < arc->count; i++)
		if (arc->list[i].signature.instance == newest)
			ask(mail, &arc->list[i]);
}

static const char *fault_of(const struct raw_header *header)
{
	if (header->malformed)
		return "a line of the header is no field";
	if (raw_header_lowest(header, slice_of("from")) == RAW_NONE)
		return "there is no From";
	return NULL;
}

bool signed_mail_open(const struct source *source, struct arena *arena,
    struct signed_mail **out, struct error *err)
{
	struct signed_mail *mail = arena_zalloc(arena, sizeof(*mail));
	struct slice block;

	*out = mail;
	mail->arena = arena;
	mail->source = *source;
	mail->hashes = body_hashes_new(arena);
	if (!read_block(mail, &block, err))
		return false;
	raw_header_read(block, arena, &mail->header);
	if (mail->fault == NULL)
		mail->fault = fault_of(&mail->header);
	mail->next = arena_alloc(
	    arena, (mail->header.count + 1) * sizeof(mail->next[0]));
	collect(mail, SIGNATURE_DKIM, "dkim-signature", LIMIT_SIGNATURES);
	collect(mail, SIGNATURE_ARC_MESSAGE, "arc-message-signature",
	    LIMIT_ARC_SETS + 1);
	collect(mail, SIGNATURE_ARC_SEAL, "arc-seal", LIMIT_ARC_SETS + 1);
	ask_for_hashes(mail);
	return true;
}

const struct raw_header *signed_mail_header(const struct signed_mail *mail)
{
	return &mail->header;
}

struct arena *signed_mail_arena(struct signed_mail *mail)
{
	return mail->arena;
}

const char *signed_mail_fault(const struct signed_mail *mail)
{
	return mail->fault;
}

struct signature_set *signed_mail_signatures(
    struct signed_mail *mail, enum signature_kind kind)
{
	return &mail->sets[kind];
}

/* --- header and body -------------------------------------------------- */

static bool conclude(
    struct signature_verdict *one, enum auth_result result, const char *why)
{
	one->result = result;
	one->why = why;
	return true;
}

/* RFC 6376 section 5.4.2: the fields of a name are taken from the bottom up;
 * what is not there counts as nothing. The signature is none of them. */
static size_t take_field(
    struct signed_mail *mail, struct slice name, size_t self)
{
	const struct raw_field *fields = mail->header.fields;
	size_t lowest = raw_header_lowest(&mail->header, name), at;

	if (lowest == RAW_NONE)
		return RAW_NONE;
	at = mail->next[lowest];
	if (at != RAW_NONE && at == self)
		at = fields[at].above;
	mail->next[lowest] = at == RAW_NONE ? RAW_NONE : fields[at].above;
	return at;
}

void signed_mail_hash_header(struct signed_mail *mail,
    const struct signature *signature, size_t self, uint8_t out[DIGEST_BYTES])
{
	struct buf text = buf_new(2 * LIMIT_HEADER_BLOCK + 2);
	struct slice rest = signature->names, name;
	struct digest digest = {0};
	bool ended = false;

	for (size_t i = 0; i < mail->header.count; i++)
		mail->next[i] = i;
	digest_begin(&digest);
	while (tag_next_word(&rest, &ended, &name)) {
		size_t at = take_field(mail, name, self);

		if (at == RAW_NONE)
			continue;
		buf_clear(&text);
		(void)canonical_field(
		    signature->header, mail->header.fields[at].whole, &text);
		digest_add(&digest, buf_text(&text), text.len);
	}
	buf_clear(&text);
	(void)signature_canonical(signature, &text);
	digest_add(&digest, buf_text(&text), text.len);
	digest_end(&digest, out);
	digest_free(&digest);
	buf_free(&text);
}

bool signed_mail_hash_body(struct signed_mail *mail, enum canonical kind,
    uint8_t out[DIGEST_BYTES], struct error *err)
{
	size_t number = body_hashes_ask(mail->hashes, kind, BODY_WHOLE);

	if (!body_hashes_run(mail->hashes, &mail->source, mail->body, err))
		return false;
	memcpy(
	    out, body_hashes_get(mail->hashes, number)->digest, DIGEST_BYTES);
	return true;
}

/* RFC 6376 section 8.15: one may put another From on top of a signed message,
 * and some will show that one. After its header was
 * hashed. */
static bool has_unsigned_from(const struct signed_mail *mail)
{
	size_t lowest = raw_header_lowest(&mail->header, slice_of("from"));

	return lowest != RAW_NONE && mail->next[lowest] != RAW_NONE;
}

/* "" if the body is what was signed; NULL if it could not be read. */
static const char *check_body(
    struct signed_mail *mail, struct signature_verdict *one, struct error *err)
{
	const struct signature *signature = &one->signature;
	const struct body_hash *hash;

	if (!body_hashes_run(mail->hashes, &mail->source, mail->body, err))
		return NULL;
	hash = body_hashes_get(mail->hashes, one->hash);
	one->uncovered = hash->length - hash->hashed;
	if (signature->length != BODY_WHOLE && hash->hashed < signature->length)
		return "the body is shorter than what was signed";
	if (memcmp(hash->digest, signature->body_hash, DIGEST_BYTES) != 0)
		return "the body was altered";
	return "";
}

static const char *check_times(const struct signature *signature, int64_t now_s)
{
	uint64_t now = now_s > 0 ? (uint64_t)now_s : 0;

	if (signature->ends_s != 0 &&
	    signature->ends_s + LIMIT_EXPIRY_DRIFT_S < now)
		return "expired";
	if (signature->made_s > now + LIMIT_FUTURE_DRIFT_S)
		return "made in the future";
	return NULL;
}

bool signed_mail_verify(struct signed_mail *mail, struct signature_verdict *one,
    const struct key_source *keys, struct error *err)
{
	const char *why = check_times(&one->signature, keys->now_s);
	uint8_t digest[DIGEST_BYTES];

	if (why != NULL)
		return conclude(one, AUTH_FAIL, why);
	why = check_body(mail, one, err);
	if (why == NULL)
		return false;
	if (why[0] != '\0')
		return conclude(one, AUTH_FAIL, why);
	signed_mail_hash_header(mail, &one->signature, one->field, digest);
	if (has_unsigned_from(mail))
		return conclude(one, AUTH_FAIL, "a From is not signed");
	signature_check_keys(one, digest, keys, mail->arena);
	return true;
}

/* --- keys ------------------------------------------------------------- */

static enum lookup_status look_up(const struct signature *signature,
    const struct lookup *dns, struct arena *arena,
    const struct lookup_record **records)
{
	const char *name = arena_printf(
	    arena, "%s" KEY_LABEL "%s", signature->selector, signature->domain);

	if (strlen(name) > QUERY_NAME)
		return LOOKUP_NXDOMAIN;
	return lookup_find(dns, LOOKUP_TXT, name, arena, records);
}

/* With one of the keys. */
static void try_key(struct signature_verdict *one, const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES])
{
	const struct signature *signature = &one->signature;
	const char *why = "";

	if (key->type != signature->type) {
		(void)conclude(one, AUTH_PERMERROR, "key of another algorithm");
		return;
	}
	if (signature->kind == SIGNATURE_DKIM && key->exact_domain &&
	    !signature_agrees(signature, true)) {
		(void)conclude(
		    one, AUTH_PERMERROR, "the key is not meant for subdomains");
		return;
	}
	switch (dkim_key_check(key, digest, signature->bytes, signature->len,
	    &one->key_bits, &why)) {
	case KEY_GOOD:
		(void)conclude(one, AUTH_PASS, "");
		break;
	case KEY_MISMATCH:
		(void)conclude(one, AUTH_FAIL, "the signature does not match");
		break;
	case KEY_UNUSABLE:
		(void)conclude(one, AUTH_PERMERROR, why);
		break;
	}
}

/* RFC 6376 section 6.1.2 lets us try all of several. What a key says that fits
 * counts more than what is wrong with the others. */
static void try_records(struct signature_verdict *one,
    const struct lookup_record *record, const uint8_t digest[DIGEST_BYTES],
    struct arena *arena)
{
	struct signature_verdict best = *one;

	(void)conclude(&best, AUTH_NONE, "");
	for (size_t i = 0; record != NULL && i < LIMIT_KEY_RECORDS; i++) {
		struct dkim_key key;
		const char *why = dkim_key_parse(record->text, arena, &key);

		if (why == NULL)
			try_key(one, &key, digest);
		else
			(void)conclude(one, AUTH_PERMERROR, why);
		one->testing = key.testing;
		if (one->result == AUTH_PASS)
			return;
		if (best.result == AUTH_NONE || one->result == AUTH_FAIL)
			best = *one;
		record = record->next;
	}
	*one = best;
}

void signature_check_keys(struct signature_verdict *one,
    const uint8_t digest[DIGEST_BYTES], const struct key_source *keys,
    struct arena *arena)
{
	const struct lookup_record *records;

	switch (look_up(&one->signature, keys->dns, arena, &records)) {
	case LOOKUP_FOUND:
		try_records(one, records, digest, arena);
		break;
	case LOOKUP_NODATA:
	case LOOKUP_NXDOMAIN:
		(void)conclude(one, AUTH_PERMERROR, "no key");
		break;
	case LOOKUP_TEMPERROR:
		(void)conclude(one, AUTH_TEMPERROR, "no answer about the key");
		break;
	}
}

bool signature_may_be_tested(const struct signature *signature,
    const struct lookup *dns, struct arena *arena)
{
	const struct lookup_record *records;
	struct dkim_key key;

	if (signature->domain[0] == '\0' || signature->selector[0] == '\0')
		return false;
	switch (look_up(signature, dns, arena, &records)) {
	case LOOKUP_FOUND:
		break;
	case LOOKUP_NODATA:
	case LOOKUP_NXDOMAIN:
		return false;
	case LOOKUP_TEMPERROR:
		return true;
	}
	for (size_t i = 0; records != NULL && i < LIMIT_KEY_RECORDS; i++) {
		(void)dkim_key_parse(records->text, arena, &key);
		if (key.testing)
			return true;
		records = records->next;
	}
	return false;
}
