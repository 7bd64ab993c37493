#!/usr/bin/python3
"""Virus and spam scanners: real ones, and every way in which one can fail."""
import email.message
import os
import pathlib
import shutil
import smtplib
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from fake.clamd import FakeClamd, Faults
from fake.spamd import FakeSpamd, verdict
from run import PATIENCE, Failed, Server, eventually, same
from stories import tell

EICAR = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
         rb"!$H+H*")
GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*"
         "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X")


def contains(text, words, what):
    for word in words if isinstance(words, (list, tuple)) else [words]:
        if word not in text:
            raise Failed("%s: no %r in %r" % (what, word, text))


def letter(text="Hello.\n", attachment=None):
    message = email.message.EmailMessage()
    message["From"] = "a@b.example"
    message["To"] = "u@example.com"
    message["Subject"] = "A letter"
    message["Message-ID"] = "<1@b.example>"
    message["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    message.set_content(text)
    if attachment is not None:
        message.add_attachment(attachment, maintype="application",
                               subtype="octet-stream", filename="a.bin")
    return message.as_bytes().replace(b"\n", b"\r\n")


def send(server, data=None):
    """Reply to the end of data."""
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
        client.ehlo("client.example")
        client.mail("a@b.example")
        client.rcpt("u@example.com")
        code, text = client.data(letter() if data is None else data)
    return code, text.decode()


def finding(server, check):
    """The last one of this check in the log."""
    found = [event for event in server.events("check")
             if event["check"] == check]
    return found[-1] if found else None


def stored(server):
    return max(server.messages()).read_text("utf-8", "replace")


class Daemon:
    """A real scanner in the foreground, ended by its process id."""

    def __init__(self, folder, argv, ready):
        self.log = folder / "daemon.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                cwd=folder)
        try:
            eventually(lambda: ready() or self.process.poll() is not None,
                       "%s is ready" % argv[0], 60)
            if self.process.poll() is not None:
                raise Failed("%s ended: %s" % (
                    argv[0], self.log.read_text("utf-8", "replace")))
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listens(where):
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(where) == 0


def program(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        print("there is no %s here" % name)
        sys.exit(77)
    return path


def real_clamd(folder):
    port = free_port()
    (folder / "db").mkdir()
    (folder / "db" / "test.ndb").write_text(
        "Test.Eicar:0:*:%s\n" % EICAR.hex())
    (folder / "clamd.conf").write_text(
        "Foreground yes\nDatabaseDirectory %s/db\nLocalSocket %s/socket\n"
        "TCPSocket %d\nTCPAddr 127.0.0.1\nStreamMaxLength 3M\n"
        "SelfCheck 0\nMaxThreads 4\nUser %s\n" % (
            folder, folder, port,
            "root" if os.geteuid() == 0 else os.environ.get("USER", "")))
    path = str(folder / "socket")
    with Daemon(folder, [program("clamd"), "-c", str(folder / "clamd.conf")],
                lambda: listens(path) and listens(("127.0.0.1", port))):
        for address in (path, "127.0.0.1:%d" % port):
            server = Server({"CLAMAV_ADDRESS": address})
            try:
                for _ in range(3):
                    same(send(server)[0], 250, "a clean message")
                same(finding(server, "clamd")["result"], "clean", "finding")
                contains(stored(server), "clamd", "in the envelope")
                code, text = send(server, letter(attachment=EICAR))
                same(code, 550, text)
                contains(text, ["5.7.1", "Test.Eicar"], "reply")
                same(finding(server, "clamd")["result"], "found", "finding")
                same(server.events("message_rejected")[0]["reason"], "virus",
                     "reason")
                # Behind a message that goes to the disk as it comes.
                code, text = send(
                    server, letter("x" * 70 * 20000 + "\n", EICAR))
                same(code, 550, text)
                code, text = send(server, letter(attachment=bytes(3 << 20)))
                same(code, 451, text)
                contains(server.events("clamd_failed")[0]["error"],
                         "size limit exceeded", "why")
                same(send(server)[0], 250, "the next one")
                same(len(server.messages()), 4, "messages")
                server.stop()
            finally:
                server.remove()


def clamd_that_fails(folder):
    with FakeClamd() as clamd:
        server = Server({"CLAMAV_ADDRESS": clamd.address})
        try:
            faults = (Faults.HANG_UP, Faults.CUT, Faults.ENDLESS, "",
                      "stream: PERHAPS", "OK", "stream:  FOUND",
                      "stream: OK\0" "9: stream: OK",
                      "Can't allocate memory ERROR")
            for number, clamd.answer in enumerate(faults):
                code, text = send(server)
                same((code, text), (
                    451, "4.7.1 Cannot look for viruses now, try again later"),
                    "with fault %d" % number)
                same(finding(server, "clamd")["result"], "unknown", "finding")
            same(len(server.events("clamd_failed")), len(faults), "words")
            same(server.messages(), [], "messages")
            server.reload("CLAMAV_ON_ERROR", "accept")
            clamd.answer = Faults.HANG_UP
            same(send(server)[0], 250, "with CLAMAV_ON_ERROR=accept")
            same(finding(server, "clamd")["result"], "unknown", "finding")
            clamd.answer = "stream: Bad\x01\xe9Name FOUND"
            clamd.one_scan_only = True
            code, text = send(server)
            same((code, text), (
                550, "5.7.1 The message holds a virus: Bad??Name"), "found")
            clamd.stop()
            same(send(server)[0], 250, "nobody there")
            contains(finding(server, "clamd")["saw"], "refused", "why")
            server.stop()
        finally:
            server.remove()


def clamd_links_are_kept(folder):
    with FakeClamd() as clamd:
        server = Server({"CLAMAV_ADDRESS": clamd.address})
        try:
            for _ in range(5):
                same(send(server)[0], 250, "reply")
            same((clamd.connections, len(clamd.messages)), (1, 5),
                 "connections and scans")
            same(set(clamd.messages), {letter()}, "what was scanned")
            # One that ends meanwhile is made anew.
            clamd.one_scan_only = True
            for _ in range(5):
                same(send(server)[0], 250, "reply")
            same((clamd.connections, len(clamd.messages)), (5, 10),
                 "connections and scans")
            # Its place may change.
            with FakeClamd() as other:
                server.reload("CLAMAV_ADDRESS", other.address)
                same(send(server)[0], 250, "reply")
                same(len(other.messages), 1, "scans there")
            server.stop()
        finally:
            server.remove()


def a_slow_scanner_holds_up_only_its_own(folder):
    """And a client that leaves does not wait for it."""
    with FakeClamd() as clamd, FakeSpamd() as spamd:
        server = Server({"CLAMAV_ADDRESS": clamd.address})
        try:
            clamd.answer = Faults.SILENT
            leaving = smtplib.SMTP(*server.address, timeout=PATIENCE)
            leaving.ehlo("x")
            leaving.mail("a@b.example")
            leaving.rcpt("u@example.com")
            leaving.putcmd("DATA")
            leaving.getreply()
            leaving.send(letter() + b".\r\n")
            eventually(lambda: clamd.messages, "it is asked")
            begun = time.monotonic()
            with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
                for _ in range(100):
                    same(client.noop()[0], 250, "NOOP")
            if time.monotonic() - begun > 5:
                raise Failed("others were held up")
            leaving.close()
            server.stop()
        finally:
            server.remove()


def real_spamd(folder):
    port = free_port()
    argv = [program("spamd"), "-L", "-x", "-i", "127.0.0.1", "-p", str(port),
            "-m", "1", "-s", "stderr", "--helper-home-dir=%s" % folder,
            "--pidfile=%s/pid" % folder]
    if os.geteuid() == 0:
        argv += ["-u", "nobody"]
    with Daemon(folder, argv, lambda: listens(("127.0.0.1", port))):
        server = Server({"SPAMASSASSIN_ADDRESS": "127.0.0.1:%d" % port,
                         "SPAM_REJECT_SCORE": "100"})
        try:
            same(send(server)[0], 250, "ham")
            found = finding(server, "spamd")
            same(found["result"], "ham", "finding")
            contains(found["saw"], ["No, score=", "required=5.0 tests="],
                     "what it saw")
            # It has seen who the client was: our trace line is there.
            if "NO_RELAYS" in found["saw"] or "NO_RECEIVED" in found["saw"]:
                raise Failed("no relay was seen: " + found["saw"])
            contains(stored(server), "Content%20analysis%20details",
                     "the report in the envelope")
            code, text = send(server, letter(GTUBE + "\n"))
            same(code, 550, text)
            contains(text, "5.7.1 The message looks like spam (", "reply")
            server.reload("SPAM_REJECT_SCORE", "off")
            same(send(server, letter(GTUBE + "\n"))[0], 250, "marked spam")
            contains(stored(server), "GTUBE", "the tests in the envelope")
            server.stop()
        finally:
            server.remove()


def spamd_that_says(folder):
    """Score and threshold count; what makes no sense is unknown."""
    with FakeSpamd() as spamd:
        server = Server({"SPAMASSASSIN_ADDRESS": spamd.address,
                         "SPAM_REJECT_SCORE": "10",
                         "SPAM_MAX_BYTES": "65536"})
        good = verdict(7.5)
        rows = ((verdict(0), 250, "ham"), (verdict(-2.5), 250, "ham"),
                (good, 250, "spam"), (verdict(9.9), 250, "spam"),
                (verdict(10), 550, "spam"), (verdict(1000), 550, "spam"),
                (verdict(10, threshold=20), 550, "ham"),
                (good[:-1], 250, "unknown"), (good[:40], 250, "unknown"),
                (b"", 250, "unknown"), (b"\0" * 100, 250, "unknown"),
                (b"SPAMD/1.1 76 Bad header line: x\r\n", 250, "unknown"),
                (b"220 mx.example ESMTP\r\n", 250, "unknown"),
                (good.replace(b"7.5", b"nan"), 250, "unknown"),
                (good.replace(b"Spam:", b"Ham:"), 250, "unknown"),
                (good.replace(b"; ", b""), 250, "unknown"),
                (verdict(1, report="x" * 70000), 250, "unknown"),
                (verdict(1, report="x" * 60000), 250, "ham"),
                (good.replace(b"\r\n", b"\n"), 250, "spam"))
        try:
            for number, (spamd.answer, code, result) in enumerate(rows):
                got, text = send(server)
                same((got, finding(server, "spamd")["result"]),
                     (code, result), "row %d: %s" % (number, text))
            command, message = spamd.requests[0]
            same(command, "REPORT SPAMC/1.5", "command")
            trace = message[:-len(letter())].decode()
            same(message[len(trace):], letter(), "the message")
            contains(trace, ["Return-Path: <a@b.example>\r\n",
                             "Received: from client.example ([127.0.0.1])"],
                     "our lines in front")
            asked = len(spamd.requests)
            same(send(server, letter("x" * 60 + "\n" * 70000))[0], 250,
                 "a large one")
            same(len(spamd.requests), asked, "it is not asked about")
            same(finding(server, "spamd")["result"], "unknown", "finding")
            spamd.stop()
            same(send(server)[0], 250, "nobody there")
            same(finding(server, "spamd")["result"], "unknown", "finding")
            contains(stored(server), "refused", "why, in the envelope")
            server.stop()
        finally:
            server.remove()


def both(folder):
    """In their order, and no spam question about a virus."""
    with FakeClamd() as clamd, FakeSpamd() as spamd:
        server = Server({"CLAMAV_ADDRESS": clamd.address,
                         "SPAMASSASSIN_ADDRESS": spamd.address})
        try:
            same(send(server)[0], 250, "reply")
            clamd.answer = "stream: Bad FOUND"
            same(send(server)[0], 550, "reply")
            same((len(clamd.messages), len(spamd.requests)), (2, 1), "asked")
            # Many at once, more than there are threads for it.
            clamd.answer, clamd.delay = "stream: OK", 0.05
            codes = []
            threads = [threading.Thread(
                target=lambda: codes.append(send(server)[0]))
                for _ in range(60)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            same(codes, [250] * 60, "replies")
            if clamd.connections > 18:
                raise Failed("%d connections" % clamd.connections)
            server.stop()
        finally:
            server.remove()


if __name__ == "__main__":
    sys.exit(tell(
        real_clamd, real_spamd, clamd_that_fails, clamd_links_are_kept,
        a_slow_scanner_holds_up_only_its_own, spamd_that_says, both))
