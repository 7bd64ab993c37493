/*
 * What a text must look like to be an address, a URL, a domain. Each function
 * returns NULL if it does, else how the sentence goes on that begins with the
 * text: "is not a domain name". Pure.
 */
#ifndef BASE_CONFIG_CHECK_H
#define BASE_CONFIG_CHECK_H

/* A DNS name of letters, digits, hyphens (or UTF-8), without a final dot. */
const char *check_domain(const char *text);
const char *check_absolute_path(const char *text);
/* An account of this host. */
const char *check_user(const char *text);

const char *check_http_url(const char *text);
/* redis://[[user]:password@]host[:port][/db] or unix:/path */
const char *check_redis_url(const char *text);

/* A domain, or an address without brackets. */
const char *check_host(const char *text);
/* 192.0.2.0/24, 2001:db8::/32, or an address alone. */
const char *check_cidr(const char *text);
/* The same, or @/path. */
const char *check_cidr_or_file(const char *text);

/* 0.0.0.0:25 or [::]:25; port 0 lets the kernel choose. */
const char *check_listen(const char *text);
/* The same, perhaps with tls: in front. */
const char *check_smtp_listen(const char *text);
/* host:port, where host is a name or an address, or an absolute path. */
const char *check_service(const char *text);
/* host or host:port, no path. */
const char *check_smarthost(const char *text);
/* ip or ip@port */
const char *check_dns_server(const char *text);
/* What follows the last dot of a file name: letters and digits. */
const char *check_extension(const char *text);
/* type/subtype or type/ and a star. */
const char *check_media_type(const char *text);
/* zone=score */
const char *check_weighted_zone(const char *text);

#endif
