#include "base/config_value.h"

#include "base/errors.h"
#include "base/number.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* What parses one kind into its field. */
struct target {
	void *field;
	struct config *config;
	const struct setting *setting;
	struct arena *arena;
	struct error *err;
};

static bool complain(const struct target *to, const char *what)
{
	return error_set(to->err, ERROR_CONFIG, "%s", what);
}

static bool within(const struct setting *setting, uint64_t value)
{
	return value >= (uint64_t)setting->low &&
	       value <= (uint64_t)setting->high;
}

static bool whole_number(
    const struct target *to, const char *text, int64_t *number)
{
	uint64_t value;

	if (!number_parse(text, INT64_MAX, &value) ||
	    !within(to->setting, value))
		return error_set(to->err, ERROR_CONFIG,
		    "is not a whole number from %" PRId64 " to %" PRId64,
		    to->setting->low, to->setting->high);
	*number = (int64_t)value;
	return true;
}

/* --- kinds ------------------------------------------------------------ */

static bool set_text(const struct target *to, const char *text)
{
	const char *wrong =
	    to->setting->check != NULL ? to->setting->check(text) : NULL;

	for (const char *p = text; *p != '\0' && wrong == NULL; p++)
		if (iscntrl((unsigned char)*p))
			wrong = "holds a line break or a control character";
	if (wrong != NULL)
		return complain(to, wrong);
	*(const char **)to->field = text;
	return true;
}

static const char *const separators = ", \t\r\n";

static size_t count_items(const char *text)
{
	size_t count = 0;

	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		text += strcspn(text, separators);
		count++;
	}
	return count;
}

static bool set_list(const struct target *to, const char *text)
{
	struct list list = {0};
	const char *wrong = NULL;
	size_t len;
	char *item;

	list.items =
	    arena_alloc(to->arena, count_items(text) * sizeof(*list.items));
	for (text += strspn(text, separators); *text != '\0' && wrong == NULL;
	     text += strspn(text, separators)) {
		len = strcspn(text, separators);
		item = arena_strndup(to->arena, text, len);
		if (to->setting->flags & SETTING_LOWER)
			for (size_t i = 0; i < len; i++)
				item[i] = (char)tolower((unsigned char)item[i]);
		wrong = to->setting->check(item);
		list.items[list.count++] = item;
		text += len;
	}
	if (wrong != NULL && list.count > 1)
		return error_set(to->err, ERROR_CONFIG,
		    "has an item \"%s\" that %s", list.items[list.count - 1],
		    wrong);
	if (wrong == NULL && list.count == 0)
		wrong = "names nothing: leave it unset";
	if (wrong != NULL)
		return complain(to, wrong);
	*(struct list *)to->field = list;
	return true;
}

static bool set_bool(const struct target *to, const char *text)
{
	static const char *const words[] = {
	    "0", "1", "false", "true", "no", "yes", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*(bool *)to->field = i % 2 == 1;
			return true;
		}
	}
	return complain(to, "is neither true nor false");
}

static bool set_count(const struct target *to, const char *text)
{
	int64_t number = 0;

	if (!whole_number(to, text, &number))
		return false;
	*(unsigned *)to->field = (unsigned)number;
	return true;
}

static bool set_retries(const struct target *to, const char *text)
{
	int64_t number = 0;

	if (!whole_number(to, text, &number))
		return false;
	*(int *)to->field = (int)number;
	return true;
}

static bool set_ms(const struct target *to, const char *text)
{
	return whole_number(to, text, to->field);
}

struct unit {
	const char *name;
	int64_t worth;
};

/* "30<separator>unit", for which `units` (ended by a NULL name) has the
 * worth. "" may be one of them. */
static bool find_unit(
    const char *name, const struct unit *units, int64_t *worth)
{
	for (; units->name != NULL; units++) {
		if (strcasecmp(name, units->name) == 0) {
			*worth = units->worth;
			return true;
		}
	}
	return false;
}

static bool set_duration(const struct target *to, const char *text)
{
	static const struct unit units[] = {{"s", 1000}, {"m", 60000},
	    {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
	uint64_t number;
	int64_t worth = 0;

	if (!number_take(&text, INT64_MAX, &number) ||
	    !(find_unit(text, units, &worth) || (number == 0 && *text == '\0')))
		return complain(to, "is not a time like 90s, 5m, 4h or 7d");
	if (number > (uint64_t)INT64_MAX / 86400000 ||
	    !within(to->setting, number * (uint64_t)worth))
		return error_set(to->err, ERROR_CONFIG,
		    "is not a time from %" PRId64 "s to %" PRId64 "d",
		    to->setting->low / 1000, to->setting->high / 86400000);
	*(int64_t *)to->field = (int64_t)number * worth;
	return true;
}

static bool set_size(const struct target *to, const char *text)
{
	static const struct unit units[] = {
	    {"", 1}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}, {NULL, 0}};
	uint64_t number;
	int64_t worth;

	if (!number_take(&text, INT64_MAX, &number) ||
	    !find_unit(text, units, &worth))
		return complain(
		    to, "is not a size like 26214400, 64K, 512M or 2G");
	if (number > (uint64_t)(INT64_MAX / worth) ||
	    !within(to->setting, number * (uint64_t)worth))
		return error_set(to->err, ERROR_CONFIG,
		    "is not a size from %" PRId64 " to %" PRId64 " bytes",
		    to->setting->low, to->setting->high);
	*(uint64_t *)to->field = number * (uint64_t)worth;
	return true;
}

static bool set_room(const struct target *to, const char *text)
{
	const char *rest = text;
	uint64_t percent;

	to->config->spool_min_free_percent = 0;
	if (strchr(text, '%') == NULL)
		return set_size(to, text);
	if (!number_take(&rest, INT64_MAX, &percent) ||
	    strcmp(rest, "%") != 0 || percent > 99)
		return complain(to, "is neither a size like 512M nor a part "
				    "like 5%");
	to->config->spool_min_free_bytes = 0;
	to->config->spool_min_free_percent = (unsigned)percent;
	return true;
}

static bool set_rate(const struct target *to, const char *text)
{
	static const struct unit units[] = {{"/s", 1000}, {"/min", 60000},
	    {"/h", 3600000}, {"/d", 86400000}, {NULL, 0}};
	uint64_t number;
	int64_t worth = 1000;

	if (!number_take(&text, INT64_MAX, &number) ||
	    !within(to->setting, number) ||
	    !(find_unit(text, units, &worth) || (number == 0 && *text == '\0')))
		return complain(to, "is not a rate like 30/min (s, min, h, d)");
	*(struct rate *)to->field =
	    (struct rate){.count = (unsigned)number, .per_ms = worth};
	return true;
}

static bool set_score(const struct target *to, const char *text)
{
	const struct setting *setting = to->setting;
	bool below_0 = text[0] == '-';
	double score;

	if (strcasecmp(text, "off") == 0) {
		*(double *)to->field = INFINITY;
		return true;
	}
	if (!number_parse_decimal(text + below_0, &score) ||
	    (below_0 ? -score : score) < (double)setting->low ||
	    score > (double)setting->high)
		return error_set(to->err, ERROR_CONFIG,
		    "is neither a number from %" PRId64 " to %" PRId64
		    ", like 7.5, nor off",
		    setting->low, setting->high);
	*(double *)to->field = below_0 ? -score : score;
	return true;
}

static bool find_word(const struct word *words, const char *text, int *value)
{
	for (; words->text != NULL; words++) {
		if (strcasecmp(words->text, text) == 0) {
			*value = words->value;
			return true;
		}
	}
	return false;
}

static bool complain_of_words(const struct target *to)
{
	struct buf all = buf_new(sizeof(to->err->text));

	for (const struct word *w = to->setting->words; w->text != NULL; w++)
		(void)buf_printf(&all, "%s%s",
		    w == to->setting->words ? ""
		    : w[1].text == NULL     ? " or "
					    : ", ",
		    w->text);
	(void)error_set(to->err, ERROR_CONFIG, "is not %s", buf_text(&all));
	buf_free(&all);
	return false;
}

static bool set_choice(const struct target *to, const char *text)
{
	int value;

	if (!find_word(to->setting->words, text, &value))
		return complain_of_words(to);
	/* Every enum has the size of an int (asserted below). */
	memcpy(to->field, &value, sizeof(value));
	return true;
}

static bool set_flags(const struct target *to, const char *text)
{
	char word[32];
	size_t len;
	unsigned all = 0;
	int value;

	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		len = strcspn(text, separators);
		if (len >= sizeof(word))
			return complain_of_words(to);
		memcpy(word, text, len);
		word[len] = '\0';
		if (!find_word(to->setting->words, word, &value))
			return complain_of_words(to);
		all |= (unsigned)value;
		text += len;
	}
	if (all == 0)
		return complain_of_words(to);
	*(unsigned *)to->field = all;
	return true;
}

_Static_assert(sizeof(enum smtpd_role) == sizeof(int) &&
		   sizeof(enum log_level) == sizeof(int) &&
		   sizeof(enum check_mode) == sizeof(int) &&
		   sizeof(enum bare_newline) == sizeof(int) &&
		   sizeof(enum on_error) == sizeof(int) &&
		   sizeof(enum outbound_tls) == sizeof(int),
    "set_choice() stores an int");

typedef bool set_fn(const struct target *to, const char *text);

static set_fn *const setters[] = {
    [KIND_TEXT] = set_text,
    [KIND_LIST] = set_list,
    [KIND_BOOL] = set_bool,
    [KIND_COUNT] = set_count,
    [KIND_RETRIES] = set_retries,
    [KIND_MS] = set_ms,
    [KIND_DURATION] = set_duration,
    [KIND_SIZE] = set_size,
    [KIND_ROOM] = set_room,
    [KIND_RATE] = set_rate,
    [KIND_SCORE] = set_score,
    [KIND_CHOICE] = set_choice,
    [KIND_FLAGS] = set_flags,
};

bool config_value_set(struct config *config, const struct setting *setting,
    const char *text, struct arena *arena, struct error *err)
{
	struct target to = {.field = (char *)config + setting->offset,
	    .config = config,
	    .setting = setting,
	    .arena = arena,
	    .err = err};

	if (text != NULL)
		return setters[setting->kind](&to, text);
	if (setting->kind == KIND_RETRIES)
		*(int *)to.field = -1;
	return true;
}
