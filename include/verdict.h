/*
 * What policy says of a connection, a command or a message, and what the
 * client is told. Made by smtpd/policy.c and its checks only.
 */
#ifndef ELEKTRINE_VERDICT_H
#define ELEKTRINE_VERDICT_H

enum verdict_action {
	VERDICT_ACCEPT = 0,
	VERDICT_DEFER, /* a 4xx reply: the client should come back */
	VERDICT_REJECT /* a 5xx reply: it should not */
};

struct verdict {
	enum verdict_action action;
	int code;             /* 250, 451, 550, ...; 0 with VERDICT_ACCEPT */
	const char *enhanced; /* "5.7.1" (RFC 3463); static storage */
	const char *reason;   /* fixed name for logs: "not_local"; static */
	char text[256];       /* for a postmaster, one line, no CR or LF */
};

#endif
