/*
 * How fast payloads are made: every message is parsed and its payload read to
 * the end, again and again, from memory.
 *
 *   payload_rate SECONDS FILE...
 *
 * Prints how many messages and how many bytes of payload a second of CPU, so
 * that what else the machine does counts nothing.
 */
#include "base/alloc.h"
#include "base/source.h"
#include "deliver/payload.h"
#include "envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct message {
	char *data;
	size_t len;
};

static double cpu_seconds(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct message read_message(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct message message = {0};
	size_t size = (size_t)64 * 1024 * 1024;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	message.data = xmalloc(size);
	message.len = fread(message.data, 1, size, file);
	message.data = xrealloc(message.data, message.len + 1);
	(void)fclose(file);
	return message;
}

static size_t make_payload(const struct message *message)
{
	static char out[64 * 1024];
	static const struct payload_options options = {.include_headers = true,
	    .include_body = true,
	    .include_attachments = true,
	    .max_parts = 1000};
	struct recipient recipient = {.address = "b@example.com"};
	struct envelope envelope = {.sender = "a@example.org",
	    .recipients = &recipient,
	    .recipient_count = 1};
	struct source source = source_memory(message->data, message->len);
	struct payload *payload = NULL;
	struct error err = {0};
	size_t got = 1, size = 0;

	if (!payload_new(&source, &envelope, 0, &options, &payload, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	for (; got > 0; size += got)
		if (!payload_read(payload, out, sizeof(out), &got, &err))
			exit(1);
	payload_free(&payload);
	return size;
}

int main(int argc, char **argv)
{
	size_t count = argc > 2 ? (size_t)argc - 2 : 0, done = 0, bytes = 0;
	struct message *messages = xcalloc(count + 1, sizeof(*messages));
	double seconds = argc > 2 ? strtod(argv[1], NULL) : 0, start, taken;

	if (count == 0)
		return 2;
	for (size_t i = 0; i < count; i++)
		messages[i] = read_message(argv[i + 2]);
	start = cpu_seconds();
	do {
		for (size_t i = 0; i < count; i++)
			bytes += make_payload(&messages[i]);
		done += count;
		taken = cpu_seconds() - start;
	} while (taken < seconds);
	(void)printf(
	    "%.1f %.1f\n", (double)done / taken, (double)bytes / taken);
	for (size_t i = 0; i < count; i++)
		free(messages[i].data);
	free(messages);
	return 0;
}
