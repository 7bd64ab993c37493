/*
 * Lists of domains that are linked to in bad mail: those in the texts of the
 * message, attached ones as well, are asked for in each zone of URIBL_ZONES,
 * and the zones' scores of all that are listed are summed.
 */
#include "base/utf8.h"
#include "mail/charset.h"
#include "mail/links.h"
#include "mail/mime_read.h"
#include "smtpd/listing.h"
#include "smtpd/parts.h"
#include "smtpd/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names {
	char all[LIMIT_LINK_DOMAINS][DOMAIN_SIZE];
	size_t count;
};

struct score {
	struct finding_text text; /* "a.example in zone 127.0.0.2, ..." */
	double sum;
	bool failed;
};

bool uribl_wanted(struct subject *subject)
{
	return subject->settings->config->uribl_zones.count > 0;
}

/* --- which domains ---------------------------------------------------- */

static void add_name(void *arg, struct slice host)
{
	struct names *names = arg;
	char name[DOMAIN_SIZE];

	if (names->count == LIMIT_LINK_DOMAINS || !link_list_name(host, name))
		return;
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->all[i], name) == 0)
			return;
	memcpy(names->all[names->count++], name, sizeof(name));
}

/* The beginning of a part, decoded, in UTF-8. */
static bool read_text(struct window *window, const struct mime_part *part,
    struct buf *text, struct error *err)
{
	struct transfer transfer;
	struct charset charset;
	struct buf bytes = buf_new(LIMIT_LINK_TEXT + TRANSFER_CUT);
	uint64_t at = part->body;
	bool last = false, done = true;
	const char *data;
	size_t len, used = 0;

	transfer_open(&transfer, part->encoding);
	charset_open(&charset, slice_of(part->charset), CHARSET_BODY);
	/* Full is enough. */
	while (!last && done) {
		done = mime_see(window, part, at, &data, &len, &last, err);
		if (!done ||
		    !transfer_decode(&transfer, data, len, last, &bytes, &used))
			break;
		at += used;
	}
	if (done)
		(void)charset_decode(
		    &charset, buf_text(&bytes), bytes.len, true, text, &used);
	charset_close(&charset);
	buf_free(&bytes);
	return done;
}

/* Pages are attached so that they are opened. */
static bool may_link(const struct mime_part *part)
{
	return mime_is_type(part, "text/plain") ||
	       mime_is_type(part, "text/html");
}

static bool gather(
    struct subject *subject, struct names *names, struct error *err)
{
	struct window window = parts_window(subject);
	const struct mime *mime = subject->mime;
	struct buf text = buf_new(LIMIT_LINK_TEXT * UTF8_MAX);
	bool done = true;

	for (size_t i = 0; i < mime->count && done; i++) {
		const struct mime_part *part = &mime->parts[i];
		struct slice slice;

		if (!may_link(part) || names->count == LIMIT_LINK_DOMAINS)
			continue;
		buf_clear(&text);
		done = read_text(&window, part, &text, err);
		slice = (struct slice){buf_text(&text), text.len};
		if (mime_is_type(part, "text/html"))
			links_in_html(slice, add_name, names);
		else
			links_in_text(slice, add_name, names);
	}
	window_close(&window);
	buf_free(&text);
	return done;
}

/* --- what the lists say ----------------------------------------------- */

/* "zone=score", as the settings' check has it. RFC 5782 section 5: "test" is
 * always listed. */
static struct block_list list_of(const char *item, double *score)
{
	size_t len = strcspn(item, "=");

	*score = strtod(item + len + 1, NULL);
	return (struct block_list){{item, len}, "test"};
}

/* "name.zone"; false if that is too long to be asked. */
static bool question_of(
    const char *name, struct slice zone, char out[DNS_NAME_SIZE])
{
	return snprintf(out, DNS_NAME_SIZE, "%s.%.*s", name, (int)zone.len,
		   zone.data) < DNS_NAME_SIZE;
}

static void ask(struct subject *subject, const char *name, const char *item,
    struct score *score)
{
	char question[DNS_NAME_SIZE], code[IP_TEXT];
	enum listing listing;
	double weight;
	struct block_list list = list_of(item, &weight);

	if (!question_of(name, list.zone, question))
		return;
	listing = listing_ask(subject, &list, question, code);
	if (listing != LISTING_NONE)
		finding_add(&score->text, "%s in %.*s %s", name,
		    (int)list.zone.len, list.zone.data, code);
	if (listing == LISTING_YES)
		score->sum += weight;
	if (listing == LISTING_ERROR)
		score->failed = true;
}

static void ask_ahead(
    struct subject *subject, const char *name, const char *item)
{
	char question[DNS_NAME_SIZE];
	double weight;
	struct block_list list = list_of(item, &weight);

	if (question_of(name, list.zone, question))
		listing_ask_ahead(subject, &list, question);
}

static void ask_all(
    struct subject *subject, const struct names *names, struct score *score)
{
	const struct list *zones = &subject->settings->config->uribl_zones;

	for (size_t i = 0; i < names->count; i++)
		for (size_t j = 0; j < zones->count; j++)
			ask_ahead(subject, names->all[i], zones->items[j]);
	for (size_t i = 0; i < names->count; i++)
		for (size_t j = 0; j < zones->count; j++)
			ask(subject, names->all[i], zones->items[j], score);
}

void check_uribl(struct subject *subject)
{
	double most = subject->settings->config->uribl_reject_score;
	struct names names = {.count = 0};
	struct score score = {.sum = 0};
	struct error err;

	if (!gather(subject, &names, &err)) {
		parts_failed(subject, &err);
		return;
	}
	if (names.count == 0)
		return;
	ask_all(subject, &names, &score);
	if (score.sum > 0)
		check_found(
		    subject, "listed", "%.1f: %s", score.sum, score.text.text);
	else if (score.failed)
		check_found(subject, "temperror", "%s", score.text.text);
	else
		check_found(subject, "clean", "%zu domains", names.count);
	if (score.sum > 0 && score.sum >= most)
		check_refuse(subject, 550, "5.7.1", "uribl",
		    "The message links to listed domains: %s", score.text.text);
}
