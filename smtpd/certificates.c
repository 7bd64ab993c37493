#include "smtpd/certificates.h"

#include "base/clock.h"
#include "base/log.h"
#include "bounds.h"
#include "smtpd/figures.h"
#include "smtpd/listen.h"

#include <stddef.h>
#include <sys/stat.h>

/* FNV-1a: a change must show, and nobody attacks with them. */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
	return hash;
}

static uint64_t mix_files(uint64_t hash, const struct list *paths)
{
	struct stat file;

	for (size_t i = 0; i < paths->count; i++) {
		if (stat(paths->items[i], &file) != 0)
			file = (struct stat){0};
		hash = mix(hash, &file.st_dev, sizeof(file.st_dev));
		hash = mix(hash, &file.st_ino, sizeof(file.st_ino));
		hash = mix(hash, &file.st_size, sizeof(file.st_size));
		hash = mix(hash, &file.st_mtim.tv_sec, sizeof(time_t));
		hash = mix(hash, &file.st_mtim.tv_nsec, sizeof(long));
		/* Also what may make it readable. */
		hash = mix(hash, &file.st_ctim.tv_sec, sizeof(time_t));
		hash = mix(hash, &file.st_ctim.tv_nsec, sizeof(long));
	}
	return hash;
}

static uint64_t fingerprint(const struct config *config)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	hash = mix_files(hash, &config->tls_cert_file);
	return mix_files(hash, &config->tls_key_file);
}

static bool read_files(struct certificates *certificates, struct error *err)
{
	const struct config *config = certificates->config;
	char expires[CLOCK_ISO_SIZE];

	/* Before they are read: what changes meanwhile shows later. */
	certificates->read = fingerprint(config);
	certificates->last_seen = certificates->read;
	certificates->read_ms = clock_mono_ms();
	if (!tls_server_load(certificates->tls, &config->tls_cert_file,
		&config->tls_key_file, err))
		return false;
	clock_format_iso(tls_server_expiry_ms(certificates->tls), expires);
	log_event(tls_server_expiry_ms(certificates->tls) < clock_wall_ms()
		      ? LOG_WARN
		      : LOG_INFO,
	    "certificates_read",
	    LOG_NUMBER("count", config->tls_cert_file.count),
	    LOG_TEXT("expires", expires));
	return true;
}

bool certificates_open(struct certificates *certificates,
    const struct config *config, struct error *err)
{
	*certificates =
	    (struct certificates){.tls = tls_server_new(), .config = config};
	return read_files(certificates, err);
}

void certificates_check(
    const struct config *config, struct config_report *report)
{
	struct tls_server *tls = tls_server_new();
	bool needed = smtpd_listen_needs_tls(config);
	struct error err;

	for (size_t i = 0; i < config->tls_cert_file.count; i++) {
		struct list certificate = {&config->tls_cert_file.items[i], 1};
		struct list key = {&config->tls_key_file.items[i], 1};

		if (tls_server_load(tls, &certificate, &key, &err))
			continue;
		if (needed)
			(void)buf_printf(&report->faults,
			    "TLS_CERT_FILE: a tls: address of SMTP_LISTEN "
			    "needs it: %s\n",
			    err.text);
		else
			(void)buf_printf(&report->warnings,
			    "TLS_CERT_FILE: STARTTLS will not be offered: %s\n",
			    err.text);
	}
	tls_server_free(&tls);
}

void certificates_close(struct certificates *certificates)
{
	loop_timer_free(&certificates->timer);
	tls_server_free(&certificates->tls);
}

static void read_again(struct certificates *certificates)
{
	struct error err;

	if (read_files(certificates, &err))
		return;
	log_event(LOG_ERROR, "certificates_refused",
	    LOG_TEXT("error", err.text),
	    LOG_BOOL("old_in_use", tls_server_is_ready(certificates->tls)));
}

void certificates_reload(
    struct certificates *certificates, const struct config *config)
{
	certificates->config = config;
	read_again(certificates);
}

/* Files that are being written are left alone until they rest: what was seen
 * twice. */
static void on_look(void *arg)
{
	struct certificates *certificates = arg;
	uint64_t now = fingerprint(certificates->config);
	bool rests = now == certificates->last_seen;

	certificates->last_seen = now;
	if (rests && (now != certificates->read ||
			 clock_mono_ms() - certificates->read_ms >=
			     LIMIT_TICKET_KEYS_MS))
		read_again(certificates);
	metric_set(&figure_certificate_expiry, NULL,
	    tls_server_expiry_ms(certificates->tls) / 1000);
	loop_timer_set(certificates->timer, LIMIT_CERTIFICATE_POLL_MS);
}

void certificates_watch(struct certificates *certificates, struct loop *loop)
{
	certificates->timer = loop_timer_new(loop, on_look, certificates);
	loop_timer_set(certificates->timer, LIMIT_CERTIFICATE_POLL_MS);
}
