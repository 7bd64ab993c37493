#include "mail/dkim.h"

static bool verify_one(struct signed_mail *mail, struct signature_verdict *one,
    const struct key_source *keys, struct error *err)
{
	const char *fault = one->fault;

	if (fault == NULL)
		fault = signed_mail_fault(mail);
	if (fault == NULL)
		return signed_mail_verify(mail, one, keys, err);
	one->result = AUTH_PERMERROR;
	one->why = fault;
	return true;
}

static void decide(struct dkim_result *result)
{
	static const enum auth_result order[] = {
	    AUTH_PASS, AUTH_TEMPERROR, AUTH_FAIL, AUTH_PERMERROR};
	const struct signature_set *set = result->signatures;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		for (size_t j = 0; j < set->count; j++) {
			if (set->list[j].result != order[i])
				continue;
			result->result = order[i];
			result->decisive = &set->list[j];
			return;
		}
	}
}

bool dkim_verify(struct signed_mail *mail, const struct key_source *keys,
    struct dkim_result *result, struct error *err)
{
	struct signature_set *set =
	    signed_mail_signatures(mail, SIGNATURE_DKIM);

	*result = (struct dkim_result){.result = AUTH_NONE, .signatures = set};
	for (size_t i = 0; i < set->count; i++)
		if (!verify_one(mail, &set->list[i], keys, err))
			return false;
	decide(result);
	return true;
}
