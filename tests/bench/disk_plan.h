/*
 * What disk_pattern is asked to measure, and its way out when the disk fails.
 */
#ifndef BENCH_DISK_PLAN_H
#define BENCH_DISK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_GROUP = 1024, MAX_ROTATED = 4096, MAX_THREADS = 32 };

enum pattern { PATTERN_LINK, PATTERN_RENAME, PATTERN_RECYCLE, PATTERN_TMPFILE };
enum flush {
	FLUSH_EACH,
	FLUSH_STARTED,
	FLUSH_BESIDE, /* each, and new/ at the same time */
	FLUSH_SYNCFS,
	FLUSH_NONE
};

extern const char *const pattern_names[], *const flush_names[];

struct plan {
	const char *folder;
	enum pattern pattern;
	enum flush flush;
	unsigned size;
	unsigned group;
	unsigned creators; /* 0: the committer creates the files itself */
	unsigned backlog;  /* live messages kept; 0: nothing is removed */
	unsigned reapers;  /* threads that remove */
	unsigned rotate;   /* messages per tmp/<n>; 0: one tmp */
	unsigned rotated;  /* how many tmp/<n> are used in turn */
	bool spread;       /* ask ext4 to put tmp/<n> in distant groups */
	bool names_first;  /* one syncfs covers data and names */
	bool index;
	unsigned ahead; /* MiB of the index file written beforehand */
	unsigned names; /* names in new/ before the start */
	double warm;
	double seconds;
};

/* Fills in what the command line says; ends the program if that is wrong. */
void plan_parse(struct plan *plan, int argc, char **argv);

/* Ends the program with this text and, if errno is set, what it means. */
__attribute__((format(printf, 1, 2), noreturn)) void die(
    const char *format, ...);
/* Ends it unless ok. */
void must(bool ok, const char *what);

#endif
