/*
 * One thread has the channels of c-ares and their sockets. Those who ask find
 * the answer in the cache, or queue their question for that thread and wait
 * until its entry is answered. A question that nobody waits for any more is
 * answered all the same, for the next one; c-ares cannot cancel it.
 */
#include "base/dns.h"

#include "base/alloc.h"
#include "base/ask_cache.h"
#include "base/clock.h"
#include "base/dns_packet.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bounds.h"

#include <ares.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 16
/* An answer by UDP without EDNS (RFC 1035 section 4.2.1). */
#define DNS_PLAIN_UDP 512

/* Bits: how a question is asked. */
enum { ASKED_BY_TCP = 1, ASKED_WITHOUT_OPT = 2 };

struct dns {
	/* The thread's. When a connection ends, c-ares begins with all other
	 * questions of its channel anew, and gives them up when that happens
	 * too often: those by UDP have one of their own. */
	ares_channel udp, tcp;
	int epoll; /* the thread's: sockets, and `wake` */
	int wake;
	bool plain; /* the thread's: some server knows no OPT */
	bool trusts_ad;
	size_t servers;
	pthread_t thread;

	pthread_mutex_t lock; /* all that follows */
	struct ask_cache *cache;
	struct ask_entry *first, **end; /* to be asked */
	bool interrupted, stops;
	unsigned silent; /* questions in a row that nobody answered */
	int64_t probe_ms;
	/* Since when something is asked and nothing was heard; 0: it was. */
	int64_t unheard_ms;
};

/* --- keys ------------------------------------------------------------- */

/* The type, then the name in lower case and without its last dot. */
#define KEY_SIZE (1 + DNS_NAME_SIZE)

static void make_key(const char *name, enum dns_type type, char key[KEY_SIZE])
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	assert(len < DNS_NAME_SIZE);
	*key++ = (char)type;
	for (size_t i = 0; i < len; i++)
		*key++ = (char)(name[i] >= 'A' && name[i] <= 'Z'
				    ? name[i] - 'A' + 'a'
				    : name[i]);
	*key = '\0';
}

static enum dns_type type_of(const struct ask_entry *entry)
{
	return (enum dns_type)entry->key[0];
}

static const char *name_of(const struct ask_entry *entry)
{
	return entry->key + 1;
}

/* --- what is heard ---------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int64_t ttl_of(const struct dns_answer *answer)
{
	switch (answer->status) {
	case DNS_FOUND:
		return clamp(
		    answer->ttl_s, LIMIT_DNS_TTL_LEAST_S, LIMIT_DNS_TTL_MOST_S);
	case DNS_NO_DATA:
	case DNS_NO_NAME:
		return clamp(
		    answer->ttl_s, LIMIT_DNS_TTL_LEAST_S, LIMIT_DNS_NEGATIVE_S);
	case DNS_FAILED:
	case DNS_BROKEN:
	case DNS_TIMEOUT:
	case DNS_BAD_NAME:
		break;
	}
	return LIMIT_DNS_FAILURE_S;
}

static void count_silence(struct dns *dns, bool silent)
{
	if (!silent && dns->silent >= LIMIT_DNS_SILENT)
		log_event(LOG_INFO, "dns_answers_again",
		    LOG_NUMBER("unanswered", dns->silent));
	dns->silent = silent ? dns->silent + 1 : 0;
	if (!silent)
		dns->unheard_ms = 0;
	if (dns->silent == LIMIT_DNS_SILENT)
		log_event(LOG_WARN, "dns_silent",
		    LOG_NUMBER("unanswered", dns->silent));
}

/* By c-ares, on the thread. */
static void on_answer(
    void *arg, int status, int timeouts, unsigned char *packet, int len)
{
	struct ask_entry *entry = arg;
	struct dns *dns = entry->owner;
	bool heard = status == ARES_SUCCESS;
	struct arena *arena = arena_new();
	struct dns_answer answer = {.status = DNS_TIMEOUT};

	(void)timeouts;
	if (heard)
		dns_answer_read(packet, (size_t)len, name_of(entry),
		    type_of(entry), arena, &answer);
	else if (status == ARES_EBADRESP)
		answer.status = DNS_BROKEN;
	else if (status == ARES_ECONNREFUSED && dns->servers > 1)
		answer.status = DNS_FAILED; /* what c-ares says then */
	(void)pthread_mutex_lock(&dns->lock);
	count_silence(dns, answer.status == DNS_TIMEOUT);
	entry->status = (int)answer.status;
	entry->until_ms = clock_mono_ms() + ttl_of(&answer) * 1000;
	ask_entry_set(entry, heard ? packet : NULL, heard ? (size_t)len : 0);
	ask_cache_end(dns->cache, entry);
	(void)pthread_mutex_unlock(&dns->lock);
	arena_free(&arena);
}

/* --- the thread ------------------------------------------------------- */

static void send_question(struct dns *dns, struct ask_entry *entry);

static bool is_asked_again(
    struct ask_entry *entry, const unsigned char *packet, size_t len)
{
	struct dns *dns = entry->owner;

	/* c-ares cuts what is longer than it thinks we asked for. */
	if ((entry->how & ASKED_BY_TCP) == 0 &&
	    (dns_answer_is_cut(packet, len) || len == LIMIT_DNS_UDP ||
		len == DNS_PLAIN_UDP)) {
		entry->how |= ASKED_BY_TCP;
		return true;
	}
	if ((entry->how & ASKED_WITHOUT_OPT) == 0 &&
	    dns_answer_knows_no_opt(packet, len)) {
		dns->plain = true;
		return true;
	}
	return false;
}

static void on_heard(
    void *arg, int status, int timeouts, unsigned char *packet, int len)
{
	struct ask_entry *entry = arg;

	if (status == ARES_SUCCESS &&
	    is_asked_again(entry, packet, (size_t)len))
		send_question(entry->owner, entry);
	else
		on_answer(arg, status, timeouts, packet, len);
}

static void send_question(struct dns *dns, struct ask_entry *entry)
{
	unsigned char packet[DNS_QUESTION_MAX];
	uint16_t id;
	size_t len;

	/* c-ares would take its ids from a weaker source. */
	while (getrandom(&id, sizeof(id), 0) != sizeof(id))
		continue;
	len = dns_question_write(name_of(entry), type_of(entry), id, packet);
	assert(len > 0);
	if (dns->plain) {
		entry->how |= ASKED_WITHOUT_OPT;
		len = dns_question_strip(packet, len);
	}
	ares_send((entry->how & ASKED_BY_TCP) != 0 ? dns->tcp : dns->udp,
	    packet, (int)len, on_heard, entry);
}

/* False if the thread is to stop. */
static bool send_queued(struct dns *dns)
{
	struct ask_entry *entry, *next;
	bool stops;

	(void)pthread_mutex_lock(&dns->lock);
	entry = dns->first;
	dns->first = NULL;
	dns->end = &dns->first;
	stops = dns->stops;
	(void)pthread_mutex_unlock(&dns->lock);
	for (; entry != NULL; entry = next) {
		next = entry->queued;
		send_question(dns, entry);
	}
	return !stops;
}

static void on_socket_state(void *arg, ares_socket_t fd, int read, int write)
{
	struct dns *dns = arg;
	struct epoll_event event = {.data.fd = fd};

	event.events = (read ? EPOLLIN : 0U) | (write ? EPOLLOUT : 0U);
	if (event.events == 0)
		(void)epoll_ctl(dns->epoll, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(dns->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
		(void)epoll_ctl(dns->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int wait_ms(struct dns *dns)
{
	struct timeval most = {.tv_sec = 60}, udp, tcp;
	const struct timeval *wait =
	    ares_timeout(dns->tcp, ares_timeout(dns->udp, &most, &udp), &tcp);

	return (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
}

/* The channel that does not know the socket leaves it alone. */
static void process(struct dns *dns, ares_socket_t in, ares_socket_t out)
{
	ares_process_fd(dns->udp, in, out);
	ares_process_fd(dns->tcp, in, out);
}

static void take_event(struct dns *dns, const struct epoll_event *event)
{
	uint64_t count;
	int fd = event->data.fd;

	if (fd == dns->wake)
		(void)!read(fd, &count, sizeof(count));
	else
		process(dns,
		    (event->events & ~(uint32_t)EPOLLOUT) != 0
			? fd
			: ARES_SOCKET_BAD,
		    (event->events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
}

static void *run_resolver(void *arg)
{
	struct epoll_event events[EVENTS];
	struct dns *dns = arg;
	int count;

	while (send_queued(dns)) {
		count = epoll_wait(dns->epoll, events, EVENTS, wait_ms(dns));
		for (int i = 0; i < count; i++)
			take_event(dns, &events[i]);
		process(dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	}
	return NULL;
}

static void wake(struct dns *dns)
{
	const uint64_t one = 1;

	(void)!write(dns->wake, &one, sizeof(one));
}

/* --- beginning and end ------------------------------------------------ */

/* "ip@port" as "ip:port", an IPv6 address in brackets. */
static bool use_servers(
    ares_channel channel, const struct list *servers, struct error *err)
{
	struct buf all = buf_new(SIZE_MAX / 2);
	bool done = true;
	int code;

	if (servers->count == 0)
		return true;
	for (size_t i = 0; i < servers->count; i++) {
		const char *text = servers->items[i];
		int len = (int)strcspn(text, "@");
		bool v6 = memchr(text, ':', (size_t)len) != NULL;

		(void)buf_printf(&all, "%s%s%.*s%s%s%s", i > 0 ? "," : "",
		    v6 ? "[" : "", len, text, v6 ? "]" : "",
		    text[len] == '@' ? ":" : "",
		    text[len] == '@' ? text + len + 1 : "");
	}
	code = ares_set_servers_ports_csv(channel, buf_text(&all));
	if (code != ARES_SUCCESS)
		done = error_set(
		    err, ERROR_CONFIG, "DNS_SERVERS: %s", ares_strerror(code));
	buf_free(&all);
	return done;
}

/* How many servers there are, and whether all are on this host: their DNSSEC
 * bit is believed. */
static size_t count_servers(ares_channel channel, bool *local)
{
	struct ares_addr_port_node *servers = NULL;
	size_t count = 0;
	struct ip ip;

	*local = false;
	if (ares_get_servers_ports(channel, &servers) != ARES_SUCCESS)
		return 0;
	*local = true;
	for (const struct ares_addr_port_node *at = servers; at != NULL;
	     at = at->next) {
		struct sockaddr_storage address = {
		    .ss_family = (sa_family_t)at->family};

		if (at->family == AF_INET)
			memcpy(&((struct sockaddr_in *)&address)->sin_addr,
			    &at->addr.addr4, sizeof(at->addr.addr4));
		else
			memcpy(&((struct sockaddr_in6 *)&address)->sin6_addr,
			    &at->addr.addr6, sizeof(at->addr.addr6));
		ip = ip_of_socket(&address);
		*local = *local && ip_is_loopback(&ip);
		count++;
	}
	ares_free_data(servers);
	return count;
}

static bool init_channel(struct dns *dns, const struct config *config,
    int more_flags, ares_channel *channel, struct error *err)
{
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS |
		     ARES_FLAG_IGNTC | more_flags,
	    .timeout = LIMIT_DNS_TRY_MS,
	    .tries = LIMIT_DNS_TRIES,
	    .ednspsz = LIMIT_DNS_UDP,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = dns,
	};
	int code = ares_init_options(channel, &options,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);

	if (code != ARES_SUCCESS)
		return error_set(err, ERROR_CONFIG,
		    "cannot start the resolver: %s", ares_strerror(code));
	return use_servers(*channel, &config->dns_servers, err);
}

static bool open_channels(
    struct dns *dns, const struct config *config, struct error *err)
{
	int code = ares_library_init(ARES_LIB_INIT_ALL), flags = 0;
	bool local;

	if (code != ARES_SUCCESS)
		return error_set(err, ERROR_CONFIG,
		    "cannot start the resolver: %s", ares_strerror(code));
	if (!init_channel(dns, config, flags, &dns->udp, err))
		return false;
	/* c-ares goes on to the next server when one answers SERVFAIL or
	 * REFUSED; the only one it would ask again and again. */
	dns->servers = count_servers(dns->udp, &local);
	if (dns->servers < 2) {
		flags = ARES_FLAG_NOCHECKRESP;
		ares_destroy(dns->udp);
		dns->udp = NULL;
		if (!init_channel(dns, config, flags, &dns->udp, err))
			return false;
	}
	dns->trusts_ad = config->dns_trust_ad || local;
	return init_channel(
	    dns, config, flags | ARES_FLAG_USEVC, &dns->tcp, err);
}

static bool start(struct dns *dns, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = dns->wake};
	int code;

	if (dns->epoll < 0 || dns->wake < 0 ||
	    epoll_ctl(dns->epoll, EPOLL_CTL_ADD, dns->wake, &event) != 0)
		return error_errno(err, "cannot start the resolver");
	code = pthread_create(&dns->thread, NULL, run_resolver, dns);
	errno = code;
	return code == 0 || error_errno(err, "cannot start a thread");
}

static void free_dns(struct dns *dns)
{
	/* Answers all that is left. */
	if (dns->udp != NULL)
		ares_destroy(dns->udp);
	if (dns->tcp != NULL)
		ares_destroy(dns->tcp);
	if (dns->epoll >= 0)
		(void)close(dns->epoll);
	if (dns->wake >= 0)
		(void)close(dns->wake);
	ask_cache_free(&dns->cache);
	(void)pthread_mutex_destroy(&dns->lock);
	free(dns);
}

/* Answers out of the cache count too: that is what those who ask wait for. */
static struct metric questions = {.name = "elektrine_dns_questions_total",
    .help = "Questions to the DNS, by what came of them.",
    .kind = METRIC_COUNTER,
    .label = "status"};
static struct metric question_duration = {
    .name = "elektrine_dns_question_duration_seconds",
    .help = "How long those who ask the DNS waited.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};

bool dns_new(
    const struct config *config, struct dns **result, struct error *err)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	*result = NULL;
	metrics_declare(
	    (struct metric *const[]){&questions, &question_duration}, 2);
	dns->epoll = epoll_create1(EPOLL_CLOEXEC);
	dns->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_init(&dns->lock, NULL);
	dns->cache = ask_cache_new(LIMIT_DNS_CACHE, LIMIT_DNS_CACHE_BYTES);
	dns->end = &dns->first;
	if (!open_channels(dns, config, err) || !start(dns, err)) {
		free_dns(dns);
		return false;
	}
	*result = dns;
	return true;
}

void dns_free(struct dns **dns)
{
	struct dns *gone = *dns;

	if (gone == NULL)
		return;
	*dns = NULL;
	(void)pthread_mutex_lock(&gone->lock);
	gone->stops = true;
	(void)pthread_mutex_unlock(&gone->lock);
	wake(gone);
	(void)pthread_join(gone->thread, NULL);
	free_dns(gone);
}

void dns_interrupt(struct dns *dns)
{
	(void)pthread_mutex_lock(&dns->lock);
	dns->interrupted = true;
	ask_cache_wake_all(dns->cache);
	(void)pthread_mutex_unlock(&dns->lock);
}

/* --- asking ----------------------------------------------------------- */

/* While nobody answers, only one question now and then is asked. */
static bool may_ask(struct dns *dns, int64_t now_ms)
{
	if (dns->silent < LIMIT_DNS_SILENT)
		return true;
	if (now_ms - dns->probe_ms < LIMIT_DNS_PROBE_MS)
		return false;
	dns->probe_ms = now_ms;
	return true;
}

static struct ask_entry *queue_question(struct dns *dns, const char *key)
{
	struct ask_entry *entry = ask_cache_begin(dns->cache, key);

	entry->owner = dns;
	entry->how = 0;
	entry->queued = NULL;
	*dns->end = entry;
	dns->end = &entry->queued;
	if (dns->unheard_ms == 0)
		dns->unheard_ms = clock_mono_ms();
	wake(dns);
	return entry;
}

/* The entry, answered or under way; NULL if it may not be asked now. */
static struct ask_entry *find(
    struct dns *dns, const char *name, enum dns_type type)
{
	int64_t now_ms = clock_mono_ms();
	struct ask_entry *entry;
	char key[KEY_SIZE];

	make_key(name, type, key);
	entry = ask_cache_find(dns->cache, key);
	if (dns->interrupted)
		return NULL;
	if (entry != NULL && (entry->asking || entry->until_ms > now_ms))
		return entry;
	return may_ask(dns, now_ms) ? queue_question(dns, key) : NULL;
}

static int64_t patience_ms(const struct dns *dns, int64_t wait)
{
	int64_t most = LIMIT_DNS_QUERY_MS;

	/* Not everybody need find out that nobody is there. */
	if (dns->unheard_ms != 0 &&
	    clock_mono_ms() - dns->unheard_ms > LIMIT_DNS_PATIENCE_MS)
		most = LIMIT_DNS_PROBE_MS;
	return wait < most ? wait : most;
}

/* The packet, copied, or NULL and why there is none. */
static const unsigned char *fetch(struct dns *dns, struct ask_entry *entry,
    int64_t wait, struct arena *arena, size_t *len, enum dns_status *failure)
{
	*failure = DNS_TIMEOUT;
	if (entry == NULL)
		return NULL;
	if (entry->asking)
		ask_entry_wait(entry, &dns->lock, patience_ms(dns, wait),
		    &dns->interrupted);
	if (entry->asking)
		return NULL;
	*failure = (enum dns_status)entry->status;
	*len = entry->len;
	return entry->bytes == NULL ? NULL
				    : (unsigned char *)arena_strndup(arena,
					  (char *)entry->bytes, entry->len);
}

static bool is_askable(const char *name, enum dns_type type)
{
	unsigned char question[DNS_QUESTION_MAX];

	return dns_question_write(name, type, 0, question) > 0;
}

void dns_ask_ahead(struct dns *dns, const char *name, enum dns_type type)
{
	if (!is_askable(name, type))
		return;
	(void)pthread_mutex_lock(&dns->lock);
	(void)find(dns, name, type);
	(void)pthread_mutex_unlock(&dns->lock);
}

void dns_ask(struct dns *dns, const char *name, enum dns_type type,
    int64_t wait, struct arena *arena, struct dns_answer *answer)
{
	const unsigned char *packet;
	enum dns_status failure;
	size_t len = 0;

	int64_t began_us = clock_mono_us();

	*answer = (struct dns_answer){.status = DNS_BAD_NAME};
	if (!is_askable(name, type))
		return;
	(void)pthread_mutex_lock(&dns->lock);
	packet = fetch(dns, find(dns, name, type), wait, arena, &len, &failure);
	(void)pthread_mutex_unlock(&dns->lock);
	answer->status = failure;
	if (packet != NULL)
		dns_answer_read(packet, len, name, type, arena, answer);
	answer->authentic = answer->authentic && dns->trusts_ad;
	metric_add(&questions, dns_status_name(answer->status), 1);
	metric_observe(
	    &question_duration, NULL, (uint64_t)(clock_mono_us() - began_us));
}

bool dns_has_none(const struct dns_answer *answer)
{
	return answer->status == DNS_NO_DATA || answer->status == DNS_NO_NAME;
}

const char *dns_status_name(enum dns_status status)
{
	switch (status) {
	case DNS_FOUND:
		return "found";
	case DNS_NO_DATA:
		return "nodata";
	case DNS_NO_NAME:
		return "nxdomain";
	case DNS_FAILED:
		return "servfail";
	case DNS_BROKEN:
		return "malformed";
	case DNS_TIMEOUT:
		return "timeout";
	case DNS_BAD_NAME:
		return "bad_name";
	}
	return "unknown";
}

bool dns_reverse_name(
    const struct ip *ip, const char *zone, char out[DNS_NAME_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = ip->bytes;
	char nibbles[65];

	if (ip_is_v4(ip))
		return snprintf(out, DNS_NAME_SIZE, "%u.%u.%u.%u.%s", b[15],
			   b[14], b[13], b[12],
			   zone != NULL ? zone : "in-addr.arpa") <
		       DNS_NAME_SIZE;
	for (size_t i = 0; i < 16; i++) {
		nibbles[4 * i] = hex[b[15 - i] & 15];
		nibbles[4 * i + 1] = '.';
		nibbles[4 * i + 2] = hex[b[15 - i] >> 4];
		nibbles[4 * i + 3] = '.';
	}
	nibbles[64] = '\0';
	return snprintf(out, DNS_NAME_SIZE, "%s%s", nibbles,
		   zone != NULL ? zone : "ip6.arpa") < DNS_NAME_SIZE;
}
