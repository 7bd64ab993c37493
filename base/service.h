/* The service manager, spoken to without its library (sd_notify(3),
 * sd_listen_fds(3)). Without one, everything here does nothing. */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include <stddef.h>

/* Tells the manager of $NOTIFY_SOCKET that the program is ready to serve, or
 * that it began to stop. Never waits. */
void service_ready(void);
void service_stopping(void);

/* Listening sockets that were passed in ($LISTEN_FDS): how many, and the
 * first one's number in *first; they follow each other. They are now closed
 * on exec, and the variables are gone, so that only the first call finds
 * them. Call it before any thread is made. */
size_t service_inherited_sockets(int *first);

#endif
