#include "base/networks.h"

#include "base/os.h"
#include "bounds.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

/* What is written, and where. */
struct place {
	const char *name, *item;
	size_t line; /* of its file; 0: none is meant */
	struct buf *faults;
};

/* Whatever the file is, it is shown on one line of a terminal. */
static void complain(const struct place *place, const struct error *err)
{
	char at[32] = "", line[sizeof(err->text) + PATH_MAX];

	if (place->line > 0)
		(void)snprintf(at, sizeof(at), " line %zu", place->line);
	(void)snprintf(line, sizeof(line), "%s: %s%s: %s", place->name,
	    place->item, at, err->text);
	for (char *c = line; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	(void)buf_printf(place->faults, "%s\n", line);
}

static bool take_text(
    const struct place *place, const char *text, struct cidr_set *set)
{
	struct place at = *place;
	const char *rest = text;
	struct error err;
	bool right = true;

	while (!cidr_set_take(set, &rest, &err)) {
		right = false;
		for (; text < rest && at.line > 0; text++)
			at.line += *text == '\n';
		complain(&at, &err);
	}
	return right;
}

static bool take_file(struct place *place, struct cidr_set *set)
{
	struct buf text = buf_new(LIMIT_ACCESS_FILE);
	struct error err;
	bool right = os_read_file(place->item + 1, &text, &err);

	if (!right) {
		complain(place, &err);
	} else {
		place->line = 1;
		right = take_text(place, buf_text(&text), set);
	}
	buf_free(&text);
	return right;
}

bool networks_read(const char *name, const struct list *items,
    struct cidr_set *set, struct buf *faults)
{
	bool right = true;

	for (size_t i = 0; i < items->count; i++) {
		struct place place = {
		    .name = name, .item = items->items[i], .faults = faults};

		if (place.item[0] == '@' ? !take_file(&place, set)
					 : !take_text(&place, place.item, set))
			right = false;
	}
	return right;
}

void networks_look(
    const char *name, const struct list *items, struct buf *faults)
{
	struct cidr_set *set = cidr_set_new();

	(void)!networks_read(name, items, set, faults);
	cidr_set_free(&set);
}
