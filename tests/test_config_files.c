/* Settings from files: the INI file, NAME_FILEs, and files of networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void name_file_loses_one_newline(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *value;
	} rows[] = {
	    {"secret\n", 7, "secret"},
	    {"secret", 6, "secret"},
	    {" secret \n", 9, " secret "},
	    {"\n", 1, "common-key"}, /* empty: unset, falls back */
	    {"", 0, "common-key"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c;

		(void)config_fresh(state);
		setenv("PHOENIX_API_KEY_FILE",
		    file_with("key", rows[i].bytes, rows[i].len), 1);
		c = must_load(PROGRAM_DELIVER);
		assert_string_equal(c->phoenix_api_key, rows[i].value);
		config_free(&c);
	}
	remove_file("key");
}

static void name_file_is_refused_when_it_cannot_be_meant(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *fault;
	} rows[] = {
	    {"se\n\n", 4, "PHOENIX_API_KEY: \"***\" holds a line break"},
	    {"a\0b", 3, "PHOENIX_API_KEY_FILE: "},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)config_fresh(state);
		setenv("PHOENIX_API_KEY_FILE",
		    file_with("key", rows[i].bytes, rows[i].len), 1);
		must_refuse(PROGRAM_DELIVER, rows[i].fault);
	}
	setenv("PHOENIX_API_KEY_FILE", file_with("key", "k", 1), 1);
	setenv("PHOENIX_API_KEY", "other", 1);
	must_refuse(PROGRAM_DELIVER,
	    "PHOENIX_API_KEY: is given, and PHOENIX_API_KEY_FILE too");
	unsetenv("PHOENIX_API_KEY");
	remove_file("key");
	must_refuse(PROGRAM_DELIVER, "PHOENIX_API_KEY_FILE: cannot open");
}

static void settings_that_end_in_file_are_themselves(void **state)
{
	struct config *c;

	(void)state;
	setenv("TLS_KEY_FILE", "/no/such/key", 1);
	c = must_load(PROGRAM_SMTPD);
	assert_string_equal(c->tls_key_file.items[0], "/no/such/key");
	config_free(&c);
}

static void secrets_of_other_programs_are_not_opened(void **state)
{
	struct config *c;

	(void)state;
	setenv("HARAKA_HTTP_API_KEY_FILE", "/no/such/secret", 1);
	c = must_load(PROGRAM_SMTPD);
	config_free(&c);
	must_refuse(PROGRAM_HTTPAPI, "HARAKA_HTTP_API_KEY_FILE: cannot open");
}

static void files_of_networks_are_looked_into(void **state)
{
	static const char bytes[] = "192.0.2.1, not-an-ip # one\n"
				    "# none-either\n"
				    "\x1b[2J 192.0.2.0/33\n";
	const char *deny = file_with("deny", bytes, sizeof(bytes) - 1);
	struct config_report report = config_report_new();
	char value[600], wanted[1200];
	struct config *c;

	(void)state;
	(void)snprintf(value, sizeof(value), "@%s,@/no/such", deny);
	setenv("ACCESS_DENY", value, 1);
	setenv("ACCESS_ALLOW", "@/", 1);
	(void)snprintf(wanted, sizeof(wanted),
	    "ACCESS_ALLOW: @/: cannot read: Is a directory\n"
	    "ACCESS_DENY: @%s line 1: \"not-an-ip\" is no network\n"
	    "ACCESS_DENY: @%s line 3: \" [2J\" is no network\n"
	    "ACCESS_DENY: @%s line 3: \"192.0.2.0/33\" has a bad prefix "
	    "length\n"
	    "ACCESS_DENY: @/no/such: cannot open /no/such: No such file or "
	    "directory\n",
	    deny, deny, deny);
	assert_null(config_load(PROGRAM_SMTPD, &report));
	assert_string_equal(buf_text(&report.faults), wanted);
	config_report_free(&report);
	/* Those who do not use them may have none. */
	c = must_load(PROGRAM_SPOOL);
	config_free(&c);
	remove_file("deny");
}

static void the_environment_wins_over_the_file(void **state)
{
	struct config *c;

	(void)state;
	use_ini("; a comment\n[spool]\n  spool_dir = /from/ini\n"
		"[webhook]\nwebhook_concurrency = 5\nphoenix_api_key=ini\n"
		"max_recipients = 7 ; with a comment\n"
		"[lists]\nlocal_domains =\n  a.example\n  b.example\n");
	setenv("WEBHOOK_CONCURRENCY", "6", 1);
	setenv("PHOENIX_API_KEY_FILE", file_with("key", "filed", 5), 1);
	c = must_load(PROGRAM_DELIVER);
	assert_string_equal(c->spool_dir, "/from/ini");
	assert_int_equal(c->webhook_concurrency, 6);
	assert_string_equal(c->phoenix_api_key, "filed");
	assert_int_equal(c->max_recipients, 7);
	assert_int_equal(c->local_domains.count, 2);
	assert_string_equal(c->local_domains.items[1], "b.example");
	config_free(&c);
	remove_file("ini");
	remove_file("key");
}

static void faults_of_the_file_are_named(void **state)
{
	static const char *const rows[][2] = {
	    {"\n[a]\nspool_dirr=/x\n", "spool_dirr: is not a setting ("},
	    {"\n[a]\nspool_dirr=/x\n", "/ini line 3)"},
	    {"SPOOL_DIR=/x\n", "SPOOL_DIR: is not a setting"},
	    {"elektrine_config=/x\n", "elektrine_config: is not a setting"},
	    {"spool_dir=x\n", "SPOOL_DIR: \"x\" is not an absolute path (file"},
	    {"spool_dir=/a\nspool_dir=/b\n", "SPOOL_DIR: is given twice"},
	    {"spool_dir=/a\n webhook_concurrency=1\n",
		"line 2 is indented, so it continues this setting"},
	    {"nonsense\n", "line 1 is neither name=value nor a [section]"},
	    {"[open\n", "line 1 is neither name=value"},
	    {"redis_url=unix:/a\nredis_url_file=/b\n",
		"REDIS_URL: is given, and REDIS_URL_FILE too"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)config_fresh(state);
		use_ini(rows[i][0]);
		must_refuse(PROGRAM_SPOOL, rows[i][1]);
	}
	remove_file("ini");
	must_refuse(PROGRAM_SPOOL, "ELEKTRINE_CONFIG: cannot open");
}

static void a_line_of_the_file_has_its_limit(void **state)
{
	char text[300];
	struct config *c;

	(void)state;
	/* 198 bytes with the name ... */
	(void)snprintf(text, sizeof(text), "elektrine_dlq_name=%0179d\n", 0);
	use_ini(text);
	c = must_load(PROGRAM_SPOOL);
	assert_int_equal(strlen(c->elektrine_dlq_name), 179);
	config_free(&c);
	/* ... and one more. */
	(void)snprintf(text, sizeof(text), "elektrine_dlq_name=%0180d\n", 0);
	use_ini(text);
	must_refuse(PROGRAM_SPOOL, "line 1 is too long");
	remove_file("ini");
}

#define CASE(name) cmocka_unit_test_setup(name, config_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(name_file_loses_one_newline),
	    CASE(name_file_is_refused_when_it_cannot_be_meant),
	    CASE(settings_that_end_in_file_are_themselves),
	    CASE(secrets_of_other_programs_are_not_opened),
	    CASE(files_of_networks_are_looked_into),
	    CASE(the_environment_wins_over_the_file),
	    CASE(faults_of_the_file_are_named),
	    CASE(a_line_of_the_file_has_its_limit),
	};

	return cmocka_run_group_tests(
	    tests, config_make_folder, config_remove_folder);
}
