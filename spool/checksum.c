#include "spool/checksum.h"

#include <pthread.h>

#define POLYNOMIAL 0x82F63B78U /* reflected */

static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
		table[i] = crc;
	}
}

uint32_t checksum_crc32c(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t crc = 0xFFFFFFFFU;

	(void)pthread_once(&once, fill_table);
	for (; len > 0; len--)
		crc = table[(crc ^ *at++) & 0xFF] ^ (crc >> 8);
	return ~crc;
}
