#!/usr/bin/python3
"""elektrine-smtpd on a file system that it warns of: a folder of the disk,
shown again through FUSE. Needs root and bindfs; otherwise it is skipped (exit
77)."""
import os
import smtplib
import subprocess
import sys
import tempfile

from run import PATIENCE, Server, eventually, same
from scanners import program

MAIL = ("a@b.example", ["u@example.com"], "Subject: x\r\n\r\nbody\r\n")


def warnings_after_a_message(folder):
    """What a server whose spool is below the folder says of it."""
    tempfile.tempdir = folder
    server = Server({})
    try:
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.sendmail(*MAIL)
        same(len(server.messages()), 1, "messages")
        return [event["file_system"]
                for event in server.events("spool_file_system")]
    finally:
        server.stop()
        server.remove()
        tempfile.tempdir = None


def main():
    bindfs = program("bindfs")
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("skipped: needs root and /dev/fuse")
        return 77
    with tempfile.TemporaryDirectory(prefix="chat-") as disk, \
            tempfile.TemporaryDirectory(prefix="chat-") as shown:
        daemon = subprocess.Popen([bindfs, "-f", disk, shown])
        try:
            eventually(lambda: os.path.ismount(shown) or daemon.poll(),
                       "the mount")
            if daemon.poll():
                print("skipped: FUSE cannot be mounted here")
                return 77
            same(warnings_after_a_message(disk), [], "warnings on the disk")
            same(warnings_after_a_message(shown), ["fuse"], "warnings")
        finally:
            subprocess.run(["umount", "-q", shown], check=False)
            daemon.wait(PATIENCE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
