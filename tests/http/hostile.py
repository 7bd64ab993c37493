"""Ten thousand requests of somebody who means no good: bent framing, bent
heads, bent JSON, bodies that stop or do not end. Each is answered or cut off;
nothing crashes, hangs or leaks, no answer is a 5xx that was not meant, and
what was taken is whole."""

import json
import os
import random
import socket
import threading

from api import KEY, LETTER, Wire, call, check, eventually, head, run, same, send
from wire import REFUSED

COUNT = int(os.environ.get("ELEKTRINE_HOSTILE", "10000"))
SEED = int(os.environ.get("ELEKTRINE_SEED", "5"))
THREADS = 4
# Meant: what is not understood, not spoken, and too much at once.
MEANT = {501, 505, 503}

VALUES = [
    None,
    True,
    0,
    -1,
    1e308,
    10**30,
    "",
    "x",
    "a@b.c",
    "\r\nBcc: e@v.il",
    "\0",
    "\ud83d\ude00" * 9,
    "=?utf-8?q?" + "=0D=0A" * 9 + "?=",
    "<" * 500,
    '"' * 501,
    "(" * 3000,
    "a," * 2000,
    "@" * 300,
    "x" * 5000,
    "\u2028\u202e\ufeff",
    [],
    [[]],
    [None, 1],
    {},
    {"a": {"a": {}}},
    {"data": "", "filename": "../../etc/passwd"},
    [{"data": "====", "content_type": "multipart/mixed; boundary=x"}],
    [{"data": "QQ==", "filename": "a\u0000b", "content_id": "<x>"}] * 30,
]
FIELDS = """from to cc bcc sender reply_to subject text_body html_body text html
    headers attachments raw raw_base64 unknown""".split()
LINES = [
    b"Content-Length: 10\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"transfer-encoding:\tchunked\r\n",
    b" folded: x\r\n",
    b"X: " + b"y" * 9000 + b"\r\n",
    b"X: " + bytes(range(1, 256)) + b"\r\n",
    b"Connection: keep-alive, close\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: 200-ok\r\n",
    b"Cookie: a=b; c; =d;;" + b";" * 500 + b"\r\n",
    b"X-Forwarded-For: " + b"1.2.3.4, " * 300 + b"\r\n",
    b"Idempotency-Key: x\r\n",
    b"Idempotency-Key: x\r\nIdempotency-Key: y\r\n",
    b"X-API-Key: x\r\n",
    b"Host: b\r\n",
    b"Range: bytes=0-,0-,0-\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Origin: null\r\n",
    b"\r\n",
    b"\n",
]
PATHS = [
    "/api/v1/send",
    "/livez",
    "/status",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/api/v1/messages?limit=99999999999999999999&cursor=%ff",
    "/api/v1/messages/" + "A" * 26,
    "/api/v1/messages/..%2f..%2fetc/retry",
    "/api/v1/dead/%00",
    "/api/v1/dead?state=dead&since=x",
    "/" + "a/" * 2000,
    "//livez",
    "/livez/../status",
    "/?" + "a=b&" * 1000,
    "*",
    "",
]
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X"]


def bent_json(dice):
    """A letter with something wrong, as bytes."""
    letter = dict(LETTER)
    for _ in range(dice.randrange(1, 4)):
        letter[dice.choice(FIELDS)] = dice.choice(VALUES)
    data = json.dumps(letter, ensure_ascii=dice.random() < 0.5)
    data = data.encode("utf-8", "surrogatepass")
    kind = dice.randrange(9)
    if kind == 0:
        data = data[: dice.randrange(len(data))]
    elif kind == 1:
        at = dice.randrange(len(data))
        data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
    elif kind == 2:
        data = dice.choice([b"[", b'{"a":', b'[{"a":']) * dice.randrange(1, 9000)
    elif kind == 3:
        data = b'{"text":"' + b"\\u00" * 3000 + data
    elif kind == 4:
        data = data.replace(b"Hello", b"\\ud800" * 2 + b"x" * 5000)
    elif kind == 5:
        data = os.urandom(dice.randrange(2000))
    return data


def bent_bytes(dice, data):
    data = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = dice.randrange(256)
        elif kind == 1:
            del data[at : at + dice.randrange(8)]
        elif kind == 2:
            data[at:at] = dice.choice([b"\r", b"\n", b"\0", b" ", b":", b"\r\n"])
        else:
            data[at:at] = data[at : at + 20]
    return bytes(data)


def chunked(dice, data):
    out = b""
    while data:
        len_ = dice.randrange(1, 700)
        part, data = data[:len_], data[len_:]
        more = dice.choice([b"", b"", b"", b";x=y", b";\0", b" "])
        end = dice.choice([b"\r\n"] * 9 + [b"\n", b""])
        out += b"%x%s\r\n%s%s" % (len(part), more, part, end)
    return out + dice.choice([b"0\r\n\r\n"] * 5 + [b"0\r\nX: y\r\n\r\n", b"0\n\n", b""])


def request(dice):
    kind = dice.randrange(6)
    if kind == 0:
        data, _ = dice.choice(list(REFUSED.values()))
        return bent_bytes(dice, data) if dice.random() < 0.5 else data
    body = bent_json(dice)
    fields = {"Host": "a", "X-API-Key": KEY, "Content-Type": "application/json"}
    if kind == 1:
        fields["Transfer-Encoding"] = "chunked"
        body = chunked(dice, body)
    else:
        fields["Content-Length"] = len(body) + dice.choice([0] * 20 + [1, -1, 5])
    method, path = "POST", "/api/v1/send"
    if kind >= 4:
        method, path = dice.choice(METHODS), dice.choice(PATHS)
    top = head(method, path, fields)
    if kind == 3:
        for _ in range(dice.randrange(1, 3)):
            at = dice.choice([i + 2 for i in range(len(top) - 2) if top[i : i + 2] == b"\r\n"])
            top = top[:at] + dice.choice(LINES) + top[at:]
    return bent_bytes(dice, top + body) if kind == 5 else top + body


class Attacker(threading.Thread):
    def __init__(self, api, number, count):
        super().__init__()
        self.api, self.count = api, count
        self.dice = random.Random("%d/%s" % (SEED, number))
        self.statuses, self.bad = {}, []

    def run(self):
        wire = None
        for _ in range(self.count):
            data = request(self.dice)
            wire = wire or Wire(self.api)
            try:
                wire = self.one(wire, data)
            except Exception as problem:  # pylint: disable=broad-except
                self.bad.append("%r: %.300r" % (problem, data))
                wire = None

    def one(self, wire, data):
        """Sends it, with the end of the connection behind; reads all."""
        cut = self.dice.random() < 0.1
        wire.send(data[: self.dice.randrange(len(data) + 1)] if cut else data)
        try:
            wire.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        to_head = data.startswith(b"HEAD ")
        while True:
            answer = wire.answer(head_only=to_head)
            if answer is None:
                break
            status = answer.status
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status >= 500 and status not in MEANT:
                self.bad.append("%s to %.300r" % (answer, data))
            if status >= 400 and not to_head:
                check(answer.body.startswith(b"{"), "%s to %.300r" % (answer, data))
                same(answer.json()["status"], status, "its body")
            to_head = False  # what follows is none, or another request
        wire.close()
        return None


def descriptors(api):
    return len(os.listdir("/proc/%d/fd" % api.pid))


def resident(api):
    with open("/proc/%d/statm" % api.pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def attack(api, count, round_):
    attackers = [
        Attacker(api, "%d-%d" % (round_, number), count // THREADS)
        for number in range(THREADS)
    ]
    for attacker in attackers:
        attacker.start()
    statuses = {}
    for attacker in attackers:
        attacker.join()
        same(attacker.bad, [], "seed %d" % SEED)
        for status, times in attacker.statuses.items():
            statuses[status] = statuses.get(status, 0) + times
    return statuses


def story_ten_thousand_requests(stack):
    api = stack.httpapi(LOG_LEVEL="error")
    attack(api, COUNT // 2, 0)
    eventually(lambda: descriptors(api) < 60, "all connections are gone")
    files, memory = descriptors(api), resident(api)
    statuses = attack(api, COUNT // 2, 1)
    print("   ", dict(sorted(statuses.items())))
    check(api.running(), "it has died")
    check(statuses.get(400, 0) > COUNT // 10, "hardly any were refused")
    check(statuses.get(200, 0) > COUNT // 300, "hardly any were taken")
    eventually(lambda: descriptors(api) <= files, "descriptors leak")
    if not stack.sanitized(api):
        grown = resident(api) - memory
        check(grown < 8, "it has grown by %g MiB" % grown)
    id = send(api, LETTER)["message_id"]
    check(id in stack.files("queue"), "it does not take mail any more")
    api.stop()
    for name in stack.files("queue")[-500:]:
        with open(stack.spool + "/queue/new/" + name, "rb") as file:
            data = file.read()
        top = data.split(b"\r\n\r\n", 1)[0].lower()
        check(b"\nbcc:" not in top, "%s has a Bcc" % name)
        check(b"\r" not in data.replace(b"\r\n", b""), "%s: a CR" % name)


if __name__ == "__main__":
    run(globals())
