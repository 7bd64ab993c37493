#include "httpapi/dkim_store.h"

#include "base/errors.h"
#include "base/os.h"
#include "base/unconst.h"
#include "bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "private"
#define SELECTOR_FILE "selector"
#define NEXT "next"
/* No domain begins with a dot: what a crash leaves is nobody's. */
#define FRESH ".new"

static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* --- names ------------------------------------------------------------ */

static bool is_label(const char *text, size_t len, bool underscore)
{
	if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || (c == '_' && underscore)))
			return false;
	}
	return true;
}

/* How many labels; 0 if one of them is none. */
static unsigned count_labels(const char *text, bool underscore)
{
	unsigned count = 0;

	for (;; text++) {
		size_t len = strcspn(text, ".");

		if (!is_label(text, len, underscore))
			return 0;
		count++;
		text += len;
		if (*text == '\0')
			return count;
	}
}

bool dkim_store_is_domain(const char *text)
{
	return strlen(text) <= 253 && count_labels(text, false) >= 2;
}

bool dkim_store_is_selector(const char *text, const char *domain)
{
	return strlen(text) + strlen("._domainkey.") + strlen(domain) <= 253 &&
	       count_labels(text, true) > 0;
}

/* --- reading ---------------------------------------------------------- */

static bool open_dir(int at, const char *path, int *fd, struct error *err)
{
	return os_open(at, path, O_RDONLY | O_DIRECTORY, 0, fd, err);
}

/* A small file; longer ones are none of ours. */
static bool read_file(int folder, const char *name, struct arena *arena,
    struct slice *text, struct error *err)
{
	char *data = arena_alloc(arena, LIMIT_DKIM_PEM + 1);
	size_t got = 0;
	bool done;
	int fd;

	if (!os_open(folder, name, O_RDONLY, 0, &fd, err))
		return false;
	done = os_pread(fd, data, LIMIT_DKIM_PEM, 0, &got, err);
	os_close(&fd);
	data[got] = '\0';
	*text = (struct slice){data, got};
	return done;
}

static bool read_folder(int folder, struct arena *arena,
    struct dkim_stored *stored, struct error *err)
{
	struct slice selector;

	if (!read_file(folder, KEY_FILE, arena, &stored->pem, err))
		return false;
	if (!read_file(folder, SELECTOR_FILE, arena, &selector, err)) {
		if (err->kind == ERROR_NOT_FOUND)
			(void)error_set(err, ERROR_CONFIG,
			    "there is a key without a selector");
		sodium_memzero(unconst(stored->pem.data), stored->pem.len);
		return false;
	}
	selector = slice_trim(selector);
	stored->selector = arena_strndup(arena, selector.data, selector.len);
	return true;
}

bool dkim_store_read(const char *dir, const char *domain, bool next,
    struct arena *arena, struct dkim_stored *stored, struct error *err)
{
	char path[300];
	int root = -1, folder = -1;
	bool done;

	if (!open_dir(AT_FDCWD, dir, &root, err))
		return false;
	(void)snprintf(path, sizeof(path), next ? "%s/" NEXT : "%s", domain);
	done = open_dir(root, path, &folder, err) &&
	       read_folder(folder, arena, stored, err);
	os_close(&folder);
	os_close(&root);
	return done;
}

/* --- writing ---------------------------------------------------------- */

static bool write_file(int folder, const char *name, mode_t mode,
    struct slice text, struct error *err)
{
	bool done;
	int fd;

	if (!os_open(folder, name, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, err))
		return false;
	done = os_write(fd, text.data, text.len, err) && os_fsync(fd, err);
	os_close(&fd);
	return done;
}

/* The folder with all that is in it, as far as it is ours. */
static void remove_folder(int root, const char *path)
{
	static const char *const names[] = {
	    NEXT "/" KEY_FILE, NEXT "/" SELECTOR_FILE, KEY_FILE, SELECTOR_FILE};
	struct error ignored;
	int folder;

	if (!open_dir(root, path, &folder, &ignored))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)os_unlink(folder, names[i], &ignored);
	(void)os_rmdir(folder, NEXT, &ignored);
	os_close(&folder);
	(void)os_rmdir(root, path, &ignored);
}

static bool fill_fresh(
    int root, const char *selector, struct slice pem, struct error *err)
{
	int folder = -1;
	bool done;

	remove_folder(root, FRESH);
	if (!os_mkdir(root, FRESH, 0700, err) ||
	    !open_dir(root, FRESH, &folder, err))
		return false;
	done =
	    write_file(folder, KEY_FILE, 0600, pem, err) &&
	    write_file(folder, SELECTOR_FILE, 0600, slice_of(selector), err) &&
	    os_fsync(folder, err);
	os_close(&folder);
	return done;
}

/* Puts the fresh folder where its name says, at once. */
static bool put_in_place(int root, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return os_rename(root, FRESH, root, path, err);
	if (!os_exchange(root, FRESH, root, path, err))
		return false;
	remove_folder(root, FRESH);
	return true;
}

/* The folder of the keys, made if it is missing. */
static bool open_root(const char *dir, int *root, struct error *err)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return error_errno(err, "cannot make the folder %s", dir);
	return open_dir(AT_FDCWD, dir, root, err);
}

bool dkim_store_write(const char *dir, const char *domain, bool next,
    const char *selector, struct slice pem, struct error *err)
{
	char path[300];
	int root = -1, above = -1;
	bool done;

	if (!open_root(dir, &root, err))
		return false;
	(void)pthread_mutex_lock(&changing);
	(void)snprintf(path, sizeof(path), next ? "%s/" NEXT : "%s", domain);
	done = fill_fresh(root, selector, pem, err) &&
	       put_in_place(root, path, err) && os_fsync(root, err);
	if (done && next) {
		done =
		    open_dir(root, domain, &above, err) && os_fsync(above, err);
		os_close(&above);
	}
	remove_folder(root, FRESH);
	(void)pthread_mutex_unlock(&changing);
	os_close(&root);
	return done;
}

bool dkim_store_delete(const char *dir, const char *domain, struct error *err)
{
	struct stat st;
	bool done;
	int root;

	if (!open_dir(AT_FDCWD, dir, &root, err))
		return false;
	(void)pthread_mutex_lock(&changing);
	remove_folder(root, FRESH);
	if (fstatat(root, domain, &st, AT_SYMLINK_NOFOLLOW) != 0)
		done = error_set(err, ERROR_NOT_FOUND, "the domain has no key");
	else
		/* Nobody reads half of it. */
		done = os_rename(root, domain, root, FRESH, err);
	if (done)
		remove_folder(root, FRESH);
	done = done && os_fsync(root, err);
	(void)pthread_mutex_unlock(&changing);
	os_close(&root);
	return done;
}
