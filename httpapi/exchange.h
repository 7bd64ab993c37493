/*
 * A request as it goes through the HTTP library: found its route, judged,
 * read, served (on the pool if that may block) and answered. On the worker's
 * loop.
 */
#ifndef HTTPAPI_EXCHANGE_H
#define HTTPAPI_EXCHANGE_H

#include "httpapi/worker.h"

/* MHD_AccessHandlerCallback */
enum MHD_Result exchange_handle(void *worker, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *data,
    size_t *len, void **context);

/* MHD_RequestCompletedCallback */
void exchange_completed(void *worker, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code);

#endif
