#include "base/config_origin.h"

#include "base/alloc.h"
#include "base/config_ini.h"
#include "base/errors.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a NAME_FILE, in bytes: keys, and lists of some thousand networks. */
#define VALUE_LIMIT ((size_t)256 * 1024)
/* Of the INI file. */
#define INI_LIMIT ((size_t)1024 * 1024)

#define SUFFIX "_FILE"
#define NAME_SIZE 64

/* What one place (environment or INI file) says of one setting. */
struct given {
	const char *value;
	const char *file; /* of its NAME_FILE form */
};

struct gathering {
	struct arena *arena;
	struct config_report *report;
	const char *ini_path; /* NULL: no such file */
	struct given *ini;    /* setting_count of them */
};

static void wipe(struct buf *buf)
{
	if (buf->data != NULL)
		sodium_memzero(buf->data, buf->size);
	buf_free(buf);
}

/* Follows links (mounted secrets are some) and reads pipes. */
static bool read_whole(const char *path, struct buf *into, struct error *err)
{
	char chunk[4096];
	ssize_t got;
	bool done = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	do {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0)
			(void)error_errno(err, "cannot read %s", path);
		else if (!buf_append(into, chunk, (size_t)got))
			(void)error_set(err, ERROR_LIMIT,
			    "%s is longer than %zu bytes", path, into->limit);
		else if (memchr(chunk, '\0', (size_t)got) != NULL)
			(void)error_set(
			    err, ERROR_PERMANENT, "%s holds a NUL byte", path);
		else
			done = got == 0;
	} while (got > 0 && err->kind == ERROR_NONE);
	sodium_memzero(chunk, sizeof(chunk));
	(void)close(fd);
	return done;
}

/* --- the INI file ----------------------------------------------------- */

static bool spells(const char *key, const char *name, const char *suffix)
{
	char lower[NAME_SIZE];
	int len = snprintf(lower, sizeof(lower), "%s%s", name, suffix);

	for (int i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
	return strcmp(key, lower) == 0;
}

/* The setting that a key of the file means, and whether by its NAME_FILE. */
static const struct setting *find_setting(const char *key, bool *is_file)
{
	for (size_t i = 0; i < setting_count; i++) {
		if (settings[i].flags & SETTING_ENV_ONLY)
			continue;
		*is_file = spells(key, settings[i].name, SUFFIX);
		if (*is_file || spells(key, settings[i].name, ""))
			return &settings[i];
	}
	return NULL;
}

static bool takes_many(const struct setting *setting)
{
	return setting->kind == KIND_LIST || setting->kind == KIND_FLAGS;
}

static void on_ini_value(void *arg, const struct ini_line *line)
{
	struct gathering *g = arg;
	bool is_file = false;
	const struct setting *setting = find_setting(line->name, &is_file);
	struct given *given;
	const char **place;

	if (setting == NULL) {
		(void)buf_printf(&g->report->faults,
		    "%s: is not a setting (%s line %u)\n", line->name,
		    g->ini_path, line->number);
		return;
	}
	given = &g->ini[setting - settings];
	place = is_file ? &given->file : &given->value;
	if (line->continued && takes_many(setting) && !is_file) {
		*place = arena_printf(g->arena, "%s,%s", *place, line->value);
		return;
	}
	if (line->continued) {
		(void)buf_printf(&g->report->faults,
		    "%s: %s line %u is indented, so it continues this setting, "
		    "which takes one value\n",
		    setting->name, g->ini_path, line->number);
		return;
	}
	if (*place != NULL)
		(void)buf_printf(&g->report->faults,
		    "%s: is given twice (%s line %u)\n", setting->name,
		    g->ini_path, line->number);
	*place = arena_strdup(g->arena, line->value);
}

static void on_ini_fault(void *arg, unsigned number, const char *what)
{
	struct gathering *g = arg;

	(void)buf_printf(&g->report->faults,
	    "ELEKTRINE_CONFIG: %s line %u %s\n", g->ini_path, number, what);
}

static void read_ini(struct gathering *g)
{
	struct ini_reader reader = {
	    .take = on_ini_value, .fault = on_ini_fault, .arg = g};
	struct buf text = buf_new(INI_LIMIT);
	struct error err = {0};

	if (read_whole(g->ini_path, &text, &err))
		ini_read(buf_text(&text), &reader);
	else
		(void)buf_printf(
		    &g->report->faults, "ELEKTRINE_CONFIG: %s\n", err.text);
	wipe(&text);
}

/* --- one setting ------------------------------------------------------ */

static const char *set_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static struct given from_environment(const struct setting *setting)
{
	char file[NAME_SIZE];

	(void)snprintf(file, sizeof(file), "%s" SUFFIX, setting->name);
	return (struct given){.value = set_or_null(getenv(setting->name)),
	    .file = setting->flags & SETTING_ENV_ONLY
			? NULL
			: set_or_null(getenv(file))};
}

static void read_name_file(
    struct gathering *g, const struct setting *setting, struct origin *origin)
{
	struct buf text = buf_new(VALUE_LIMIT);
	struct error err = {0};

	if (!read_whole(origin->path, &text, &err)) {
		origin->kind = ORIGIN_FAULTY;
		(void)buf_printf(&g->report->faults, "%s" SUFFIX ": %s\n",
		    setting->name, err.text);
	} else {
		if (text.len > 0 && text.data[text.len - 1] == '\n')
			text.len--;
		if (text.len > 0)
			origin->text =
			    arena_strndup(g->arena, text.data, text.len);
		else
			origin->kind = ORIGIN_DEFAULT;
	}
	wipe(&text);
}

static void settle(struct gathering *g, const struct setting *setting,
    enum program program, struct origin *origin)
{
	struct given given = from_environment(setting);
	struct given *ini = &g->ini[setting - settings];
	bool from_ini = given.value == NULL && given.file == NULL;

	if (from_ini)
		given = (struct given){.value = set_or_null(ini->value),
		    .file = set_or_null(ini->file)};
	if (given.value != NULL && given.file != NULL) {
		origin->kind = ORIGIN_FAULTY;
		(void)buf_printf(&g->report->faults,
		    "%s: is given, and %s" SUFFIX " too; only one may be\n",
		    setting->name, setting->name);
	} else if (given.value != NULL) {
		origin->kind = from_ini ? ORIGIN_FILE : ORIGIN_ENVIRONMENT;
		origin->path = g->ini_path;
		origin->text = arena_strdup(g->arena, given.value);
	} else if (given.file != NULL && (setting->programs & program)) {
		origin->kind = ORIGIN_NAME_FILE;
		origin->path = arena_strdup(g->arena, given.file);
		read_name_file(g, setting, origin);
	}
}

void origins_gather(struct origin *origins, enum program program,
    struct arena *arena, struct config_report *report)
{
	struct gathering g = {.arena = arena, .report = report};
	const char *path = set_or_null(getenv("ELEKTRINE_CONFIG"));

	g.ini = xcalloc(setting_count, sizeof(*g.ini));
	if (path != NULL) {
		g.ini_path = arena_strdup(arena, path);
		read_ini(&g);
	}
	for (size_t i = 0; i < setting_count; i++)
		settle(&g, &settings[i], program, &origins[i]);
	free(g.ini);
}
