/* Prints the payload of a message file: for the golden files and for
 * comparing with other parsers.
 *
 *   payload_dump [-r recipient] [-f sender] [-m max_bytes] [-w] FILE...
 *
 * -w adds `raw`. The clock stands still, so that the same file gives the same
 * bytes. */
#include "base/clock.h"
#include "deliver/payload_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool dump(const char *path, const char *sender, const char *recipient,
    const struct payload_options *options, struct error *err)
{
	struct payload_file *file = NULL;
	struct payload *payload = NULL;
	char data[65536];
	size_t got = 0;
	bool done = payload_file_open(path, sender, recipient, &file, err) &&
		    payload_file_payload(file, options, &payload, err);

	while (done) {
		done = payload_read(payload, data, sizeof(data), &got, err);
		if (!done || got == 0)
			break;
		(void)fwrite(data, 1, got, stdout);
	}
	(void)putchar('\n');
	payload_free(&payload);
	payload_file_close(&file);
	return done;
}

int main(int argc, char **argv)
{
	struct payload_options options = {.include_headers = true,
	    .include_body = true,
	    .include_attachments = true,
	    .max_parts = 1000};
	const char *sender = NULL, *recipient = NULL;
	struct error err = {0};
	int option, status = 0;

	while ((option = getopt(argc, argv, "r:f:m:w")) != -1) {
		if (option == 'r')
			recipient = optarg;
		else if (option == 'f')
			sender = optarg;
		else if (option == 'm')
			options.max_bytes = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			options.include_raw = true;
		else
			return 2;
	}
	clock_set_for_test(1769862896789, 0);
	for (int i = optind; i < argc; i++) {
		if (dump(argv[i], sender, recipient, &options, &err))
			continue;
		(void)fprintf(stderr, "%s: %s\n", argv[i], err.text);
		status = 1;
	}
	return status;
}
