"""A disk that runs full: intake stops with 452, delivery goes on and frees it,
and nothing that was acknowledged is lost."""

import os
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import PATIENCE, check, eventually, run, same

MEGABYTES = 160


class Disk:
    """A small ext4 in a file."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "disk")
        os.mkdir(self.path)
        image = self.path + ".img"
        with open(image, "wb") as file:
            file.truncate(MEGABYTES << 20)
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True
        )
        subprocess.run(["mount", "-o", "loop", image, self.path], check=True)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True)


def on_small_disk(story):
    def wrapped(stack):
        disk = Disk(stack.dir)
        stack.spool = os.path.join(disk.path, "spool")
        stack.settings["SPOOL_DIR"] = stack.spool
        try:
            story(stack, disk)
        finally:
            for process in stack.processes:
                if process.running():
                    process.kill()
            disk.close()

    return wrapped


def try_to_send(smtpd, size):
    """The code of the first answer that is no 250 (or 354), or 250."""
    with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
        client.ehlo("remote.test")
        code, text = client.mail("a@remote.test")
        if code == 250:
            code, text = client.rcpt("bob@example.com")
        if code == 250:
            body = b"Subject: big\r\n\r\n" + b"x" * 76 + b"\r\n"
            try:
                code, text = client.data(body * (size // len(body)))
            except smtplib.SMTPDataError as refusal: # of DATA itself
                code, text = refusal.smtp_code, refusal.smtp_error
        return code, text.decode()


def fill(smtpd):
    """Sends until it is refused; how many were taken, and the refusal."""
    for count in range(1000):
        code, text = try_to_send(smtpd, 2 << 20)
        if code != 250:
            return count, code, text
    raise AssertionError("the disk is never full")


def drains_and_takes_mail_again(stack, smtpd, taken):
    phoenix = stack.phoenix()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == taken, "all arrives", 60)
    stack.queue_empties(60)
    eventually(
        lambda: try_to_send(smtpd, 4096)[0] == 250, "mail is taken again"
    )
    same(stack.files("dead"), [], "dead letters")


def story_below_the_floor_mail_is_refused_at_once(stack, disk):
    smtpd = stack.smtpd(SPOOL_MIN_FREE="20M")
    taken, code, text = fill(smtpd)
    same(code, 452, "the code")
    check(text.startswith("4.3.1"), "the enhanced code of " + text)
    check(taken > 3, "only %d were taken" % taken)
    drains_and_takes_mail_again(stack, smtpd, taken)


def story_full_to_the_last_block(stack, disk):
    # No floor, and small messages promise little: the disk itself says no.
    smtpd = stack.smtpd(
        SPOOL_MIN_FREE="0", ELEKTRINE_QUEUE_MAX_RAW_BYTES="3000000"
    )
    taken, code, text = fill(smtpd)
    same(code, 452, "the code: " + text)
    # Somebody else takes the rest of it.
    with open(os.path.join(disk.path, "other"), "wb", buffering=0) as other:
        for size in (1 << 20, 4096, 1):
            try:
                while other.write(b"y" * size) == size:
                    pass
            except OSError:
                pass
    check(try_to_send(smtpd, 4096)[0] in (451, 452), "it is refused")
    drains_and_takes_mail_again(stack, smtpd, taken)


story_below_the_floor_mail_is_refused_at_once = on_small_disk(
    story_below_the_floor_mail_is_refused_at_once
)
story_full_to_the_last_block = on_small_disk(story_full_to_the_last_block)

if os.geteuid() != 0:
    print("skipped: needs root to mount a small disk")
    sys.exit(77)
run(globals())
