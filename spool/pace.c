#include "spool/pace.h"

#include "bounds.h"

/* Every so many groups of a class the slower way is tried again. */
#define TRY_AGAIN 64
/* A new value counts for an eighth; one far off, a stall, for less. */
#define WEIGHT 8
#define STALL 4

static size_t class_of(size_t files)
{
	size_t class = 0;

	while (files > 1 && class < PACE_CLASSES - 1) {
		files /= 2;
		class ++;
	}
	return class;
}

enum sync_way pace_choose(struct pace *pace, size_t files)
{
	size_t class = class_of(files);
	const int64_t *mean = pace->mean_us[class];
	enum sync_way better =
	    mean[SYNC_WHOLE] < mean[SYNC_EACH] ? SYNC_WHOLE : SYNC_EACH;

	/* A sync of each of many is never cheap enough to be worth a try. */
	if (files > LIMIT_SYNC_SINGLY)
		return SYNC_WHOLE;
	if (mean[SYNC_EACH] == 0)
		return SYNC_EACH;
	if (mean[SYNC_WHOLE] == 0)
		return SYNC_WHOLE;
	if (++pace->groups[class] % TRY_AGAIN == 0)
		return better == SYNC_EACH ? SYNC_WHOLE : SYNC_EACH;
	return better;
}

void pace_learn(
    struct pace *pace, size_t files, enum sync_way way, int64_t took_us)
{
	int64_t *mean = &pace->mean_us[class_of(files)][way];

	if (took_us < 1)
		took_us = 1;
	if (*mean == 0) {
		*mean = took_us;
		return;
	}
	if (took_us > *mean * STALL)
		took_us = *mean * STALL;
	*mean += (took_us - *mean) / WEIGHT;
}
