"""What the fakes of both scanners are: a server on a free port of loopback
that lives as long as a `with`."""
import socketserver
import threading


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients may leave in the midst."""


class FakeScanner:
    def __init__(self, handler, answer):
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.answer = answer
        self.delay = 0
        self.server = Server(("127.0.0.1", 0), handler)
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
