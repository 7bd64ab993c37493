/*
 * The three maildirs of a spool: queue (live), dead (dead letters) and orphan
 * (set aside). Every message is one file named by its id. Files arrive in
 * `new`; a mail reader may have moved one to `cur` and added flags, so they
 * are looked for there too.
 */
#ifndef SPOOL_MAILDIR_H
#define SPOOL_MAILDIR_H

#include "envelope.h"
#include "error.h"

#include <stdbool.h>

enum box { BOX_QUEUE, BOX_DEAD, BOX_ORPHAN, BOX_COUNT };
/* A set of boxes; the same as enum doomed_names. */
#define BOX_BIT(box) (1U << (box))

struct maildirs {
	int root;             /* borrowed */
	int fresh[BOX_COUNT]; /* <box>/new */
	int seen[BOX_COUNT];  /* <box>/cur */
};

const char *box_name(enum box box);

/* Opens all of them below root; makes what is missing if `create`, and syncs
 * what it made. */
MUST_CHECK bool maildirs_open(
    struct maildirs *dirs, int root, bool create, struct error *err);
void maildirs_close(struct maildirs *dirs);

/* Opens the file of a message with these flags. ERROR_NOT_FOUND if it is
 * neither in new nor in cur. */
MUST_CHECK bool maildir_open_file(const struct maildirs *dirs, enum box box,
    const char *id, int flags, int *fd, struct error *err);
bool maildir_has(const struct maildirs *dirs, enum box box, const char *id);
/* Where it has a name, queue and dead, as a set. Its names are hard links of
 * one file: where that has but one, nothing else is searched. */
unsigned maildir_names(const struct maildirs *dirs, const char *id);
/* Gives the message a name in another box too; fine if it has it already. */
MUST_CHECK bool maildir_link(const struct maildirs *dirs, enum box from,
    enum box to, const char *id, struct error *err);
/* Gives it its id as a name in a folder that is no maildir; fine if it has it
 * already. */
MUST_CHECK bool maildir_link_to(const struct maildirs *dirs, enum box from,
    const char *id, int folder, struct error *err);
/* Takes its name away; fine if there is none. */
bool maildir_unlink(const struct maildirs *dirs, enum box box, const char *id,
    struct error *err);
/* Moves a file of this folder to the orphans, under a name that is free there
 * (or drops the name, if it is one of a file that is there already); its age
 * as an orphan begins now. */
MUST_CHECK bool maildir_set_aside(const struct maildirs *dirs, int folder,
    const char *name, struct error *err);
/* Makes the names in <box>/new durable, or in both folders. */
MUST_CHECK bool maildir_sync(
    const struct maildirs *dirs, enum box box, struct error *err);

/* Calls each() for every file of new and cur, with its folder and name, until
 * it returns false. Names are in no order. */
typedef bool maildir_each_fn(
    void *arg, enum box box, int folder, const char *name);
MUST_CHECK bool maildir_each(const struct maildirs *dirs, enum box box,
    maildir_each_fn *each, void *arg, struct error *err);

/* Whether the name is an id, perhaps with flags behind it. */
bool maildir_name_id(const char *name, struct id *id);

#endif
