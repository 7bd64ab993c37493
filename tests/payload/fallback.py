#!/usr/bin/python3
"""WEBHOOK_MAX_BYTES to the byte: a payload that just fits stays as it is, and
one byte less takes exactly the next thing away: `raw`, the contents of
attachments from the largest on, html_body, the end of text_body."""
import base64
import json
import os
import pathlib
import subprocess
import tempfile

DUMP = pathlib.Path(os.environ["ELEKTRINE_BIN"]) / "payload_dump"
SIZES = [300, 900, 100, 600]  # of the attachments
MAIL = (
    b"From: a@example.org\r\nSubject: x\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    b"--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
    "Grüße \"quoted\"\r\n".encode() * 20 +
    b"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p>Hello</p>\r\n" + b"<br>\r\n" * 20 + b"--a--\r\n" + b"".join(
        b"--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" +
        base64.encodebytes(bytes(size)) for size in SIZES) + b"--b--\r\n")


def payload(path, limit):
    """The body for this limit, as bytes."""
    return subprocess.run([DUMP, "-w", "-m", str(limit), path], check=True,
                          stdout=subprocess.PIPE).stdout.rstrip(b"\n")


def omitted(body):
    """What a body lacks, in the order of the steps."""
    fields = json.loads(body)
    gone = [] if "raw" in fields else ["raw"]
    for attachment in sorted(fields["attachments"],
                             key=lambda each: -each["size"]):
        if attachment.get("content_omitted"):
            assert attachment["content"] is None
            gone.append(attachment["size"])
        else:
            assert len(base64.b64decode(attachment["content"])) == \
                attachment["size"]
    gone += ["html"] if fields.get("html_omitted") else []
    return gone + (["text"] if fields.get("body_truncated") else [])


def main():
    steps = ["raw", 900, 600, 300, 100, "html", "text"]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mail"
        pathlib.Path(path).write_bytes(MAIL)
        body = payload(path, 0)
        whole = json.loads(body)["text_body"]
        for number in range(len(steps)):
            assert omitted(body) == steps[:number], number
            assert payload(path, len(body)) == body
            smaller = payload(path, len(body) - 1)
            assert len(smaller) < len(body)
            body = smaller
        # The text is cut as late as it can be: at most one character (two
        # bytes, or an escape of two) is lost to a limit inside of it.
        size = len(body)
        for limit in range(size - 100, size):
            body = payload(path, limit)
            assert limit - 1 <= len(body) <= limit, limit
            assert whole.startswith(json.loads(body)["text_body"])


if __name__ == "__main__":
    main()
