#include "base/config_ini.h"

#include <ini.h>
#include <stddef.h>
#include <string.h>

struct cursor {
	const struct ini_reader *reader;
	const char *next; /* what was not read yet */
	unsigned number;  /* of the line that inih has in hand */
	bool indented;    /* that line begins with a blank */
	bool has_name;    /* there is a value that it could continue */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void look_at(struct cursor *cursor, const char *line)
{
	cursor->indented = is_blank(line[0]);
	if (cursor->indented && cursor->has_name)
		return;
	while (is_blank(*line))
		line++;
	if (*line == '[')
		cursor->has_name = false;
}

/* As fgets(), which inih would use. It cuts long lines and takes the rest for
 * lines of their own; we report them instead. */
static char *give_line(char *line, int size, void *stream)
{
	struct cursor *cursor = stream;
	size_t len = strcspn(cursor->next, "\n");

	if (cursor->next[0] == '\0')
		return NULL;
	cursor->number++;
	if (len + 2 > (size_t)size) {
		cursor->reader->fault(cursor->reader->arg, cursor->number,
		    "is too long: indent the next line to continue a list, or "
		    "put the value into a file of its own");
		line[0] = '\0';
	} else {
		memcpy(line, cursor->next, len);
		line[len] = '\0';
		look_at(cursor, line);
	}
	cursor->next += len;
	if (cursor->next[0] == '\n')
		cursor->next++;
	return line;
}

static int on_value(
    void *user, const char *section, const char *name, const char *value)
{
	struct cursor *cursor = user;
	struct ini_line line = {.number = cursor->number,
	    .name = name,
	    .value = value,
	    .continued = cursor->indented && cursor->has_name};

	(void)section;
	cursor->has_name = true;
	cursor->reader->take(cursor->reader->arg, &line);
	return 1;
}

void ini_read(const char *text, const struct ini_reader *reader)
{
	struct cursor cursor = {.reader = reader, .next = text};
	int line = ini_parse_stream(give_line, &cursor, on_value, &cursor);

	if (line > 0)
		reader->fault(reader->arg, (unsigned)line,
		    "is neither name=value nor a [section]");
}
