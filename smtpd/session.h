/*
 * One client's dialogue (RFC 5321). A session lives on one worker's loop; all
 * functions belong to its thread.
 *
 *   before NEW: greeting.h
 *
 *   NEW --EHLO--> READY --MAIL--> SENDER --RCPT--> RECIPIENTS
 *                   ^                                |     |
 *                   |                           DATA |     | BDAT
 *                   |                                v     v
 *                   |                           CONTENT   CHUNK <-> CHUNKS
 *                   |                                |     |
 *                   +---------- COMMITTING <---------+-----+ LAST
 *
 *   STARTTLS leads from READY through HANDSHAKE to NEW; a connection that is
 *   TLS from its first byte begins there.
 *
 *   CHECKING stands between any two of them while the checks of a stage are
 *   made elsewhere (stage.h); what the client says meanwhile waits.
 *
 *   RSET and EHLO lead back to READY; a refused message too. CLOSING can be
 *   reached from everywhere but COMMITTING: what waits for the disk is always
 *   answered, if anyone is left to hear it.
 *
 * The functions below are for the files that implement verbs.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/log.h"
#include "base/loop.h"
#include "base/net.h"
#include "smtpd/command.h"
#include "smtpd/connection.h"
#include "smtpd/reply.h"
#include "smtpd/stage.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transaction;
struct waiting;
struct worker;

/* Bits, so that a verb can name those it is allowed in. */
enum session_state {
	STATE_NEW = 1,        /* before EHLO or HELO */
	STATE_READY = 2,      /* no transaction */
	STATE_SENDER = 4,     /* MAIL was accepted */
	STATE_RECIPIENTS = 8, /* and RCPT too */
	STATE_CHUNKS = 16,    /* between two chunks of a message */
	STATE_CONTENT = 32,   /* in what follows DATA */
	STATE_CHUNK = 64,     /* in what follows BDAT */
	STATE_COMMITTING = 128,
	STATE_CHECKING = 256,  /* the checks of a stage are waited for */
	STATE_HANDSHAKE = 512, /* TLS is agreed upon, and not on yet */
	STATE_CLOSING = 1024,  /* the last word was said */
	STATE_GONE = 2048,     /* the socket is closed, the memory soon */
	STATE_PROXY = 4096,    /* a proxy must say who comes */
	STATE_GREETING = 8192  /* the greeting waits (greeting.h) */
};

struct session {
	struct connection connection;
	struct session *next, **link; /* of the worker's list */
	enum session_state state;
	bool extended;       /* EHLO, not HELO */
	bool skipping_line;  /* until the end of one that was too long */
	bool welcome;        /* the greeting is on its way */
	bool implicit_tls;   /* from the first byte */
	bool closes_at_once; /* the client asked for it: nothing is lost if
			      * what it may still send finds nobody */
	unsigned errors, messages;
	int64_t since_ms; /* when the wait for the client began: the whole
			   * command line, or the chunk of data */
	int64_t opened_ms;
	struct ip ip, admitted; /* the client's; and that which the limiter
				 * knows */
	char ip_text[IP_TEXT];
	struct loop_timer *greeting; /* NULL: not waited for */
	size_t early_bytes;          /* heard before the greeting */
	char name[17];               /* `session` in the log */
	char tls[TLS_TEXT];          /* protocol and cipher; "" in plain text */
	char *helo;                  /* NULL before EHLO */
	const char *end_reason;

	struct record connected, greeted; /* what checks left at CONNECT, and
					   * at the last HELO */
	struct waiting *waiting;          /* in STATE_CHECKING */
	struct waiting *behind; /* the checks of CONNECT that the greeting did
				 * not wait for, until they let it in */

	struct transaction *transaction; /* NULL: none */
	int64_t data_ms;                 /* when DATA or the chunk began */
	/* Bytes that came for it; or for the line that is skipped, or after
	 * the last word. */
	uint64_t data_wire;
	uint64_t chunk_left;
	bool chunk_last;
	enum reply chunk_fault;           /* not OK: the chunk is dropped, */
	enum session_state chunk_returns; /* and this follows */

	struct loop_task task; /* one at a time: the answer of a commit, or
				* the end */
};

/* --- the worker's side ------------------------------------------------ */

/* Takes the socket over, and greets, once there is TLS if `tls` says that it
 * comes first. The limiter's place is the session's to give back. */
void session_open(struct worker *worker, int fd, const struct ip *ip, bool tls);
/* Ends what was quiet for too long. Every second or so. */
void session_check_time(struct session *session);
/* 421, unless it waits for the disk: then after its answer. */
void session_shut_down(struct session *session);
/* Closes without a word, unless it waits for the disk. */
void session_cut(struct session *session);

/* --- for the verbs ---------------------------------------------------- */

/* The only place where the state changes; begins a new wait. */
void session_move(struct session *session, enum session_state state);
/* Says it; what refuses is told to the log, what counts as an error is counted,
 * and may end the session. */
void session_reply(struct session *session, enum reply reply);
/* The same for a reply that refuses this command: the log learns more. */
void session_refuse(
    struct session *session, const struct command *command, enum reply reply);
/* The last word. The transaction is dropped. */
void session_end(struct session *session, enum reply reply);
void session_end_refused(
    struct session *session, const struct verdict *verdict);
/* The same, logged as a limit that was reached. */
void session_end_for_limit(struct session *session, enum reply reply);
/* Closes the socket now, without a word. */
void session_leave(struct session *session, const char *reason);
/* The last word after what was waited for, if the program stops. */
void session_stop_if_asked(struct session *session);
/* Forgets the transaction and what it held. */
void session_reset(struct session *session);
/* Goes on after COMMITTING and CHECKING: says what there is to say, and reads
 * what came meanwhile. */
void session_resume(struct session *session);

/* A verb: `check` says whether the command makes sense here, having replied
 * if it does not; then policy judges its stage; `proceed` has the effects. */
typedef bool check_command_fn(
    struct session *session, const struct command *command);
typedef void proceed_fn(struct session *session, const struct command *command);

check_command_fn hello_check;
/* As though none had been said: it was refused, or TLS began. */
void hello_forget(struct session *session);
proceed_fn hello_proceed_ehlo, hello_proceed_helo;
check_command_fn starttls_check;
proceed_fn starttls_proceed;
check_command_fn transaction_check_mail, transaction_check_rcpt;
proceed_fn transaction_proceed_mail, transaction_proceed_rcpt;
proceed_fn data_proceed_data, data_proceed_bdat;

/* Fields that each of its log lines has. */
#define SESSION_FIELDS(s)                                                      \
	LOG_TEXT("session", (s)->name), LOG_TEXT("ip", (s)->ip_text)

#endif
