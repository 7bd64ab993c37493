"""Rows about making payloads: the same mails through our parser and through
mailparser, and attachments through decoding and encoding. No disk, and by
seconds of CPU, so that what else the machine does counts nothing."""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile

from .report import Result

ORACLE = pathlib.Path(__file__).resolve().parents[2] / "oracle"
SEED, MAILS = 30, 1000
ATTACHMENT = 25 * 1024 * 1024

sys.path.insert(0, str(ORACLE))


def corpus(folder, mails):
    import generate
    return generate.generate(SEED, mails, pathlib.Path(folder))


def big_mail(folder):
    """One attachment, as every mailer writes it."""
    path = pathlib.Path(folder) / "attachment.eml"
    path.write_bytes(
        b"From: a@example.org\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" +
        base64.encodebytes(os.urandom(1024) * (ATTACHMENT // 1024)).replace(
            b"\n", b"\r\n"))
    return [path]


def rate(context, files, seconds):
    """Our messages a second."""
    output = subprocess.run(
        [f"{context.binaries}/payload_rate", str(seconds), *files],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(output.split()[0])


def mailparser_rate(modules, files):
    """Of mailparser, once it is warm."""
    output = subprocess.run(
        ["node", ORACLE / "parse.js", "--time"], check=True, text=True,
        stdout=subprocess.PIPE, env={**os.environ, "NODE_PATH": modules},
        input="".join(f"{file}\n" for file in files)).stdout
    return len(files) / float(output)


def parse(context):
    modules = subprocess.run([ORACLE / "install"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    values = {name: {"elektrine": [], "mailparser": []}
              for name in ("mails", "bytes")}
    with tempfile.TemporaryDirectory() as folder:
        mails = corpus(folder, MAILS // context.shrink)
        big = big_mail(folder)
        for _ in range(context.rounds):
            values["mails"]["elektrine"].append(
                rate(context, mails, context.seconds / 2))
            values["mails"]["mailparser"].append(
                mailparser_rate(modules, mails))
            for name, count in (
                    ("elektrine", rate(context, big, context.seconds / 2)),
                    ("mailparser", mailparser_rate(modules, big))):
                values["bytes"][name].append(count * ATTACHMENT / 1e6)
    return [
        Result("payloads of generated mails", "messages per second of CPU",
               "10 × mailparser", values["mails"], "mailparser", least=10),
        Result("attachment, base64 to payload", "MB per second of CPU",
               "250 MB/s", {"elektrine": values["bytes"]["elektrine"]},
               least=250, notes=[
                   "mailparser: " + ", ".join(
                       f"{value:.0f}" for value in
                       values["bytes"]["mailparser"]) + " MB/s"]),
    ]
