#include "base/privilege.h"

#include "base/errors.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool privilege_raise_descriptors(uint64_t count, struct error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return error_errno(err, "cannot read the descriptor limit");
	if (count == 0)
		count = limit.rlim_max;
	if (limit.rlim_cur >= count)
		return true;
	limit.rlim_cur = count;
	if (limit.rlim_max < count)
		limit.rlim_max = count;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return error_set(err, ERROR_CONFIG,
		    "the settings need %" PRIu64 " open descriptors, which the "
		    "host does not allow: raise its limit (LimitNOFILE=, "
		    "ulimit -n) or lower the number of connections",
		    count);
	return true;
}

/* A folder that exists is left as it is, whoever owns it. */
static bool make_dir_for(
    const struct passwd *account, const char *dir, struct error *err)
{
	if (access(dir, F_OK) == 0)
		return true;
	if (!os_make_path(dir, 0755, err))
		return false;
	if (chmod(dir, 0770) != 0 ||
	    chown(dir, account->pw_uid, account->pw_gid) != 0)
		return error_errno(
		    err, "cannot give %s to %s", dir, account->pw_name);
	return true;
}

static bool become(const struct passwd *account, struct error *err)
{
	uid_t uid = account->pw_uid;
	gid_t gid = account->pw_gid;

	if (initgroups(account->pw_name, gid) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return error_errno(err, "cannot become %s", account->pw_name);
	if (uid != 0 && setuid(0) == 0)
		fatal("root came back after it was given up");
	return true;
}

bool privilege_drop(const char *user, const char *dir, struct error *err)
{
	const struct passwd *account;

	/* Also without another user: nothing that we run may gain more. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_errno(err, "cannot forbid new privileges");
	if (user == NULL)
		return true;
	account = getpwnam(user);
	if (account == NULL)
		return error_set(err, ERROR_CONFIG,
		    "RUN_USER: %s is not a user of this host", user);
	if (geteuid() != 0) {
		if (account->pw_uid == geteuid())
			return true;
		return error_set(err, ERROR_CONFIG,
		    "RUN_USER: only root can become %s", user);
	}
	if (!make_dir_for(account, dir, err) || !become(account, err))
		return false;
	if (faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		return error_set(err, ERROR_CONFIG,
		    "%s may not write in %s: give it with chown -R %s: %s",
		    user, dir, user, dir);
	return true;
}
