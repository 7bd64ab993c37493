#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A line longer than this loses its last fields. */
#define LINE_LIMIT 8192

static const char *const names[] = {"debug", "info", "warn", "error"};

static const char *_Atomic scope_name = "elektrine";
static _Atomic int least_level = LOG_INFO;
static _Atomic int out = STDOUT_FILENO;

void log_open(const char *scope, enum log_level least)
{
	atomic_store(&scope_name, scope);
	atomic_store(&least_level, (int)least);
}

void log_to_fd(int fd)
{
	atomic_store(&out, fd);
}

bool log_would_write(enum log_level level)
{
	return (int)level >= atomic_load(&least_level);
}

static bool append_field(struct buf *line, const struct log_field *field)
{
	if (field->type == LOG_TYPE_TEXT && field->text == NULL)
		return true;
	if (!buf_printf(line, ",\"%s\":", field->key))
		return false;
	switch (field->type) {
	case LOG_TYPE_TEXT:
		return json_text_append(line, field->text, strlen(field->text));
	case LOG_TYPE_NUMBER:
		return buf_printf(line, "%" PRId64, field->number);
	case LOG_TYPE_REAL:
		return buf_printf(line, "%.3f", field->real);
	case LOG_TYPE_BOOL:
		return buf_append_text(line, field->number ? "true" : "false");
	}
	return true;
}

void log_fields(enum log_level level, const char *event,
    const struct log_field *fields, size_t count)
{
	struct buf line = buf_new(LINE_LIMIT);
	char now[CLOCK_ISO_SIZE];
	size_t whole;

	if (!log_would_write(level))
		return;
	clock_format_iso(clock_wall_ms(), now);
	(void)buf_printf(&line,
	    "{\"ts\":\"%s\",\"level\":\"%s\",\"scope\":\"%s\",\"event\":\"%s\"",
	    now, names[level], atomic_load(&scope_name), event);
	for (size_t i = 0; i < count; i++) {
		whole = line.len;
		/* Two bytes stay free for the end of the line. */
		if (!append_field(&line, &fields[i]) ||
		    line.len + 2 > LINE_LIMIT) {
			line.len = whole;
			break;
		}
	}
	(void)buf_append(&line, "}\n", 2);
	if (write(atomic_load(&out), line.data, line.len) < 0) {
		/* Nobody is left to be told. */
	}
	buf_free(&line);
}
