"""A clamd that says what a test wants it to, in the ways that a real one, a
broken one or somebody else on its port would.

    with FakeClamd() as clamd:       # clamd.address is CLAMAV_ADDRESS
        clamd.answer = "stream: OK"  # for the next scans; see Faults
"""
import socketserver
import struct
import time

from fake.scanner import FakeScanner

OK = "stream: OK"


class Faults:
    """Values of `answer` that are no text."""
    HANG_UP = object()   # closes in the midst of the message
    SILENT = object()    # reads it, and never answers
    CUT = object()       # half an answer, and closes
    ENDLESS = object()   # an answer without end
    DEAF = object()      # never reads


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.number = 0
        fake = self.server.fake
        with fake.lock:
            fake.connections += 1
        try:
            if fake.answer is Faults.DEAF:
                fake.stopped.wait()
                return
            while self.command():
                pass
        except OSError:
            pass

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.request.recv(size - len(data))
            if not more:
                raise OSError("the client is gone")
            data += more
        return data

    def command(self):
        name = b""
        while not name.endswith(b"\0"):
            name += self.exactly(1)
        if name == b"zIDSESSION\0":
            return True
        assert name == b"zINSTREAM\0", name
        self.number += 1
        fake = self.server.fake
        message = b""
        while True:
            size, = struct.unpack(">I", self.exactly(4))
            if size == 0:
                break
            message += self.exactly(size)
            if fake.answer is Faults.HANG_UP:
                return False
            if fake.limit and len(message) > fake.limit:
                self.request.sendall(
                    b"INSTREAM size limit exceeded. ERROR\0")
                return False
        with fake.lock:
            fake.messages.append(message)
        time.sleep(fake.delay)
        return self.say(fake.answer)

    def say(self, answer):
        if answer is Faults.SILENT:
            self.server.fake.stopped.wait()
        elif answer is Faults.CUT:
            self.request.sendall(b"%d: stre" % self.number)
        elif answer is Faults.ENDLESS:
            while True:
                self.request.sendall(b"x" * 4096)
        else:
            self.request.sendall(b"%d: %s\0" % (
                self.number, answer.encode("latin-1")))
            return not self.server.fake.one_scan_only
        return False


class FakeClamd(FakeScanner):
    def __init__(self):
        super().__init__(Handler, OK)
        self.limit = 0               # StreamMaxLength
        self.one_scan_only = False   # closes behind each answer
        self.messages = []
        self.connections = 0
