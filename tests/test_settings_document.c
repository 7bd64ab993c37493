/* docs/SETTINGS.md is written from the table of settings by this program:
 * `test_settings_document --write FILE`; as a test it compares the two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/config_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char preamble[] =
    "# Settings\n"
    "\n"
    "<!-- Written from base/config_table.c: ninja settings-document -->\n"
    "\n"
    "From the environment, or from one INI file that `ELEKTRINE_CONFIG`\n"
    "names (the same names in lower case, sections as you like); the\n"
    "environment wins. Any `NAME` may be given as `NAME_FILE`, a file\n"
    "that holds the value; it loses one trailing newline. An empty value\n"
    "counts as unset. Every program answers `--check-config` with the\n"
    "effective values and where each came from, or with every fault (exit\n"
    "78).\n"
    "\n"
    "Times are written `90s`, `5m`, `4h`, `7d`, or in plain milliseconds\n"
    "where the name ends in `_MS`; sizes `26214400`, `64K`, `512M`, `2G`;\n"
    "rates `30/min`; booleans `true` and `false`; lists have commas and at\n"
    "least one item. In the INI file a line has 198 bytes at most, and a\n"
    "list goes on in indented lines.\n"
    "\n"
    "Marks: **r** needs a restart, all else is read again at SIGHUP;\n"
    "**s** is secret and never shown; **-** is for what is not there\n"
    "yet: it is read, changes nothing, and a warning says so; the\n"
    "capitals are the programs that use it: **M** `elektrine-smtpd`,\n"
    "**D** `elektrine-deliver`, **H** `elektrine-httpapi`, **S**\n"
    "`elektrine-spool`.\n";

static void write_default(const struct setting *setting, FILE *out)
{
	if (setting->derived_from != NULL)
		(void)fprintf(out, "(%s)", setting->derived_from);
	else if (setting->fallback != NULL)
		(void)fprintf(out, "`%s`", setting->fallback);
	if (setting->submission_fallback != NULL)
		(void)fprintf(
		    out, "; submission: `%s`", setting->submission_fallback);
}

static void write_marks(const struct setting *setting, FILE *out)
{
	static const struct {
		unsigned bit;
		char mark;
	} programs[] = {{PROGRAM_SMTPD, 'M'}, {PROGRAM_DELIVER, 'D'},
	    {PROGRAM_HTTPAPI, 'H'}, {PROGRAM_SPOOL, 'S'}};

	if (setting->flags & SETTING_RESTART)
		(void)fputc('r', out);
	if (setting->flags & SETTING_SECRET)
		(void)fputc('s', out);
	if (setting->flags & SETTING_IDLE)
		(void)fputc('-', out);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (setting->programs & programs[i].bit)
			(void)fputc(programs[i].mark, out);
}

static void write_document(FILE *out)
{
	(void)fputs(preamble, out);
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *setting = &settings[i];

		if (setting->heading != NULL)
			(void)fprintf(out,
			    "\n## %s\n\n"
			    "| name | default | marks | |\n|---|---|---|---|\n",
			    setting->heading);
		(void)fprintf(out, "| `%s` | ", setting->name);
		write_default(setting, out);
		(void)fputs(" | ", out);
		write_marks(setting, out);
		(void)fprintf(out, " | %s |\n", setting->what);
	}
}

static void document_is_what_the_table_says(void **state)
{
	char *wanted = NULL, *found = NULL;
	size_t wanted_len, found_len = 0;
	FILE *out = open_memstream(&wanted, &wanted_len);
	FILE *in = fopen(SETTINGS_DOCUMENT, "r");

	(void)state;
	write_document(out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(in);
	assert_true(getdelim(&found, &found_len, '\0', in) > 0);
	(void)fclose(in);
	if (strcmp(wanted, found) != 0)
		fail_msg("docs/SETTINGS.md is not what base/config_table.c "
			 "says: ninja settings-document");
	free(wanted);
	free(found);
}

static void every_setting_is_told_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < setting_count; i++) {
		assert_non_null(settings[i].what);
		assert_true(settings[i].programs != 0);
		assert_null(strchr(settings[i].what, '|'));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    settings[i].name, settings[k].name);
	}
}

static int write_to(const char *path)
{
	FILE *out = fopen(path, "w");

	if (out == NULL) {
		perror(path);
		return 1;
	}
	write_document(out);
	return fclose(out) != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(document_is_what_the_table_says),
	    cmocka_unit_test(every_setting_is_told_once),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_to(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
