#!/usr/bin/python3
"""25 MiB of attachments need less than 16 MiB of memory, whatever their
encoding, and come out as they went in. The program gets no more than that."""
import base64
import hashlib
import json
import os
import pathlib
import resource
import subprocess
import tempfile

DUMP = pathlib.Path(os.environ["ELEKTRINE_BIN"]) / "payload_dump"
MIB = 1024 * 1024
MOST = 16 * MIB
COUNT, SIZE = 5, 5 * MIB
ENCODINGS = {
    "base64": lambda data: base64.encodebytes(data).replace(b"\n", b"\r\n"),
    "quoted-printable": lambda data: b"=\r\n".join(
        data[i:i + 24].hex("=").upper().encode().join([b"=", b""])
        for i in range(0, len(data), 24)),
    "binary": lambda data: data,
}


def mail(encoding, contents):
    encode = ENCODINGS[encoding]
    parts = b"".join(
        b"--=_b\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" +
        encode(content) + b"\r\n" for content in contents)
    return (b"From: a@example.org\r\nContent-Type: multipart/mixed; "
            b"boundary=\"=_b\"\r\n\r\n" + parts + b"--=_b--\r\n")


def run(path):
    """The payload, made with no more memory than is allowed."""
    limits = (MOST, MOST)
    return subprocess.run(
        [DUMP, path], check=True, stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, limits)
    ).stdout


def main():
    # No line ends, so that no line is a boundary.
    contents = [os.urandom(4096).replace(b"\n", b"x").replace(b"\r", b"y") *
                (SIZE // 4096) for _ in range(COUNT)]
    sums = [hashlib.sha256(content).digest() for content in contents]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mail"
        for encoding in ENCODINGS:
            pathlib.Path(path).write_bytes(mail(encoding, contents))
            payload = json.loads(run(path))
            found = [hashlib.sha256(base64.b64decode(
                attachment["content"], validate=True)).digest()
                for attachment in payload["attachments"]]
            assert found == sums, encoding


if __name__ == "__main__":
    main()
