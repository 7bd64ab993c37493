/*
 * Every bound that is not a setting, with its unit and its reason. Settings
 * have theirs in base/config.h.
 */
#ifndef ELEKTRINE_BOUNDS_H
#define ELEKTRINE_BOUNDS_H

/* --- SMTP (RFC 5321 section 4.5.3.1) ---------------------------------- */

/* A command line with its CRLF. RFC 5321 asks for 512 and lets extensions
 * add (SIZE, SMTPUTF8, DSN, AUTH up to 12,288: RFC 4954 section 4). */
#define LIMIT_COMMAND_LINE 12288
/* Bytes of a command line beyond that which are skipped before the client is
 * cut off. */
#define LIMIT_SKIPPED_LINE (64 * 1024)
/* A path: RFC 5321 has local parts of 64 and domains of 255 bytes at most. Only
 * the sum is a bound here: VERP and SRS make longer local parts. */
#define LIMIT_PATH 320
#define LIMIT_DOMAIN 255
/* A reply line with its code and CRLF. */
#define LIMIT_REPLY_LINE 512
/* Content beyond the largest message that is still read, so that a client
 * which does not stop hears why; then the connection is closed. */
#define LIMIT_SWALLOW (64ULL * 1024 * 1024)
/* Content must come at this speed, in bytes a second, averaged from its
 * beginning, once it has lasted so many milliseconds. */
#define LIMIT_DATA_SPEED 1024
#define LIMIT_DATA_GRACE_MS 60000
/* While over 80 % of the connections are taken, a client may be idle for this
 * long at most, in milliseconds. */
#define LIMIT_CROWDED_IDLE_MS 60000
/* How long a client may take to read our last word, in milliseconds, and what
 * it may say meanwhile, in bytes. */
#define LIMIT_FAREWELL_MS 2000
#define LIMIT_FAREWELL_BYTES (8 * 1024 * 1024)
/* How long a stop waits for clients; what is being committed is always waited
 * for. In milliseconds. */
#define LIMIT_STOP_MS 3000
/* A line of content: RFC 5322 asks for 998 and CRLF; many senders pass it,
 * so content lines are not refused for their length, only counted. */

/* --- a message in memory ---------------------------------------------- */

/* Content up to this many bytes waits in memory and is written with its
 * envelope by one call; more is streamed to its file. */
#define LIMIT_DRAFT_MEMORY (128 * 1024)
/* Bytes of a draft that are gathered before they are written. */
#define LIMIT_WRITE_CHUNK (64 * 1024)

/* --- the form of a message --------------------------------------------- */

/* What is seen of a message at once while it is parsed. Smaller messages are
 * read once and whole. */
#define LIMIT_MIME_WINDOW ((size_t)512 * 1024)
/* The header block of a message, of which the fields are read: 256 KiB as
 * MAX_HEADER_BYTES allows, and our own lines. What is over is skipped. Not
 * more than the window. */
#define LIMIT_HEADER_BLOCK ((size_t)288 * 1024)
/* The header block of a part inside. Real ones have a few hundred bytes. */
#define LIMIT_PART_HEADER ((size_t)32 * 1024)
/* Multiparts inside each other; real mail has up to eight. What is deeper
 * stays closed, as an attachment. */
#define LIMIT_MIME_DEPTH 32
/* A boundary: RFC 2046 section 5.1.1 allows 70 characters, some send more. */
#define LIMIT_BOUNDARY 256
/* Parameters of one header field, pieces of RFC 2231 included. */
#define LIMIT_PARAMETERS 64
/* Recipients taken out of one delivery report. */
#define LIMIT_FAILED_RECIPIENTS 100
/* HTML of which text is made, and that text. Real HTML in mail has up to
 * 200 KiB; what is over is not in text_body, but in html_body. */
#define LIMIT_HTML_INPUT ((size_t)1024 * 1024)
#define LIMIT_HTML_TEXT ((size_t)1024 * 1024)
/* Elements inside each other; what is deeper is text of the last. */
#define LIMIT_HTML_DEPTH 256
/* A file name, in bytes; file systems take 255. */
#define LIMIT_FILENAME 255

/* A streamed message is given to the disk whenever so much of it has come. */
#define LIMIT_WRITE_AHEAD (256 * 1024)

/* --- the spool file --------------------------------------------------- */

/* Room for the check results and reports in an envelope header, which is
 * reserved at the front of a streamed message. */
#define LIMIT_ENVELOPE_ROOM 8192
/* An envelope header, recipients included: 1,000 recipients with their
 * parameters, and the room above. */
#define LIMIT_ENVELOPE (1024 * 1024)
/* Return-Path, Received and Authentication-Results together. */
#define LIMIT_TRACE 8192
/* Recipients of one message, whatever MAX_RECIPIENTS says: one status byte
 * each, on one line that stays under the 998 of RFC 5322. */
#define LIMIT_RECIPIENTS 900

/* run/ballast: what recording outcomes may need on a full disk before the
 * first file is gone: a few thousand index pages. */
#define LIMIT_BALLAST (64 * 1024 * 1024)

/* --- the index -------------------------------------------------------- */

/* The map is address space, not disk: 64 GiB are room for 100 million
 * messages, and it doubles when they are not. */
#define LIMIT_MAP_SIZE (64ULL * 1024 * 1024 * 1024)
/* Messages made durable by one commit. */
#define LIMIT_GROUP 512
/* Beyond so many files one syncfs() is cheaper than a sync of each on every
 * disk that was measured; up to it, pace.h measures. */
#define LIMIT_SYNC_SINGLY 16
/* The last answer of a destination as kept with a delivery, in bytes. */
#define LIMIT_ANSWER 256
/* Attempts kept in the story of a live message; the oldest go first, but
 * the very first stays. 5 days at the cap of 15 minutes are 480. */
#define LIMIT_STORY 600

/* --- delivery --------------------------------------------------------- */

/* What a lost wake-up costs at most, in milliseconds. */
#define LIMIT_POLL_MS 1000
/* Claims of dead agents that are freed by one transaction. */
#define LIMIT_REAP 1000
/* Files of finished messages that wait to be unlinked; delivery waits beyond
 * it, so that the disk does not fill with them. */
#define LIMIT_UNLINK 20000
/* An answer to a webhook is read up to this many bytes. */
#define LIMIT_WEBHOOK_ANSWER (64 * 1024)
/* A large request body gets time to travel at this many bytes a second, on
 * top of the time-out of the call. */
#define LIMIT_UPLOAD_FLOOR (256 * 1024)
/* What a stopping program grants to deliveries in progress, in milliseconds:
 * less than the ten seconds after which container engines kill. */
#define LIMIT_STOP_ATTEMPTS_MS 7000
/* No Retry-After is believed beyond a day. */
#define LIMIT_RETRY_AFTER_S 86400

/* --- SPF (RFC 7208 section 4.6.4) -------------------------------------- */

/* Terms of all records together that ask the DNS, those of them that may get
 * nothing, and names that one MX or PTR query may give. */
#define LIMIT_SPF_TERMS 10
#define LIMIT_SPF_VOIDS 2
#define LIMIT_SPF_NAMES 10
/* What a domain may explain, in bytes: it goes into one reply line. */
#define LIMIT_SPF_EXPLANATION ((size_t)400)
/* Bytes of a wrong term that are shown. */
#define LIMIT_SPF_TERM_SHOWN ((size_t)80)

/* --- DMARC ------------------------------------------------------------- */

/* Different domains in From; mail has one. Each costs queries. */
#define LIMIT_AUTHORS 4
/* Queries of one walk up the tree (RFC 9989 section 4.10). */
#define LIMIT_DMARC_WALK 8

/* --- wake-ups --------------------------------------------------------- */

/* Each step with Redis (connect, log in, one command) in milliseconds, and
 * the silence after which a subscriber asks whether it still lives: about
 * the poll interval that makes up for a lost wake-up. */
#define LIMIT_REDIS_MS 1000

#endif
