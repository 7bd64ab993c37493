#include "smtpd/connection.h"

#include "smtpd/worker.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two batches of replies and a farewell. */
#define UNSENT_LIMIT (4 * WORKER_OUT_HIGH)

void connection_open(struct connection *connection, struct worker *worker,
    int fd, loop_watch_fn *on_ready, void *arg)
{
	*connection = (struct connection){.worker = worker,
	    .fd = fd,
	    .unread = buf_new(WORKER_READ_SIZE),
	    .unsent = buf_new(UNSENT_LIMIT)};
	connection->watch =
	    loop_watch_open(worker->loop, fd, LOOP_READ, on_ready, arg);
}

void connection_close(struct connection *connection)
{
	if (connection->fd < 0)
		return;
	tls_free(&connection->tls);
	loop_watch_close(&connection->watch);
	(void)close(connection->fd);
	connection->fd = -1;
	buf_free(&connection->unread);
	buf_free(&connection->unsent);
}

void connection_take_unread(
    struct connection *connection, char **bytes, size_t *len)
{
	*bytes = connection->worker->in;
	*len = connection->unread.len;
	if (*len > 0)
		memcpy(*bytes, connection->unread.data, *len);
	buf_free(&connection->unread);
}

void connection_start_tls(struct connection *connection)
{
	assert(!connection_is_stuck(connection));
	buf_free(&connection->unread);
	connection->tls =
	    tls_server_accept(connection->worker->tls, connection->fd);
}

enum tls_progress connection_handshake(
    struct connection *connection, struct error *err)
{
	enum tls_progress progress = tls_handshake(connection->tls, err);

	connection_wait(connection);
	return progress;
}

static ssize_t receive(struct connection *connection, char *data, size_t len)
{
	if (connection->tls != NULL)
		return tls_read(connection->tls, data, len);
	return recv(connection->fd, data, len, 0);
}

enum arrival connection_read(
    struct connection *connection, char **bytes, size_t *len)
{
	size_t kept;
	ssize_t got;

	connection_take_unread(connection, bytes, &kept);
	*len = kept;
	if (WORKER_READ_SIZE - kept < TLS_RECORD)
		return ARRIVAL_BYTES;
	got = receive(connection, *bytes + kept, WORKER_READ_SIZE - kept);
	if (got > 0) {
		*len += (size_t)got;
		return ARRIVAL_BYTES;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		return ARRIVAL_END;
	connection_keep(connection, *bytes, kept);
	return ARRIVAL_NONE;
}

bool connection_is_abandoned(struct connection *connection)
{
	char *in = connection->worker->in;
	ssize_t got;

	if (connection->unread.len > 0)
		return false;
	got = receive(connection, in, TLS_RECORD);
	if (got > 0)
		connection_keep(connection, in, (size_t)got);
	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

enum arrival connection_peek(
    struct connection *connection, char **bytes, size_t *len)
{
	char *in = connection->worker->in;
	size_t kept = connection->unread.len;
	ssize_t got;

	assert(connection->tls == NULL);
	*bytes = in;
	*len = kept;
	if (kept > 0)
		memcpy(in, connection->unread.data, kept);
	got =
	    recv(connection->fd, in + kept, WORKER_READ_SIZE - kept, MSG_PEEK);
	if (got > 0) {
		*len += (size_t)got;
		return ARRIVAL_BYTES;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		return ARRIVAL_END;
	return ARRIVAL_NONE;
}

void connection_hold(struct connection *connection, size_t len)
{
	size_t new = len - connection->unread.len;
	char *room = buf_room(&connection->unread, new);
	ssize_t got;

	assert(room != NULL);
	got = recv(connection->fd, room, new, 0);
	if (got > 0)
		buf_added(&connection->unread, (size_t)got);
}

void connection_keep(
    struct connection *connection, const char *bytes, size_t len)
{
	if (len > 0)
		(void)buf_append(&connection->unread, bytes, len);
}

/* How much was taken; -1 if the peer is gone. */
static ssize_t send_some(
    struct connection *connection, const char *data, size_t len)
{
	ssize_t sent = connection->tls != NULL
			   ? tls_write(connection->tls, data, len)
			   : send(connection->fd, data, len, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return sent;
}

static bool flush_unsent(struct connection *connection)
{
	struct buf *unsent = &connection->unsent;
	ssize_t sent = send_some(connection, unsent->data, unsent->len);

	if (sent < 0)
		return false;
	buf_consume(unsent, (size_t)sent);
	if (unsent->len == 0)
		buf_free(unsent);
	return true;
}

bool connection_flush(struct connection *connection)
{
	struct buf *out = &connection->worker->out;
	ssize_t sent;

	if (connection_is_stuck(connection)) {
		(void)buf_append(&connection->unsent, out->data, out->len);
		buf_clear(out);
		return flush_unsent(connection);
	}
	if (out->len == 0)
		return true;
	sent = send_some(connection, out->data, out->len);
	if (sent >= 0 && (size_t)sent < out->len)
		(void)buf_append(&connection->unsent, out->data + sent,
		    out->len - (size_t)sent);
	buf_clear(out);
	return sent >= 0;
}

bool connection_is_stuck(const struct connection *connection)
{
	return connection->unsent.len > 0;
}

void connection_shut(struct connection *connection)
{
	if (connection->tls != NULL)
		tls_shut(connection->tls);
	(void)shutdown(connection->fd, SHUT_WR);
}

void connection_wait(struct connection *connection)
{
	bool room =
	    connection_is_stuck(connection) ||
	    (connection->tls != NULL && tls_wants_room(connection->tls));

	loop_watch_want(connection->watch, room ? LOOP_WRITE : LOOP_READ);
}

void connection_pause(struct connection *connection)
{
	loop_watch_want(connection->watch, 0);
}
