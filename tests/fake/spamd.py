"""A spamd that says what a test wants it to.

    with FakeSpamd() as spamd:        # spamd.address is SPAMASSASSIN_ADDRESS
        spamd.answer = verdict(7.5)   # for the next messages; or bytes, as
                                      # they are; or None: never answers
"""
import socketserver
import threading
import time

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


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients may leave in the midst."""


class FakeSpamd:
    def __init__(self):
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.answer = verdict(0)
        self.delay = 0
        self.requests = []  # (command, message)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopped.set()
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
