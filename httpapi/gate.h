/*
 * A connection. What the client sends goes through framing.h to the HTTP
 * library, which sits behind a pair of sockets, and never sees a slow client,
 * a broken request or the next one while it is at work on this; what it
 * answers goes back. Here are the limits of time and size, and what is said
 * when the library cannot: 400, 408, 413, 431, 503 ... All on the worker's
 * loop.
 */
#ifndef HTTPAPI_GATE_H
#define HTTPAPI_GATE_H

#include "base/net.h"
#include "httpapi/head.h"
#include "httpapi/worker.h"

struct gate;

/* Takes the socket over. Turns the client away if there are too many. */
void gate_open(struct worker *worker, int fd, const struct ip *ip);
/* Once a tick. The gate may be gone afterwards. */
void gate_check_time(struct gate *gate);
/* The program stops: idle clients go, others after their answer. The gate may
 * be gone afterwards. */
void gate_stop(struct gate *gate);
struct gate *gate_after(const struct gate *gate);

/* Of the library's connection; NULL if the client has left. */
struct gate *gate_of(struct MHD_Connection *connection);
/* The head of the request at hand; valid until it was answered. */
const struct head *gate_head(const struct gate *gate);
const struct ip *gate_peer(const struct gate *gate);
/* The library has written its answer, or has given up. */
void gate_answered(struct gate *gate);
/* Ends the connection with an answer of ours, wherever the request is. */
void gate_refuse(struct gate *gate, int status, const char *text);

/* For MHD_OPTION_NOTIFY_CONNECTION. */
void gate_notice_connection(void *worker, struct MHD_Connection *connection,
    void **context, enum MHD_ConnectionNotificationCode code);

#endif
