/*
 * The listening sockets of one event loop: takes what connects to them, a few
 * at a time, so that loops share what comes and connections have their turn.
 * Belongs to the loop's thread.
 */
#ifndef BASE_ACCEPTOR_H
#define BASE_ACCEPTOR_H

#include "base/listeners.h"
#include "base/loop.h"

struct acceptor;

/* A connection, whose descriptor is the callee's, with its other end, and the
 * socket that it came to. */
typedef void acceptor_fn(
    void *arg, const struct listener *listener, int fd, const struct ip *ip);

/* The listeners are borrowed. */
struct acceptor *acceptor_new(struct loop *loop,
    const struct listeners *listeners, acceptor_fn *call, void *arg);
/* After all descriptors were in use nothing is accepted until this is called:
 * once a second or so. */
void acceptor_resume(struct acceptor *acceptor);
/* Clears the pointer; NULL is fine. */
void acceptor_free(struct acceptor **acceptor);

#endif
