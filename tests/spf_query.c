/*
 * Asks mail/spf (query_lines.h). A query is
 *	{"ip": "192.0.2.1", "helo": "mail.example.com", "from": "a@example.com",
 *	 "receiver": "our.name"}
 * with "" or nothing as from for the null sender. The answer has result,
 * explanation (what the domain says with a fail, or null), reason (what
 * decided), domain and helo (whether that was checked).
 */
#include "query_lines.h"

#include "mail/spf.h"
#include "mail/trace_header.h"

#include <string.h>

/* So that %{t} is the same each time. */
#define NOW_S 1767225600

static json_t *answer(
    const struct lookup *lookup, const json_t *query, struct arena *arena)
{
	const char *ip = query_text(query, "ip", "");
	struct spf_query question = {.helo = query_text(query, "helo", ""),
	    .sender = query_text(query, "from", ""),
	    .receiver = query_text(query, "receiver", NULL),
	    .now_s = NOW_S};
	struct spf_outcome outcome;

	if (!ip_parse(ip, strlen(ip), &question.ip))
		return NULL;
	spf_check(&question, lookup, arena, &outcome);
	return json_pack("{s:s, s:s?, s:s, s:s, s:b}", "result",
	    auth_result_name(outcome.result), "explanation",
	    outcome.explanation, "reason", outcome.reason, "domain",
	    outcome.domain, "helo", outcome.helo);
}

int main(int argc, char **argv)
{
	return query_lines(argc, argv, answer);
}
