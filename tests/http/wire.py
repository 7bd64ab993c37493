"""HTTP/1.1 as it is on the wire: what has two meanings is refused, once, and
what follows on that connection is never taken for a request."""

import socket
import time

from api import (
    KEY,
    LETTER,
    Wire,
    call,
    check,
    eventually,
    head,
    run,
    same,
)

HOST = b"Host: a\r\n"
NEXT = b"GET /livez?smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /api/v1/send HTTP/1.1\r\nHost: a\r\nX-API-Key: " + KEY.encode()
POST += b"\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# What is sent, and the status of the only answer.
REFUSED = {
    "a LF ends a line": (b"GET /livez HTTP/1.1\nHost: a\n\n", 400),
    "a LF ends one header": (b"GET /livez HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    "a CR stands alone": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400),
    "folded": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
    "folded first": (b"GET /livez HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 400),
    "NUL in a value": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: \0y\r\n\r\n", 400),
    "NUL in a name": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n", 400),
    "blank before the colon": (POST + b"Content-Length : 4\r\n\r\nabcd", 400),
    "tab before the colon": (POST + b"Content-Length\t: 4\r\n\r\nabcd", 400),
    "no colon": (b"GET /livez HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", 400),
    "no name": (b"GET /livez HTTP/1.1\r\nHost: a\r\n: foo\r\n\r\n", 400),
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "a host of two": (b"GET /livez HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    "user in host": (b"GET /livez HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "absolute": (b"GET http://b/livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "authority": (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "star": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two blanks": (b"GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tab": (b"GET\t/livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "blank behind": (b"GET /livez HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    "blank in path": (b"GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment": (b"GET /livez#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "%00": (b"GET /livez%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "%zz": (b"GET /livez%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "raw UTF-8": (b"GET /liv\xc3\xa9z HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", 400),
    "HTTP/1.2": (b"GET /livez HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "HTTP/2.0": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "http/1.1": (b"GET /livez http/1.1\r\nHost: a\r\n\r\n", 400),
    "two lengths": (
        POST + b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
        400,
    ),
    "the same twice": (
        POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        400,
    ),
    "a list of lengths": (POST + b"Content-Length: 4, 4\r\n\r\nabcd", 400),
    "+4": (POST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "-4": (POST + b"Content-Length: -4\r\n\r\nabcd", 400),
    "0x4": (POST + b"Content-Length: 0x4\r\n\r\nabcd", 400),
    "4 4": (POST + b"Content-Length: 4 4\r\n\r\nabcd", 400),
    "an empty length": (POST + b"Content-Length:\r\n\r\nabcd", 400),
    "too long to be": (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
    "length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks and length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked twice": (
        POST
        + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "chunked, identity": (
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
        501,
    ),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
    "chunked with a tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400),
    "chunks in 1.0": (
        CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
        400,
    ),
    "expect": (POST + b"Expect: a miracle\r\nContent-Length: 4\r\n\r\n", 417),
    "chunk without a size": (CHUNKED + b"\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk of -1": (CHUNKED + b"-1\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk of 0x4": (CHUNKED + b"0x4\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk of ' 4'": (CHUNKED + b" 4\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk of '4 '": (CHUNKED + b"4 \r\nabcd\r\n0\r\n\r\n", 400),
    "huge chunk": (CHUNKED + b"f" * 16 + b"\r\nabcd", 400),
    "chunk size ends in LF": (CHUNKED + b"4\nabcd\r\n0\r\n\r\n", 400),
    "chunk ends in LF": (CHUNKED + b"4\r\nabcd\n0\r\n\r\n", 400),
    "chunk is longer": (CHUNKED + b"4\r\nabcdef\r\n0\r\n\r\n", 400),
    "LF in an extension": (CHUNKED + b"4;a\nb\r\nabcd\r\n0\r\n\r\n", 400),
    "NUL in an extension": (CHUNKED + b"4;a\0b\r\nabcd\r\n0\r\n\r\n", 400),
    "endless extension": (CHUNKED + b"4;" + b"a" * 9000, 400),
    "LF ends the trailer": (CHUNKED + b"0\r\nA: b\n\r\n", 400),
    "folded trailer": (CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n", 400),
    "endless trailer": (CHUNKED + b"0\r\nA: " + b"b" * 9000, 431),
    "too many lines": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        431,
    ),
    "too much header": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 16348 + b"\r\n\r\n",
        431,
    ),
    "too many parameters": (
        b"GET /livez?" + b"&" * 100 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        414,
    ),
    "too long a path": (
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        414,
    ),
    "too long a method": (b"A" * 40 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "binary": (bytes(range(128, 256)) + b"\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
}


def is_problem(answer):
    same(answer.headers["content-type"], "application/problem+json", "its type")
    problem = answer.json()
    same(problem["success"], False, "success")
    same(problem["status"], answer.status, "status")
    same(problem["detail"], problem["error"], "detail")
    check(problem["title"] and problem["type"], "title and type")


def story_what_is_ambiguous_is_refused(stack):
    api = stack.httpapi()
    for name, (data, status) in REFUSED.items():
        wire = Wire(api).send(data + NEXT)
        answer = wire.answer()
        check(answer is not None, "%s: no answer" % name)
        same(answer.status, status, name)
        is_problem(answer)
        same(answer.headers["connection"], "close", name)
        check(wire.ends(), "%s: it goes on" % name)
        wire.close()
    same(api.events("message_enqueued"), [], "mail that was taken")


def story_the_same_byte_by_byte(stack):
    api = stack.httpapi()
    names = ["a LF ends one header", "folded", "two lengths", "chunk is longer"]
    for name in names:
        data, status = REFUSED[name]
        wire = Wire(api)
        for at in range(len(data)):
            wire.send(data[at : at + 1])
        same(wire.answer().status, status, name)
        check(wire.ends(), "%s: it goes on" % name)
        wire.close()


def story_what_is_meant_is_understood(stack):
    api = stack.httpapi()
    wire = Wire(api)
    for data in (
        b"GET /livez HTTP/1.1\r\nHost:a\r\n\r\n",
        b"\r\nGET /livez HTTP/1.1\r\nHost: a:80\r\nX:\t y \t\r\n\r\n",
        b"GET /livez?a=b%20c&d HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a \t\r\nContent-Length: \t0 \t\r\n\r\n",
        # As much as may be.
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 16347 + b"\r\n\r\n",
        b"GET /livez?" + b"&" * 99 + b" HTTP/1.1\r\nHost: a\r\n"
        + b"X: %s\r\n" % (b"y" * 120) * 99 + b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nCookie: " + b";" * 16000 + b"\r\n\r\n",
    ):
        wire.send(data)
        same(wire.answer().status, 200, repr(data))
    same(call(api, "HEAD", "/livez", wire=wire).body, b"", "body of HEAD")
    wire.send(NEXT * 30)  # pipelined
    for _ in range(30):
        same(wire.answer().json(), {"ok": True}, "pipelined")
    letter = b'{"from":"a@example.com","to":"b@example.com","text":"x"}'
    chunks = b"".join(
        b"%x;name=\"value\"\r\n%s\r\n" % (len(part), part)
        for part in (letter[:1], letter[1:30], letter[30:])
    )
    wire.send(CHUNKED + chunks + b"000\r\nTrailer: x\r\n\r\n" + NEXT)
    same(wire.answer().status, 200, "a letter in chunks")
    same(wire.answer().status, 200, "and what follows it")
    wire.send(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    same(wire.answer().headers["connection"], "close", "asked to close")
    check(wire.ends(), "it closes")


def story_http_1_0_ends_with_its_answer(stack):
    api = stack.httpapi()
    for line in (b"", b"Connection: keep-alive\r\n"):
        wire = Wire(api).send(b"GET /livez HTTP/1.0\r\n" + line + b"\r\n" + NEXT)
        same(wire.answer().status, 200, "HTTP/1.0")
        check(wire.ends(), "it closes")


def story_what_is_answered_early_is_one_answer(stack):
    """A body that nobody takes, and that is cut or goes on with nonsense."""
    api = stack.httpapi()
    top = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 40000 \r\n\r\n"
    for body in (b"", b"x" * 39999, b"x" * 40000 + b"\0\n\n"):
        wire = Wire(api).send(top).send(body)
        wire.socket.shutdown(socket.SHUT_WR)
        answer = wire.answer()
        if answer is not None:
            same(answer.json()["status"], answer.status, "the answer")
        wire.close()


def story_the_key_comes_before_the_body(stack):
    api = stack.httpapi()
    for key, length, status in (
        ("wrong", 40 << 20, 401),
        (KEY, (50 << 20) + 1, 413),
    ):
        wire = Wire(api).send(
            head(
                "POST",
                "/api/v1/send",
                {
                    "Host": "a",
                    "X-API-Key": key,
                    "Content-Type": "application/json",
                    "Content-Length": length,
                    "Expect": "100-continue",
                },
            )
        )
        answer = wire.answer()
        same(answer.status, status, "before any body")
        is_problem(answer)
        # Also to a client that does not wait for it.
        wire.send(b" " * 3000000)
        check(wire.ends(), "it closes")
        wire.close()


def story_a_chunked_body_ends_at_the_limit(stack):
    api = stack.httpapi()
    wire = Wire(api).send(CHUNKED)
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    for _ in range(51):
        wire.send(piece)
    answer = wire.answer()
    same(answer.status, 413, "51 MiB in chunks")
    is_problem(answer)
    wire.close()
    same(call(api, "GET", "/livez").status, 200, "and it lives")


def story_too_many_connections_are_turned_away(stack):
    api = stack.httpapi()
    idle = [Wire(api) for _ in range(1000)]

    def one_more():
        """Stays, if it is let in: one before may have found no room."""
        idle.append(Wire(api))
        return idle[-1].send(NEXT).answer().status

    eventually(lambda: one_more() == 503, "the next one is")
    for wire in idle[:10]:
        wire.close()
    eventually(
        lambda: Wire(api).send(NEXT).answer().status == 200, "there is room"
    )
    for wire in idle:
        wire.close()


def story_requests_are_finished_at_the_end(stack):
    api = stack.httpapi()
    idle = Wire(api).send(NEXT)
    idle.answer()
    busy = Wire(api)
    body = b'{"from":"a@example.com","to":"b@example.com","text":"x"}'
    busy.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body[:10])
    time.sleep(0.3)
    api.signal(15)
    check(idle.ends(), "an idle connection closes")
    busy.send(body[10:])
    answer = busy.answer()
    same(answer.status, 200, "what was begun is finished")
    same(answer.headers["connection"], "close", "the last one")
    api.stop()
    same(len(stack.files("queue")), 1, "messages")


def story_settings_are_read_again(stack):
    path = stack.dir + "/key"
    with open(path, "w", encoding="ascii") as file:
        file.write("first\n")
    api = stack.httpapi(HARAKA_HTTP_API_KEY="", HARAKA_HTTP_API_KEY_FILE=path)
    wire = Wire(api)
    same(call(api, "POST", "/api/v1/send", LETTER, "first").status, 200, "first")
    with open(path, "w", encoding="ascii") as file:
        file.write("second\n")
    api.signal(1)
    api.wait_event("config_reloaded")
    eventually(
        lambda: call(api, "POST", "/api/v1/send", LETTER, "second").status == 200,
        "the new key counts",
    )
    answer = call(api, "POST", "/api/v1/send", LETTER, "first", wire=wire)
    same(answer.status, 401, "the old one does not")


if __name__ == "__main__":
    run(globals())
