/* What the SMTP server records for monitoring (base/metrics.h). */
#ifndef SMTPD_FIGURES_H
#define SMTPD_FIGURES_H

#include "base/metrics.h"

extern struct metric figure_connections, figure_connections_total;
extern struct metric figure_connections_refused; /* by limit */
extern struct metric figure_session_duration;    /* by how it ended */
extern struct metric figure_messages_accepted, figure_messages_failed;
extern struct metric figure_bytes_accepted;
extern struct metric figure_messages_rejected; /* by reason */
extern struct metric figure_refused;           /* by reason */
extern struct metric figure_check_duration;    /* by check */
extern struct metric figure_list_questions_skipped;
extern struct metric figure_tls_handshakes; /* by version */
extern struct metric figure_tls_failures;   /* by reason */
extern struct metric figure_certificate_expiry;

/* Declares them all. */
void smtpd_figures_declare(void);

#endif
