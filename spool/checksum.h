/* CRC-32C (RFC 3720, appendix B.4), for lines that a crash may tear. */
#ifndef SPOOL_CHECKSUM_H
#define SPOOL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t checksum_crc32c(const void *data, size_t len);

#endif
