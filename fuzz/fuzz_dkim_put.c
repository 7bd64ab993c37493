/*
 * PUT of a DKIM key: what stands for the domain in the first line, then the
 * body. Whatever they are, there is one answer; a key that was taken is shown
 * under its selector, and goes when it is deleted; and nothing is ever left in
 * the store of what was refused, or beside the store.
 */
#include "base/log.h"
#include "httpapi/head.h"
#include "httpapi/router.h"
#include "scratch.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *folder; /* with nothing but the store in it */
static struct config config;
static struct settings settings = {.config = &config};
static struct context context; /* without a resolver */

static void remove_folder(void)
{
	scratch_remove(&folder);
}

static void open_store(void)
{
	static char store[4096];

	folder = scratch_make();
	(void)atexit(remove_folder);
	(void)snprintf(store, sizeof(store), "%s/store", folder);
	assert(mkdir(store, 0700) == 0);
	config.haraka_dkim_dir = store;
	log_open("fuzz", LOG_ERROR);
}

static unsigned entries_of(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count - 2; /* "." and ".." */
}

/* One call. What it answers, to be given back; NULL if there is no such call,
 * or the head would not have come so far. */
static json_t *call(const char *method, struct slice domain, struct slice body,
    unsigned *status)
{
	struct request request = {
	    .context = &context, .settings = &settings, .arena = arena_new()};
	struct reply reply = reply_new(request.arena);
	/* Where the route may write, and sanitizers see its end. */
	char *copy = malloc(body.len + 1);
	struct buf text = buf_new(LIMIT_HTTP_HEAD);
	json_t *answer = NULL;
	const char *allow;
	struct fault fault;
	struct head head;

	assert(copy != NULL);
	memcpy(copy, body.data, body.len);
	request.method = method;
	request.body = (struct slice){copy, body.len};
	*status = 0;
	if (buf_printf(&text,
		"%s /api/v1/dkim/domains/%.*s HTTP/1.1\r\nHost: a\r\n\r\n",
		method, (int)domain.len, domain.data) &&
	    head_parse((struct slice){text.data, text.len}, &head, &fault) &&
	    router_find(&request, head.target, &allow) == ROUTE_FOUND) {
		request.route->serve(&request, &reply);
		*status = reply.status;
		answer = json_loadb(reply.body.data, reply.body.len, 0, NULL);
		assert(answer != NULL);
	}
	buf_free(&text);
	free(copy);
	reply_free(&reply);
	arena_free(&request.arena);
	return answer;
}

static const char *selector_of(const json_t *object)
{
	return json_string_value(json_object_get(object, "selector"));
}

static void check_taken(
    struct slice domain, struct slice body, const json_t *answer)
{
	const struct slice nothing = slice_of("");
	json_t *asked = json_loadb(body.data, body.len, 0, NULL), *shown;
	unsigned status;

	assert(strcmp(selector_of(asked), selector_of(answer)) == 0);
	shown = call("GET", domain, nothing, &status);
	assert(status == 200 && json_equal(shown, answer));
	json_decref(shown);
	json_decref(call("DELETE", domain, nothing, &status));
	assert(status == 200);
	json_decref(asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = {(const char *)data, size}, domain;
	unsigned status;
	json_t *answer;

	if (folder == NULL)
		open_store();
	if (memchr(data, '\0', slice_find(body, '\n')) != NULL)
		return 0;
	domain = slice_first(body, slice_find(body, '\n'));
	body = slice_from(body, domain.len < size ? domain.len + 1 : size);
	answer = call("PUT", domain, body, &status);
	assert(status == 0 || status == 200 || status == 400);
	if (status == 200)
		check_taken(domain, body, answer);
	json_decref(answer);
	assert(entries_of(folder) == 1);
	assert(entries_of(config.haraka_dkim_dir) == 0);
	return 0;
}
