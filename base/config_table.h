/* The table of settings: what base/config*.c share, and nobody else sees. */
#ifndef BASE_CONFIG_TABLE_H
#define BASE_CONFIG_TABLE_H

#include "base/config.h"

#include "base/arena.h"

/* How a text becomes a value, and the type of the field. */
enum setting_kind {
	KIND_TEXT,     /* const char *; `check` judges it */
	KIND_LIST,     /* struct list; `check` judges each item */
	KIND_BOOL,     /* bool */
	KIND_COUNT,    /* unsigned, low ... high */
	KIND_RETRIES,  /* int, low ... high; -1 when unset */
	KIND_MS,       /* int64_t, plain milliseconds, low ... high */
	KIND_DURATION, /* int64_t, "90s" */
	KIND_SIZE,     /* uint64_t, "512M" */
	KIND_ROOM,     /* "512M" or "5%" into the two spool_min_free fields */
	KIND_RATE,     /* struct rate, "30/min" */
	KIND_SCORE,    /* double, low ... high; "off" is INFINITY */
	KIND_CHOICE,   /* an enum, by `words` */
	KIND_FLAGS     /* unsigned, an or of `words` */
};

struct word {
	const char *text;
	int value;
};

/* Bits of `flags`. */
enum {
	SETTING_SECRET = 1,   /* masked in every output */
	SETTING_URL = 2,      /* its user and password are masked */
	SETTING_RESTART = 4,  /* a reload leaves it alone */
	SETTING_ENV_ONLY = 8, /* says where the rest is read from */
	SETTING_LOWER = 16,   /* items are kept in lower case */
	SETTING_IDLE = 32     /* for what is not there yet: changes nothing */
};

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t offset;     /* of the field in struct config */
	unsigned programs; /* that use it; enum program */
	unsigned flags;
	const char *fallback;            /* default text, or NULL */
	const char *submission_fallback; /* where the role changes it */
	/* A default made from settings above this one (NULL: none), and what
	 * the operator is told of it. */
	const char *(*derive)(const struct config *config, struct arena *arena);
	const char *derived_from;
	/* NULL if it may be unset, else the reason why it may not. */
	const char *(*required)(
	    const struct config *config, enum program program);
	/* NULL if the text is right, else how the sentence goes on that begins
	 * with the text: "is not a domain name". */
	const char *(*check)(const char *text);
	/* Of a list, in programs that use it: looks at the files that its
	 * items name, and adds a line for each fault. */
	void (*look)(
	    const char *name, const struct list *items, struct buf *faults);
	int64_t low, high;
	const struct word *words; /* ended by a NULL text */
	const char *what;         /* for docs/SETTINGS.md ... */
	const char *heading;      /* ... and the heading that begins here */
};

/* In the order in which they are read, printed and documented. */
extern const struct setting settings[];
extern const size_t setting_count;

#endif
