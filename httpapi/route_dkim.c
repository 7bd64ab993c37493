#include "httpapi/route_dkim.h"

#include "base/dns.h"
#include "base/log.h"
#include "base/unconst.h"
#include "bounds.h"
#include "httpapi/dkim_key.h"
#include "httpapi/dkim_store.h"
#include "mail/dkim_key.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- what a request names --------------------------------------------- */

/* NULL, and answered, if it is no domain. */
static const char *domain_of(const struct request *request, struct reply *reply)
{
	char *domain =
	    arena_strdup(request->arena, request_parameter(request, "domain"));

	for (char *c = domain; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (dkim_store_is_domain(domain))
		return domain;
	reply_problem(reply, 400, "domain: is not a domain name",
	    json_pack("{s:s, s:s}", "field", "domain", "reason",
		"is not a domain name"));
	return NULL;
}

static bool refuse(struct reply *reply, const char *field, const char *reason)
{
	char detail[480];

	(void)snprintf(detail, sizeof(detail), "%s: %s", field, reason);
	reply_problem(reply, 400, detail,
	    json_pack("{s:s, s:s}", "field", field, "reason", reason));
	return false;
}

/* The body as a JSON object, {} if there is none; NULL: answered. */
static json_t *body_of(const struct request *request, struct reply *reply)
{
	json_error_t wrong;
	json_t *body;

	if (request->body.len == 0)
		return json_object();
	body = json_loadb(request->body.data, request->body.len,
	    JSON_REJECT_DUPLICATES, &wrong);
	/* A key may be in it. */
	sodium_memzero(unconst(request->body.data), request->body.len);
	if (json_is_object(body))
		return body;
	json_decref(body);
	reply_error(reply, 400, "the body is no JSON object");
	return NULL;
}

static const char *dir_of(const struct request *request)
{
	return request->settings->config->haraka_dkim_dir;
}

/* --- what is in the DNS ----------------------------------------------- */

/* Whether one of the records is this key. */
static const char *compare(const struct dns_answer *answer,
    const struct dkim_public *public, struct arena *arena)
{
	struct dkim_key own, other;

	if (dkim_key_parse(slice_of(public->record), arena, &own) != NULL)
		return "unknown";
	for (size_t i = 0; i < answer->count; i++) {
		struct slice text = {
		    answer->records[i].text, answer->records[i].len};

		if (dkim_key_parse(text, arena, &other) == NULL &&
		    other.type == own.type && other.len == own.len &&
		    memcmp(other.bytes, own.bytes, own.len) == 0)
			return "published";
	}
	return "different";
}

/* "published", "different" (another key is there), "missing", "unknown" (the
 * DNS does not answer). */
static const char *look_up(const struct request *request, const char *name,
    const struct dkim_public *public)
{
	struct dns_answer answer;

	if (request->context->dns == NULL)
		return "unknown";
	dns_ask(request->context->dns, name, DNS_TXT, LIMIT_DKIM_DNS_MS,
	    request->arena, &answer);
	if (answer.status == DNS_FOUND)
		return compare(&answer, public, request->arena);
	return answer.status == DNS_NO_DATA || answer.status == DNS_NO_NAME
		   ? "missing"
		   : "unknown";
}

/* --- one key ---------------------------------------------------------- */

struct key {
	struct dkim_stored stored;
	struct dkim_public public;
	const char *name; /* of its record */
};

static void wipe(struct key *key)
{
	if (key->stored.pem.len > 0)
		sodium_memzero(
		    unconst(key->stored.pem.data), key->stored.pem.len);
}

/* The private half is wiped. */
static bool load(const struct request *request, const char *domain, bool next,
    struct key *key, struct error *err)
{
	bool good;

	*key = (struct key){.name = NULL};
	if (!dkim_store_read(dir_of(request), domain, next, request->arena,
		&key->stored, err))
		return false;
	good =
	    dkim_key_read(key->stored.pem, request->arena, &key->public, err);
	wipe(key);
	key->name = arena_printf(
	    request->arena, "%s._domainkey.%s", key->stored.selector, domain);
	return good;
}

static json_t *key_json(const struct request *request, const struct key *key)
{
	const char *dns = look_up(request, key->name, &key->public);

	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:b, s:b}",
	    "selector", key->stored.selector, "public_key", key->public.pem,
	    "value", key->public.record, "type",
	    key->public.kind == DKIM_RSA ? "rsa" : "ed25519", "bits",
	    (int)key->public.bits, "name", key->name, "dns", dns, "published",
	    (int)(strcmp(dns, "published") == 0), "private_key_present", 1);
}

/* What the application reads, and more. */
static void answer_domain(
    struct request *request, const char *domain, struct reply *reply)
{
	struct key key, next;
	struct error err;
	json_t *body, *more;

	if (!load(request, domain, false, &key, &err)) {
		if (err.kind == ERROR_NOT_FOUND)
			reply_error(reply, 404, "the domain has no key");
		else
			reply_failure(reply, &err);
		return;
	}
	body = json_pack("{s:b, s:s}", "success", 1, "domain", domain);
	more = key_json(request, &key);
	(void)json_object_update(body, more);
	json_decref(more);
	(void)json_object_set_new(body, "next",
	    load(request, domain, true, &next, &err) ? key_json(request, &next)
						     : json_null());
	reply_json(reply, 200, body);
}

void route_dkim_show(struct request *request, struct reply *reply)
{
	const char *domain = domain_of(request, reply);

	if (domain != NULL)
		answer_domain(request, domain, reply);
}

/* --- storing ---------------------------------------------------------- */

static bool store(struct request *request, const char *domain,
    const json_t *body, struct reply *reply)
{
	const char *selector =
	    json_string_value(json_object_get(body, "selector"));
	const json_t *pem = json_object_get(body, "private_key");
	struct slice text = {json_string_value(pem), json_string_length(pem)};
	struct dkim_public public;
	struct error err;

	if (selector == NULL || !dkim_store_is_selector(selector, domain))
		return refuse(reply, "selector",
		    "is labels of small letters, digits, '-' and '_'");
	if (text.data == NULL || text.len > LIMIT_DKIM_PEM)
		return refuse(reply, "private_key", "is a private key in PEM");
	if (!dkim_key_read(text, request->arena, &public, &err))
		return refuse(reply, "private_key", err.text);
	if (public.kind == DKIM_RSA && public.bits < DKIM_LEAST_BITS)
		return refuse(reply, "private_key",
		    "is an RSA key of fewer than 2048 bits");
	if (!dkim_store_write(
		dir_of(request), domain, false, selector, text, &err)) {
		reply_failure(reply, &err);
		return false;
	}
	log_event(LOG_INFO, "dkim_key_stored", LOG_TEXT("domain", domain),
	    LOG_TEXT("selector", selector));
	return true;
}

static void wipe_body(json_t **body)
{
	const json_t *pem = json_object_get(*body, "private_key");

	if (json_is_string(pem))
		sodium_memzero(
		    unconst(json_string_value(pem)), json_string_length(pem));
	json_decref(*body);
	*body = NULL;
}

void route_dkim_store(struct request *request, struct reply *reply)
{
	struct counters *counters = &request->context->counters;
	const char *domain = domain_of(request, reply);
	json_t *body = domain != NULL ? body_of(request, reply) : NULL;
	bool done = false;

	if (body != NULL) {
		done = store(request, domain, body, reply);
		wipe_body(&body);
	}
	atomic_fetch_add(
	    done ? &counters->dkim_sync_ok : &counters->dkim_sync_error, 1);
	if (done)
		answer_domain(request, domain, reply);
}

void route_dkim_delete(struct request *request, struct reply *reply)
{
	struct counters *counters = &request->context->counters;
	const char *domain = domain_of(request, reply);
	struct error err;

	if (domain == NULL)
		return;
	if (dkim_store_delete(dir_of(request), domain, &err)) {
		atomic_fetch_add(&counters->dkim_delete_ok, 1);
		log_event(
		    LOG_INFO, "dkim_key_deleted", LOG_TEXT("domain", domain));
		reply_json(reply, 200,
		    json_pack("{s:b, s:s, s:b}", "success", 1, "domain", domain,
			"deleted", 1));
		return;
	}
	atomic_fetch_add(&counters->dkim_delete_error, 1);
	if (err.kind == ERROR_NOT_FOUND)
		reply_error(reply, 404, "the domain has no key");
	else
		reply_failure(reply, &err);
}

/* --- rotating --------------------------------------------------------- */

/* "s20260131", and a letter behind it while that is taken. */
static const char *new_selector(
    const struct request *request, const char *taken)
{
	time_t now = time(NULL);
	char day[16];
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(day, sizeof(day), "s%Y%m%d", &tm);
	if (strncmp(taken, day, strlen(day)) != 0)
		return arena_strdup(request->arena, day);
	if (taken[strlen(day)] >= 'a' && taken[strlen(day)] < 'z')
		return arena_printf(
		    request->arena, "%s%c", day, taken[strlen(day)] + 1);
	return arena_printf(request->arena, "%sb", day);
}

static bool make_next(struct request *request, const char *domain,
    const struct key *key, const json_t *body, struct reply *reply)
{
	const char *selector =
	    json_string_value(json_object_get(body, "selector"));
	const char *type = json_string_value(json_object_get(body, "type"));
	enum dkim_kind kind = key->public.kind;
	struct buf pem = buf_new(LIMIT_DKIM_PEM);
	struct error err;
	bool done;

	if (selector == NULL)
		selector = new_selector(request, key->stored.selector);
	if (!dkim_store_is_selector(selector, domain) ||
	    strcmp(selector, key->stored.selector) == 0)
		return refuse(reply, "selector",
		    "is labels of small letters, digits, '-' and '_', and not "
		    "the selector of now");
	if (type != NULL && strcmp(type, "rsa") != 0 &&
	    strcmp(type, "ed25519") != 0)
		return refuse(reply, "type", "is rsa or ed25519");
	if (type != NULL)
		kind = strcmp(type, "rsa") == 0 ? DKIM_RSA : DKIM_ED25519;
	done = dkim_key_make(kind, &pem, &err) &&
	       dkim_store_write(dir_of(request), domain, true, selector,
		   (struct slice){pem.data, pem.len}, &err);
	if (pem.len > 0)
		sodium_memzero(pem.data, pem.len);
	buf_free(&pem);
	if (!done)
		reply_failure(reply, &err);
	return done;
}

/* The next key takes over. Mail that was signed with the old one is still on
 * its way: its record stays published for a while. */
static bool activate(struct request *request, const char *domain, bool force,
    struct reply *reply)
{
	struct dkim_stored stored;
	struct error err;
	struct key next;
	bool done;

	if (!load(request, domain, true, &next, &err)) {
		reply_error(reply, 409, "there is no next key: make one first");
		return false;
	}
	if (!force && strcmp(look_up(request, next.name, &next.public),
			  "published") != 0) {
		reply_error(reply, 409,
		    "the record %.250s is not in the DNS yet", next.name);
		return false;
	}
	done = dkim_store_read(dir_of(request), domain, true, request->arena,
		   &stored, &err) &&
	       dkim_store_write(dir_of(request), domain, false, stored.selector,
		   stored.pem, &err);
	if (!done)
		reply_failure(reply, &err);
	else
		log_event(LOG_INFO, "dkim_key_rotated",
		    LOG_TEXT("domain", domain),
		    LOG_TEXT("selector", stored.selector));
	return done;
}

void route_dkim_rotate(struct request *request, struct reply *reply)
{
	const char *domain = domain_of(request, reply);
	json_t *body = domain != NULL ? body_of(request, reply) : NULL;
	struct error err;
	struct key key;
	bool done;

	if (body == NULL)
		return;
	if (!load(request, domain, false, &key, &err)) {
		reply_error(reply, 404, "the domain has no key");
		json_decref(body);
		return;
	}
	if (json_is_true(json_object_get(body, "activate")))
		done = activate(request, domain,
		    json_is_true(json_object_get(body, "force")), reply);
	else
		done = make_next(request, domain, &key, body, reply);
	json_decref(body);
	if (done)
		answer_domain(request, domain, reply);
}
