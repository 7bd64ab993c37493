/*
 * The settings (docs/SETTINGS.md): environment and INI file in, one validated
 * `const struct config` out. One field per setting, named as the setting is,
 * in lower case; times are in milliseconds (`_ms`), sizes in bytes. The table
 * that drives all of it is base/config_table.c.
 *
 * A configuration never changes after it was made: SIGHUP makes another one,
 * and whoever shares it swaps the pointer. Not loaded by two threads at once
 * (it reads the environment); reading is free.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"
#include "base/log.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Which of the programs asks: it decides what is required, what is printed,
 * and which NAME_FILEs are opened. One bit each. */
enum program {
	PROGRAM_SMTPD = 1,
	PROGRAM_DELIVER = 2,
	PROGRAM_HTTPAPI = 4,
	PROGRAM_SPOOL = 8
};

enum smtpd_role { ROLE_INBOUND_MX, ROLE_SUBMISSION };

/* Bits of deliver_lanes. */
enum deliver_lane { DELIVER_WEBHOOK = 1, DELIVER_SMTP = 2 };

enum check_mode {
	CHECK_OFF,   /* not made; reports `none` */
	CHECK_MARK,  /* made and recorded */
	CHECK_REJECT /* made, recorded, and a failure refuses the mail */
};

enum bare_newline { BARE_NEWLINE_REJECT, BARE_NEWLINE_NORMALIZE };
enum on_error { ON_ERROR_DEFER, ON_ERROR_ACCEPT };

enum outbound_tls {
	OUTBOUND_TLS_NONE,
	OUTBOUND_TLS_OPPORTUNISTIC,
	OUTBOUND_TLS_REQUIRE
};

/* count events in per_ms milliseconds; count 0 = no limit. */
struct rate {
	unsigned count;
	int64_t per_ms;
};

/* A comma list; every item was validated, none is empty. */
struct list {
	const char **items;
	size_t count;
};

struct config_detail;

/* Strings are NULL when unset. */
struct config {
	/* what runs here */
	const char *elektrine_config;
	enum smtpd_role haraka_role;
	unsigned deliver_lanes; /* enum deliver_lane */
	const char *haraka_domain;
	enum log_level log_level;
	const char *run_user; /* NULL: stay who we are */
	const char *metrics_listen;

	/* the spool */
	const char *spool_dir;
	uint64_t spool_min_free_bytes;
	unsigned spool_min_free_percent; /* one of the two is 0 */
	const char *spool_key_file;
	int64_t history_retention_ms;
	int64_t keep_delivered_ms;

	/* Phoenix */
	const char *phoenix_webhook_url;
	const char *phoenix_verify_url;
	const char *phoenix_domains_url;
	const char *phoenix_auth_url;
	const char *phoenix_events_url;
	const char *haraka_api_key;
	const char *phoenix_api_key;
	struct list local_domains; /* in lower case */
	int64_t domain_cache_ttl_ms;
	int64_t verify_cache_ttl_ms;
	int64_t verify_stale_ttl_ms;

	/* wake-ups beyond the machine */
	const char *redis_url;
	const char *elektrine_queue_name;
	const char *elektrine_dlq_name;

	/* delivery to the webhook */
	unsigned webhook_concurrency;
	int webhook_max_retries; /* -1: by age */
	int64_t webhook_retry_base_ms;
	int64_t webhook_retry_max_ms;
	int64_t webhook_timeout_ms;
	uint64_t webhook_max_bytes;
	unsigned webhook_max_per_minute; /* 0: no limit */
	const char *webhook_signing_secret;
	int64_t queue_max_age_ms;
	bool haraka_include_headers;
	bool haraka_include_body;
	bool haraka_include_attachments;
	bool haraka_include_raw;
	bool deliver_bounces;

	/* bounds of one message */
	uint64_t elektrine_queue_max_raw_bytes;
	unsigned max_recipients;
	unsigned max_header_lines;
	uint64_t max_header_bytes;
	unsigned max_received;
	unsigned max_mime_parts;

	/* SMTP sessions; 0 connections = no limit */
	struct list smtp_listen;   /* "[tls:]address:port" */
	struct list tls_cert_file; /* paths, as many as of keys */
	struct list tls_key_file;
	unsigned smtp_max_connections;
	unsigned smtp_max_connections_per_ip;
	struct rate smtp_max_rate_per_ip;
	int64_t smtp_idle_timeout_ms;
	int64_t smtp_data_timeout_ms;
	unsigned smtp_max_errors;
	enum bare_newline smtp_bare_newline;
	int64_t early_talker_ms;
	struct list access_allow; /* CIDRs or "@file" */
	struct list access_deny;
	struct list proxy_protocol_cidrs;
	struct list trusted_relay_cidrs;

	/* checks on the way in */
	struct list dns_servers; /* "ip[@port]"; none: /etc/resolv.conf */
	bool dns_trust_ad;
	enum check_mode check_fcrdns;
	enum check_mode check_helo;
	enum check_mode check_sender_domain;
	enum check_mode check_spf;
	enum check_mode check_dkim;
	enum check_mode check_dmarc;
	enum check_mode check_arc;
	bool spf_protect_local;
	struct list dnsbl_zones;
	enum check_mode dnsbl_action;
	struct list attachment_deny_extensions; /* in lower case, no dot */
	struct list attachment_deny_types;      /* in lower case */
	struct list uribl_zones;                /* "zone=score" */
	double uribl_reject_score;
	const char *clamav_address; /* "host:port" or "/path" */
	enum on_error clamav_on_error;
	const char *spamassassin_address;
	double spam_reject_score; /* INFINITY: off */
	uint64_t spam_max_bytes;

	/* the HTTP API */
	const char *haraka_http_host;
	unsigned haraka_http_port;
	const char *haraka_http_api_key;
	const char *haraka_cors_origin;
	struct list ops_allowed_cidrs;
	struct list metrics_allowed_cidrs;
	struct list haraka_trusted_proxy_cidrs;
	unsigned rate_limit_max_requests; /* 0: no limit */
	int64_t rate_limit_window_ms;
	const char *haraka_dkim_dir;

	/* outgoing mail */
	const char *elektrine_local_mx_host; /* NULL: straight to the spool */
	unsigned elektrine_local_mx_port;
	unsigned outbound_concurrency;
	unsigned outbound_per_domain;
	enum outbound_tls outbound_tls;
	unsigned outbound_port;
	const char *outbound_smarthost; /* "host[:port]" */
	struct list outbound_allow_cidrs;

	/* alarms */
	unsigned queue_warn_threshold;
	unsigned dlq_crit_threshold;

	struct config_detail *detail; /* private: where each value came from */
};

/* What an operator is told. Lines end with "\n"; empty when there is nothing
 * to say. Secret values never appear. */
struct config_report {
	struct buf faults;   /* one line per fault, beginning with its name */
	struct buf warnings; /* one line each */
	struct buf restart;  /* names, one per line, that a reload left alone */
};

struct config_report config_report_new(void);
/* Adds a fault that names the setting itself. */
void config_report_fault(struct config_report *report, const struct error *err);
void config_report_free(struct config_report *report);

/* Reads the environment and the file that ELEKTRINE_CONFIG names. NULL if
 * anything is wrong; then all faults are in the report, which was empty. */
struct config *config_load(enum program program, struct config_report *report);

/* For SIGHUP: reads everything again. The result is whole and may replace
 * `old`; settings that need a restart keep their old values in it and are
 * named in the report. NULL, with faults, if the old one must stay. */
struct config *config_reload(
    const struct config *old, struct config_report *report);

/* Wipes the secrets, frees, clears the pointer; NULL is fine. */
void config_free(struct config **config);

/* The effective settings of its program, one a line in the table's order:
 * `NAME=value  # default|environment|file PATH|NAME_FILE PATH`. */
void config_print(const struct config *config, FILE *out);

#endif
