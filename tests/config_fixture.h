/* Settings for tests: an environment of their own, and files in a folder. */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include "base/config.h"

#include <stddef.h>

/* For cmocka: the folder of a group of cases, which must leave it empty ... */
extern char config_folder[];
int config_make_folder(void **state);
int config_remove_folder(void **state);
/* ... and before each case an environment with what every program needs, and
 * nothing else. */
int config_fresh(void **state);

/* Writes a file in the folder; its path, until the next call. */
const char *file_with(const char *name, const char *bytes, size_t len);
void remove_file(const char *name);
/* The same as file "ini", with ELEKTRINE_CONFIG set to it. */
void use_ini(const char *text);

/* Fails the case if the settings are refused. */
struct config *must_load(enum program program);
/* Fails it unless they are refused for exactly one fault, with `part` in it. */
void must_refuse(enum program program, const char *part);

#endif
