/*
 * Asks mail/dmarc (query_lines.h). A query is
 *	{"header": "From: a@example.com\\r\\n",
 *	 "spf": {"result": "pass", "domain": "example.com"},
 *	 "dkim": [{"result": "fail", "domain": "example.net"}], "sample": 0}
 * where a "from" may stand for the header with the value of a From field. The
 * answer has result, aligned, domain (of From), policy_domain (where the record
 * is), policy, disposition (what it asks for this message) and reason.
 */
#include "query_lines.h"

#include "mail/dmarc.h"
#include "mail/trace_header.h"

#define DKIM_MOST 64

static const char *const policy_names[] = {"none", "quarantine", "reject"};

static struct dmarc_identity identity_of(const json_t *object)
{
	int result = query_result(query_text(object, "result", "none"));

	return (struct dmarc_identity){
	    .result = result < 0 ? AUTH_NONE : (enum auth_result)result,
	    .domain = query_text(object, "domain", NULL)};
}

static const char *header_of(const json_t *query, struct arena *arena)
{
	const char *from = query_text(query, "from", NULL);

	return from != NULL ? arena_printf(arena, "From: %s\r\n", from)
			    : query_text(query, "header", "");
}

static json_t *pack(const struct dmarc_outcome *outcome)
{
	return json_pack("{s:s, s:b, s:s?, s:s?, s:s, s:s, s:s}", "result",
	    auth_result_name(outcome->result), "aligned", outcome->aligned,
	    "domain", outcome->domain, "policy_domain", outcome->policy_domain,
	    "policy", policy_names[outcome->policy], "disposition",
	    policy_names[outcome->disposition], "reason", outcome->reason);
}

static json_t *answer(
    const struct lookup *lookup, const json_t *query, struct arena *arena)
{
	struct dmarc_identity dkim[DKIM_MOST];
	struct dmarc_query question = {
	    .spf = identity_of(json_object_get(query, "spf")),
	    .dkim = dkim,
	    .sample =
		(unsigned)json_integer_value(json_object_get(query, "sample"))};
	struct dmarc_outcome outcome;
	struct author author;
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(query, "dkim"), i, one)
	{
		if (question.dkim_count < DKIM_MOST)
			dkim[question.dkim_count++] = identity_of(one);
	}
	author_read(slice_of(header_of(query, arena)), arena, &author);
	question.author = &author;
	dmarc_check(&question, lookup, arena, &outcome);
	return pack(&outcome);
}

int main(int argc, char **argv)
{
	return query_lines(argc, argv, answer);
}
