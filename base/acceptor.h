/*
 * The listening sockets of one event loop: takes what connects to them, a few
 * at a time, so that loops share what comes and connections have their turn.
 * Belongs to the loop's thread.
 */
#ifndef BASE_ACCEPTOR_H
#define BASE_ACCEPTOR_H

#include "base/loop.h"
#include "base/net.h"

#include <stddef.h>

/* Sockets of one acceptor. */
#define ACCEPTOR_MAX 16

struct acceptor;

/* A connection, whose descriptor is the callee's, with its other end; `which`
 * counts the sockets as they were added. */
typedef void acceptor_fn(void *arg, size_t which, int fd, const struct ip *ip);

struct acceptor *acceptor_new(struct loop *loop, acceptor_fn *call, void *arg);
/* Borrows a listening socket that does not block. */
void acceptor_add(struct acceptor *acceptor, int fd);
/* After all descriptors were in use nothing is accepted until this is called:
 * once a second or so. */
void acceptor_resume(struct acceptor *acceptor);
/* Clears the pointer; NULL is fine. */
void acceptor_free(struct acceptor **acceptor);

#endif
