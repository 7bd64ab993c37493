#include "spool/cli/output.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Eight texts can be on their way to one printf(). */
#define SLOTS 8
#define SLOT_SIZE 1024

static char *slot(void)
{
	static char slots[SLOTS][SLOT_SIZE];
	static unsigned next;

	return slots[next++ % SLOTS];
}

/* --- text ------------------------------------------------------------- */

const char *output_safe(const char *text)
{
	char *safe = slot();
	size_t len = 0;

	for (; *text != '\0' && len < SLOT_SIZE - 1; text++) {
		unsigned char c = (unsigned char)*text;
		/* C1 controls come as C2 80 ... C2 9F in UTF-8. */
		bool control = c < 0x20 || c == 0x7F ||
			       (c == 0xC2 && (unsigned char)text[1] < 0xA0);

		safe[len++] = control ? '?' : (char)c;
	}
	safe[len] = '\0';
	return safe;
}

const char *output_time(int64_t ms)
{
	char *text = slot();

	if (ms == 0)
		return "-";
	clock_format_iso(ms, text);
	text[10] = ' ';
	text[19] = '\0';
	return text;
}

const char *output_size(uint64_t bytes)
{
	static const char *const units[] = {
	    "B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t unit = 0;
	char *text = slot();

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text, SLOT_SIZE,
	    unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

const char *output_count(uint64_t count)
{
	char digits[32], *text = slot();
	size_t len =
	    (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
	return text;
}

const char *output_span(int64_t ms)
{
	int64_t seconds = ms / 1000;
	char *text = slot();

	if (seconds < 0)
		seconds = 0;
	if (seconds < 60)
		(void)snprintf(text, SLOT_SIZE, "%" PRId64 "s", seconds);
	else if (seconds < 3600)
		(void)snprintf(text, SLOT_SIZE, "%" PRId64 "m %" PRId64 "s",
		    seconds / 60, seconds % 60);
	else if (seconds < 86400)
		(void)snprintf(text, SLOT_SIZE, "%" PRId64 "h %" PRId64 "m",
		    seconds / 3600, seconds / 60 % 60);
	else
		(void)snprintf(text, SLOT_SIZE, "%" PRId64 "d %" PRId64 "h",
		    seconds / 86400, seconds / 3600 % 24);
	return text;
}

const char *output_until(int64_t ms)
{
	int64_t wait = ms - clock_wall_ms();
	char *text = slot();

	if (wait <= 0)
		return "now";
	(void)snprintf(text, SLOT_SIZE, "in %s", output_span(wait + 999));
	return text;
}

/* --- JSON ------------------------------------------------------------- */

json_t *output_json_text(const char *text)
{
	struct buf clean = buf_new(16 * 1024 * 1024);
	json_t *string;
	size_t used;

	if (text == NULL)
		return json_null();
	(void)utf8_append_clean(&clean, text, strlen(text), true, &used);
	string = json_stringn(buf_text(&clean), clean.len);
	buf_free(&clean);
	return string;
}

json_t *output_json_known(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null()
					       : output_json_text(text);
}

json_t *output_json_time(int64_t ms)
{
	char text[CLOCK_ISO_SIZE];

	if (ms == 0)
		return json_null();
	clock_format_iso(ms, text);
	return json_string(text);
}

void output_json(json_t **object)
{
	char *line = json_dumps(*object, JSON_COMPACT);

	if (line == NULL)
		fatal("cannot write JSON");
	(void)puts(line);
	free(line);
	json_decref(*object);
	*object = NULL;
}

json_t *output_entry_json(const struct operator_entry *entry)
{
	bool waits =
	    entry->state == STATE_QUEUED || entry->state == STATE_DEFERRED;
	bool dead = entry->state == STATE_DEAD;

	return json_pack(
	    "{s:s, s:i, s:o, s:s, s:o, s:s, s:i, s:i, s:o, s:o, s:i, s:o, s:o, "
	    "s:o, s:o, s:I, s:o}",
	    "id", entry->id_text, "recipient_number",
	    (int)entry->recipient_number, "recipient",
	    output_json_text(entry->recipient), "lane", lane_name(entry->lane),
	    "destination", output_json_known(entry->destination), "state",
	    delivery_state_name(entry->state), "tries", (int)entry->tries,
	    "attempts", (int)entry->attempts, "due",
	    output_json_time(waits ? entry->due_ms : 0), "died",
	    output_json_time(dead ? entry->due_ms : 0), "status", entry->status,
	    "reason", output_json_known(entry->reason), "answer",
	    output_json_known(entry->answer), "received",
	    output_json_time(entry->received_ms), "from",
	    output_json_text(entry->sender), "size", (json_int_t)entry->size,
	    "message_id", output_json_known(entry->message_id));
}

/* --- progress --------------------------------------------------------- */

#define EVERY_MS 100

static int64_t shown_ms;
static bool shown;

void output_progress(const char *what, uint64_t done, uint64_t total)
{
	int64_t now = clock_mono_ms();

	if (isatty(STDERR_FILENO) == 0 || (shown && now - shown_ms < EVERY_MS))
		return;
	shown = true;
	shown_ms = now;
	(void)fprintf(stderr, "\r%s  %s", what, output_count(done));
	if (total > 0)
		(void)fprintf(stderr, " of %s (%d %%)", output_count(total),
		    (int)(done >= total ? 100 : done * 100 / total));
	(void)fputs("\033[K", stderr);
	(void)fflush(stderr);
}

void output_progress_end(void)
{
	if (!shown)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	shown = false;
}
