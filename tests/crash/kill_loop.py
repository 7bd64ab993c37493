"""Kills smtpd and deliver at random moments under load, again and again.

Every message that got a 250 must reach the application with its bytes
unchanged; nothing may arrive that nobody sent; nothing may stay behind, be
dead-lettered or be lost. A message whose 250 the client never saw may arrive
or not: both are right.

KILL_SECONDS says how long, SEED repeats a run's choices.
"""

import base64
import json
import os
import random
import smtplib
import subprocess
import sys
import threading
import time

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
)

from stack import BIN, check, eventually, free_port, run, same

SECONDS = float(os.environ.get("KILL_SECONDS", "12"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 30)))
SENDERS = 6


class Sender(threading.Thread):
    """Sends messages with content of its own until it is told to stop."""

    def __init__(self, number, port):
        super().__init__(daemon=True)
        self.random = random.Random(SEED * 100 + number)
        self.number, self.port = number, port
        self.tried = {}  # token -> content
        self.promised = {}  # id -> token
        self.done = threading.Event()

    def content(self):
        token = "token-%d-%d" % (self.number, len(self.tried))
        # Now and then one that is streamed to disk.
        size = self.random.choice((200, 4000, 4000, 30000, 300000))
        line = "%032x é.\r\n..dots\r\n" % self.random.getrandbits(128)
        body = line * (size // len(line) + 1)
        text = (
            "From: Alice <alice@remote.test>\r\nTo: bob@example.com\r\n"
            "Subject: %s\r\nMessage-ID: <%s@remote.test>\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\n%s" % (token, token, body)
        )
        self.tried[token] = text.encode()
        return token, self.tried[token]

    def send_some(self):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.ehlo("remote.test")
            while not self.done.is_set():
                token, content = self.content()
                if client.mail("alice@remote.test")[0] != 250:
                    return
                if client.rcpt("bob@example.com")[0] != 250:
                    return
                code, text = client.data(content)
                if code == 250:
                    id = text.decode().rsplit(" ", 1)[-1]
                    self.promised[id] = token

    def run(self):
        while not self.done.is_set():
            try:
                self.send_some()
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)


def kill_at_random(stack, smtpd, agents, choices):
    """Returns the programs that run at the end."""
    end = time.monotonic() + SECONDS
    kills = {"smtpd": 0, "deliver": 0}
    while time.monotonic() < end:
        time.sleep(choices.uniform(0.05, 0.8))
        if choices.random() < 0.5:
            port = smtpd.port
            smtpd.kill()
            smtpd = stack.smtpd(port=port)
            kills["smtpd"] += 1
        else:
            place = choices.randrange(len(agents))
            agents[place].kill()
            agents[place] = stack.deliver()
            kills["deliver"] += 1
    return smtpd, agents, kills


def by_id(posts):
    found = {}
    for post in posts:
        found.setdefault(post["headers"]["x-message-id"], []).append(post)
    return found


def content_of(post):
    """The sender's bytes: what comes behind the two lines of ours."""
    raw = json.loads(base64.b64decode(post["raw"]))["raw"].encode()
    return raw[raw.index(b"From: Alice") :]


def compare(posts, senders):
    tried = {t: c for sender in senders for t, c in sender.tried.items()}
    for id, copies in posts.items():
        for post in copies:
            same(
                post["headers"]["x-idempotency-key"], id + ":0", "key of " + id
            )
            content = content_of(post)
            token = content.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
            check(token in tried, "nobody sent " + token)
            check(content == tried[token], "the bytes of %s changed" % id)
    for sender in senders:
        for id, token in sender.promised.items():
            check(id in posts, "%s got a 250 and never arrived" % id)


def story_nothing_is_lost_when_programs_are_killed(stack):
    print("SEED=%d" % SEED)
    choices = random.Random(SEED)
    phoenix = stack.phoenix()
    phoenix.control(keep_raw=True)
    stack.settings["HARAKA_INCLUDE_RAW"] = "true"
    stack.settings["LOG_LEVEL"] = "info"
    smtpd = stack.smtpd(port=free_port())
    agents = [stack.deliver(), stack.deliver()]
    senders = [Sender(number, smtpd.port) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    smtpd, agents, kills = kill_at_random(stack, smtpd, agents, choices)
    for sender in senders:
        sender.done.set()
    for sender in senders:
        sender.join()
    promised = {id for sender in senders for id in sender.promised}
    check(len(promised) > 50, "only %d were accepted" % len(promised))
    # By their number: which they are is looked at once, at the end. All posts
    # with their contents are hundreds of megabytes.
    eventually(
        lambda: phoenix.delivered() >= len(promised), "so many arrive", 60
    )
    stack.queue_empties(60)
    posts = by_id(phoenix.posts())
    compare(posts, senders)
    same(stack.files("dead"), [], "dead letters")
    for process in stack.processes:
        same(process.events("message_lost"), [], "lost messages")
    fsck = subprocess.run(
        [os.path.join(BIN, "elektrine-spool"), "--spool", stack.spool, "fsck"],
        capture_output=True,
        text=True,
    )
    same(fsck.returncode, 0, "fsck: %s%s" % (fsck.stdout, fsck.stderr))
    print(
        "%d promised, %d arrived (%d posts), smtpd killed %d times, "
        "deliver %d times"
        % (
            len(promised),
            len(posts),
            sum(len(copies) for copies in posts.values()),
            kills["smtpd"],
            kills["deliver"],
        )
    )


run(globals())
