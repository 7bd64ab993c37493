"""elektrine-spool as an operator runs it, for the stories beside this file."""

import json
import os
import subprocess
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
)

from stack import BIN, PATIENCE, check, eventually, run, same  # noqa: E402,F401

BOUNCE = {"error": "User not found", "bounce": True}


class Answer:
    def __init__(self, process):
        self.code = process.returncode
        self.raw = process.stdout
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")

    def objects(self):
        """One JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def object(self):
        [one] = self.objects()
        return one

    def __str__(self):
        return "exit %d: %s%s" % (self.code, self.out, self.err)


class Tool:
    """Runs verbs on the spool of a stack."""

    def __init__(self, stack, **settings):
        self.stack, self.settings = stack, settings

    def __call__(self, *arguments, code=0, stdout=subprocess.PIPE, user=None):
        argv = [os.path.join(BIN, "elektrine-spool"), *arguments]
        if user is not None:
            argv = ["runuser", "-u", user, "--"] + argv
        answer = Answer(
            subprocess.run(
                argv,
                env=self.stack.environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                timeout=PATIENCE * 3,
                cwd=self.stack.dir,
            )
            if stdout is subprocess.PIPE
            else self.redirected(argv, stdout)
        )
        check("Sanitizer" not in answer.err, answer.err)
        check("runtime error" not in answer.err, answer.err)
        if code is not None:
            same(answer.code, code, "%s: %s" % (" ".join(arguments), answer))
        return answer

    def redirected(self, argv, stdout):
        process = subprocess.run(
            argv,
            env=self.stack.environment(self.settings),
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=PATIENCE * 3,
        )
        process.stdout = b""
        return process

    def fails(self, code, saying, *arguments, user=None):
        """Exits so, with one sentence on standard error."""
        answer = self(*arguments, code=code, user=user)
        same(len(answer.err.splitlines()), 1, "sentences: %s" % answer)
        check(saying in answer.err, "%r is not in: %s" % (saying, answer))
        return answer

    def objects(self, *arguments, code=0):
        return self("--json", *arguments, code=code).objects()

    def states(self, id):
        """State by recipient."""
        return {
            row["recipient"]: row["state"]
            for row in self.objects("list")
            if row["id"] == id
        }

    def ids(self, *filters):
        return [row["id"] for row in self.objects("list", *filters)]


def queued(stack, count=1, rcpt=("bob@example.com",), **kinds):
    """Messages that wait in a spool that no program has open."""
    smtpd = stack.smtpd()
    ids = stack.send(smtpd, count=count, rcpt=rcpt, **kinds)
    smtpd.stop()
    return ids


def buried(stack, count=1):
    """Dead letters, likewise."""
    phoenix = stack.phoenix()
    phoenix.control(status=404, body=BOUNCE)
    ids = queued(stack, count)
    agent = stack.deliver()
    eventually(
        lambda: len(stack.files("dead")) == count
        and not stack.files("queue"),
        "they are dead",
    )
    agent.stop()
    phoenix.reset()
    return ids
