/* Opening, closing and the health of a spool. */
#include "spool/spool.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/number.h"
#include "base/os.h"
#include "spool/commit.h"
#include "spool/figures.h"
#include "spool/flight.h"
#include "spool/guard.h"
#include "spool/internal.h"
#include "spool/notify.h"
#include "spool/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a newer program must raise when an older one could not understand the
 * spool any more. */
#define SPOOL_FORMAT 1
#define FORMAT_FILE "format"
/* Hex digits of the secret's fingerprint, and its bytes. */
#define FINGERPRINT_TEXT 32
#define FINGERPRINT_BYTES (FINGERPRINT_TEXT / 2)
#define FORMAT_WORD "elektrine-spool "
#define SECRET_FILE "secret"

/* --- the folder ------------------------------------------------------- */

/* Nothing is made in a folder that is something else. */
static bool check_is_spool(struct spool *spool, struct error *err)
{
	struct stat st;

	if (fstatat(spool->root, FORMAT_FILE, &st, 0) == 0)
		return true;
	if (errno == ENOENT)
		return error_set(err, ERROR_CONFIG,
		    "%s is not a spool: it has no file " FORMAT_FILE,
		    spool->dir);
	return error_errno(err, "cannot look into the spool %s", spool->dir);
}

static bool open_root(struct spool *spool, struct error *err)
{
	static const char *const folders[] = {"run", "run/agents",
	    FIGURES_FOLDER, "index", "history", KEPT_FOLDER};

	if (spool->options.create && !os_make_path(spool->dir, 0770, err))
		return false;
	if (!os_open(AT_FDCWD, spool->dir, O_RDONLY | O_DIRECTORY, 0,
		&spool->root, err)) {
		if (err != NULL && err->kind == ERROR_NOT_FOUND)
			return error_set(err, ERROR_CONFIG,
			    "there is no spool at %s", spool->dir);
		return false;
	}
	if (!spool->options.create)
		return check_is_spool(spool, err);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (mkdirat(spool->root, folders[i], 0770) != 0 &&
		    errno != EEXIST)
			return error_errno(err, "cannot make the folder %s/%s",
			    spool->dir, folders[i]);
	}
	return true;
}

/* Writes a small file that is whole or absent, whatever happens. */
static bool write_whole(struct spool *spool, const char *name, const void *data,
    size_t len, struct error *err)
{
	char temporary[64];
	bool done;
	int fd;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", name);
	if (!os_open(spool->root, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600,
		&fd, err))
		return false;
	done = os_write(fd, data, len, err) && os_fsync(fd, err);
	os_close(&fd);
	return done &&
	       os_rename(spool->root, temporary, spool->root, name, err) &&
	       os_fsync(spool->root, err);
}

/* Reads at most size bytes; *got 0 if there is no such file. */
static bool read_small(struct spool *spool, const char *name, void *data,
    size_t size, size_t *got, struct error *err)
{
	struct error why;
	bool done;
	int fd;

	*got = 0;
	if (!os_open(spool->root, name, O_RDONLY, 0, &fd, &why)) {
		if (why.kind == ERROR_NOT_FOUND)
			return true;
		return error_set(err, why.kind, "%.390s", why.text);
	}
	done = os_pread(fd, data, size, 0, got, err);
	os_close(&fd);
	return done;
}

static bool load_secret(struct spool *spool, bool make, struct error *err)
{
	size_t got;

	if (!read_small(
		spool, SECRET_FILE, spool->key, sizeof(spool->key), &got, err))
		return false;
	if (got == sizeof(spool->key))
		return true;
	if (got != 0 || !make)
		return error_set(err, ERROR_CONFIG,
		    "%s/" SECRET_FILE " is missing or too short: it is the key "
		    "of the content hashes; restore it from a backup",
		    spool->dir);
	randombytes_buf(spool->key, sizeof(spool->key));
	return write_whole(
	    spool, SECRET_FILE, spool->key, sizeof(spool->key), err);
}

static void new_uuid(char text[SPOOL_UUID_TEXT + 1])
{
	uint8_t b[16];

	randombytes_buf(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
	(void)snprintf(text, SPOOL_UUID_TEXT + 1,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
}

/* What tells the right secret from a wrong one, and nothing else about it. */
static void fingerprint(
    const struct spool *spool, char text[FINGERPRINT_TEXT + 1])
{
	uint8_t digest[FINGERPRINT_BYTES];

	(void)crypto_generichash(digest, sizeof(digest),
	    (const unsigned char *)spool->uuid, strlen(spool->uuid), spool->key,
	    sizeof(spool->key));
	(void)sodium_bin2hex(
	    text, FINGERPRINT_TEXT + 1, digest, sizeof(digest));
}

/* With another secret every message would look damaged. */
static bool check_secret(
    const struct spool *spool, const char *expected, struct error *err)
{
	char own[FINGERPRINT_TEXT + 1];

	fingerprint(spool, own);
	if (strcmp(own, expected) == 0)
		return true;
	return error_set(err, ERROR_CONFIG,
	    "%s/" SECRET_FILE " is not this spool's: restore it from a backup",
	    spool->dir);
}

static bool make_format(struct spool *spool, struct error *err)
{
	char text[128], own[FINGERPRINT_TEXT + 1];

	new_uuid(spool->uuid);
	fingerprint(spool, own);
	(void)snprintf(text, sizeof(text), FORMAT_WORD "%d %s %s\n",
	    SPOOL_FORMAT, spool->uuid, own);
	return write_whole(spool, FORMAT_FILE, text, strlen(text), err);
}

/* Takes `len` characters and the one that must stand behind them. */
static bool take_word(const char **text, char *word, size_t len, char end)
{
	if (strcspn(*text, " \n") != len || (*text)[len] != end)
		return false;
	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len + 1;
	return true;
}

/* "elektrine-spool <format> <uuid> <fingerprint>\n": which spool this is. */
static bool parse_format(const char *text, uint64_t *format,
    char uuid[SPOOL_UUID_TEXT + 1], char expected[FINGERPRINT_TEXT + 1])
{
	if (strncmp(text, FORMAT_WORD, strlen(FORMAT_WORD)) != 0)
		return false;
	text += strlen(FORMAT_WORD);
	return number_take(&text, INT_MAX, format) && *text++ == ' ' &&
	       take_word(&text, uuid, SPOOL_UUID_TEXT, ' ') &&
	       take_word(&text, expected, FINGERPRINT_TEXT, '\n');
}

static bool read_format(struct spool *spool, const char *text,
    char expected[FINGERPRINT_TEXT + 1], struct error *err)
{
	uint64_t format;

	if (!parse_format(text, &format, spool->uuid, expected))
		return error_set(err, ERROR_CONFIG,
		    "%s/" FORMAT_FILE " is damaged", spool->dir);
	if (format > SPOOL_FORMAT)
		return error_set(err, ERROR_CONFIG,
		    "the spool was written by a newer program (format %" PRIu64
		    ", this one knows %d)",
		    format, SPOOL_FORMAT);
	return true;
}

/* Format and secret belong together; a first start makes both, the secret
 * first. */
static bool load_identity(struct spool *spool, struct error *err)
{
	char text[128] = "", expected[FINGERPRINT_TEXT + 1];
	size_t got;

	if (!read_small(spool, FORMAT_FILE, text, sizeof(text) - 1, &got, err))
		return false;
	if (got == 0)
		return load_secret(spool, true, err) && make_format(spool, err);
	return read_format(spool, text, expected, err) &&
	       load_secret(spool, false, err) &&
	       check_secret(spool, expected, err);
}

/* --- the index -------------------------------------------------------- */

static bool stop_at_first(void *arg, enum box box, int folder, const char *name)
{
	struct id id;

	(void)box;
	(void)folder;
	if (!maildir_name_id(name, &id))
		return true;
	*(bool *)arg = true;
	return false;
}

static bool holds_mail(struct spool *spool, bool *mail, struct error *err)
{
	*mail = false;
	return maildir_each(
		   &spool->maildirs, BOX_QUEUE, stop_at_first, mail, err) &&
	       (*mail || maildir_each(&spool->maildirs, BOX_DEAD, stop_at_first,
			     mail, err));
}

/* The index must name this spool; a new one learns the name. */
static bool check_uuid(struct spool *spool, bool created, struct error *err)
{
	struct index_txn *txn;
	struct bytes value;
	bool same;

	if (created) {
		if (!index_write_begin(spool->index, &txn, err))
			return false;
		meta_put(txn, "uuid", spool->uuid, SPOOL_UUID_TEXT);
		return index_commit(&txn, err);
	}
	if (!index_read_begin(spool->index, &txn, err))
		return false;
	same = meta_get(txn, "uuid", &value) && value.len == SPOOL_UUID_TEXT &&
	       memcmp(value.data, spool->uuid, SPOOL_UUID_TEXT) == 0;
	index_abort(&txn);
	return same ||
	       error_set(err, ERROR_CORRUPT,
		   "the index belongs to another spool: run `elektrine-spool "
		   "rebuild`");
}

static bool index_is_there(struct spool *spool)
{
	struct stat st;

	return fstatat(spool->root, "index/data.mdb", &st, 0) == 0 &&
	       st.st_size > 0;
}

/* What is wrong with the index wants rebuild, whatever it is. */
static bool open_sound_index(
    struct spool *spool, const char *path, bool *created, struct error *err)
{
	const struct spool_options *options = &spool->options;
	bool sound[TABLE_COUNT];
	struct error why;
	uint64_t rows;

	if ((!options->verify_index ||
		index_verify_apart(path, sound, &rows, &why)) &&
	    index_open(path, options->create, options->access == SPOOL_READ,
		options->map_size, &spool->index, created, &why))
		return true;
	if (why.kind == ERROR_CORRUPT)
		return error_set(err, ERROR_CORRUPT,
		    "%.300s: run `elektrine-spool rebuild`", why.text);
	return error_set(err, why.kind, "%.390s", why.text);
}

static bool open_index(struct spool *spool, struct error *err)
{
	char path[4096];
	bool mail = false, created = false;

	if (!index_is_there(spool)) {
		if (!holds_mail(spool, &mail, err))
			return false;
		if (mail)
			return error_set(err, ERROR_CORRUPT,
			    "the index is missing while the maildirs hold "
			    "mail: run `elektrine-spool rebuild`");
	}
	(void)snprintf(path, sizeof(path), "%s/index", spool->dir);
	return open_sound_index(spool, path, &created, err) &&
	       check_uuid(spool, created, err);
}

/* --- opening ---------------------------------------------------------- */

/* Monitoring never stops mail. */
static void keep_figures(struct spool *spool)
{
	const char *program = spool->options.figures;
	struct error err;

	if (program == NULL)
		return;
	figures_declare();
	if (!metrics_keep(spool->root, FIGURES_FOLDER, program, &err))
		log_event(
		    LOG_WARN, "metrics_not_kept", LOG_TEXT("error", err.text));
}

static bool take_part(struct spool *spool, struct error *err)
{
	struct recovery report;
	struct error why;

	guard_check_file_system(spool->root, spool->dir);
	if (!spool_recover(spool, &report, err))
		return false;
	/* Who comes to free a full disk needs a little room for that. */
	if (!spool_become_writer(spool, &why) &&
	    (why.kind != ERROR_FULL || !ballast_release(&spool->room) ||
		!spool_become_writer(spool, &why)))
		return error_set(err, why.kind, "%.390s", why.text);
	if (report.writers > 0 || report.retracted > 0)
		log_event(LOG_WARN, "spool_recovered",
		    LOG_NUMBER("writers", report.writers),
		    LOG_NUMBER("retracted", report.retracted),
		    LOG_NUMBER("kept", report.kept),
		    LOG_NUMBER("orphaned", report.orphaned),
		    LOG_NUMBER("unfinished", report.unfinished),
		    LOG_NUMBER("unlinked", report.unlinked));
	ballast_make(&spool->room);
	spool->notifier = notifier_new(spool->root);
	keep_figures(spool);
	spool->committer = committer_new(spool);
	return true;
}

/* What a first start makes: one program at a time, so that two that start
 * together agree on one spool. */
static bool open_parts(struct spool *spool, struct error *err)
{
	/* Whoever wants it alone wants to mend it: to make the index anew. */
	bool mends = spool->options.access == SPOOL_EXCLUSIVE;

	return load_identity(spool, err) &&
	       maildirs_open(&spool->maildirs, spool->root,
		   mends || spool->options.create, err) &&
	       (mends || open_index(spool, err));
}

static bool open_all(struct spool *spool, struct error *err)
{
	const struct spool_options *options = &spool->options;
	int making = -1;
	bool done;

	if (!open_root(spool, err) ||
	    !guard_enter(spool->root, options->access == SPOOL_EXCLUSIVE,
		&spool->guard, err))
		return false;
	room_init(&spool->room, spool->root, options->min_free_bytes,
	    options->min_free_percent);
	if (options->create && !guard_recovery(spool->root, &making, err))
		return false;
	done = open_parts(spool, err);
	os_close(&making);
	if (done && options->access == SPOOL_OPERATE)
		spool->notifier = notifier_new(spool->root);
	if (!done || options->access != SPOOL_WRITE)
		return done;
	return take_part(spool, err);
}

struct spool_options spool_options_of(const struct config *config)
{
	return (struct spool_options){
	    .dir = config->spool_dir,
	    .access = SPOOL_WRITE,
	    .create = true,
	    .min_free_bytes = config->spool_min_free_bytes,
	    .min_free_percent = config->spool_min_free_percent,
	    .max_message_bytes = config->elektrine_queue_max_raw_bytes,
	    .history_retention_ms = config->history_retention_ms,
	    .keep_delivered_ms = config->keep_delivered_ms,
	};
}

bool spool_open(const struct spool_options *options, struct spool **result,
    struct error *err)
{
	struct spool *spool = xcalloc(1, sizeof(*spool));

	*result = NULL;
	if (sodium_init() < 0)
		fatal("libsodium cannot be initialised");
	spool->options = *options;
	spool->dir = xstrdup(options->dir);
	spool->options.dir = spool->dir;
	spool->root = spool->guard = spool->writer = spool->writer_lock = -1;
	for (int i = 0; i < BOX_COUNT; i++)
		spool->maildirs.fresh[i] = spool->maildirs.seen[i] = -1;
	(void)pthread_rwlock_init(&spool->index_lock, NULL);
	(void)pthread_mutex_init(&spool->broken_lock, NULL);
	if (!open_all(spool, err)) {
		spool_close(&spool);
		return false;
	}
	*result = spool;
	return true;
}

/* The committer has ended: a last group that failed stays for recovery. */
static void land(struct spool *spool)
{
	struct error err;

	if (spool->committer == NULL)
		return;
	committer_free(&spool->committer);
	if (spool_healthy(spool, NULL) &&
	    !flight_forget(spool, spool->writer_name, &err))
		log_event(
		    LOG_WARN, "flight_row_stays", LOG_TEXT("error", err.text));
}

void spool_close(struct spool **spool)
{
	struct spool *gone = *spool;

	if (gone == NULL)
		return;
	land(gone);
	if (gone->options.figures != NULL)
		metrics_leave();
	notifier_free(&gone->notifier);
	if (gone->root >= 0)
		spool_leave_writers(gone);
	index_close(&gone->index);
	maildirs_close(&gone->maildirs);
	os_close(&gone->guard);
	os_close(&gone->root);
	(void)pthread_rwlock_destroy(&gone->index_lock);
	(void)pthread_mutex_destroy(&gone->broken_lock);
	sodium_memzero(gone->key, sizeof(gone->key));
	free(gone->dir);
	free(gone);
	*spool = NULL;
}

/* --- health ----------------------------------------------------------- */

bool spool_healthy(struct spool *spool, struct error *err)
{
	if (!atomic_load(&spool->broken))
		return true;
	if (err != NULL) {
		(void)pthread_mutex_lock(&spool->broken_lock);
		*err = spool->broken_why;
		(void)pthread_mutex_unlock(&spool->broken_lock);
	}
	return false;
}

void spool_break(struct spool *spool, const struct error *why)
{
	(void)pthread_mutex_lock(&spool->broken_lock);
	spool->broken_why = *why;
	spool->broken_why.kind = ERROR_IO;
	(void)pthread_mutex_unlock(&spool->broken_lock);
	if (atomic_exchange(&spool->broken, true))
		return;
	metric_set(&figure_healthy, NULL, 0);
	log_event(LOG_ERROR, "spool_broken", LOG_TEXT("error", why->text),
	    LOG_TEXT("text",
		"no more mail is taken until the spool was opened and checked "
		"again"));
	if (spool->committer != NULL)
		committer_wake(spool->committer);
}

/* --- transactions ----------------------------------------------------- */

bool spool_read_begin(
    struct spool *spool, struct index_txn **txn, struct error *err)
{
	(void)pthread_rwlock_rdlock(&spool->index_lock);
	if (spool->index == NULL)
		(void)error_set(err, ERROR_IO, "the index is not open");
	else if (index_read_begin(spool->index, txn, err))
		return true;
	(void)pthread_rwlock_unlock(&spool->index_lock);
	return false;
}

bool spool_write_begin(
    struct spool *spool, struct index_txn **txn, struct error *err)
{
	(void)pthread_rwlock_rdlock(&spool->index_lock);
	if (spool->index == NULL)
		(void)error_set(err, ERROR_IO, "the index is not open");
	else if (index_write_begin(spool->index, txn, err))
		return true;
	(void)pthread_rwlock_unlock(&spool->index_lock);
	return false;
}

bool spool_txn_commit(
    struct spool *spool, struct index_txn **txn, struct error *err)
{
	bool done = index_commit(txn, err);

	(void)pthread_rwlock_unlock(&spool->index_lock);
	return done;
}

void spool_txn_abort(struct spool *spool, struct index_txn **txn)
{
	if (*txn == NULL)
		return;
	index_abort(txn);
	(void)pthread_rwlock_unlock(&spool->index_lock);
}
