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

/* --- the DNS ---------------------------------------------------------- */

/* One question, in milliseconds, whatever is tried for it. */
#define LIMIT_DNS_QUERY_MS 6000
/* Until the same server is asked again; doubled at each of so many tries. */
#define LIMIT_DNS_TRY_MS 1000
#define LIMIT_DNS_TRIES 3
/* An answer by UDP: fits into any path without fragments (DNS flag day 2020).
 * What is larger comes by TCP. */
#define LIMIT_DNS_UDP 1232
/* Records of one answer that are read, and aliases that are followed in it. */
#define LIMIT_DNS_RECORDS 500
#define LIMIT_DNS_ALIASES 12
/* Answers are kept for so many seconds at least and at most; those that
 * nothing is there (RFC 2308) shorter, and failures for a moment (RFC 9520). */
#define LIMIT_DNS_TTL_LEAST_S 5
#define LIMIT_DNS_TTL_MOST_S 3600
#define LIMIT_DNS_NEGATIVE_S 900
#define LIMIT_DNS_FAILURE_S 5
/* How many are kept, and their bytes together. */
#define LIMIT_DNS_CACHE 50000
#define LIMIT_DNS_CACHE_BYTES (32 * 1024 * 1024)
/* When nothing at all was heard for so many milliseconds, whatever was asked,
 * no answer is waited for longer than LIMIT_DNS_PROBE_MS. After so many
 * questions in a row without any answer the resolver counts as silent: most
 * fail at once, and one in LIMIT_DNS_PROBE_MS tries again. */
#define LIMIT_DNS_PATIENCE_MS 2500
#define LIMIT_DNS_SILENT 10
#define LIMIT_DNS_PROBE_MS 500

/* --- TLS -------------------------------------------------------------- */

/* A PEM file: a dozen certificates with all their text have 64 KiB. */
#define LIMIT_PEM ((size_t)256 * 1024)
/* A handshake from its first to its last byte, in milliseconds: two round
 * trips, and packets that get lost. */
#define LIMIT_HANDSHAKE_MS 30000
/* How often certificate files are looked at, in milliseconds. Whoever renews
 * them writes all of them in that time. */
#define LIMIT_CERTIFICATE_POLL_MS 2000
/* Certificates are read anew after so long, in milliseconds, also if they are
 * what they were: with them come new keys for session tickets, and an old key
 * that is stolen tells of half a day at most. */
#define LIMIT_TICKET_KEYS_MS (INT64_C(12) * 60 * 60 * 1000)

/* --- checks on the way in --------------------------------------------- */

/* All checks of one stage, in milliseconds: clients wait five minutes for an
 * answer, and ten for that to the end of data (RFC 5321 section 4.5.3.2). */
#define LIMIT_STAGE_MS 30000
#define LIMIT_MESSAGE_STAGE_MS 118000
/* The greeting waits so long for the checks of the connection, in
 * milliseconds, or as long as for early talkers; then they go on beside it. */
#define LIMIT_GREETING_MS 1000
/* A check that has not ended so long after that is given up: 451. */
#define LIMIT_STAGE_GRACE_MS 1000
/* Threads that wait for name servers, for Phoenix, and for each scanner: many
 * where one answer may be slow and the next is not, few where they share one
 * service's processors. */
#define LIMIT_DNS_THREADS 128
#define LIMIT_PHOENIX_THREADS 32
#define LIMIT_SCANNER_THREADS 16
/* Threads that look into large messages: work for processors, not waiting. */
#define LIMIT_CONTENT_THREADS 4
/* Of each text, in bytes, links are looked for in the beginning; and of a
 * message so many domains are asked for in lists. */
#define LIMIT_LINK_TEXT ((size_t)256 * 1024)
#define LIMIT_LINK_DOMAINS 100
/* A block list that failed so many questions in a row is left out until it is
 * heard again; and so many lists are watched for that. */
#define LIMIT_LIST_FAILURES 3
#define LIMIT_LISTS_WATCHED 100
/* Messages inside messages that are searched for attachments: forwarded ones
 * are two or three deep. And what of them comes encoded, decoded, in bytes. */
#define LIMIT_LETTERS_DEPTH 20
#define LIMIT_LETTERS_DECODED ((size_t)4 * 1024 * 1024)
/* How much of an attachment's name a finding shows. */
#define LIMIT_NAME_SHOWN ((size_t)60)
/* A file of networks: some hundred thousand of them. */
#define LIMIT_ACCESS_FILE ((size_t)4 * 1024 * 1024)
/* How long a proxy may take to say who it speaks for, in milliseconds. */
#define LIMIT_PROXY_MS 10000
/* One call to Phoenix of a check, in milliseconds, and its answer, in bytes: a
 * list of some hundred thousand domains. */
#define LIMIT_PHOENIX_MS 10000
#define LIMIT_DOMAIN_LIST ((size_t)8 * 1024 * 1024)
/* After a list of domains that did not come, it is asked for again so soon,
 * and twice as late each time. In milliseconds. */
#define LIMIT_DOMAINS_RETRY_MS 2000
/* Answers on recipients: how many are kept, and for how long those that say
 * "no", in milliseconds. */
#define LIMIT_VERIFY_CACHE 200000
#define LIMIT_VERIFY_CACHE_BYTES (64 * 1024 * 1024)
#define LIMIT_VERIFY_NO_MS 60000
/* After so many calls in a row without an answer, one in so many milliseconds
 * tries again, and the others fail at once. */
#define LIMIT_VERIFY_SILENT 3
#define LIMIT_VERIFY_PROBE_MS 1000
/* How long a scanner may take for one message, in milliseconds: both together
 * stay within the stage. Real ones need seconds at most. */
#define LIMIT_CLAMD_MS 60000
#define LIMIT_SPAMD_MS 50000
/* What a scanner may answer, in bytes: a line, and a report. */
#define LIMIT_CLAMD_ANSWER 1024
#define LIMIT_SPAMD_ANSWER ((size_t)64 * 1024)
/* As much of the report is kept, in bytes. */
#define LIMIT_SPAM_REPORT 4000
/* Sessions that may wait for one service where SMTP_MAX_CONNECTIONS is off. */
#define LIMIT_CHECKS_WAITING 100000
/* Findings kept with a message, what each says at most, in bytes, and what
 * they may take in its envelope together; of that those of recipients, of
 * which there may be many. All are in the log. */
#define LIMIT_FINDINGS 32
#define LIMIT_FINDING_TEXT 200
#define LIMIT_FINDINGS_ROOM 8192
#define LIMIT_RECIPIENT_FINDINGS (LIMIT_FINDINGS / 2)
#define LIMIT_RECIPIENT_FINDINGS_ROOM (LIMIT_FINDINGS_ROOM / 2)
/* Methods in one Authentication-Results line: SPF, DMARC, ARC, and one for
 * each DKIM signature. */
#define LIMIT_AUTHENTICATION 16
/* One of them: the signer's domain and selector may have 253 bytes each. */
#define LIMIT_RESINFO 768

/* --- a message in memory ---------------------------------------------- */

/* Content up to this many bytes waits in memory and is written with its
 * envelope by one call; more is streamed to its file. */
#define LIMIT_DRAFT_MEMORY (128 * 1024)
/* Bytes of a draft that are gathered before they are written. */
#define LIMIT_WRITE_CHUNK (64 * 1024)
/* A streamed message is given to the disk whenever so much of it has come. */
#define LIMIT_WRITE_AHEAD (256 * 1024)
/* A body over so many bytes leaves the page cache once it is on disk. A queue
 * of them would push everything else out, and the next message's bytes cost
 * twice as much in pages that nobody used lately; reading one back takes about
 * a millisecond a megabyte, less than posting it. */
#define LIMIT_KEEP_CACHED (512 * 1024)

/* --- the form of a message -------------------------------------------- */

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
/* Files in uuencode that are taken out of one text; more stay text. */
#define LIMIT_UUENCODED 50
/* Recipients taken out of one delivery report. */
#define LIMIT_FAILED_RECIPIENTS 100
/* HTML of which text is made, and that text. Real HTML in mail has up to
 * 200 KiB; what is over is not in text_body, but in html_body. */
#define LIMIT_HTML_INPUT ((size_t)1024 * 1024)
#define LIMIT_HTML_TEXT ((size_t)1024 * 1024)
/* Elements inside each other; what is deeper is text of the last. */
#define LIMIT_HTML_DEPTH 256
/* The name in front of an address that an application writes, in bytes. */
#define LIMIT_DISPLAY_NAME ((size_t)512)
/* A file name, in bytes; file systems take 255. */
#define LIMIT_FILENAME 255

/* --- signatures (DKIM, ARC) ------------------------------------------- */

/* Tags of one list: the standards know 15, and let others add some. */
#define LIMIT_TAGS 64
/* Names in one h= tag; real ones have up to 60. */
#define LIMIT_SIGNED_NAMES 1000
/* DKIM signatures of a message that are looked at, from the top: each may cost
 * a key query. Real mail has up to five. */
#define LIMIT_SIGNATURES 20
/* ARC sets: RFC 8617 section 4.2.1. */
#define LIMIT_ARC_SETS 50
/* Key records of one name that are tried (RFC 6376 section 6.1.2). */
#define LIMIT_KEY_RECORDS 8
/* RSA keys in bits. RFC 8301 section 3.2: less than 1024 never counts, up to
 * 4096 must; beyond it the work grows and nobody has one. */
#define LIMIT_RSA_BITS_LEAST 1024
#define LIMIT_RSA_BITS 8192
/* Bits of an RSA exponent: everybody's has 17, and a long one costs as much as
 * signing does. */
#define LIMIT_RSA_EXPONENT_BITS 64
/* Clocks differ, in seconds: so long after its end (x=) a signature still
 * counts, and so far in the future it may have been made (t=): clocks set to
 * local time and said to be UTC are common. */
#define LIMIT_EXPIRY_DRIFT_S 300
#define LIMIT_FUTURE_DRIFT_S 43200

/* --- the spool file --------------------------------------------------- */

/* Room for the check results and reports in an envelope header, which is
 * reserved at the front of a streamed message. */
#define LIMIT_ENVELOPE_ROOM 8192
/* An envelope header, recipients included: 1,000 recipients with their
 * parameters, and the room above. */
#define LIMIT_ENVELOPE (1024 * 1024)
/* Return-Path, Received and Authentication-Results together. */
#define LIMIT_TRACE 16384
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
/* The last answer of a destination as kept with a delivery, in bytes with
 * its NUL. */
#define LIMIT_ANSWER 256
/* Attempts kept in the story of a live message; the oldest go first, but
 * the very first stays. 5 days at the cap of 15 minutes are 480. */
#define LIMIT_STORY 600

/* How long a key under which a request may be repeated is remembered, in
 * milliseconds: a day, as callers were promised. */
#define LIMIT_KEY_LIFETIME_MS (24 * 60 * INT64_C(60000))

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

/* --- SPF (RFC 7208 section 4.6.4) ------------------------------------- */

/* Terms of all records together that ask the DNS, those of them that may get
 * nothing, and names that one MX or PTR query may give. */
#define LIMIT_SPF_TERMS 10
#define LIMIT_SPF_VOIDS 2
#define LIMIT_SPF_NAMES 10
/* What a domain may explain, in bytes: it goes into one reply line. */
#define LIMIT_SPF_EXPLANATION ((size_t)400)
/* Bytes of a wrong term that are shown. */
#define LIMIT_SPF_TERM_SHOWN ((size_t)80)

/* --- DMARC ------------------------------------------------------------ */

/* Different domains in From; mail has one. Each costs queries; with more than
 * these it is an attack. */
#define LIMIT_AUTHORS 10
/* Signs of an address in a malformed From. */
#define LIMIT_AUTHOR_SIGNS 100
/* Queries of one walk up the tree (RFC 9989 section 4.10). */
#define LIMIT_DMARC_WALK 8

/* --- HTTP ------------------------------------------------------------- */

/* A request line and its header lines, in bytes; the usual servers allow 8 to
 * 32 KiB, Node.js as much as this. */
#define LIMIT_HTTP_HEAD ((size_t)16 * 1024)
/* Of these the path with its query, and the method's name. */
#define LIMIT_HTTP_TARGET ((size_t)8 * 1024)
#define LIMIT_HTTP_METHOD ((size_t)32)
/* Header lines of a request, and parameters of its query. */
#define LIMIT_HTTP_FIELDS 100
/* Hexadecimal digits of a chunk's size: more than any body here needs, and far
 * from where a number would overflow. */
#define LIMIT_HTTP_CHUNK_DIGITS 12
/* Chunk extensions and trailers of a request, in bytes; nobody sends any. */
#define LIMIT_HTTP_EXTRA ((size_t)8 * 1024)
/* The body of a request to send mail, in bytes. */
#define LIMIT_HTTP_BODY ((uint64_t)50 * 1024 * 1024)
/* The body of any other request: a DKIM key has 2 KiB. */
#define LIMIT_HTTP_SMALL_BODY ((uint64_t)64 * 1024)
/* What is kept in memory of a JSON body: all but its long strings. The value
 * made of it takes up to 25 times as much. */
#define LIMIT_JSON_KEPT ((size_t)256 * 1024)
/* A string of JSON that is longer, in bytes, is not among it. */
#define LIMIT_JSON_STRING ((size_t)256)
/* Parts and further headers that a letter may have. */
#define LIMIT_LETTER_PARTS 500
#define LIMIT_LETTER_HEADERS 200
/* The value of one of its headers, and a list of its recipients, in bytes. */
#define LIMIT_HEADER_VALUE ((size_t)16 * 1024)
#define LIMIT_ADDRESS_TEXT ((size_t)64 * 1024)
/* What is said of an attachment: its name, its type, its content id. */
#define LIMIT_DETAIL ((size_t)1024)
/* A key for signing, in bits, and its PEM, which has 6 KB then. */
#define LIMIT_DKIM_BITS 8192
#define LIMIT_DKIM_PEM ((size_t)16 * 1024)
/* An Idempotency-Key, in characters. */
#define LIMIT_IDEMPOTENCY_KEY 255
/* Connections at once. The application's pool has 50 or so. */
#define LIMIT_HTTP_CONNECTIONS 1000
/* How long a connection may lie idle, and a head may take from its first byte
 * on, in milliseconds. */
#define LIMIT_HTTP_IDLE_MS 75000
#define LIMIT_HTTP_HEAD_MS 30000
/* A body may take this long; after that it must have come at this speed, in
 * bytes a second, on average. */
#define LIMIT_HTTP_BODY_MS 30000
#define LIMIT_HTTP_BODY_SPEED (16 * 1024)
/* How long a client may read nothing of its answer, in milliseconds. */
#define LIMIT_HTTP_STALL_MS 30000
/* What is read at once of a connection, and held for it in each direction. */
#define LIMIT_HTTP_PIECE ((size_t)16 * 1024)
/* What the HTTP library may use for one connection: the head, twice, and its
 * list of the fields. It clears all of that for each request. */
#define LIMIT_HTTP_POOL ((size_t)48 * 1024)
/* Calls that may block: how many at once, and how many may wait. */
#define LIMIT_HTTP_THREADS 8
#define LIMIT_HTTP_WAITING 200
/* The body of an answer. Lists come in pages. */
#define LIMIT_HTTP_ANSWER ((size_t)8 * 1024 * 1024)

/* --- wake-ups --------------------------------------------------------- */

/* Each step with Redis (connect, log in, one command) in milliseconds, and
 * the silence after which a subscriber asks whether it still lives: about
 * the poll interval that makes up for a lost wake-up. */
#define LIMIT_REDIS_MS 1000

/* Entries of a page of the HTTP API that asks for nothing else, and at most;
 * and rows of the index that one request looks at: a tenth of a second. */
#define HTTP_PAGE 50
#define LIMIT_HTTP_PAGE 1000
#define LIMIT_HTTP_PAGE_ROWS 50000
/* Lines of the story of one message; each has some 1 KB. */
#define LIMIT_HTTP_EVENTS 2000
/* How long it may take to see whether a key's record is published. */
#define LIMIT_DKIM_DNS_MS 3000
/* Open circuits that a status has, and dead letters that the page shows. */
#define LIMIT_HTTP_CIRCUITS 100
#define HTTP_LAST_LETTERS 8
/* The page's past: a sample every so many seconds, for an hour. */
#define SAMPLE_S 5
#define SAMPLES 720

/* --- wake-ups --------------------------------------------------------- */

/* Each step with Redis (connect, log in, one command) in milliseconds, and
 * the silence after which a subscriber asks whether it still lives: about
 * the poll interval that makes up for a lost wake-up. */
#define LIMIT_REDIS_MS 1000

/* --- monitoring ------------------------------------------------------- */

/* Metrics that one process declares; series (a metric with one value of its
 * label) and numbers that it records; different values of one label. Twice
 * what there is: reasons and names come from our own tables. */
#define LIMIT_METRICS 128
#define LIMIT_METRIC_SERIES 512
#define LIMIT_METRIC_CELLS 4096
#define LIMIT_METRIC_VALUES 64
/* Figures in text, in bytes: some 200 for each line. */
#define LIMIT_METRICS_TEXT (4 * 1024 * 1024)
/* Processes of one program on one spool, at the same time. */
#define LIMIT_METRIC_FILES 64

#endif
