/*
 * What the routes of operators share: spool entries as JSON, pages of lists,
 * and acting on one message.
 */
#ifndef HTTPAPI_OPERATION_H
#define HTTPAPI_OPERATION_H

#include "httpapi/request.h"
#include "spool/operator.h"

/* Whom the history names for what is done here. */
#define OPERATION_WHO "http"

/* Any text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
json_t *operation_text(const char *text);
/* A time as RFC 3339, null if it is 0. */
json_t *operation_time(int64_t wall_ms);
/* One delivery. */
json_t *operation_entry(const struct operator_entry *entry);

/* The id in the path. False: 404 was answered. */
bool operation_id(
    const struct request *request, struct id *id, struct reply *reply);

/* Reads what all lists take (state, lane, recipient, sender, reason, since)
 * into a filter that borrows from the request. False: 400 was answered. */
bool operation_filter(const struct request *request,
    struct operator_filter *filter, struct reply *reply);
/* Answers a page of such a walk: limit and cursor are the request's. */
void operation_page(struct request *request,
    const struct operator_filter *filter, enum operator_sequence sequence,
    struct reply *reply);

/* Acts on the message of the path (and, with ?recipient=, on one delivery of
 * it), and answers what was done: 200 if anything was, 404, or 409. */
void operation_act(
    struct request *request, enum operator_verb verb, struct reply *reply);
void operation_replay(struct request *request, struct reply *reply);

#endif
