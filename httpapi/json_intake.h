/*
 * JSON of any length, read in little memory: strings that are long are decoded
 * as they come, and go to a store unless they are few kilobytes together; a
 * stand-in that nobody can guess takes their place. What is left is small, and
 * is parsed by jansson. So jansson, which is slow, checks the grammar, and
 * nothing is ever held that is long.
 */
#ifndef HTTPAPI_JSON_INTAKE_H
#define HTTPAPI_JSON_INTAKE_H

#include "base/arena.h"
#include "base/source.h"
#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct json_intake;

/* Where long strings go. */
struct json_store {
	bool (*write)(
	    void *arg, const void *data, size_t len, struct error *err);
	void *arg;
};

/* Strings that it hands out are the arena's, which must outlive it. */
struct json_intake *json_intake_new(
    const struct json_store *store, struct arena *arena);
/* Clears the pointer; NULL is fine. */
void json_intake_free(struct json_intake **intake);

/* Takes the next bytes. False once something is wrong: json_intake_finish()
 * says what. */
bool json_intake_feed(struct json_intake *intake, const char *data, size_t len);

/* At the end: the value, which belongs to the intake; or NULL and why.
 * ERROR_PERMANENT: it is no JSON; ERROR_LIMIT: too much in it that is small;
 * else what the store said. */
const json_t *json_intake_finish(struct json_intake *intake, struct error *err);

/* A string of the value: of any length, as a source over memory or over
 * `stored`, all that went to the store. Valid as long as both are. */
struct source json_intake_string(struct json_intake *intake,
    const json_t *string, const struct source *stored);
/* Whether something went to the store. */
bool json_intake_has_stored(const struct json_intake *intake);
/* Whether the name of a member is a stand-in. */
bool json_intake_is_long(const struct json_intake *intake, const char *name);

#endif
