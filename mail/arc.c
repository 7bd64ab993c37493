#include "mail/arc.h"

#include "bounds.h"
#include "mail/tag_list.h"

#include <ctype.h>

/* One instance; what it lacks is NULL. */
struct arc_set {
	const struct raw_field *results;
	struct signature_verdict *message, *seal;
};

struct chain {
	struct signed_mail *mail;
	struct arc_set sets[LIMIT_ARC_SETS + 1]; /* by instance; [0] unused */
	unsigned newest;
};

/* --- the sets --------------------------------------------------------- */

/* Passes one character and what may stand around it. */
static bool pass_char(struct slice *text, char c)
{
	*text = tag_skip_comments(*text);
	if (text->len == 0 || text->data[0] != c)
		return false;
	*text = tag_skip_comments(slice_from(*text, 1));
	return true;
}

unsigned arc_results_instance(struct slice value)
{
	struct slice number;
	size_t digits = 0;

	if (!pass_char(&value, 'i') || !pass_char(&value, '='))
		return 0;
	while (digits < value.len && isdigit((unsigned char)value.data[digits]))
		digits++;
	number = slice_first(value, digits);
	value = slice_from(value, digits);
	return pass_char(&value, ';') ? signature_instance(number) : 0;
}

static const char *place(struct chain *chain, unsigned instance,
    const struct raw_field *results, struct signature_verdict *message,
    struct signature_verdict *seal)
{
	struct arc_set *set = &chain->sets[instance];

	if (instance == 0)
		return "an ARC field has no valid instance";
	if ((results != NULL && set->results != NULL) ||
	    (message != NULL && set->message != NULL) ||
	    (seal != NULL && set->seal != NULL))
		return "an ARC field is there twice";
	if (results != NULL)
		set->results = results;
	if (message != NULL)
		set->message = message;
	if (seal != NULL)
		set->seal = seal;
	if (instance > chain->newest)
		chain->newest = instance;
	return NULL;
}

/* NULL, or the first fault. */
static const char *collect(struct chain *chain)
{
	const struct raw_header *header = signed_mail_header(chain->mail);
	struct signature_set *messages =
	    signed_mail_signatures(chain->mail, SIGNATURE_ARC_MESSAGE);
	struct signature_set *seals =
	    signed_mail_signatures(chain->mail, SIGNATURE_ARC_SEAL);
	const char *fault = NULL;
	size_t at =
	    raw_header_lowest(header, slice_of("arc-authentication-results"));

	for (; at != RAW_NONE && fault == NULL; at = header->fields[at].above)
		fault =
		    place(chain, arc_results_instance(header->fields[at].value),
			&header->fields[at], NULL, NULL);
	for (size_t i = 0; i < messages->count && fault == NULL; i++)
		fault = place(chain, messages->list[i].signature.instance, NULL,
		    &messages->list[i], NULL);
	for (size_t i = 0; i < seals->count && fault == NULL; i++)
		fault = place(chain, seals->list[i].signature.instance, NULL,
		    NULL, &seals->list[i]);
	return fault;
}

/* RFC 8617 section 5.2, steps 2 and 3. */
static const char *check_structure(
    const struct chain *chain, struct arc_result *result)
{
	const char *mail_fault = signed_mail_fault(chain->mail);

	for (unsigned i = chain->newest; i > 0; i--) {
		const struct arc_set *set = &chain->sets[i];

		if (set->results == NULL || set->message == NULL ||
		    set->seal == NULL)
			return "an ARC set is not complete";
		result->seal = set->seal;
		if (set->seal->fault != NULL)
			return set->seal->fault;
		/* Older ones do not matter any more (step 5). */
		if (set->message->fault != NULL && i == chain->newest)
			return set->message->fault;
		if (set->seal->signature.chain == CHAIN_FAIL)
			return "the chain was broken before";
		if ((set->seal->signature.chain == CHAIN_NONE) != (i == 1))
			return "a seal has the wrong chain status";
	}
	return mail_fault;
}

/* --- the signatures --------------------------------------------------- */

static const char *check_message(const struct chain *chain,
    const struct key_source *keys, struct arc_result *result, struct error *err)
{
	struct signature_verdict *message = chain->sets[chain->newest].message;

	result->message = message;
	if (!signed_mail_verify(chain->mail, message, keys, err))
		return NULL;
	return message->result == AUTH_PASS ? "" : message->why;
}

/* What the seals sign (section 5.1.1): all sets, the oldest first, relaxed.
 * ends[i] is where the seal of set i begins. */
static void write_chain(
    const struct chain *chain, struct buf *text, size_t ends[])
{
	for (unsigned i = 1; i <= chain->newest; i++) {
		const struct arc_set *set = &chain->sets[i];

		(void)canonical_field(
		    CANONICAL_RELAXED, set->results->whole, text);
		(void)canonical_field(
		    CANONICAL_RELAXED, set->message->signature.field, text);
		ends[i] = text->len;
		(void)canonical_field(
		    CANONICAL_RELAXED, set->seal->signature.field, text);
	}
}

static void check_seal(const struct chain *chain,
    struct signature_verdict *seal, struct slice before,
    const struct key_source *keys)
{
	struct buf own = buf_new(LIMIT_HEADER_BLOCK + 2);
	struct digest digest = {0};
	uint8_t hash[DIGEST_BYTES];

	(void)signature_canonical(&seal->signature, &own);
	digest_begin(&digest);
	digest_add(&digest, before.data, before.len);
	digest_add(&digest, buf_text(&own), own.len);
	digest_end(&digest, hash);
	signature_check_keys(seal, hash, keys, signed_mail_arena(chain->mail));
	digest_free(&digest);
	buf_free(&own);
}

static const char *check_seals(const struct chain *chain,
    const struct key_source *keys, struct arc_result *result)
{
	struct buf text = buf_new(2 * LIMIT_HEADER_BLOCK);
	size_t ends[LIMIT_ARC_SETS + 1];
	const char *fault = "";

	write_chain(chain, &text, ends);
	for (unsigned i = chain->newest; i > 0 && fault[0] == '\0'; i--) {
		struct signature_verdict *seal = chain->sets[i].seal;

		check_seal(
		    chain, seal, (struct slice){text.data, ends[i]}, keys);
		result->seal = seal;
		if (seal->result != AUTH_PASS)
			fault = seal->why;
	}
	if (fault[0] == '\0')
		result->seal = chain->sets[chain->newest].seal;
	buf_free(&text);
	return fault;
}

bool arc_validate(struct signed_mail *mail, const struct key_source *keys,
    struct arc_result *result, struct error *err)
{
	struct chain chain = {.mail = mail};
	const char *fault = collect(&chain);

	*result = (struct arc_result){.result = AUTH_NONE, .why = ""};
	if (fault == NULL && chain.newest == 0)
		return true;
	result->instance = chain.newest;
	if (fault == NULL)
		fault = check_structure(&chain, result);
	if (fault == NULL) {
		fault = check_message(&chain, keys, result, err);
		if (fault == NULL)
			return false;
		if (fault[0] == '\0')
			fault = check_seals(&chain, keys, result);
	}
	result->result = fault[0] == '\0' ? AUTH_PASS : AUTH_FAIL;
	result->why = fault;
	return true;
}
