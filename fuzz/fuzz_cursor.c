/*
 * Cursors of pages, which come back from strangers. The input chooses a walk
 * and the length of its pages; then it is a cursor itself, or changes bytes of
 * one that the walk gave. A cursor that is taken leads through at most what
 * there is, each entry once, to an end; and each that is given on the way is
 * taken again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "spool_fixture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
	struct operator_filter filter;
	enum operator_sequence sequence;
};

static const struct walk walks[] = {
    {{0}, OPERATOR_OLDEST_FIRST},
    {{0}, OPERATOR_BY_DEATH},
    {{.recipient = "a@example.com"}, OPERATOR_OLDEST_FIRST},
    {{.recipient = "a@example.com"}, OPERATOR_BY_DEATH},
    {{.received_since_ms = 1}, OPERATOR_OLDEST_FIRST},
    {{.lane = LANE_WEBHOOK, .received_before_ms = 1}, OPERATOR_OLDEST_FIRST},
};
#define WALKS (sizeof(walks) / sizeof(walks[0]))
#define MESSAGES 8
#define ENTRIES ((size_t)3 * MESSAGES)

static struct spool *spool;

static void close_all(void)
{
	spool_close(&spool);
	(void)fixture_teardown(NULL);
}

/* Some dead, some waiting; addresses that come again. */
static void open_all(void)
{
	char id[ID_TEXT + 1];

	log_open("fuzz", LOG_ERROR);
	(void)fixture_setup(NULL);
	spool = open_spool();
	(void)atexit(close_all);
	for (int i = 0; i < MESSAGES / 2; i++)
		put(spool, three, 3, id);
	(void)end_all(spool, OUTCOME_DEAD);
	for (int i = 0; i < MESSAGES / 2; i++)
		put(spool, three, 3, id);
}

/* One page; how many entries it had. The cursor is where the next one begins;
 * *more: there is one. *taken is false if the cursor was refused. */
static size_t read_page(const struct walk *walk, size_t most,
    char cursor[OPERATOR_CURSOR], bool *taken, bool *more)
{
	struct operator_list *list =
	    operator_list_new(spool, &walk->filter, walk->sequence);
	const struct operator_entry *entry;
	struct error err = {0};
	size_t count = 0;

	*taken = cursor[0] == '\0' || operator_list_resume(list, cursor);
	while (*taken && count < most) {
		assert_true(operator_list_next(list, &entry, &err));
		if (entry == NULL)
			break;
		count++;
	}
	*more = *taken && operator_list_cursor(list, cursor);
	operator_list_free(&list);
	return count;
}

/* From the cursor on; how many entries there were. */
static size_t read_all(const struct walk *walk, size_t most, char *cursor)
{
	size_t seen = 0, pages = 0;
	bool taken, more = true;

	while (more) {
		seen += read_page(walk, most, cursor, &taken, &more);
		assert_true(taken || pages == 0);
		assert_true(seen <= ENTRIES && pages++ <= ENTRIES);
	}
	return seen;
}

/* Two bytes of input put one into the text; the text ends where it says 0. */
static void bend(char *text, const uint8_t *data, size_t size)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + 1 < size && len > 0; i += 2) {
		text[data[i] % len] = (char)data[i + 1];
		len = strlen(text);
	}
}

/* A walk that is not disturbed meets everything once, however it is cut. */
static void check_whole(const struct walk *walk, size_t most)
{
	char whole[OPERATOR_CURSOR] = "", cut[OPERATOR_CURSOR] = "";

	assert_true(
	    read_all(walk, ENTRIES + 1, whole) == read_all(walk, most, cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char cursor[OPERATOR_CURSOR] = "";
	const struct walk *walk;
	bool taken, more;
	size_t most;

	if (spool == NULL)
		open_all();
	if (size < 2)
		return 0;
	walk = &walks[data[0] % WALKS];
	most = data[1] % ENTRIES + 1;
	data += 2;
	size -= 2;
	if (size == 0) {
		check_whole(walk, most);
		return 0;
	}
	(void)read_page(walk, most, cursor, &taken, &more);
	if (data[0] < 0x80) {
		bend(cursor, data, size);
	} else {
		size = size < sizeof(cursor) ? size : sizeof(cursor) - 1;
		memcpy(cursor, data + 1, size - 1);
		cursor[size - 1] = '\0';
	}
	(void)read_all(walk, most, cursor);
	return 0;
}
