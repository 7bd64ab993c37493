#include "spool/fsck.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "spool/fsck_parts.h"
#include "spool/id.h"
#include "spool/recover.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that one read transaction looks at, and suspects of one turn. */
#define SLICE 512

/* --- objections ------------------------------------------------------- */

bool fsck_objects(struct fsck *fsck, enum finding_kind kind, bool repairable,
    const struct id *id, int recipient, const char *format, ...)
{
	struct fsck_report *report = fsck->report;
	struct finding finding = {.kind = kind, .recipient = recipient};
	char text[512];
	va_list args;

	fsck->suspect = true;
	if (fsck->turn == NULL) {
		return false;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	finding.text = text;
	finding.repaired = repairable && fsck->options->repair;
	if (id != NULL)
		id_format(id, finding.id);
	report->found[kind]++;
	report->found_all++;
	if (finding.repaired) {
		report->repaired[kind]++;
		report->repaired_all++;
		fsck->changed = true;
	}
	fsck->options->found(fsck->options->arg, &finding);
	return finding.repaired;
}

void fsck_progress(
    struct fsck *fsck, const char *what, uint64_t done, uint64_t total)
{
	if (fsck->options->progress != NULL)
		fsck->options->progress(fsck->options->arg, what, done, total);
}

/* --- looks and turns -------------------------------------------------- */

bool fsck_look_begin(struct fsck *fsck, struct error *err)
{
	return spool_read_begin(fsck->spool, &fsck->txn, err);
}

void fsck_look_end(struct fsck *fsck)
{
	spool_txn_abort(fsck->spool, &fsck->txn);
}

bool fsck_turn_begin(struct fsck *fsck, struct turn *turn, struct error *err)
{
	if (!turn_begin(
		turn, fsck->spool, &schedule_operator, fsck->history, err))
		return false;
	turn->sync_status = true;
	fsck->turn = turn;
	fsck->txn = turn->txn;
	fsck->changed = fsck->waited = false;
	return true;
}

bool fsck_turn_end(struct fsck *fsck, struct error *err)
{
	struct turn *turn = fsck->turn;

	fsck->turn = NULL;
	fsck->txn = NULL;
	if (fsck->changed)
		return turn_commit(turn, NULL, err);
	turn_abort(turn);
	return true;
}

/* --- walks over tables ------------------------------------------------ */

struct suspects {
	struct key keys[SLICE];
	size_t count;
};

static void suspect(struct suspects *suspects, struct bytes key)
{
	struct key *copy = &suspects->keys[suspects->count];

	if (key.len > sizeof(copy->data))
		return; /* no key of ours */
	copy->len = key.len;
	memcpy(copy->data, key.data, key.len);
	suspects->count++;
}

/* One slice from *from on; *from moves behind it. */
static bool look_at_slice(struct fsck *fsck, enum index_table table,
    fsck_row_fn *check, struct key *from, struct suspects *suspects,
    bool *ended, struct error *err)
{
	struct index_walk *walk;
	struct bytes key, value;
	unsigned visits = 0;
	bool found;

	suspects->count = 0;
	if (!fsck_look_begin(fsck, err))
		return false;
	walk = index_walk_new(fsck->txn, table);
	found =
	    index_seek(walk, key_bytes(from), (struct bytes){0}, &key, &value);
	for (; found && visits < SLICE; visits++) {
		fsck->suspect = false;
		check(fsck, table, key, value);
		if (fsck->suspect)
			suspect(suspects, key);
		*from = key_behind(key);
		found = index_next(walk, &key, &value);
	}
	*ended = !found;
	index_walk_free(&walk);
	fsck_look_end(fsck);
	return true;
}

static bool confirm(struct fsck *fsck, enum index_table table,
    fsck_row_fn *check, const struct suspects *suspects, struct error *err)
{
	struct turn turn;

	if (suspects->count == 0)
		return true;
	if (!fsck_turn_begin(fsck, &turn, err))
		return false;
	for (size_t i = 0; i < suspects->count; i++) {
		struct bytes key = key_bytes(&suspects->keys[i]), value;
		char *copy;

		if (!index_get(fsck->txn, table, key, &value))
			continue;
		copy = arena_strndup(turn.arena, value.data, value.len);
		check(fsck, table, key, (struct bytes){copy, value.len});
	}
	return fsck_turn_end(fsck, err);
}

bool fsck_walk(struct fsck *fsck, enum index_table table, fsck_row_fn *check,
    struct error *err)
{
	struct suspects *suspects = xmalloc(sizeof(*suspects));
	struct key from;
	bool done = true, ended = false;

	memset(&from, 0, sizeof(from));
	while (done && !ended)
		done = look_at_slice(
			   fsck, table, check, &from, suspects, &ended, err) &&
		       confirm(fsck, table, check, suspects, err);
	free(suspects);
	return done;
}

/* --- all of it -------------------------------------------------------- */

static bool tidy_up(struct fsck *fsck, struct error *err)
{
	struct recovery recovery;
	struct turn turn;

	if (fsck->options->repair &&
	    !spool_recover(fsck->spool, &recovery, err))
		return false;
	if (!fsck->options->repair || recovery.writers == 0)
		return true;
	if (!fsck_turn_begin(fsck, &turn, err))
		return false;
	(void)fsck_objects(fsck, FINDING_LEFTOVER, true, NULL, -1,
	    "%u writers had died: %u of their files were kept, %u set aside, "
	    "%u that were never finished removed",
	    (unsigned)recovery.writers, (unsigned)recovery.kept,
	    (unsigned)recovery.orphaned, (unsigned)recovery.unfinished);
	return fsck_turn_end(fsck, err);
}

bool fsck_run(struct spool *spool, const struct fsck_options *options,
    struct fsck_report *report, struct error *err)
{
	struct fsck fsck = {.spool = spool,
	    .options = options,
	    .report = report,
	    .history = history_new(spool->root)};
	bool done;

	memset(report, 0, sizeof(*report));
	done = tidy_up(&fsck, err) && fsck_files(&fsck, err) &&
	       fsck_messages(&fsck, err) && fsck_kept(&fsck, err) &&
	       fsck_rows(&fsck, err);
	history_free(&fsck.history);
	return done;
}
