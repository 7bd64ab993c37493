/*
 * What is said to a name server and what it says back (RFC 1035, 6891): a
 * question in, records out. Pure; the bytes of an answer are a stranger's.
 */
#ifndef BASE_DNS_PACKET_H
#define BASE_DNS_PACKET_H

#include "base/arena.h"
#include "base/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header, name, type and class, OPT. */
#define DNS_QUESTION_MAX (12 + 256 + 4 + 11)

/* Writes the question, with recursion and the DNSSEC bit desired; its length,
 * or 0 if the name is none: labels of 1 to 63 bytes, 253 in all. */
size_t dns_question_write(const char *name, enum dns_type type, uint16_t id,
    unsigned char out[DNS_QUESTION_MAX]);
/* Takes OPT from it again, for servers that do not know it; its new length. */
size_t dns_question_strip(unsigned char *question, size_t len);
/* Whether the answer is that of such a server (RFC 6891 section 7). */
bool dns_answer_knows_no_opt(const unsigned char *packet, size_t len);
/* Whether it did not fit: TCP has it whole. */
bool dns_answer_is_cut(const unsigned char *packet, size_t len);

/* Reads the answer to that question into the arena; DNS_BROKEN if it is none.
 * answer->ttl_s is how long it may be kept as the answer says, or -1 if it
 * does not say. */
void dns_answer_read(const unsigned char *packet, size_t len, const char *name,
    enum dns_type type, struct arena *arena, struct dns_answer *answer);

#endif
