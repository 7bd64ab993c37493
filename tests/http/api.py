"""The HTTP API as its clients see it, for the stories beside this file."""

import json
import os
import socket
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
)

from stack import (  # noqa: E402,F401
    KEY,
    PATIENCE,
    Failed,
    check,
    eventually,
    run,
    same,
)


HERE = os.path.dirname(os.path.abspath(__file__))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %r" % (self.status, self.body[:300])


class Wire:
    """A connection, byte by byte."""

    def __init__(self, api, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", api.port), timeout)
        self.rest = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already
        return self

    def close(self):
        self.socket.close()

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.rest += got
        return got

    def answer(self, head_only=False):
        """The next answer; None if the server closes instead."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                check(not self.rest, "half an answer: %r" % self.rest)
                return None
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        same(version, "HTTP/1.1", "version")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if status == "100":
            return self.answer(head_only)
        length = 0 if head_only else int(headers.get("content-length", 0))
        while len(self.rest) < length:
            check(self.more(), "the answer is cut: %r" % head)
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(int(status), headers, body)

    def ends(self):
        """Whether the server closes, and says nothing more."""
        return not self.rest and not self.more()


def head(method, path, headers):
    lines = ["%s %s HTTP/1.1" % (method, path)]
    lines += ["%s: %s" % pair for pair in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def call(api, method, path, body=None, key=KEY, wire=None, **headers):
    """One call; a body that is no bytes is sent as JSON."""
    fields = {"Host": "127.0.0.1"}
    if key is not None:
        fields["X-API-Key"] = key
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        fields["Content-Type"] = "application/json"
    fields.update({n.replace("_", "-"): v for n, v in headers.items()})
    if body is not None:
        fields["Content-Length"] = str(len(body))
    mine = wire or Wire(api)
    try:
        mine.send(head(method, path, fields) + (body or b""))
        answer = mine.answer(head_only=method == "HEAD")
        check(answer is not None, "%s %s is not answered" % (method, path))
        return answer
    finally:
        if wire is None:
            mine.close()


def send(api, body, status=200, **more):
    answer = call(api, "POST", "/api/v1/send", body, **more)
    same(answer.status, status, "POST /api/v1/send: %s" % answer)
    return answer.json()


LETTER = {
    "from": "Ada <ada@example.com>",
    "to": "bob@example.com",
    "subject": "A letter",
    "text_body": "Hello.\n",
}
