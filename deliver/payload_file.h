/* A message in a file of its own, for operators and tests: its payload with
 * as much of an envelope as can be guessed. */
#ifndef DELIVER_PAYLOAD_FILE_H
#define DELIVER_PAYLOAD_FILE_H

#include "deliver/payload.h"

/* An open file with its envelope. The fields are payload_file.c's. */
struct payload_file;

/*
 * Opens the file. An envelope header of the spool at its front is passed
 * over. sender and recipient may be NULL: then they are taken from
 * Return-Path and Delivered-To, and are "" where those are missing.
 */
MUST_CHECK bool payload_file_open(const char *path, const char *sender,
    const char *recipient, struct payload_file **file, struct error *err);
void payload_file_close(struct payload_file **file);

/* Its payload; the file must outlive it. */
MUST_CHECK bool payload_file_payload(struct payload_file *file,
    const struct payload_options *options, struct payload **payload,
    struct error *err);

#endif
