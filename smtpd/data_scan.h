/*
 * The bytes of a message on the wire: bytes in, content out, in pieces that
 * are handed on where they lie. Pure.
 *
 * With DATA the content ends at <CR><LF>.<CR><LF> and nothing else, and a dot
 * is taken from the front of a line (RFC 5321 section 4.5.2). With BDAT all
 * bytes are content (RFC 3030). A line begins at the start and behind CRLF,
 * never behind a bare CR or LF: what is sent as one message cannot be taken
 * for two here. Bare ones are noted and, if wanted, made into CRLF.
 */
#ifndef SMTPD_DATA_SCAN_H
#define SMTPD_DATA_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* What was read last. */
enum data_state {
	DATA_LINE,  /* the start, or CRLF */
	DATA_TEXT,  /* something in a line */
	DATA_CR,    /* a CR, already handed on */
	DATA_DOT,   /* a dot at the front of a line, dropped */
	DATA_DOT_CR /* the same and a CR, held back */
};

struct data_scan {
	enum data_state state;
	bool dots;         /* DATA */
	bool normalize;    /* make bare CR and LF into CRLF */
	bool bare_newline; /* there was one */
};

/* Takes a piece of content; the bytes are the sender's, or static. */
typedef void data_sink_fn(void *arg, const char *bytes, size_t len);

struct data_scan data_scan_begin(bool dots, bool normalize);

/* Reads bytes and hands their content to the sink. True at the end of data,
 * then *used says where the next command begins; otherwise all are used. */
bool data_scan_read(struct data_scan *scan, const char *bytes, size_t len,
    size_t *used, data_sink_fn *sink, void *arg);

/* After the last chunk of BDAT: a CR at the very end is a bare one. */
void data_scan_finish(struct data_scan *scan, data_sink_fn *sink, void *arg);

#endif
