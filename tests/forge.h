/*
 * Signatures of any form for tests of DKIM and ARC: whoever writes the text
 * decides what it says, and here it is signed, with the keys of tests/keys.
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "base/arena.h"

/* In a text: @B is replaced by the signature, @BH by the hash of the message's
 * body, @RSA1024 and the like by the key of that name as a record has it. */

/* A signature field (DKIM-Signature, ARC-Message-Signature, ARC-Seal, by its
 * name) for the message, whose older ARC sets a seal covers. If the field is
 * malformed, or the key is not there, its b= is nonsense. */
char *forge_field(const char *field, const char *message, const char *key,
    struct arena *arena);

char *forge_record(const char *record, struct arena *arena);

/* A whole ARC set on top of the message, and the message. `message_tags` and
 * `seal_tags` may be NULL, for good ones. */
char *forge_set(unsigned instance, const char *results,
    const char *message_tags, const char *seal_tags, const char *message,
    struct arena *arena);

#endif
