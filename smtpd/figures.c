#include "smtpd/figures.h"

#include <stddef.h>

struct metric figure_connections = {.name = "elektrine_smtpd_connections",
    .help = "Clients that are connected.",
    .kind = METRIC_GAUGE};
struct metric figure_connections_total = {
    .name = "elektrine_smtpd_connections_total",
    .help = "Clients that were let in.",
    .kind = METRIC_COUNTER};
struct metric figure_connections_refused = {
    .name = "elektrine_smtpd_connections_refused_total",
    .help = "Clients that were turned away, by limit.",
    .kind = METRIC_COUNTER,
    .label = "reason"};
struct metric figure_session_duration = {
    .name = "elektrine_smtpd_session_duration_seconds",
    .help = "How long sessions lasted.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};
struct metric figure_messages_accepted = {
    .name = "elektrine_smtpd_messages_accepted_total",
    .help = "Messages that were answered with 250.",
    .kind = METRIC_COUNTER};
struct metric figure_messages_failed = {
    .name = "elektrine_smtpd_messages_failed_total",
    .help = "Messages that the spool did not take.",
    .kind = METRIC_COUNTER};
struct metric figure_bytes_accepted = {
    .name = "elektrine_smtpd_bytes_accepted_total",
    .help = "Bytes of the messages that were answered with 250.",
    .kind = METRIC_COUNTER};
struct metric figure_messages_rejected = {
    .name = "elektrine_smtpd_messages_rejected_total",
    .help = "Messages that were refused, by reason.",
    .kind = METRIC_COUNTER,
    .label = "reason"};
struct metric figure_refused = {.name = "elektrine_smtpd_refused_total",
    .help = "Refusals by a check at any stage, by reason.",
    .kind = METRIC_COUNTER,
    .label = "reason"};
struct metric figure_check_duration = {
    .name = "elektrine_smtpd_check_duration_seconds",
    .help = "How long each check took.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short,
    .label = "check"};

struct metric figure_list_questions_skipped = {
    .name = "elektrine_smtpd_list_questions_skipped_total",
    .help = "Questions to block lists that do not answer: not asked.",
    .kind = METRIC_COUNTER};

struct metric figure_tls_handshakes = {
    .name = "elektrine_smtpd_tls_handshakes_total",
    .help = "TLS handshakes that came to their end, by protocol version.",
    .kind = METRIC_COUNTER,
    .label = "version",
    .known = (const char *const[]){"TLSv1.2", "TLSv1.3", NULL}};
struct metric figure_tls_failures = {
    .name = "elektrine_smtpd_tls_failures_total",
    .help = "TLS handshakes that failed, or were left or not gone on with.",
    .kind = METRIC_COUNTER,
    .label = "reason",
    .known = (const char *const[]){"tls_failed", "tls_timeout", NULL}};
struct metric figure_certificate_expiry = {
    .name = "elektrine_smtpd_certificate_expiry_timestamp_seconds",
    .help = "When the first of the certificates in use ends; 0 without one.",
    .kind = METRIC_GAUGE,
    .merge = METRIC_LEAST};

void smtpd_figures_declare(void)
{
	static struct metric *const all[] = {&figure_connections,
	    &figure_connections_total, &figure_connections_refused,
	    &figure_session_duration, &figure_messages_accepted,
	    &figure_messages_failed, &figure_bytes_accepted,
	    &figure_messages_rejected, &figure_refused, &figure_check_duration,
	    &figure_list_questions_skipped, &figure_tls_handshakes,
	    &figure_tls_failures, &figure_certificate_expiry};

	metrics_declare(all, sizeof(all) / sizeof(all[0]));
}
