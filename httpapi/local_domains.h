/*
 * Which domains are ours, as elektrine-smtpd sees it: Phoenix's list, which it
 * asks for and the spool remembers; before there ever was one, and where no
 * URL is set, LOCAL_DOMAINS. Any thread.
 */
#ifndef HTTPAPI_LOCAL_DOMAINS_H
#define HTTPAPI_LOCAL_DOMAINS_H

#include "httpapi/context.h"

#include <stdbool.h>

struct local_domains;

/* Reads what the spool remembers; the spool must outlive it. */
struct local_domains *local_domains_new(struct spool *spool);
/* Clears the pointer; NULL is fine. */
void local_domains_free(struct local_domains **local);

/* Whether what is remembered was not looked at for some seconds: then
 * local_domains_refresh() is due, which reads the index. */
bool local_domains_are_due(struct local_domains *local);
void local_domains_refresh(struct local_domains *local);

bool local_domains_have(struct local_domains *local,
    const struct settings *settings, const char *domain);

#endif
