#include "httpapi/gate.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "httpapi/framing.h"
#include "httpapi/reply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What the library knows of the gate. It may outlive it. */
struct wire {
	struct gate *gate;
};

struct gate {
	struct gate *next, *prev;
	struct worker *worker;
	struct wire *wire; /* NULL once the library has closed its end */
	struct ip ip;
	int client, inner; /* inner: our end of the pair */
	struct loop_watch *client_watch, *inner_watch;
	struct framing framing;
	struct buf pending; /* what came behind the request at hand */
	struct buf inward, outward;
	bool asked;    /* the request at hand is whole */
	bool begun;    /* the client has the beginning of its answer */
	bool answered; /* the library is through with it */
	bool gone;     /* the client sends nothing more */
	bool last;     /* this answer ends the connection */
	bool leaving; /* all is said; the client's last bytes are thrown away */
	bool ended;
	uint64_t thrown;
	int64_t since_ms; /* when it became idle, began a head, began a body */
	int64_t sent_ms;  /* when the client took something of the answer */
	bool pumping;
	struct loop_task pump, end;
};

static void pump(struct gate *gate);

/* --- the end ---------------------------------------------------------- */

static void on_end(void *arg)
{
	struct gate *gate = arg;

	framing_close(&gate->framing);
	buf_free(&gate->pending);
	buf_free(&gate->inward);
	buf_free(&gate->outward);
	free(gate);
}

static void close_inner(struct gate *gate)
{
	if (gate->inner < 0)
		return;
	loop_watch_close(&gate->inner_watch);
	(void)close(gate->inner);
	gate->inner = -1;
	/* The library finds its end closed. */
	worker_stir(gate->worker);
}

static void end(struct gate *gate)
{
	struct worker *worker = gate->worker;

	if (gate->ended)
		return;
	gate->ended = true;
	if (gate->wire != NULL)
		gate->wire->gate = NULL;
	close_inner(gate);
	loop_watch_close(&gate->client_watch);
	(void)close(gate->client);
	if (gate->prev != NULL)
		gate->prev->next = gate->next;
	else
		worker->gates = gate->next;
	if (gate->next != NULL)
		gate->next->prev = gate->prev;
	atomic_fetch_sub(&worker->context->counters.connections, 1);
	loop_defer(worker->loop, &gate->end);
	worker_left(worker);
}

/* All is said. A close with unread bytes would reset the connection, and the
 * client might never see our answer: so it is read on for a while. */
static void leave(struct gate *gate)
{
	close_inner(gate);
	if (gate->gone) {
		end(gate);
		return;
	}
	(void)shutdown(gate->client, SHUT_WR);
	gate->leaving = true;
	gate->since_ms = gate->worker->now_ms;
	loop_watch_want(gate->client_watch, LOOP_READ);
}

static void throw_away(struct gate *gate)
{
	struct worker *worker = gate->worker;
	ssize_t got;

	while (gate->thrown < LIMIT_FAREWELL_BYTES) {
		got =
		    recv(gate->client, worker->piece, sizeof(worker->piece), 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0)
			break;
		gate->thrown += (uint64_t)got;
	}
	end(gate);
}

/* --- answers of ours -------------------------------------------------- */

/* Without its body if it answers HEAD. */
static void write_refusal(
    struct buf *out, int status, const char *text, bool to_head)
{
	const char *title = reply_title((unsigned)status);
	char body[512], date[40];
	struct tm utc;
	time_t now = clock_wall_ms() / 1000;
	int len = snprintf(body, sizeof(body),
	    "{\"success\":false,\"error\":\"%s\",\"type\":\"about:blank\","
	    "\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
	    text, title, status, text);

	(void)gmtime_r(&now, &utc);
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	(void)buf_printf(out,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Content-Length: %d\r\nConnection: close\r\n"
	    "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
	    "%s\r\n%s",
	    status, title, date, len, status == 503 ? "Retry-After: 5\r\n" : "",
	    to_head ? "" : body);
}

static void ask_pump(struct gate *gate)
{
	if (gate->pumping || gate->ended)
		return;
	gate->pumping = true;
	loop_defer(gate->worker->loop, &gate->pump);
}

static bool asks_head(const struct gate *gate)
{
	const struct buf *text = &gate->framing.text;

	return text->len >= 5 && memcmp(text->data, "HEAD ", 5) == 0;
}

/* The answer that has begun is the last, and nothing may stand in it. */
static void stop_reading(struct gate *gate)
{
	gate->asked = true;
	gate->gone = true;
	ask_pump(gate);
}

void gate_refuse(struct gate *gate, int status, const char *text)
{
	char ip[IP_TEXT];

	if (gate->ended || gate->leaving || gate->last)
		return;
	if (gate->begun) {
		stop_reading(gate);
		return;
	}
	ip_format(&gate->ip, ip);
	log_event(LOG_INFO, "request_refused", LOG_TEXT("ip", ip),
	    LOG_NUMBER("status", status), LOG_TEXT("reason", text));
	close_inner(gate);
	write_refusal(&gate->outward, status, text, asks_head(gate));
	gate->sent_ms = gate->worker->now_ms;
	gate->last = true;
	ask_pump(gate);
}

static void turn_away(struct worker *worker, int fd, const struct ip *ip)
{
	struct buf text = buf_new(1024);
	char name[IP_TEXT];

	ip_format(ip, name);
	log_event(LOG_WARN, "limit_exceeded", LOG_TEXT("ip", name),
	    LOG_TEXT("limit", "connections"));
	atomic_fetch_add(&worker->context->counters.connections_refused, 1);
	write_refusal(&text, 503, "too many connections", false);
	(void)send(fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	(void)close(fd);
	buf_free(&text);
}

/* --- outward ---------------------------------------------------------- */

/* False once the client is lost. */
static bool send_some(
    struct gate *gate, const char *data, size_t len, size_t *taken)
{
	ssize_t sent = send(gate->client, data, len, MSG_NOSIGNAL);

	*taken = sent > 0 ? (size_t)sent : 0;
	if (sent > 0)
		gate->sent_ms = gate->worker->now_ms;
	return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool flush_outward(struct gate *gate)
{
	struct buf *out = &gate->outward;
	size_t taken;

	if (out->len == 0)
		return true;
	if (!send_some(gate, out->data, out->len, &taken))
		return false;
	buf_consume(out, taken);
	return true;
}

/* What the client does not take now waits. */
static bool say(struct gate *gate, const char *data, size_t len)
{
	size_t taken;

	gate->sent_ms = gate->worker->now_ms;
	return send_some(gate, data, len, &taken) &&
	       buf_append(&gate->outward, data + taken, len - taken);
}

/* RFC 9110 section 15.2.1: the answer itself is still to come. */
static bool is_interim(const char *text, size_t len)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

	return len == sizeof(interim) - 1 && memcmp(text, interim, len) == 0;
}

/* The next piece of the library's answer. False if there is none now. */
static bool hear_library(struct gate *gate, size_t *len)
{
	struct worker *worker = gate->worker;
	ssize_t got = recv(
	    gate->inner, worker->piece, sizeof(worker->piece), MSG_DONTWAIT);

	if (got > 0) {
		*len = (size_t)got;
		return true;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_inner(gate);
		gate->last = true;
	}
	return false;
}

static void move_out(struct gate *gate)
{
	const char *piece = gate->worker->piece;
	bool heard = flush_outward(gate);
	size_t len;

	while (heard && gate->outward.len == 0 && gate->inner >= 0) {
		if (!hear_library(gate, &len))
			return;
		gate->begun = gate->begun || !is_interim(piece, len);
		heard = say(gate, piece, len);
	}
	if (!heard)
		end(gate);
}

/* --- inward ----------------------------------------------------------- */

static void flush_inward(struct gate *gate)
{
	struct buf *in = &gate->inward;
	ssize_t sent;

	if (in->len == 0)
		return;
	if (gate->inner < 0) {
		/* The library has answered and wants no more of this. */
		buf_clear(in);
		return;
	}
	sent =
	    send(gate->inner, in->data, in->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0)
		buf_consume(in, (size_t)sent);
	else if (sent < 0 && errno != EAGAIN && errno != EINTR)
		buf_clear(in);
	worker_stir(gate->worker);
}

/* Through the filter; what belongs to the next request waits. */
static void frame(struct gate *gate, struct slice piece)
{
	bool fresh =
	    gate->framing.state == FRAMING_FRESH && gate->framing.text.len == 0;
	bool had_head = framing_has_head(&gate->framing);

	if (fresh)
		gate->since_ms = gate->worker->now_ms;
	switch (framing_read(&gate->framing, &piece, &gate->inward)) {
	case FRAMING_MORE:
		break;
	case FRAMING_DONE:
		gate->asked = true;
		break;
	case FRAMING_BAD:
		gate_refuse(
		    gate, gate->framing.fault.status, gate->framing.fault.text);
		return;
	}
	if (!had_head && framing_has_head(&gate->framing))
		gate->since_ms = gate->worker->now_ms;
	if (piece.len > 0)
		(void)buf_append(&gate->pending, piece.data, piece.len);
}

static void on_client_ended(struct gate *gate)
{
	gate->gone = true;
	if (gate->begun)
		stop_reading(gate);
	else if (!gate->asked)
		end(gate);
}

/* Whether something came. */
static bool read_client(struct gate *gate)
{
	struct worker *worker = gate->worker;
	ssize_t got =
	    recv(gate->client, worker->piece, sizeof(worker->piece), 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		on_client_ended(gate);
		return false;
	}
	frame(gate, (struct slice){worker->piece, (size_t)got});
	return true;
}

static void read_pending(struct gate *gate)
{
	struct buf pending = gate->pending;

	gate->pending = buf_new(LIMIT_HTTP_PIECE);
	frame(gate, (struct slice){pending.data, pending.len});
	buf_free(&pending);
}

static bool wants_more(const struct gate *gate)
{
	return !gate->asked && !gate->last && !gate->gone && !gate->ended &&
	       gate->inward.len == 0;
}

static void move_in(struct gate *gate)
{
	flush_inward(gate);
	while (wants_more(gate)) {
		if (gate->pending.len > 0)
			read_pending(gate);
		else if (!read_client(gate))
			return;
		flush_inward(gate);
	}
}

/* --- both ------------------------------------------------------------- */

static void begin_next(struct gate *gate)
{
	framing_next(&gate->framing);
	gate->asked = false;
	gate->begun = false;
	gate->answered = false;
	gate->since_ms = gate->worker->now_ms;
	if (gate->outward.size > LIMIT_HTTP_PIECE)
		buf_free(&gate->outward);
	if (gate->inward.size > LIMIT_HTTP_PIECE)
		buf_free(&gate->inward);
}

/* An answered request makes room for the next one. */
static void turn_over(struct gate *gate)
{
	if (gate->ended || gate->outward.len > 0)
		return;
	if (gate->answered && gate->asked && !gate->last) {
		if (gate->gone || gate->worker->stop_ms != 0)
			gate->last = true;
		else
			begin_next(gate);
	}
	if (gate->last)
		leave(gate);
}

static void watch(struct gate *gate)
{
	unsigned want = LOOP_READ;

	if (gate->ended || gate->leaving)
		return;
	/* While a request is at work nothing is read; the watch stays, and is
	 * only taken away if the client does send something. */
	if (gate->outward.len > 0)
		want = LOOP_WRITE;
	loop_watch_want(gate->client_watch, want);
	if (gate->inner_watch != NULL)
		loop_watch_want(gate->inner_watch,
		    (gate->outward.len == 0 ? LOOP_READ : 0) |
			(gate->inward.len > 0 ? LOOP_WRITE : 0));
}

static void pump(struct gate *gate)
{
	move_out(gate);
	turn_over(gate);
	if (!gate->ended && !gate->leaving)
		move_in(gate);
	watch(gate);
}

static void on_pump(void *arg)
{
	struct gate *gate = arg;

	gate->pumping = false;
	if (gate->ended)
		return;
	gate->worker->now_ms = clock_mono_ms();
	pump(gate);
}

static void on_client_ready(void *arg, unsigned ready)
{
	struct gate *gate = arg;

	gate->worker->now_ms = clock_mono_ms();
	if (gate->leaving) {
		throw_away(gate);
		return;
	}
	pump(gate);
	if (!gate->ended && !gate->leaving && (ready & LOOP_READ) != 0 &&
	    !wants_more(gate) && gate->outward.len == 0)
		loop_watch_want(gate->client_watch, 0);
}

static void on_inner_ready(void *arg, unsigned ready)
{
	struct gate *gate = arg;

	(void)ready;
	gate->worker->now_ms = clock_mono_ms();
	pump(gate);
}

/* --- time ------------------------------------------------------------- */

static bool body_is_slow(const struct gate *gate, int64_t lasted_ms)
{
	return lasted_ms >= LIMIT_HTTP_BODY_MS &&
	       gate->framing.body <
		   (uint64_t)lasted_ms * LIMIT_HTTP_BODY_SPEED / 1000;
}

static void check_request_time(struct gate *gate, int64_t lasted_ms)
{
	bool fresh =
	    gate->framing.state == FRAMING_FRESH && gate->framing.text.len == 0;

	if (gate->asked)
		return;
	if (fresh) {
		if (lasted_ms >= LIMIT_HTTP_IDLE_MS)
			end(gate);
	} else if (!framing_has_head(&gate->framing)) {
		if (lasted_ms >= LIMIT_HTTP_HEAD_MS)
			gate_refuse(gate, 408, "the header did not come");
	} else if (body_is_slow(gate, lasted_ms)) {
		gate_refuse(gate, 408, "the body comes too slowly");
	}
}

void gate_check_time(struct gate *gate)
{
	int64_t now_ms = gate->worker->now_ms;
	int64_t lasted_ms = now_ms - gate->since_ms;
	int64_t stop_ms = gate->worker->stop_ms;

	if (gate->leaving) {
		if (lasted_ms >= LIMIT_FAREWELL_MS || stop_ms != 0)
			end(gate);
	} else if (gate->outward.len > 0) {
		if (now_ms - gate->sent_ms >= LIMIT_HTTP_STALL_MS ||
		    (stop_ms != 0 && now_ms >= stop_ms))
			end(gate);
	} else if (stop_ms != 0 && now_ms >= stop_ms && !gate->asked) {
		end(gate);
	} else {
		check_request_time(gate, lasted_ms);
	}
}

void gate_stop(struct gate *gate)
{
	if (gate->framing.state == FRAMING_FRESH && !gate->leaving &&
	    gate->outward.len == 0)
		end(gate);
}

/* --- the library's side ----------------------------------------------- */

void gate_notice_connection(void *arg, struct MHD_Connection *connection,
    void **context, enum MHD_ConnectionNotificationCode code)
{
	struct worker *worker = arg;
	struct wire *wire;

	(void)connection;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		wire = xcalloc(1, sizeof(*wire));
		wire->gate = worker->opening;
		worker->opening->wire = wire;
		*context = wire;
		return;
	}
	wire = *context;
	if (wire != NULL && wire->gate != NULL)
		wire->gate->wire = NULL;
	free(wire);
	*context = NULL;
}

struct gate *gate_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct wire *wire = info == NULL ? NULL : info->socket_context;

	return wire == NULL ? NULL : wire->gate;
}

const struct head *gate_head(const struct gate *gate)
{
	assert(framing_has_head(&gate->framing));
	return &gate->framing.head;
}

const struct ip *gate_peer(const struct gate *gate)
{
	return &gate->ip;
}

void gate_answered(struct gate *gate)
{
	gate->answered = true;
	ask_pump(gate);
}

struct gate *gate_after(const struct gate *gate)
{
	return gate->next;
}

/* --- the beginning ---------------------------------------------------- */

static bool connect_library(struct gate *gate)
{
	struct sockaddr_storage nobody = {.ss_family = AF_UNIX};
	struct worker *worker = gate->worker;
	enum MHD_Result added;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) != 0)
		return false;
	gate->inner = pair[0];
	worker->opening = gate;
	/* It closes its end also if it fails. */
	added = MHD_add_connection(worker->http, pair[1],
	    (struct sockaddr *)&nobody, sizeof(sa_family_t));
	worker->opening = NULL;
	return added == MHD_YES;
}

static void link_gate(struct worker *worker, struct gate *gate)
{
	gate->next = worker->gates;
	if (gate->next != NULL)
		gate->next->prev = gate;
	worker->gates = gate;
}

void gate_open(struct worker *worker, int fd, const struct ip *ip)
{
	struct gate *gate;

	if (atomic_fetch_add(&worker->context->counters.connections, 1) >=
	    LIMIT_HTTP_CONNECTIONS) {
		atomic_fetch_sub(&worker->context->counters.connections, 1);
		turn_away(worker, fd, ip);
		return;
	}
	gate = xcalloc(1, sizeof(*gate));
	gate->worker = worker;
	gate->ip = *ip;
	gate->client = fd;
	gate->inner = -1;
	gate->since_ms = worker->now_ms;
	gate->pump = (struct loop_task){.call = on_pump, .arg = gate};
	gate->end = (struct loop_task){.call = on_end, .arg = gate};
	gate->pending = buf_new(LIMIT_HTTP_PIECE);
	gate->inward = buf_new(2 * (LIMIT_HTTP_PIECE + LIMIT_HTTP_HEAD));
	gate->outward = buf_new(2 * LIMIT_HTTP_PIECE);
	framing_open(&gate->framing);
	link_gate(worker, gate);
	gate->client_watch =
	    loop_watch_open(worker->loop, fd, LOOP_READ, on_client_ready, gate);
	if (!connect_library(gate)) {
		gate_refuse(gate, 503, "no connection can be served now");
		return;
	}
	gate->inner_watch = loop_watch_open(
	    worker->loop, gate->inner, LOOP_READ, on_inner_ready, gate);
}
