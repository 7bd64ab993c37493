/*
 * INI text, line by line; the only user of inih. A line may have 198 bytes. A
 * line that begins with a blank continues the value above it. `;` or `#`
 * begins a comment line, a blank and `;` a comment behind a value.
 */
#ifndef BASE_CONFIG_INI_H
#define BASE_CONFIG_INI_H

#include <stdbool.h>

struct ini_line {
	unsigned number; /* from 1 */
	const char *name;
	const char *value;
	bool continued; /* this is one more piece of the name above */
};

struct ini_reader {
	void (*take)(void *arg, const struct ini_line *line);
	/* The rest of the sentence that "line N" begins. */
	void (*fault)(void *arg, unsigned number, const char *what);
	void *arg;
};

/* Calls reader->take for each value and reader->fault for each line that is
 * none. Of lines without `=` only the first is reported. */
void ini_read(const char *text, const struct ini_reader *reader);

#endif
