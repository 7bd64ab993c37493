/*
 * Counts work instead of time: the basic blocks that code compiled with
 * -fsanitize-coverage=trace-pc went through, and the bytes that the C
 * library's functions went over for it. And memory: the most that was
 * allocated at once. The same numbers on every machine.
 */
#ifndef TESTS_WORK_COUNT_H
#define TESTS_WORK_COUNT_H

#include <stddef.h>
#include <stdint.h>

void work_begin(void);
uint64_t work_done(void);      /* since work_begin() */
size_t work_peak_memory(void); /* beyond what there was then */

#endif
