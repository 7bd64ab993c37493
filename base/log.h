/*
 * The log: one JSON object a line on standard output.
 *
 *   log_event(LOG_INFO, "message_enqueued", LOG_TEXT("id", id),
 *       LOG_NUMBER("size", size));
 *
 * error wakes a human, warn is read tomorrow, info is the trail, debug is
 * off. Values are escaped; bytes that are not UTF-8 become U+FFFD. Contents
 * of messages and secrets never go in. Thread-safe; a line is one write().
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_type { LOG_TYPE_TEXT, LOG_TYPE_NUMBER, LOG_TYPE_REAL, LOG_TYPE_BOOL };

struct log_field {
	const char *key;
	enum log_type type;
	const char *text; /* NULL leaves the field out */
	int64_t number;
	double real;
};

#define LOG_TEXT(k, v)                                                         \
	((struct log_field){.key = (k), .type = LOG_TYPE_TEXT, .text = (v)})
#define LOG_NUMBER(k, v)                                                       \
	((struct log_field){                                                   \
	    .key = (k), .type = LOG_TYPE_NUMBER, .number = (int64_t)(v)})
#define LOG_REAL(k, v)                                                         \
	((struct log_field){.key = (k), .type = LOG_TYPE_REAL, .real = (v)})
#define LOG_BOOL(k, v)                                                         \
	((struct log_field){.key = (k), .type = LOG_TYPE_BOOL, .number = (v)})

/* At least one field. */
#define log_event(level, event, ...)                                           \
	log_fields((level), (event), (const struct log_field[]){__VA_ARGS__},  \
	    sizeof((const struct log_field[]){__VA_ARGS__}) /                  \
		sizeof(struct log_field))

void log_fields(enum log_level level, const char *event,
    const struct log_field *fields, size_t count);

/* Before the first line: the scope ("smtpd", static storage), and the least
 * level that is written. Also later, from any thread. */
void log_open(const char *scope, enum log_level least);
bool log_would_write(enum log_level level);
/* Where lines go; 1 from the start. For tests and the CLI (2). */
void log_to_fd(int fd);

#endif
