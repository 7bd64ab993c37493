"""All programs on one spool must share one PID namespace: LMDB knows its users
by process id. A stranger is refused before it touches anything."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import BIN, check, run, same

NEW_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]


def can_unshare():
    done = subprocess.run([*NEW_NAMESPACE, "true"], capture_output=True)
    return done.returncode == 0


def story_a_stranger_is_refused(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    done = subprocess.run(
        [*NEW_NAMESPACE, os.path.join(BIN, "elektrine-deliver")],
        env=stack.environment({}),
        capture_output=True,
        text=True,
        timeout=20,
    )
    same(done.returncode, 78, "its exit code")
    check("PID namespace" in done.stdout + done.stderr, "it says why")
    # Nothing happened to those who were there.
    stack.send(smtpd)
    agent = stack.deliver()
    stack.queue_empties()
    same(phoenix.delivered(), 1, "delivered")
    agent.stop()
    smtpd.stop()


def story_alone_in_its_own_namespace_is_fine(stack):
    smtpd = stack.smtpd()
    stack.send(smtpd)
    smtpd.stop()
    done = subprocess.run(
        [
            *NEW_NAMESPACE,
            "timeout",
            "--preserve-status",
            "--signal=TERM",
            "2",
            os.path.join(BIN, "elektrine-deliver"),
        ],
        env=stack.environment({}),
        capture_output=True,
        text=True,
        timeout=20,
    )
    same(done.returncode, 0, "its exit code")


if not can_unshare():
    print("skipped: PID namespaces cannot be made here")
    sys.exit(77)
run(globals())
