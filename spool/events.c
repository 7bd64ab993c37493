#include "spool/events.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/json_text.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/checksum.h"
#include "spool/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "history"
#define DAY_MS (24 * 60 * 60 * INT64_C(1000))
/* "history/2026-01-31.log" */
#define PATH_SIZE 40
/* A line: far more than all texts of an event can need when escaped. */
#define LINE_LIMIT (64 * 1024)
/* What one group of outcomes may write. */
#define GATHER_LIMIT (64 * 1024 * 1024)

struct history {
	int root;
	int fd;
	int64_t day; /* of fd; -1 = none open */
	int64_t gathered_day;
	struct buf gathered;
};

static void day_path(int64_t day, char path[PATH_SIZE])
{
	time_t seconds = (time_t)(day * (DAY_MS / 1000));
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(path, PATH_SIZE, FOLDER "/%Y-%m-%d.log", &tm);
}

struct history *history_new(int root)
{
	struct history *history = xcalloc(1, sizeof(*history));

	history->root = root;
	history->fd = -1;
	history->day = -1;
	history->gathered = buf_new(GATHER_LIMIT);
	return history;
}

void history_free(struct history **history)
{
	if (*history == NULL)
		return;
	os_close(&(*history)->fd);
	buf_free(&(*history)->gathered);
	free(*history);
	*history = NULL;
}

/* --- one event -------------------------------------------------------- */

static void text(struct buf *out, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	(void)buf_printf(out, ",\"%s\":", key);
	(void)json_text_append(out, value, strlen(value));
}

static void number(struct buf *out, const char *key, int64_t value)
{
	if (value != 0)
		(void)buf_printf(out, ",\"%s\":%" PRId64, key, value);
}

static void origin(struct buf *out, const struct message_row *message)
{
	char at[CLOCK_ISO_SIZE];

	if (message == NULL)
		return;
	clock_format_iso(message->received_ms, at);
	text(out, "received", at);
	(void)buf_append_text(out, ",\"from\":");
	(void)json_text_append(out, message->sender, strlen(message->sender));
	text(out, "ip", message->client_ip);
	text(out, "helo", message->helo);
	text(out, "user", message->user);
	text(out, "message_id", message->message_id);
	number(out, "size", (int64_t)message->size);
}

void event_format(struct buf *out, const struct event *event)
{
	char id[ID_TEXT + 1], at[CLOCK_ISO_SIZE];

	id_format(event->id, id);
	clock_format_iso(event->at_ms, at);
	(void)buf_printf(out, "{\"ts\":\"%s\",\"id\":\"%s\",\"event\":\"%s\"",
	    at, id, event->name);
	if (event->recipient != NULL) {
		(void)buf_printf(
		    out, ",\"recipient_number\":%u", event->recipient_number);
		text(out, "recipient", event->recipient);
	}
	number(out, "attempt", event->attempt);
	number(out, "status", event->status);
	text(out, "reason", event->reason);
	text(out, "answer", event->answer);
	text(out, "who", event->who);
	number(out, "duration_ms", event->duration_ms);
	number(out, "retry_in_ms", event->wait_ms);
	origin(out, event->message);
	(void)buf_append_char(out, '}');
}

static void check(struct buf *out, const struct check_finding *finding)
{
	(void)buf_append_text(out, "{\"check\":");
	(void)json_text_append(out, finding->check, strlen(finding->check));
	text(out, "result", finding->result);
	text(out, "saw", finding->saw);
	(void)buf_printf(
	    out, ",\"duration_ms\":%" PRId64 "}", finding->duration_ms);
}

void event_format_checks(struct buf *out, const struct envelope *envelope)
{
	char id[ID_TEXT + 1], at[CLOCK_ISO_SIZE];

	if (envelope->finding_count == 0)
		return;
	id_format(&envelope->id, id);
	clock_format_iso(envelope->received_ms, at);
	(void)buf_printf(out,
	    "{\"ts\":\"%s\",\"id\":\"%s\",\"event\":\"checked\",\"checks\":[",
	    at, id);
	for (size_t i = 0;
	     i < envelope->finding_count && out->len < LIMIT_FINDINGS_ROOM;
	     i++) {
		if (i > 0)
			(void)buf_append_char(out, ',');
		check(out, &envelope->findings[i]);
	}
	(void)buf_append_text(out, "]}");
}

/* --- the files -------------------------------------------------------- */

void history_add(
    struct history *history, int64_t at_ms, const char *json, size_t len)
{
	if (history->gathered.len == 0) {
		/* A group has one day: that of its first line. */
		history->gathered_day = at_ms / DAY_MS;
		/* Ends a line that a crash or a full disk has torn. */
		(void)buf_append_char(&history->gathered, '\n');
	}
	(void)(buf_printf(&history->gathered, "%08" PRIx32 " ",
		   checksum_crc32c(json, len)) &&
	       buf_append(&history->gathered, json, len) &&
	       buf_append_char(&history->gathered, '\n'));
}

static bool open_day(struct history *history, struct error *err)
{
	char path[PATH_SIZE];
	int folder;
	bool done;

	if (history->day == history->gathered_day)
		return true;
	os_close(&history->fd);
	history->day = -1;
	day_path(history->gathered_day, path);
	if (!os_open(history->root, path, O_WRONLY | O_APPEND | O_CREAT, 0660,
		&history->fd, err))
		return false;
	if (!os_open(
		history->root, FOLDER, O_RDONLY | O_DIRECTORY, 0, &folder, err))
		return false;
	done = os_fsync(folder, err);
	os_close(&folder);
	if (done)
		history->day = history->gathered_day;
	return done;
}

bool history_flush(struct history *history, struct error *err)
{
	bool done;

	if (history->gathered.len == 0)
		return true;
	done = open_day(history, err) &&
	       os_write(history->fd, history->gathered.data,
		   history->gathered.len, err) &&
	       os_fdatasync(history->fd, err);
	history_drop(history);
	return done;
}

void history_drop(struct history *history)
{
	buf_clear(&history->gathered);
}

/* The day of a file name, or -1. */
static int64_t name_day(const char *name)
{
	struct tm tm = {0};
	const char *end = strptime(name, "%Y-%m-%d.log", &tm);

	if (end == NULL || *end != '\0')
		return -1;
	return (int64_t)timegm(&tm) / (DAY_MS / 1000);
}

/* The days that there are, in no order; the caller frees them. */
static int64_t *list_days(int root, size_t *count)
{
	int fd = openat(root, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int64_t *days = NULL;

	*count = 0;
	if (dir == NULL) {
		os_close(&fd);
		return NULL;
	}
	while ((entry = readdir(dir)) != NULL) {
		int64_t day = name_day(entry->d_name);

		if (day < 0)
			continue;
		days = xrealloc(days, (*count + 1) * sizeof(*days));
		days[(*count)++] = day;
	}
	(void)closedir(dir);
	return days;
}

void history_expire(int root, int64_t now_ms, int64_t retention_ms)
{
	size_t count;
	int64_t *days = list_days(root, &count);

	for (size_t i = 0; i < count; i++) {
		char path[PATH_SIZE];
		struct error ignored;

		if ((days[i] + 1) * DAY_MS + retention_ms >= now_ms)
			continue;
		day_path(days[i], path);
		(void)os_unlink(root, path, &ignored);
	}
	free(days);
}

/* Whether the line is whole: its checksum is right. */
static bool is_whole(const char *line, size_t len)
{
	char *end;
	unsigned long sum;

	if (len < 10 || line[8] != ' ')
		return false;
	sum = strtoul(line, &end, 16);
	return end == line + 8 && sum == checksum_crc32c(line + 9, len - 9);
}

static bool each_of_day(
    FILE *file, history_each_fn *each, void *arg, uint64_t *damaged)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool go_on = true;

	while (go_on && (len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (is_whole(line, (size_t)len))
			go_on = each(arg, line + 9, (size_t)len - 9);
		else if (len > 0)
			(*damaged)++;
	}
	free(line);
	return go_on;
}

static bool open_log(int root, int64_t day, FILE **file, struct error *err)
{
	char path[PATH_SIZE];
	struct error why;
	int fd;

	*file = NULL;
	day_path(day, path);
	if (!os_open(root, path, O_RDONLY, 0, &fd, &why))
		/* It may just have expired. */
		return why.kind == ERROR_NOT_FOUND ||
		       error_set(err, why.kind, "%.390s", why.text);
	*file = fdopen(fd, "r");
	if (*file == NULL)
		fatal("fdopen failed");
	return true;
}

static int by_day(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

bool history_each(int root, int64_t from_ms, int64_t to_ms,
    history_each_fn *each, void *arg, uint64_t *damaged, struct error *err)
{
	size_t count;
	int64_t *days = list_days(root, &count);
	bool go_on = true, done = true;

	*damaged = 0;
	if (count > 0)
		qsort(days, count, sizeof(*days), by_day);
	for (size_t i = 0; done && go_on && i < count; i++) {
		FILE *file;

		if (days[i] < from_ms / DAY_MS || days[i] > to_ms / DAY_MS)
			continue;
		done = open_log(root, days[i], &file, err);
		if (file == NULL)
			continue;
		go_on = each_of_day(file, each, arg, damaged);
		(void)fclose(file);
	}
	free(days);
	return done;
}

/* --- live messages ---------------------------------------------------- */

/* The key: id, then a number that counts up. */
static struct key event_key(const struct id *id, uint32_t number)
{
	struct key key = message_key(id);

	for (int i = 0; i < 4; i++)
		key.data[key.len++] = (uint8_t)(number >> (24 - 8 * i));
	return key;
}

static uint32_t event_key_number(struct bytes key)
{
	const uint8_t *at = (const uint8_t *)key.data + key.len - 4;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

/* The number behind the last row of the message. */
static uint32_t next_number(struct index_txn *txn, const struct id *id)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_EVENT);
	struct key prefix = message_key(id);
	struct bytes key, value;
	uint32_t next = 1;

	if (index_seek_last(walk, key_bytes(&prefix), &key, &value))
		next = event_key_number(key) + 1;
	index_walk_free(&walk);
	return next;
}

void event_put(struct index_txn *txn, const struct event *event)
{
	struct buf json = buf_new(LINE_LIMIT);
	uint32_t next = next_number(txn, event->id);
	struct key key = event_key(event->id, next);

	event_format(&json, event);
	index_put(txn, TABLE_EVENT, key_bytes(&key),
	    (struct bytes){json.data, json.len});
	if (next > LIMIT_STORY) {
		/* Number 1 stays: it tells how it began. */
		key = event_key(event->id, next - LIMIT_STORY + 1);
		index_delete(txn, TABLE_EVENT, key_bytes(&key));
	}
	buf_free(&json);
}

void event_put_first(
    struct index_txn *txn, const struct id *id, struct bytes json)
{
	struct key key = event_key(id, 1);
	struct bytes there;

	if (!index_get(txn, TABLE_EVENT, key_bytes(&key), &there))
		index_put(txn, TABLE_EVENT, key_bytes(&key), json);
}

void events_finish(
    struct index_txn *txn, const struct id *id, struct history *history)
{
	struct key prefix = message_key(id), found;
	struct index_walk *walk;
	struct bytes key, value;

	for (;;) {
		walk = index_walk_new(txn, TABLE_EVENT);
		if (!index_seek(walk, key_bytes(&prefix), key_bytes(&prefix),
			&key, &value)) {
			index_walk_free(&walk);
			return;
		}
		found.len = key.len;
		memcpy(found.data, key.data, key.len);
		history_add(history, clock_wall_ms(), value.data, value.len);
		index_walk_free(&walk);
		index_delete(txn, TABLE_EVENT, key_bytes(&found));
		if (index_failed(txn))
			return;
	}
}
