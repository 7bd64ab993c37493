#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char config_folder[] = "/tmp/test_config.XXXXXX";

int config_make_folder(void **state)
{
	(void)state;
	return mkdtemp(config_folder) == NULL;
}

int config_remove_folder(void **state)
{
	(void)state;
	return rmdir(config_folder);
}

int config_fresh(void **state)
{
	(void)state;
	clearenv();
	setenv("HARAKA_DOMAIN", "mail.example.net", 1);
	setenv("HARAKA_API_KEY", "common-key", 1);
	setenv("PHOENIX_WEBHOOK_URL", "http://phoenix.internal/api/inbound", 1);
	return 0;
}

const char *file_with(const char *name, const char *bytes, size_t len)
{
	static char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", config_folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	return path;
}

void use_ini(const char *text)
{
	setenv("ELEKTRINE_CONFIG", file_with("ini", text, strlen(text)), 1);
}

void remove_file(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", config_folder, name);
	assert_int_equal(unlink(path), 0);
}

struct config *must_load(enum program program)
{
	struct config_report report = config_report_new();
	struct config *config = config_load(program, &report);

	if (config == NULL)
		fail_msg("%s", buf_text(&report.faults));
	config_report_free(&report);
	return config;
}

void must_refuse(enum program program, const char *part)
{
	struct config_report report = config_report_new();
	struct config *config = config_load(program, &report);
	const char *faults = buf_text(&report.faults);

	if (config != NULL)
		fail_msg("accepted, but should say: %s", part);
	if (strstr(faults, part) == NULL ||
	    strchr(faults, '\n') != faults + report.faults.len - 1)
		fail_msg("should only say: %s\nbut says: %s", part, faults);
	config_report_free(&report);
}
