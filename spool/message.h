/* Reading stored messages, for the modules of the spool. */
#ifndef SPOOL_MESSAGE_H
#define SPOOL_MESSAGE_H

#include "error.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads the envelope of an open file; the message owns fd, also on failure. */
MUST_CHECK bool message_open_fd(
    int fd, struct message **message, struct error *err);
/* One status byte per recipient, as they were when it was opened. */
const char *message_status(const struct message *message);
/* The byte of one recipient as it is now; '\0' if it cannot be read. */
char message_status_now(const struct message *message, unsigned recipient);
/* Of the file, envelope header included. */
uint64_t message_file_size(const struct message *message);
/* Reads all of it and compares the keyed hash. ERROR_CORRUPT if it differs. */
MUST_CHECK bool message_verify(
    struct message *message, const uint8_t *key, struct error *err);

#endif
