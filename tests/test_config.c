#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What --check-config prints behind NAME=, "" if it prints no such line. */
static const char *printed(const struct config *config, const char *name)
{
	static char found[1024];
	char *text = NULL, *line, wanted[80];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_print(config, out);
	assert_int_equal(fclose(out), 0);
	(void)snprintf(wanted, sizeof(wanted), "\n%s=", name);
	line = strstr(text, wanted);
	found[0] = '\0';
	if (line != NULL) {
		line += strlen(wanted);
		(void)snprintf(found, sizeof(found), "%.*s",
		    (int)strcspn(line, "\n"), line);
	}
	free(text);
	return found;
}

static void defaults_are_those_of_the_interface(void **state)
{
	static const struct {
		enum program program;
		const char *name, *line;
	} rows[] = {
	    {PROGRAM_SMTPD, "HARAKA_ROLE", "inbound-mx  # default"},
	    {PROGRAM_SMTPD, "SMTP_LISTEN", "[::]:25  # default"},
	    {PROGRAM_SMTPD, "EARLY_TALKER_MS", "1000  # default"},
	    {PROGRAM_SMTPD, "SPOOL_DIR", "/var/spool/elektrine  # default"},
	    {PROGRAM_SMTPD, "SPOOL_MIN_FREE", "512M  # default"},
	    {PROGRAM_SMTPD, "SPOOL_KEY_FILE", "  # default"},
	    {PROGRAM_SMTPD, "TLS_CERT_FILE", "/app/ssl/cert.crt  # default"},
	    {PROGRAM_SMTPD, "LOCAL_DOMAINS", "example.com  # default"},
	    {PROGRAM_SMTPD, "PHOENIX_VERIFY_URL", "  # default"},
	    {PROGRAM_SMTPD, "PHOENIX_AUTH_URL",
		"http://phoenix.internal/api/auth"
		"  # default (beside PHOENIX_WEBHOOK_URL)"},
	    {PROGRAM_SMTPD, "PHOENIX_API_KEY",
		"***  # default (HARAKA_API_KEY)"},
	    {PROGRAM_SMTPD, "SMTP_MAX_RATE_PER_IP", "30/min  # default"},
	    {PROGRAM_SMTPD, "CHECK_DMARC", "mark  # default"},
	    {PROGRAM_SMTPD, "SPAM_REJECT_SCORE", "off  # default"},
	    {PROGRAM_SMTPD, "WEBHOOK_CONCURRENCY", ""},
	    {PROGRAM_DELIVER, "DELIVER_LANES", "webhook,smtp  # default"},
	    {PROGRAM_DELIVER, "WEBHOOK_CONCURRENCY", "16  # default"},
	    {PROGRAM_DELIVER, "WEBHOOK_MAX_RETRIES", "  # default"},
	    {PROGRAM_DELIVER, "QUEUE_MAX_AGE", "5d  # default"},
	    {PROGRAM_DELIVER, "SMTP_LISTEN", ""},
	    {PROGRAM_HTTPAPI, "HARAKA_HTTP_PORT", "8080  # default"},
	    {PROGRAM_HTTPAPI, "HARAKA_DKIM_DIR",
		"/var/spool/elektrine/dkim  # default (SPOOL_DIR/dkim)"},
	    {PROGRAM_SPOOL, "DLQ_CRIT_THRESHOLD", "10  # default"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = must_load(rows[i].program);

		assert_string_equal(
		    printed(config, rows[i].name), rows[i].line);
		config_free(&config);
		assert_null(config);
	}
}

static void default_values_are_typed(void **state)
{
	struct config *c = must_load(PROGRAM_DELIVER);

	(void)state;
	assert_int_equal(c->haraka_role, ROLE_INBOUND_MX);
	assert_int_equal(c->deliver_lanes, DELIVER_WEBHOOK | DELIVER_SMTP);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->spool_min_free_bytes, 512 * 1024 * 1024);
	assert_int_equal(c->spool_min_free_percent, 0);
	assert_int_equal(c->webhook_max_retries, -1);
	assert_int_equal(c->webhook_max_bytes, 26148864);
	assert_int_equal(c->queue_max_age_ms, 5LL * 24 * 3600 * 1000);
	assert_int_equal(c->keep_delivered_ms, 0);
	assert_int_equal(c->smtp_max_rate_per_ip.count, 30);
	assert_int_equal(c->smtp_max_rate_per_ip.per_ms, 60000);
	assert_true(c->haraka_include_headers);
	assert_false(c->haraka_include_raw);
	assert_true(isinf(c->spam_reject_score));
	assert_true(c->uribl_reject_score == 15);
	assert_int_equal(c->local_domains.count, 1);
	assert_string_equal(c->local_domains.items[0], "example.com");
	assert_int_equal(c->access_allow.count, 0);
	assert_null(c->redis_url);
	config_free(&c);
}

static void submission_has_other_defaults(void **state)
{
	struct config *c;

	(void)state;
	setenv("HARAKA_ROLE", "submission", 1);
	c = must_load(PROGRAM_SMTPD);
	assert_int_equal(c->early_talker_ms, 0);
	assert_int_equal(c->smtp_listen.count, 2);
	assert_string_equal(c->smtp_listen.items[0], "[::]:587");
	assert_string_equal(c->smtp_listen.items[1], "tls:[::]:465");
	config_free(&c);
	setenv("EARLY_TALKER_MS", "5", 1);
	c = must_load(PROGRAM_SMTPD);
	assert_int_equal(c->early_talker_ms, 5);
	config_free(&c);
}

static void auth_url_stands_beside_the_webhook(void **state)
{
	static const char *const rows[][2] = {
	    {"https://a.example/api/haraka/inbound",
		"https://a.example/api/haraka/auth"},
	    {"https://a.example/inbound?x=/y", "https://a.example/auth"},
	    {"https://a.example/", "https://a.example/auth"},
	    {"https://a.example", "https://a.example/auth"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c;

		setenv("PHOENIX_WEBHOOK_URL", rows[i][0], 1);
		c = must_load(PROGRAM_SMTPD);
		assert_string_equal(c->phoenix_auth_url, rows[i][1]);
		config_free(&c);
	}
}

static void values_become_typed(void **state)
{
	struct config *c;

	(void)state;
	setenv("SPOOL_MIN_FREE", "5%", 1);
	setenv("WEBHOOK_MAX_BYTES", "64k", 1);
	setenv("QUEUE_MAX_AGE", "90s", 1);
	setenv("HISTORY_RETENTION", "4h", 1);
	setenv("KEEP_DELIVERED", "5m", 1);
	setenv("SMTP_MAX_RATE_PER_IP", "7/h", 1);
	setenv("HARAKA_INCLUDE_RAW", "Yes", 1);
	setenv("HARAKA_INCLUDE_BODY", "off", 1);
	setenv("DELIVER_LANES", "smtp", 1);
	setenv("WEBHOOK_MAX_RETRIES", "0", 1);
	setenv("LOCAL_DOMAINS", " Example.ORG,example.net ,,", 1);
	setenv("SPAM_REJECT_SCORE", "7.5", 1);
	setenv("CHECK_SPF", "reject", 1);
	c = must_load(PROGRAM_DELIVER);
	assert_int_equal(c->spool_min_free_bytes, 0);
	assert_int_equal(c->spool_min_free_percent, 5);
	assert_int_equal(c->webhook_max_bytes, 65536);
	assert_int_equal(c->queue_max_age_ms, 90000);
	assert_int_equal(c->history_retention_ms, 4 * 3600 * 1000);
	assert_int_equal(c->keep_delivered_ms, 300000);
	assert_int_equal(c->smtp_max_rate_per_ip.count, 7);
	assert_int_equal(c->smtp_max_rate_per_ip.per_ms, 3600000);
	assert_true(c->haraka_include_raw);
	assert_false(c->haraka_include_body);
	assert_int_equal(c->deliver_lanes, DELIVER_SMTP);
	assert_int_equal(c->webhook_max_retries, 0);
	assert_int_equal(c->local_domains.count, 2);
	assert_string_equal(c->local_domains.items[0], "example.org");
	assert_string_equal(c->local_domains.items[1], "example.net");
	assert_true(c->spam_reject_score == 7.5);
	assert_int_equal(c->check_spf, CHECK_REJECT);
	config_free(&c);
}

/* 253 bytes. */
#define LABEL_49 "a123456789b123456789c123456789d123456789e12345678."
#define LONGEST_DOMAIN LABEL_49 LABEL_49 LABEL_49 LABEL_49 LABEL_49 "abc"

#define FOUR_ADDRESSES "[::]:0,[::]:0,[::]:0,127.0.0.1:0"
#define SIXTEEN_ADDRESSES                                                      \
	FOUR_ADDRESSES "," FOUR_ADDRESSES "," FOUR_ADDRESSES "," FOUR_ADDRESSES

/* Each value is just inside what is right ... */
static void edges_are_accepted(void **state)
{
	static const char *const rows[][2] = {
	    {"WEBHOOK_CONCURRENCY", "1"},
	    {"WEBHOOK_CONCURRENCY", "1024"},
	    {"MAX_RECIPIENTS", "900"},
	    {"HARAKA_HTTP_PORT", "65535"},
	    {"SPOOL_MIN_FREE", "0"},
	    {"SPOOL_MIN_FREE", "99%"},
	    {"SPOOL_MIN_FREE", "1099511627776"},
	    {"SMTP_MAX_RATE_PER_IP", "0"},
	    {"KEEP_DELIVERED", "0"},
	    {"SMTP_LISTEN", "127.0.0.1:0,tls:[::1]:2465"},
	    {"SMTP_LISTEN", SIXTEEN_ADDRESSES},
	    {"SMTP_LISTEN", "0.0.0.0:25,[::1]:25,127.0.0.1:26,[::]:27"},
	    {"PHOENIX_VERIFY_URL", "https://u:p@[::1]:4000/x?y=z"},
	    {"PHOENIX_VERIFY_URL", "HTTP://phoenix"},
	    {"REDIS_URL", "redis://h"},
	    {"REDIS_URL", "redis://:p%2Fw@h:6379/2"},
	    {"REDIS_URL", "redis://user:pw@[2001:db8::1]:6379/"},
	    {"REDIS_URL", "unix:/run/redis.sock"},
	    {"CLAMAV_ADDRESS", "clamd:3310"},
	    {"CLAMAV_ADDRESS", "/run/clamd.sock"},
	    {"ACCESS_DENY",
		"192.0.2.0/24,2001:db8::/32,198.51.100.7,@/dev/null"},
	    {"PROXY_PROTOCOL_CIDRS", "0.0.0.0/0,::/0"},
	    {"DNS_SERVERS", "127.0.0.1@5353,2001:db8::53"},
	    {"URIBL_ZONES", "multi.example=10,dbl.example=2.5"},
	    {"OUTBOUND_SMARTHOST", "relay.example.net"},
	    {"HARAKA_DOMAIN", "m\xC3\xBCller.example"},
	    {"HARAKA_HTTP_HOST", "::"},
	    {"URIBL_REJECT_SCORE", "0"},
	    {"SPAM_REJECT_SCORE", "-1.5"},
	    {"HARAKA_DOMAIN", LONGEST_DOMAIN},
	    {"DNS_SERVERS", "127.0.0.1@1"},
	    {"RUN_USER", "nobody"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c;

		(void)config_fresh(state);
		setenv(rows[i][0], rows[i][1], 1);
		c = must_load(PROGRAM_SMTPD);
		config_free(&c);
	}
}

/* ... and each of these just outside. */
static const struct {
	const char *name, *value, *fault;
} malformed[] = {
    {"WEBHOOK_CONCURRENCY", "abc",
	"WEBHOOK_CONCURRENCY: \"abc\" is not a whole number from 1 to "
	"1024 (environment)"},
    {"WEBHOOK_CONCURRENCY", "0", "from 1 to 1024"},
    {"WEBHOOK_CONCURRENCY", "1025", "from 1 to 1024"},
    {"WEBHOOK_CONCURRENCY", "16 ", "\"16 \" is not a whole number"},
    {"WEBHOOK_CONCURRENCY", "+1", "is not a whole number"},
    {"WEBHOOK_CONCURRENCY", "-1", "is not a whole number"},
    {"WEBHOOK_MAX_RETRIES", "-1", "WEBHOOK_MAX_RETRIES: "},
    {"WEBHOOK_TIMEOUT_MS", "30s", "WEBHOOK_TIMEOUT_MS: "},
    {"WEBHOOK_TIMEOUT_MS", "99999999999999999999", "is not a whole"},
    {"MAX_RECIPIENTS", "901", "from 1 to 900"},
    {"HARAKA_HTTP_PORT", "65536", "from 1 to 65535"},
    {"HARAKA_HTTP_PORT", "0", "from 1 to 65535"},
    {"QUEUE_MAX_AGE", "5", "is not a time like 90s"},
    {"QUEUE_MAX_AGE", "5w", "is not a time like 90s"},
    {"QUEUE_MAX_AGE", "d", "is not a time like 90s"},
    {"QUEUE_MAX_AGE", "0s", "is not a time from 1s to 3650d"},
    {"QUEUE_MAX_AGE", "9999999999999d", "is not a time from"},
    {"SPOOL_MIN_FREE", "100%", "SPOOL_MIN_FREE: \"100%\" is neither"},
    {"SPOOL_MIN_FREE", "5%%", "is neither a size"},
    {"SPOOL_MIN_FREE", "1T", "is not a size like"},
    {"SPOOL_MIN_FREE", "9999999999999G", "is not a size from"},
    {"WEBHOOK_MAX_BYTES", "1023", "is not a size from 1024"},
    {"SMTP_MAX_RATE_PER_IP", "30", "is not a rate like 30/min"},
    {"SMTP_MAX_RATE_PER_IP", "30/week", "is not a rate like 30/min"},
    {"HARAKA_INCLUDE_RAW", "maybe", "is neither true nor false"},
    {"HARAKA_ROLE", "outbound", "is not inbound-mx or submission"},
    {"CHECK_SPF", "fail", "is not off, mark or reject"},
    {"DELIVER_LANES", "webhook,lmtp", "is not webhook or smtp"},
    {"DELIVER_LANES", ",", "is not webhook or smtp"},
    {"SPAM_REJECT_SCORE", "nan", "is neither a number"},
    {"SPAM_REJECT_SCORE", "1.2.3", "is neither a number"},
    {"SPAM_REJECT_SCORE", "--1", "is neither a number"},
    {"SPAM_REJECT_SCORE", "0x10", "is neither a number"},
    {"SPAM_REJECT_SCORE", ".", "is neither a number"},
    {"URIBL_REJECT_SCORE", "-5",
	"is neither a number from 0 to 1000000, like 7.5, nor off"},
    {"SPOOL_DIR", "spool", "is not an absolute path"},
    {"SPOOL_DIR", "/a\nb", "\"/a b\" holds a line break"},
    {"HARAKA_DOMAIN", "mail..net", "is not a domain name"},
    {"HARAKA_DOMAIN", "mail.", "is not a domain name"},
    {"HARAKA_DOMAIN", "-a.b", "is not a domain name"},
    {"HARAKA_DOMAIN", "a-.b", "is not a domain name"},
    {"HARAKA_DOMAIN", "a b", "is not a domain name"},
    {"HARAKA_DOMAIN", "a" LONGEST_DOMAIN, "is not a domain name"},
    {"LOCAL_DOMAINS", "m\xFCller.example", "is not a domain name"},
    {"LOCAL_DOMAINS", "a.example,b@c",
	"has an item \"b@c\" that is not a domain name"},
    {"LOCAL_DOMAINS", ",", "LOCAL_DOMAINS: \",\" names nothing"},
    {"TLS_CERT_FILE", " ", "names nothing"},
    {"SMTP_LISTEN", ", ,", "names nothing"},
    {"SMTP_LISTEN", "25", "is not an address like"},
    {"SMTP_LISTEN", "::1:25", "is not an address like"},
    {"SMTP_LISTEN", "localhost:25", "is not an address like"},
    {"SMTP_LISTEN", "[::]:65536", "is not an address like"},
    {"SMTP_LISTEN", "[127.0.0.1]:25", "is not an address like"},
    {"SMTP_LISTEN", "tls:tls:[::]:25", "is not an address like"},
    {"SMTP_LISTEN", "[::]:0000025", "is not an address like"},
    {"SMTP_LISTEN", "127.0.0.1:25,tls:127.0.0.1:25",
	"SMTP_LISTEN: tls:127.0.0.1:25 is taken by 127.0.0.1:25 already"},
    {"SMTP_LISTEN", "127.0.0.1:25,[::ffff:127.0.0.1]:25", "is taken by"},
    {"SMTP_LISTEN", "127.0.0.1:25,0.0.0.0:25", "is taken by"},
    {"SMTP_LISTEN", "[::]:25,127.0.0.1:25", "is taken by [::]:25 already"},
    {"SMTP_LISTEN", "[::1]:25,[::]:25", "is taken by"},
    {"SMTP_LISTEN", SIXTEEN_ADDRESSES ",127.0.0.1:17",
	"SMTP_LISTEN: has more than 16 addresses"},
    {"METRICS_LISTEN", "tls:[::]:1", "is not an address like"},
    {"PHOENIX_WEBHOOK_URL", "phoenix.internal/x", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "ftp://a/x", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "http://", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "http://a:port/", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "http://a:0/", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "http://a/ b", "is not an http://"},
    {"PHOENIX_WEBHOOK_URL", "http://::1/", "is not an http://"},
    {"REDIS_URL", "rediss://h", "asks for TLS, which is not supported"},
    {"REDIS_URL", "h:6379", "is neither redis://"},
    {"REDIS_URL", "redis://", "is neither redis://"},
    {"REDIS_URL", "redis://h:x", "is neither redis://"},
    {"REDIS_URL", "redis://h/x", "is neither redis://"},
    {"CLAMAV_ADDRESS", "clamd", "is neither host:port"},
    {"TLS_CERT_FILE", "/a.crt,b.crt", "is not an absolute path"},
    {"ATTACHMENT_DENY_EXTENSIONS", ".exe", "is not a file name's extension"},
    {"ATTACHMENT_DENY_TYPES", "video", "is not a media type"},
    {"ATTACHMENT_DENY_TYPES", "*/*", "is not a media type"},
    {"ATTACHMENT_DENY_TYPES", "video/m*", "is not a media type"},
    {"TLS_CERT_FILE", "/a.crt,/b.crt",
	"TLS_KEY_FILE: names 1 files for the 2 of TLS_CERT_FILE"},
    {"ACCESS_DENY", "192.0.2.0/33", "is not a network"},
    {"ACCESS_DENY", "2001:db8::/129", "is not a network"},
    {"ACCESS_DENY", "192.0.2.0/", "is not a network"},
    {"ACCESS_DENY", "@list", "is not an absolute path"},
    {"OPS_ALLOWED_CIDRS", "192.0.2.0/000024", "is not a network"},
    {"OPS_ALLOWED_CIDRS", "#192.0.2.0", "is not a network"},
    {"PROXY_PROTOCOL_CIDRS", "@/list", "is not a network"},
    {"DNS_SERVERS", "dns.example", "is not ip or ip@port"},
    {"DNS_SERVERS", "127.0.0.1:53", "is not ip or ip@port"},
    {"DNS_SERVERS", "127.0.0.1@0", "is not ip or ip@port"},
    {"URIBL_ZONES", "a.example", "is not zone=score"},
    {"URIBL_ZONES", "a.example=x", "is not zone=score"},
    {"URIBL_ZONES", "a.example=", "is not zone=score"},
    {"URIBL_ZONES", "a.example=-1", "is not zone=score"},
    {"URIBL_ZONES", "a.example=0", "with a score above 0"},
    {"URIBL_ZONES", "a.example=0x10", "is not zone=score"},
    {"URIBL_ZONES", "a.example=1e3", "is not zone=score"},
    {"URIBL_ZONES", "a.example=inf", "is not zone=score"},
    {"OUTBOUND_SMARTHOST", "a:b:c", "is not host or host:port"},
    {"RUN_USER", "no-such-user", "is not a user of this host"},
    {"WEBHOOK_RETRY_BASE_MS", "900001",
	"WEBHOOK_RETRY_BASE_MS: is larger than WEBHOOK_RETRY_MAX_MS"},
};

static void malformed_values_are_named(void **state)
{
	for (size_t i = 0; i < COUNT(malformed); i++) {
		(void)config_fresh(state);
		setenv(malformed[i].name, malformed[i].value, 1);
		must_refuse(PROGRAM_SMTPD, malformed[i].fault);
	}
}

static void all_faults_are_told_at_once(void **state)
{
	struct config_report report = config_report_new();
	const char *faults;

	(void)state;
	setenv("WEBHOOK_CONCURRENCY", "many", 1);
	setenv("SPOOL_DIR", "here", 1);
	unsetenv("PHOENIX_WEBHOOK_URL");
	unsetenv("HARAKA_API_KEY");
	use_ini("colour = red\n");
	assert_null(config_load(PROGRAM_DELIVER, &report));
	faults = buf_text(&report.faults);
	assert_non_null(strstr(faults, "colour: is not a setting"));
	assert_non_null(strstr(faults, "SPOOL_DIR: "));
	assert_non_null(strstr(faults, "\nWEBHOOK_CONCURRENCY: "));
	assert_non_null(strstr(faults, "\nPHOENIX_WEBHOOK_URL: is missing"));
	assert_non_null(strstr(faults, "\nPHOENIX_API_KEY: is missing"));
	config_report_free(&report);
	remove_file("ini");
}

static void what_a_program_needs_is_required(void **state)
{
	static const struct {
		enum program program;
		const char *without, *name, *value, *missing;
	} rows[] = {
	    {PROGRAM_DELIVER, "PHOENIX_WEBHOOK_URL", NULL, NULL,
		"PHOENIX_WEBHOOK_URL: is missing"},
	    {PROGRAM_DELIVER, "PHOENIX_WEBHOOK_URL", "DELIVER_LANES", "smtp",
		NULL},
	    {PROGRAM_DELIVER, "HARAKA_API_KEY", NULL, NULL,
		"PHOENIX_API_KEY: is missing"},
	    {PROGRAM_DELIVER, "HARAKA_API_KEY", "DELIVER_LANES", "smtp", NULL},
	    {PROGRAM_DELIVER, "HARAKA_API_KEY", "PHOENIX_API_KEY", "k", NULL},
	    {PROGRAM_SMTPD, "HARAKA_API_KEY", NULL, NULL, NULL},
	    {PROGRAM_SMTPD, "HARAKA_API_KEY", "PHOENIX_VERIFY_URL",
		"http://a/v", "PHOENIX_API_KEY: is missing"},
	    {PROGRAM_SMTPD, "HARAKA_API_KEY", "PHOENIX_DOMAINS_URL",
		"http://a/d", "PHOENIX_API_KEY: is missing"},
	    {PROGRAM_SMTPD, "HARAKA_API_KEY", "HARAKA_ROLE", "submission",
		"PHOENIX_API_KEY: is missing"},
	    {PROGRAM_SMTPD, "PHOENIX_WEBHOOK_URL", NULL, NULL, NULL},
	    {PROGRAM_SMTPD, "PHOENIX_WEBHOOK_URL", "HARAKA_ROLE", "submission",
		"PHOENIX_AUTH_URL: is missing"},
	    {PROGRAM_HTTPAPI, "HARAKA_API_KEY", NULL, NULL,
		"HARAKA_HTTP_API_KEY: is missing"},
	    {PROGRAM_HTTPAPI, "HARAKA_API_KEY", "HARAKA_HTTP_API_KEY", "k",
		NULL},
	    {PROGRAM_SPOOL, "HARAKA_API_KEY", NULL, NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)config_fresh(state);
		unsetenv(rows[i].without);
		if (rows[i].name != NULL)
			setenv(rows[i].name, rows[i].value, 1);
		if (rows[i].missing != NULL) {
			must_refuse(rows[i].program, rows[i].missing);
		} else {
			struct config *c = must_load(rows[i].program);

			config_free(&c);
		}
	}
}

static void an_empty_value_counts_as_unset(void **state)
{
	struct config *c;

	(void)state;
	setenv("WEBHOOK_CONCURRENCY", "", 1);
	setenv("REDIS_URL", "", 1);
	setenv("PHOENIX_API_KEY_FILE", "", 1);
	use_ini("webhook_timeout_ms =\n");
	c = must_load(PROGRAM_DELIVER);
	assert_int_equal(c->webhook_concurrency, 16);
	assert_int_equal(c->webhook_timeout_ms, 30000);
	assert_null(c->redis_url);
	config_free(&c);
	remove_file("ini");
}

static void print_tells_where_values_come_from_and_no_secret(void **state)
{
	char expected[300];
	const char *key;
	struct config *c;

	(void)state;
	use_ini("keep_delivered = 3d\n");
	setenv("LOG_LEVEL", "debug", 1);
	setenv("REDIS_URL", "redis://user:hidden@redis:6379/1", 1);
	setenv("PHOENIX_WEBHOOK_URL", "http://me:hidden@phoenix/in", 1);
	key = file_with("key", "hidden", 6);
	setenv("PHOENIX_API_KEY_FILE", key, 1);
	(void)snprintf(
	    expected, sizeof(expected), "***  # PHOENIX_API_KEY_FILE %s", key);
	c = must_load(PROGRAM_DELIVER);
	assert_string_equal(printed(c, "PHOENIX_API_KEY"), expected);
	assert_string_equal(printed(c, "LOG_LEVEL"), "debug  # environment");
	assert_string_equal(
	    printed(c, "REDIS_URL"), "redis://***@redis:6379/1  # environment");
	assert_string_equal(printed(c, "PHOENIX_WEBHOOK_URL"),
	    "http://***@phoenix/in  # environment");
	(void)snprintf(
	    expected, sizeof(expected), "3d  # file %s/ini", config_folder);
	assert_string_equal(printed(c, "KEEP_DELIVERED"), expected);
	config_free(&c);
	setenv("REDIS_URL", "rediss://user:hid/den@redis", 1);
	must_refuse(PROGRAM_DELIVER, "REDIS_URL: \"rediss://***@redis\" asks");
	remove_file("key");
	remove_file("ini");
}

static void the_replaced_service_as_local_mx_means_direct(void **state)
{
	struct config_report report = config_report_new();
	struct config *c;

	(void)state;
	setenv("ELEKTRINE_LOCAL_MX_HOST", "haraka-inbound", 1);
	c = config_load(PROGRAM_DELIVER, &report);
	assert_non_null(c);
	assert_null(c->elektrine_local_mx_host);
	assert_non_null(
	    strstr(buf_text(&report.warnings), "ELEKTRINE_LOCAL_MX_HOST"));
	config_free(&c);
	config_report_free(&report);
}

static void what_is_not_there_yet_is_not_believed_in(void **state)
{
	struct config_report report = config_report_new();
	struct config *c;

	(void)state;
	setenv("OUTBOUND_PORT", "26", 1);
	c = config_load(PROGRAM_DELIVER, &report);
	assert_non_null(c);
	assert_string_equal(buf_text(&report.warnings),
	    "OUTBOUND_PORT: changes nothing in this version\n");
	config_free(&c);
	config_report_free(&report);
	setenv("SPOOL_KEY_FILE", "/no/such/key", 1);
	must_refuse(PROGRAM_DELIVER,
	    "SPOOL_KEY_FILE: this version cannot encrypt the spool");
}

static void reload_swaps_what_it_may_and_names_the_rest(void **state)
{
	struct config_report report = config_report_new();
	struct config *old, *new;

	(void)state;
	old = must_load(PROGRAM_SMTPD);
	setenv("SMTP_MAX_ERRORS", "3", 1);
	setenv("SPOOL_DIR", "/elsewhere", 1);
	setenv("SPOOL_MIN_FREE", "9%", 1);
	setenv("HARAKA_ROLE", "submission", 1);
	new = config_reload(old, &report);
	assert_non_null(new);
	assert_int_equal(new->smtp_max_errors, 3);
	assert_string_equal(new->spool_dir, "/var/spool/elektrine");
	assert_int_equal(new->spool_min_free_percent, 0);
	assert_int_equal(new->spool_min_free_bytes, 512 * 1024 * 1024);
	/* Defaults follow what is in effect, not what was wished. */
	assert_string_equal(new->haraka_dkim_dir, "/var/spool/elektrine/dkim");
	assert_int_equal(new->early_talker_ms, 1000);
	assert_string_equal(buf_text(&report.restart),
	    "HARAKA_ROLE\nSPOOL_DIR\nSPOOL_MIN_FREE\n");
	config_free(&old);
	assert_string_equal(new->spool_dir, "/var/spool/elektrine");
	config_free(&new);
	config_report_free(&report);
}

static void a_faulty_reload_gives_nothing(void **state)
{
	struct config_report report = config_report_new();
	struct config *old = must_load(PROGRAM_SMTPD);

	(void)state;
	setenv("SMTP_MAX_ERRORS", "0", 1);
	assert_null(config_reload(old, &report));
	assert_non_null(strstr(buf_text(&report.faults), "SMTP_MAX_ERRORS: "));
	assert_int_equal(old->smtp_max_errors, 10);
	config_free(&old);
	config_report_free(&report);
}

#define CASE(name) cmocka_unit_test_setup(name, config_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(defaults_are_those_of_the_interface),
	    CASE(default_values_are_typed),
	    CASE(submission_has_other_defaults),
	    CASE(auth_url_stands_beside_the_webhook),
	    CASE(values_become_typed),
	    CASE(edges_are_accepted),
	    CASE(malformed_values_are_named),
	    CASE(all_faults_are_told_at_once),
	    CASE(what_a_program_needs_is_required),
	    CASE(an_empty_value_counts_as_unset),
	    CASE(print_tells_where_values_come_from_and_no_secret),
	    CASE(the_replaced_service_as_local_mx_means_direct),
	    CASE(what_is_not_there_yet_is_not_believed_in),
	    CASE(reload_swaps_what_it_may_and_names_the_rest),
	    CASE(a_faulty_reload_gives_nothing),
	};

	return cmocka_run_group_tests(
	    tests, config_make_folder, config_remove_folder);
}
