"""POST /api/v1/send: what it takes, what it refuses and why, and that 200 is
said once, for something durable."""

import base64
import email.policy
import json
import os
import subprocess
import threading
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
    send,
)
from stack import BIN, free_port


def stored(stack, id):
    """A message of the queue as its readers see it."""
    data = subprocess.run(
        [os.path.join(BIN, "elektrine-spool"), "show", id, "--raw"],
        env=stack.environment({}),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return data, email.message_from_bytes(data, policy=email.policy.default)


def listed(stack):
    lines = subprocess.run(
        [os.path.join(BIN, "elektrine-spool"), "--json", "list"],
        env=stack.environment({}),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.splitlines()
    return [json.loads(line) for line in lines]


# Body (or changes of LETTER), status, field, what the reason says.
REFUSED = [
    (b"", 400, None, "JSON"),
    (b"{", 400, None, "JSON"),
    (b"[]", 400, None, "object"),
    (b'"x"', 400, None, "object"),
    (b"null", 400, None, "object"),
    (b'{"from":"a@b.c"} x', 400, None, "JSON"),
    (b'{"from":"a@b.c","from":"a@b.c"}', 400, None, "duplicate"),
    (b'{"from":"\xff@b.c"}', 400, None, "JSON"),
    (b'{"text":"' + b"x" * 9000 + b'\xff"}', 400, None, "UTF-8"),
    (b'{"text":"' + b"x" * 9000 + b'\\q"}', 400, None, "JSON"),
    (b'{"text":"' + b"x" * 9000 + b'\\ud800"}', 400, None, "JSON"),
    (b'{"text":"' + b"x" * 9000 + b'\n"}', 400, None, "JSON"),
    (b'{"text":"' + b"x" * 9000, 400, None, "JSON"),
    # The same of what is in memory and of what is on the disk.
    (b'{"text":"' + b"x" * 300 + b'\xff"}', 400, None, "UTF-8"),
    (b'{"text":"' + b"x" * 300 + b'\xc3","to":"\xa4"}', 400, None, "UTF-8"),
    (b'{"text":"' + b"x" * 20000 + b'\xff"}', 400, None, "UTF-8"),
    (b'{"text":"' + b"x" * 20000 + b'\xc3","to":"\xa4"}', 400, None, "UTF-8"),
    (b"[" * 100000, 400, None, "JSON"),
    (b'{"' + b"x" * 9000 + b'" : 1}', 400, None, "too long"),
    ({"headers": {"X" * 9000: "1"}}, 400, None, "too long"),
    (b'{"a":[' + b"1," * 200000 + b"1]}", 413, None, "too many"),
    ({"from": None}, 400, "from", "missing"),
    ({"from": ""}, 400, "from", "missing"),
    ({"from": 1}, 400, "from", "neither"),
    ({"from": ["a@b.c", "d@e.f"]}, 400, "from", "more than one"),
    ({"from": "Ada"}, 400, "from", "not an address"),
    ({"from": "Ada <ada>"}, 400, "from", "not an address"),
    ({"from": "a@b.c\r\nBcc: x@y.z"}, 400, "from", "line break"),
    ({"from": "<a@b.c> <d@e.f>"}, 400, "from", "not an address"),
    ({"from": '"Ada <a@b.c>'}, 400, "from", "not an address"),
    ({"to": None}, 400, "to", "missing"),
    ({"to": []}, 400, "to", "missing"),
    ({"to": ["bob@example.com", 7]}, 400, "to[1]", "string"),
    ({"to": ["bob@example.com", "x y@z"]}, 400, "to[1]", "not an address"),
    ({"to": {"a": 1}}, 400, "to", "neither"),
    ({"to": ["u%d@example.com" % i for i in range(101)]}, 400, "to", "100"),
    ({"cc": "nobody"}, 400, "cc", "not an address"),
    ({"bcc": ["a@b.c", "nobody"]}, 400, "bcc[1]", "not an address"),
    ({"reply_to": "nobody"}, 400, "reply_to", "not an address"),
    ({"sender": "a@b.c, d@e.f"}, 400, "sender", "more than one"),
    ({"subject": "x\nBcc: y@z.a"}, 400, "subject", "line break"),
    ({"subject": "x\0y"}, 400, "subject", "control"),
    ({"subject": ["x"]}, 400, "subject", "string"),
    ({"subject": "x" * 20000}, 400, "subject", "longer"),
    ({"text_body": 5}, 400, "text_body", "string"),
    ({"text_body": "a\0b"}, 400, "text_body", "NUL"),
    ({"html_body": "x" * 9000 + "\0"}, 400, "html_body", "NUL"),
    ({"headers": []}, 400, "headers", "object"),
    ({"headers": {"X-A": "b\r\nBcc: c@d.e"}}, 400, "headers.X-A", "line break"),
    ({"headers": {"X A": "b"}}, 400, "headers.X A", "name"),
    ({"headers": {"X-A: b\r\nBcc": "b"}}, 400, None, "name"),
    ({"headers": {"": "b"}}, 400, "headers.", "name"),
    ({"headers": {"X" * 300: "b"}}, 400, None, "name"),
    ({"headers": {"X-A": {"b": 1}}}, 400, "headers.X-A", "string"),
    ({"headers": {"Message-ID": "x"}}, 400, "headers.Message-ID", "id"),
    ({"attachments": {}}, 400, "attachments", "list"),
    ({"attachments": [1]}, 400, "attachments[0]", "object"),
    ({"attachments": [{"filename": "x"}]}, 400, "attachments[0].data", "missing"),
    ({"attachments": [{"data": 1}]}, 400, "attachments[0].data", "string"),
    ({"attachments": [{"data": "a"}]}, 400, "attachments[0].data", "base64"),
    ({"attachments": [{"data": "a-b_"}]}, 400, "attachments[0].data", "base64"),
    ({"attachments": [{"data": "ab=c"}]}, 400, "attachments[0].data", "base64"),
    (
        {"attachments": [{"data": "A" * 9000 + "!"}]},
        400,
        "attachments[0].data",
        "base64",
    ),
    (
        {"attachments": [{"data": "", "encoding": "hex"}]},
        400,
        "attachments[0].encoding",
        "base64",
    ),
    (
        {"attachments": [{"data": "", "content_type": "x\r\nBcc: y"}]},
        400,
        "attachments[0].content_type",
        "line break",
    ),
    (
        {"attachments": [{"data": "", "content_type": "png"}]},
        400,
        "attachments[0].content_type",
        "media type",
    ),
    (
        {"attachments": [{"data": "", "content_id": "a b"}]},
        400,
        "attachments[0].content_id",
        "content id",
    ),
    ({"raw": 1}, 400, "raw", "string"),
    ({"raw": ""}, 400, None, "header"),
    ({"raw": "no header\n\nbody"}, 400, None, "header"),
    ({"raw": "A: b\n" * 1001}, 400, None, "lines"),
    ({"raw": "Received: x\n" * 101}, 400, None, "loops"),
    ({"raw": "A: " + "b" * 300000 + "\n\nx"}, 400, None, "long"),
    ({"raw_base64": "!"}, 400, "raw_base64", "base64"),
    ({"raw": "A: b\n\n", "raw_base64": "QTogYg=="}, 400, "raw_base64", "beside"),
]


def story_errors_name_the_field_and_the_reason(stack):
    api = stack.httpapi()
    wire = Wire(api)
    for change, status, field, reason in REFUSED:
        body = change
        if isinstance(change, dict):
            body = json.dumps(dict(LETTER, **change)).encode()
        answer = call(
            api,
            "POST",
            "/api/v1/send",
            body,
            wire=wire,
            Content_Type="application/json",
        )
        what = "%.100r: %s" % (change, answer)
        same(answer.status, status, what)
        problem = answer.json()
        check(reason in problem["error"], what)
        if field is not None:
            same(problem["field"], field, what)
            check(problem["error"].startswith(field), what)
        if answer.headers.get("connection") == "close":
            wire = Wire(api)
    same(stack.files("queue"), [], "what is in the queue")


def story_only_json_is_taken(stack):
    api = stack.httpapi()
    body = json.dumps(LETTER).encode()
    for type in ("text/plain", "application/x-www-form-urlencoded", "json", ""):
        answer = call(
            api, "POST", "/api/v1/send", body, Content_Type=type
        )
        same(answer.status, 415, type)
    answer = call(api, "POST", "/api/v1/send", LETTER, Content_Encoding="gzip")
    same(answer.status, 415, "compressed")
    call(
        api,
        "POST",
        "/api/v1/send",
        body,
        Content_Type="Application/JSON; charset=utf-8",
    )
    answer = call(api, "GET", "/api/v1/send")
    same((answer.status, answer.headers["allow"]), (405, "POST"), "GET")


def story_local_recipients_go_to_phoenix_others_wait(stack):
    phoenix = stack.phoenix()
    api = stack.httpapi()
    stack.deliver()
    id = send(
        api,
        dict(
            LETTER,
            to=["Bob <bob@Example.COM>", "eve@elsewhere.test"],
            cc="bob@example.com",
            bcc=["carl@example.com", "Fay <fay@elsewhere.test>"],
        ),
    )["message_id"]
    eventually(lambda: phoenix.delivered() == 2, "two are delivered")
    for post in phoenix.posts():
        body = post["body"]
        check(body["rcpt_to"] in ("bob@Example.COM", "carl@example.com"), body)
        same(body["authenticated"], True, "authenticated")
        same(body["auth_user"], "ada@example.com", "auth_user")
        same(body["mail_from"], "ada@example.com", "mail_from")
        same(body["message_id"], id, "message_id")
        same(body["from"], '"Ada" <ada@example.com>', "from")
        same(body["text_body"], "Hello.\n", "text_body")
        check("bcc" not in body["headers"], "bcc is told")
    waiting = [row for row in listed(stack) if row["lane"] == "smtp"]
    same(
        sorted(row["recipient"] for row in waiting),
        ["eve@elsewhere.test", "fay@elsewhere.test"],
        "waiting",
    )
    for row in waiting:
        same(row["state"], "queued", "state")
        same(row["destination"], "elsewhere.test", "destination")
    data, _ = stored(stack, id)
    check(b"carl" not in data and b"fay" not in data, "Bcc is in the message")


def story_domains_that_phoenix_told_are_local(stack):
    url = "http://127.0.0.1:%d/api/haraka/domains" % stack.phoenix_port
    stack.phoenix("--domains", "told.example,m\u00fcnchen.example")
    api = stack.httpapi(PHOENIX_DOMAINS_URL=url)

    def lanes(user):
        domains = "example.com", "told.example", "xn--mnchen-3ya.example"
        send(api, dict(LETTER, to=["%s@%s" % (user, d) for d in domains]))
        found = {row["recipient"]: row["lane"] for row in listed(stack)}
        return [found["%s@%s" % (user, d)] for d in domains]

    # As long as nobody knows the list, LOCAL_DOMAINS counts.
    same(lanes("early"), ["webhook", "smtp", "smtp"], "lanes")
    smtpd = stack.smtpd(PHOENIX_DOMAINS_URL=url)
    smtpd.wait_event("domains_changed")
    smtpd.stop()
    users = ("user%d" % i for i in range(1000))
    told = ["smtp", "webhook", "webhook"]
    eventually(lambda: lanes(next(users)) == told, "the list counts")
    api.stop()
    api = stack.httpapi(PHOENIX_DOMAINS_URL=url)
    same(lanes("late"), told, "lanes after a restart")


def story_a_raw_message_stays_as_it_is(stack):
    api = stack.httpapi()
    source = (
        b"From: =?utf-8?q?J=C3=B6?= <jo@example.com>\nTo: x@y.z\n"
        b"Bcc: secret@example.com,\n other@example.com\nSubject: kept  so\n"
        b"DKIM-Signature: v=1;\n\tb=abc\nMessage-ID: <mine@example.com>\n"
        b"Date: Sat, 31 Jan 2026 12:34:56 +0000\n\n.\nbody \nFrom here\r\n\xe9\r"
    )
    kept = source.replace(
        b"Bcc: secret@example.com,\n other@example.com\n", b""
    ).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    for field, value in (
        ("raw_base64", base64.b64encode(source).decode()),
        ("raw_base64", base64.encodebytes(source).decode()),
        ("raw", source.decode("latin-1").replace("\xe9", "e")),
    ):
        id = send(api, dict(LETTER, **{field: value}))["message_id"]
        data, _ = stored(stack, id)
        want = kept if field == "raw_base64" else kept.replace(b"\xe9", b"e")
        check(data.endswith(b"\r\n" + want), "%s: %r" % (field, data))
        check(b"secret" not in data, "Bcc is in the message")
    id = send(api, dict(LETTER, raw="Subject: x\n\nbody"))["message_id"]
    _, message = stored(stack, id)
    same(message["From"], "ada@example.com", "From that was missing")
    check(message["Date"] and message["Message-ID"], "Date, Message-ID")
    same(message.get_content(), "body", "body")


def story_mail_of_a_domain_with_a_key_is_signed(stack):
    import dkim

    folder = os.path.join(stack.dir, "dkim", "example.com")
    os.makedirs(folder)
    private = os.path.join(folder, "private")
    subprocess.run(
        ["openssl", "genrsa", "-out", private, "2048"],
        stderr=subprocess.DEVNULL,
        check=True,
    )
    public = subprocess.run(
        ["openssl", "rsa", "-in", private, "-pubout", "-outform", "DER"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    with open(os.path.join(folder, "selector"), "w", encoding="ascii") as file:
        file.write("s2026\n")
    api = stack.httpapi(HARAKA_DKIM_DIR=os.path.dirname(folder))

    def ask(name, **_):
        same(name, b"s2026._domainkey.example.com.", "name of the record")
        return record

    for change in (
        {"from": "Ada <ada@EXAMPLE.com>"},
        {"subject": "Gr\xfc\xdfe", "html_body": "<b>x</b>" * 900},
        {"raw": "From: ada@example.com\nSubject: a\n\n.\nbody \n\n\n"},
    ):
        id = send(api, dict(LETTER, **change))["message_id"]
        data, _ = stored(stack, id)
        check(dkim.verify(data, dnsfunc=ask), "%r does not pass" % data)
    id = send(api, dict(LETTER, **{"from": "a@elsewhere.test"}))["message_id"]
    check(b"DKIM-Signature" not in stored(stack, id)[0], "another domain")
    # What cannot be used stops no mail, and wakes somebody.
    with open(private, "w", encoding="ascii") as file:
        file.write("no key\n")
    time.sleep(3.1)
    send(api, LETTER)
    api.wait_event("not_signed")


def story_a_key_makes_a_request_repeatable(stack):
    first, second = stack.httpapi(), stack.httpapi()
    id = send(first, LETTER, Idempotency_Key="k-1")["message_id"]
    for api in (first, second, first):
        again = send(api, LETTER, Idempotency_Key="k-1")["message_id"]
        same(again, id, "the same answer")
    other = dict(LETTER, subject="Another")
    send(second, other, 422, Idempotency_Key="k-1")
    check(send(first, other, Idempotency_Key="k-2")["message_id"] != id, "k-2")
    # A request that failed leaves no key.
    send(first, dict(LETTER, to="nobody"), 400, Idempotency_Key="k-3")
    send(first, LETTER, Idempotency_Key="k-3")
    for bad in ("", "x" * 256, "caf\xe9"):
        send(first, LETTER, 400, Idempotency_Key=bad)
    for api in (first, second):
        api.kill()
    api = stack.httpapi()
    same(
        send(api, LETTER, Idempotency_Key="k-1")["message_id"], id, "after a crash"
    )
    same(len(stack.files("queue")), 3, "messages")


def story_a_key_at_work_is_taken(stack):
    apis = [stack.httpapi(), stack.httpapi()]
    body = json.dumps(LETTER).encode()
    fields = {
        "Host": "a",
        "X-API-Key": KEY,
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "Idempotency-Key": "k",
    }
    slow = Wire(apis[0])
    slow.send(head("POST", "/api/v1/send", fields) + body[:5])

    def taken(api):
        answer = call(
            api,
            "POST",
            "/api/v1/send",
            LETTER,
            Idempotency_Key="k",
        )
        if answer.status == 409:
            same(answer.headers["retry-after"], "1", "Retry-After")
        return answer.status

    time.sleep(0.3)
    for api in apis:
        same(taken(api), 409, "while it is at work")
    slow.close()  # half of a request: nothing came of it
    eventually(lambda: taken(apis[1]) == 200, "it is free again")
    same(len(stack.files("queue")), 1, "messages")


def story_the_same_at_once_is_one_message(stack):
    apis = [stack.httpapi(), stack.httpapi()]
    statuses, ids = [], set()

    def one(number):
        wire = Wire(apis[number % 2])
        while True:
            answer = call(
                apis[number % 2],
                "POST",
                "/api/v1/send",
                LETTER,
                wire=wire,
                Idempotency_Key="race",
            )
            statuses.append(answer.status)
            if answer.status == 200:
                ids.add(answer.json()["message_id"])
                return
            time.sleep(0.01)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(set(statuses) <= {200, 409}, statuses)
    same(len(ids), 1, "answers")
    same(len(stack.files("queue")), 1, "messages")


def peak(api):
    with open("/proc/%d/status" % api.pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0


def story_fifty_megabytes_take_little_memory(stack):
    api = stack.httpapi(SPOOL_MIN_FREE="1M")
    send(api, LETTER)
    before = peak(api)
    content = os.urandom(1 << 20) * 37
    body = json.dumps(
        dict(
            LETTER,
            attachments=[
                {
                    "filename": "big.bin",
                    "data": base64.b64encode(content).decode(),
                }
            ],
        )
    ).encode()
    body += b" " * ((50 << 20) - len(body))
    answer = call(
        api, "POST", "/api/v1/send", body, Content_Type="application/json"
    )
    same(answer.status, 200, answer)
    if not stack.sanitized(api):
        check(peak(api) - before < 8, "%g MiB" % (peak(api) - before))
    path = os.path.join(
        stack.spool, "queue", "new", answer.json()["message_id"]
    )
    with open(path, "rb") as file:
        part = file.read().split(b"--=_")[-2].split(b"\r\n\r\n", 1)[1]
    check(base64.b64decode(part) == content, "the attachment changed")


def story_a_disk_without_room_is_told(stack):
    api = stack.httpapi(SPOOL_MIN_FREE="99%")
    answer = call(api, "POST", "/api/v1/send", LETTER)
    same(answer.status, 507, answer)


def story_the_rate_is_limited_per_client(stack):
    api = stack.httpapi(
        RATE_LIMIT_MAX_REQUESTS="5",
        RATE_LIMIT_WINDOW_MS="600000",
        HARAKA_TRUSTED_PROXY_CIDRS="127.0.0.1,10.0.0.0/8",
    )

    def ask(forwarded, **more):
        return call(api, "GET", "/nope", X_Forwarded_For=forwarded, **more)

    for left in (4, 3, 2, 1, 0):
        answer = ask("192.0.2.1")
        same(answer.status, 404, "within the limit")
        same(answer.headers["ratelimit-limit"], "5", "limit")
        same(answer.headers["ratelimit-remaining"], str(left), "remaining")
        check(int(answer.headers["ratelimit-reset"]) <= 600, "reset")
    # What a client writes in front of the list counts for nothing.
    for forwarded in (
        "192.0.2.1",
        "198.51.100.7, 192.0.2.1",
        "198.51.100.7,192.0.2.1:4711, 10.1.1.1",
        "nonsense, 192.0.2.1",
    ):
        answer = ask(forwarded)
        same(answer.status, 429, forwarded)
        same(
            answer.headers["retry-after"],
            answer.headers["ratelimit-reset"],
            "Retry-After",
        )
    same(ask("192.0.2.2").status, 404, "another client")
    same(call(api, "GET", "/nope", X_Real_IP="192.0.2.1").status, 429, "real ip")
    same(call(api, "GET", "/livez", X_Real_IP="192.0.2.1").status, 200, "livez")


def story_browsers_of_one_origin_may_call(stack):
    api = stack.httpapi(HARAKA_CORS_ORIGIN="https://app.example.com")
    answer = call(
        api, "OPTIONS", "/api/v1/send", key=None, Origin="https://app.example.com"
    )
    same(answer.status, 204, "preflight")
    allow = answer.headers["access-control-allow-methods"]
    check("POST" in allow, allow)
    same(
        answer.headers["access-control-allow-origin"],
        "https://app.example.com",
        "origin",
    )
    answer = call(api, "OPTIONS", "/api/v1/send", Origin="https://evil.example")
    same(answer.status, 405, "another origin")
    check("access-control-allow-origin" not in answer.headers, "it is told")
    plain = stack.httpapi(port=free_port())
    answer = call(plain, "GET", "/livez", Origin="https://app.example.com")
    check("access-control-allow-origin" not in answer.headers, "without CORS")


if __name__ == "__main__":
    run(globals())
