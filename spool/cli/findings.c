#include "spool/cli/findings.h"

#include "spool/cli/cli.h"
#include "spool/cli/output.h"

#include <stdio.h>

static void tell_json(const struct finding *finding)
{
	json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:b}", "finding",
	    finding_name(finding->kind), "id", output_json_known(finding->id),
	    "recipient_number",
	    finding->recipient < 0 ? json_null()
				   : json_integer(finding->recipient),
	    "text", output_json_text(finding->text), "repaired",
	    (int)finding->repaired);

	output_json(&object);
}

void findings_tell(void *arg, const struct finding *finding)
{
	const struct cli *cli = arg;

	output_progress_end();
	if (cli->json) {
		tell_json(finding);
		return;
	}
	(void)printf("%-11s  %-26s  ", finding_name(finding->kind),
	    finding->id[0] != '\0' ? finding->id : "-");
	if (finding->recipient >= 0)
		(void)printf("recipient %d: ", finding->recipient);
	(void)printf("%s%s\n", output_safe(finding->text),
	    finding->repaired ? "  [repaired]" : "");
}

json_t *findings_counts(const uint64_t counts[FINDING_COUNT])
{
	json_t *object = json_object();

	for (int kind = 0; kind < FINDING_COUNT; kind++) {
		if (counts[kind] > 0)
			(void)json_object_set_new(object,
			    finding_name((enum finding_kind)kind),
			    json_integer((json_int_t)counts[kind]));
	}
	return object;
}
