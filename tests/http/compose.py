"""Letters made of their parts, read by Python's email package: what was asked
for is what such a reader finds, and the lines are as RFC 5322 wants them."""

import base64
import email
import email.header
import email.policy
import email.utils
import json
import os
import random
import re

from api import LETTER, check, eventually, run, same, send

SEED = int(os.environ.get("ELEKTRINE_SEED", "7"))
COUNT = int(os.environ.get("ELEKTRINE_LETTERS", "100"))


def read(stack, id):
    path = os.path.join(stack.spool, "queue", "new", id)
    eventually(lambda: os.path.exists(path), "the file is there")
    with open(path, "rb") as file:
        data = file.read()
    # Behind the envelope and the trace.
    data = data[data.index(b"From: ") :]
    check(b"\n" not in data.replace(b"\r\n", b""), "a LF alone")
    check(b"\r" not in data.replace(b"\r\n", b""), "a CR alone")
    return data, email.message_from_bytes(data, policy=email.policy.default)


def lines_are_short(data):
    head, body = data.split(b"\r\n\r\n", 1)
    check(head.isascii(), "the header is not ASCII: %r" % head)
    for line in head.split(b"\r\n"):
        words = line.split()
        check(len(line) <= 78 or len(words) <= 2, "long: %r" % line)
        check(len(line) <= 998, "too long: %r" % line)
        check(line.strip(), "an empty fold: %r" % head)
        for word in re.findall(rb"=\?[^?]*\?[QqBb]\?[^?]*\?=", line):
            check(len(word) <= 75, "encoded word: %r" % word)
    for line in body.split(b"\r\n"):
        check(len(line) <= 998, "body line of %d" % len(line))


def text_of(message, subtype):
    part = message.get_body((subtype,))
    return None if part is None else part.get_content().replace("\r\n", "\n")


def ended(text):
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or text == "" else text + "\n"


def addresses(data, name):
    """The pairs in a field. (The newer policy puts blanks between the pieces of
    a name that takes several encoded words.)"""
    field = email.message_from_bytes(data)[name] or ""
    field = field.replace("\r\n", "")
    return [
        (str(email.header.make_header(email.header.decode_header(who))), where)
        for who, where in email.utils.getaddresses([field])
    ]


def is_what_was_asked(letter, data):
    message = email.message_from_bytes(data, policy=email.policy.default)
    lines_are_short(data)
    for part in message.walk():
        same(part.defects, [], "defects")
    subject = letter.get("subject", "")
    if subject.strip():
        same(
            " ".join(message["Subject"].split()), " ".join(subject.split()), "Subject"
        )
    for name in ("to", "cc"):
        same(addresses(data, name), letter.get("_" + name, []), name)
    check("bcc" not in message, "Bcc")
    for subtype, field in (("plain", "text_body"), ("html", "html_body")):
        text = letter.get(field)
        if text:
            got = text_of(message, subtype)
            same(got.rstrip("\n"), ended(text).rstrip("\n"), field)
    wanted = [
        (a.get("filename"), base64.b64decode(a["data"]), a.get("content_id"))
        for a in letter.get("attachments", [])
    ]
    got = [
        (part.get_filename(), part.get_payload(decode=True), id_of(part))
        for part in message.walk()
        if not part.is_multipart() and part.get_content_disposition()
    ]
    same(sorted(got, key=repr), sorted(wanted, key=repr), "attachments")


def id_of(part):
    return part["Content-ID"].strip("<>") if part["Content-ID"] else None


# Body, and lines that its message must have.
GOLDEN = [
    (
        {"from": "Ada Lovelace <ada@example.com>"},
        ["From: Ada Lovelace <ada@example.com>"],
    ),
    (
        {"from": '"Lovelace, Ada \\"A.\\"" <ada@example.com>'},
        ['From: "Lovelace, Ada \\"A.\\"" <ada@example.com>'],
    ),
    (
        {"from": "=?utf-8?q?Ad=C3=A4?= L. <ada@example.com>"},
        ['From: =?utf-8?q?Ad=C3=A4?= "L." <ada@example.com>'],
    ),
    (
        {"from": '"=?UTF-8?B?w4Q=?=" <ada@example.com>'},
        ["From: =?UTF-8?B?w4Q=?= <ada@example.com>"],
    ),
    (
        {"from": "Adä <ada@example.com>"},
        ["From: =?UTF-8?Q?Ad=C3=A4?= <ada@example.com>"],
    ),
    (
        {"to": "(a comment) Bob (another) <bob@example.com>, c@d.e"},
        ["To: Bob <bob@example.com>, c@d.e"],
    ),
    (
        {"to": [], "bcc": "bob@example.com"},
        ["To: undisclosed-recipients:;"],
    ),
    (
        {"subject": "=?utf-8?q?kept=20as?= it is"},
        ["Subject: =?utf-8?q?kept=20as?= it is"],
    ),
    ({"subject": "two  blanks"}, ["Subject: two  blanks"]),
    (
        {"headers": {"From": "x@y.z", "X-One": "1", "X-Many": ["a", "b"]}},
        ["From: Ada <ada@example.com>", "X-One: 1", "X-Many: a", "X-Many: b"],
    ),
    (
        {"headers": {"Message-ID": "<own@id>", "Date": "Sat, 31 Jan 2026 12:00:00 +0000"}},
        ["Message-ID: <own@id>", "Date: Sat, 31 Jan 2026 12:00:00 +0000"],
    ),
    (
        {"headers": {"Reply-To": "Rä <r@example.com>"}},
        ["Reply-To: =?UTF-8?B?UsOk?= <r@example.com>"],
    ),
    ({"text_body": "plain\n"}, ["Content-Transfer-Encoding: 7bit", "plain"]),
    (
        {"text_body": "From here\n.\n"},
        ["Content-Transfer-Encoding: quoted-printable", "=46rom here", "=2E"],
    ),
    (
        {"text_body": "caf\u00e9 and a blank \n" + "x" * 70},
        ["caf=C3=A9 and a blank=20"],
    ),
    (
        {"text_body": "\u65e5\u672c\u8a9e"},
        ["Content-Transfer-Encoding: base64", "5pel5pys6Kqe"],
    ),
    (
        {"attachments": [{"data": "QQ==", "filename": "C:\\a\\b.png"}]},
        [
            'Content-Type: image/png; name="b.png"',
            'Content-Disposition: attachment; filename="b.png"',
        ],
    ),
    (
        {"attachments": [{"data": "QQ==", "content_type": "message/rfc822"}]},
        ["Content-Type: application/octet-stream"],
    ),
    (
        {"attachments": [{"data": "A" * 100}]},
        ["A" * 76, "A" * 24],
    ),
]


def story_golden_letters(stack):
    api = stack.httpapi()
    for change, wanted in GOLDEN:
        id = send(api, dict(LETTER, **change))["message_id"]
        data, _ = read(stack, id)
        lines = data.decode().split("\r\n")
        for line in wanted:
            check(line in lines, "%r is not in %s" % (line, data.decode()))
        same(lines.count("MIME-Version: 1.0"), 1, "MIME-Version")
        same(len([x for x in lines if x.startswith("Message-ID:")]), 1, "ids")
        same(len([x for x in lines if x.startswith("Date:")]), 1, "dates")


def structure(message):
    if not message.is_multipart():
        return message.get_content_type()
    return [message.get_content_subtype()] + [
        structure(part) for part in message.iter_parts()
    ]


def story_parts_are_where_they_belong(stack):
    api = stack.httpapi()
    image = {"data": "QQ==", "filename": "a.png", "content_id": "<x@y>"}
    file = {"data": "QQ==", "filename": "a.pdf"}
    text, html = {"text_body": "t"}, {"text_body": None, "html_body": "<p>"}
    both = {"text_body": "t", "html_body": "<p>"}
    plain, page = "text/plain", "text/html"
    pdf, png = "application/pdf", "image/png"
    for change, parts, want in (
        (text, [], plain),
        (html, [], page),
        ({"text_body": None}, [], plain),
        (both, [], ["alternative", plain, page]),
        (text, [file], ["mixed", plain, pdf]),
        (html, [image], ["related", page, png]),
        (text, [image], ["mixed", plain, png]),
        (both, [image], ["alternative", plain, ["related", page, png]]),
        (
            both,
            [file, image],
            ["mixed", ["alternative", plain, ["related", page, png]], pdf],
        ),
    ):
        letter = dict(LETTER, attachments=parts, **change)
        _, message = read(stack, send(api, letter)["message_id"])
        same(structure(message), want, "%r" % letter)


WORDS = """the quick brown fox Größe naïve café 日本語 привет 😀😀 a@b.c "x" (y) <z>
    =?x ?= = _ . , ; : \\ / it's 100% [k] {m} ~ \u200b e\u0301 ﷽ --- From""".split()


def phrase(dice, most):
    return " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, most)))


def text(dice):
    lines = [phrase(dice, 30) for _ in range(dice.randrange(12))]
    if dice.random() < 0.2:
        lines.append("x" * dice.randrange(2000))
    if dice.random() < 0.3:
        lines = [line + " " * dice.randrange(3) for line in lines]
    return dice.choice(["\n", "\r\n", "\r"]).join(lines)


def named(dice, number):
    address = "u%d@%s.example" % (number, dice.choice(["a", "b.c", "d-e"]))
    if dice.random() < 0.3:
        return address, ("", address)
    name = phrase(dice, 6)
    while "=?" in name or "?=" in name or "<" in name:
        name = phrase(dice, 6)
    quoted = '"%s"' % name.replace("\\", "\\\\").replace('"', '\\"')
    return "%s <%s>" % (quoted, address), (name, address)


def random_letter(dice):
    letter = {"from": "Ada <ada@example.com>", "subject": phrase(dice, 25)}
    while "=?" in letter["subject"]:
        letter["subject"] = phrase(dice, 25)
    for name in ("to", "cc"):
        both = [named(dice, n) for n in range(dice.randrange(1, 9))]
        letter[name] = [written for written, _ in both]
        letter["_" + name] = [meant for _, meant in both]
    if dice.random() < 0.7:
        letter["text_body"] = text(dice)
    if dice.random() < 0.5:
        letter["html_body"] = "<p>" + text(dice) + "</p>"
    letter["attachments"] = [
        {
            "filename": "f%d %s.bin" % (n, dice.choice(["a", "ü", "日本" * 20])),
            "data": base64.b64encode(dice.randbytes(dice.randrange(9000))).decode(),
        }
        for n in range(dice.choice([0, 0, 1, 3]))
    ]
    if dice.random() < 0.3:
        letter["headers"] = {"X-Note": phrase(dice, 30), "References": "<a@b> " * 30}
    return letter


def story_random_letters(stack):
    api = stack.httpapi()
    dice = random.Random(SEED)
    for number in range(COUNT):
        letter = random_letter(dice)
        id = send(
            api, {k: v for k, v in letter.items() if k[0] != "_"}
        )["message_id"]
        data, _ = read(stack, id)
        try:
            is_what_was_asked(letter, data)
        except Exception:
            print("letter %d of seed %d: %s" % (number, SEED, json.dumps(letter)))
            print(data.decode("utf-8", "replace"))
            raise


if __name__ == "__main__":
    run(globals())
