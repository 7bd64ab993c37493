#include "base/config.h"

#include "base/alloc.h"
#include "base/config_origin.h"
#include "base/config_rules.h"
#include "base/config_table.h"
#include "base/config_value.h"
#include "base/unconst.h"

#include <assert.h>
#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Of everything that one load may say. */
#define REPORT_LIMIT ((size_t)64 * 1024)
#define MASK "***"

struct config_detail {
	enum program program;
	struct arena *arena;     /* every string of the config */
	struct origin origins[]; /* one per setting */
};

struct config_report config_report_new(void)
{
	return (struct config_report){.faults = buf_new(REPORT_LIMIT),
	    .warnings = buf_new(REPORT_LIMIT),
	    .restart = buf_new(REPORT_LIMIT)};
}

void config_report_fault(struct config_report *report, const struct error *err)
{
	(void)buf_printf(&report->faults, "%s\n", err->text);
}

void config_report_free(struct config_report *report)
{
	buf_free(&report->faults);
	buf_free(&report->warnings);
	buf_free(&report->restart);
}

static struct config *new_config(enum program program)
{
	struct config *config = xcalloc(1, sizeof(*config));

	config->detail =
	    xcalloc(1, sizeof(*config->detail) +
			   setting_count * sizeof(config->detail->origins[0]));
	config->detail->program = program;
	config->detail->arena = arena_new();
	return config;
}

void config_free(struct config **config)
{
	struct config_detail *detail;

	if (*config == NULL)
		return;
	detail = (*config)->detail;
	for (size_t i = 0; i < setting_count; i++) {
		const struct origin *origin = &detail->origins[i];

		if ((settings[i].flags & (SETTING_SECRET | SETTING_URL)) &&
		    origin->kind != ORIGIN_DEFAULT && origin->text != NULL)
			sodium_memzero(
			    unconst(origin->text), strlen(origin->text));
	}
	arena_free(&detail->arena);
	free(detail);
	free(*config);
	*config = NULL;
}

/* The text as it may be shown: on one line, and without secrets. */
static char *shown(
    const struct setting *setting, const char *text, struct arena *arena)
{
	const char *scheme = strstr(text, "://"), *at = strrchr(text, '@');
	char *copy;

	if (setting->flags & SETTING_SECRET)
		return arena_strdup(arena, MASK);
	if ((setting->flags & SETTING_URL) && at != NULL) {
		if (scheme == NULL || scheme > at)
			return arena_strdup(arena, MASK);
		copy = arena_printf(arena, "%.*s" MASK "%s",
		    (int)(scheme - text) + 3, text, at);
	} else {
		copy = arena_strdup(arena, text);
	}
	for (char *p = copy; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = ' ';
	return copy;
}

static char *shown_origin(const struct setting *setting,
    const struct origin *origin, struct arena *arena)
{
	switch (origin->kind) {
	case ORIGIN_ENVIRONMENT:
		return arena_strdup(arena, "environment");
	case ORIGIN_FILE:
		return arena_printf(arena, "file %s", origin->path);
	case ORIGIN_NAME_FILE:
		return arena_printf(
		    arena, "%s_FILE %s", setting->name, origin->path);
	case ORIGIN_DEFAULT:
	case ORIGIN_FAULTY:
		break;
	}
	if (origin->text != NULL && setting->derive != NULL)
		return arena_printf(
		    arena, "default (%s)", setting->derived_from);
	return arena_strdup(arena, "default");
}

void config_print(const struct config *config, FILE *out)
{
	const struct config_detail *detail = config->detail;
	struct arena *arena = arena_new();

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *setting = &settings[i];
		const struct origin *origin = &detail->origins[i];

		if (!(setting->programs & detail->program))
			continue;
		(void)fprintf(out, "%s=%s  # %s\n", setting->name,
		    origin->text != NULL ? shown(setting, origin->text, arena)
					 : "",
		    shown_origin(setting, origin, arena));
	}
	arena_free(&arena);
}

static const char *default_text(
    const struct config *config, const struct setting *setting)
{
	if (setting->derive != NULL)
		return setting->derive(config, config->detail->arena);
	if (config->haraka_role == ROLE_SUBMISSION &&
	    setting->submission_fallback != NULL)
		return setting->submission_fallback;
	return setting->fallback;
}

/* Parses one setting's text, or its default. False if it was malformed. */
static bool load_one(struct config *config, const struct setting *setting,
    struct config_report *report)
{
	struct config_detail *detail = config->detail;
	struct origin *origin = &detail->origins[setting - settings];
	struct error err = {0};

	if (origin->kind == ORIGIN_FAULTY)
		return false;
	if (origin->kind == ORIGIN_DEFAULT)
		origin->text = default_text(config, setting);
	if (config_value_set(
		config, setting, origin->text, detail->arena, &err))
		return true;
	(void)buf_printf(&report->faults, "%s: \"%s\" %s (%s)\n", setting->name,
	    shown(setting, origin->text, detail->arena), err.text,
	    shown_origin(setting, origin, detail->arena));
	origin->kind = ORIGIN_FAULTY;
	return false;
}

static void check_required(const struct config *config,
    const struct setting *setting, struct config_report *report)
{
	const struct config_detail *detail = config->detail;
	const struct origin *origin = &detail->origins[setting - settings];
	const char *why;

	if (setting->required == NULL || origin->text != NULL ||
	    origin->kind == ORIGIN_FAULTY)
		return;
	why = setting->required(config, detail->program);
	if (why != NULL)
		(void)buf_printf(&report->faults, "%s: is missing: %s\n",
		    setting->name, why);
}

/* It must not be believed to do anything. */
static void warn_if_idle(const struct config *config,
    const struct setting *setting, struct config_report *report)
{
	const struct config_detail *detail = config->detail;

	if ((setting->flags & SETTING_IDLE) &&
	    (setting->programs & detail->program) &&
	    detail->origins[setting - settings].kind != ORIGIN_DEFAULT)
		(void)buf_printf(&report->warnings,
		    "%s: changes nothing in this version\n", setting->name);
}

/* What it names must be usable too, by those who will use it. */
static void look_behind(const struct config *config,
    const struct setting *setting, struct config_report *report)
{
	const void *field = (const char *)config + setting->offset;

	if (setting->look != NULL &&
	    (setting->programs & config->detail->program))
		setting->look(setting->name, field, &report->faults);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What needs a restart stays as `old` has it, so that the configuration goes
 * on telling what is in effect. */
static void keep_fixed(struct config *config, const struct config *old,
    const struct setting *setting, struct config_report *report)
{
	struct config_detail *detail = config->detail;
	struct origin *origin = &detail->origins[setting - settings];
	const struct origin *was = &old->detail->origins[setting - settings];
	struct error err;
	const char *text;
	bool right;

	if (!(setting->flags & SETTING_RESTART) ||
	    origin->kind == ORIGIN_FAULTY || same_text(origin->text, was->text))
		return;
	/* A default may change on its own: RUN_USER does once we are it. */
	if (origin->kind != ORIGIN_DEFAULT || was->kind != ORIGIN_DEFAULT)
		(void)buf_printf(&report->restart, "%s\n", setting->name);
	text =
	    was->text != NULL ? arena_strdup(detail->arena, was->text) : NULL;
	*origin = (struct origin){.kind = was->kind, .text = text};
	if (was->path != NULL)
		origin->path = arena_strdup(detail->arena, was->path);
	right = config_value_set(config, setting, text, detail->arena, &err);
	assert(right); /* it was, when `old` was made */
}

static struct config *load(enum program program, const struct config *old,
    struct config_report *report)
{
	struct config *config = new_config(program);
	struct config_detail *detail = config->detail;

	origins_gather(detail->origins, program, detail->arena, report);
	for (size_t i = 0; i < setting_count; i++)
		if (load_one(config, &settings[i], report) && old != NULL)
			keep_fixed(config, old, &settings[i], report);
	for (size_t i = 0; i < setting_count; i++)
		check_required(config, &settings[i], report);
	for (size_t i = 0; i < setting_count; i++)
		warn_if_idle(config, &settings[i], report);
	for (size_t i = 0; i < setting_count; i++)
		look_behind(config, &settings[i], report);
	config_check_together(config, report);
	if (report->faults.len > 0)
		config_free(&config);
	return config;
}

struct config *config_load(enum program program, struct config_report *report)
{
	return load(program, NULL, report);
}

struct config *config_reload(
    const struct config *old, struct config_report *report)
{
	return load(old->detail->program, old, report);
}
