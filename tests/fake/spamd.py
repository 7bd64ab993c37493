"""A spamd that says what a test wants it to.

    with FakeSpamd() as spamd:        # spamd.address is SPAMASSASSIN_ADDRESS
        spamd.answer = verdict(7.5)   # for the next messages; or bytes, as
                                      # they are; or None: never answers
"""
import socketserver
import time

from fake.scanner import FakeScanner

REPORT = """Content analysis details:   (%.1f points, %.1f required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 1.5 TEST_ONE               the first
-0.0 TEST_TWO               the second
"""


def verdict(score, threshold=5.0, report=None, length=None):
    """A whole answer."""
    text = (report if report is not None else REPORT % (
        score, threshold)).encode()
    return ("SPAMD/1.1 0 EX_OK\r\nContent-length: %d\r\n"
            "Spam: %s ; %.1f / %.1f\r\n\r\n" % (
                len(text) if length is None else length, score >= threshold,
                score, threshold)).encode() + text


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        fake = self.server.fake
        command = self.rfile.readline()
        length = 0
        while True:
            line = self.rfile.readline().strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message = self.rfile.read(length)
        with fake.lock:
            fake.requests.append((command.strip().decode(), message))
        time.sleep(fake.delay)
        if fake.answer is None:
            fake.stopped.wait()
        else:
            self.wfile.write(fake.answer)


class FakeSpamd(FakeScanner):
    def __init__(self):
        super().__init__(Handler, verdict(0))
        self.requests = []  # (command, message)
