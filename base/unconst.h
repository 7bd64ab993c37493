/* For interfaces that only read and yet ask for a plain pointer (struct
 * iovec, MDB_val): says so in one place, where the warning would be. */
#ifndef BASE_UNCONST_H
#define BASE_UNCONST_H

#include <stdint.h>

static inline void *unconst(const void *pointer)
{
	return (void *)(uintptr_t)pointer;
}

#endif
