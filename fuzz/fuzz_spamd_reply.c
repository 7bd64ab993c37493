/* The answer of a spam scanner. */
#include "smtpd/spamd_reply.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice answer = {(const char *)data, size};
	struct spamd_reply reply;
	struct buf tests = buf_new(200);

	if (spamd_reply_parse(answer, &reply)) {
		assert(isfinite(reply.score) && isfinite(reply.threshold));
		assert(reply.report.data >= answer.data &&
		       reply.report.data + reply.report.len <=
			   answer.data + answer.len);
		(void)spamd_reply_tests(reply.report, &tests);
	}
	buf_clear(&tests);
	(void)spamd_reply_tests(answer, &tests);
	for (size_t i = 0; i < tests.len; i++)
		assert(tests.data[i] != '\n' && tests.data[i] != ' ');
	buf_free(&tests);
	return 0;
}
