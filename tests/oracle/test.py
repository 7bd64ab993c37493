#!/usr/bin/python3
"""Payloads against mailparser: every golden mail, and a slice of the generated
ones. With SEED and COUNT: so many generated mails of that seed, and all of the
golden ones.

usage: test.py [SEED COUNT]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import compare
import generate

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(os.environ["ELEKTRINE_BIN"])
SEED, COUNT = 20, 400


def operators_program_agrees(files):
    """`elektrine-spool payload` prints what the test program does."""
    others = compare.ours(BIN / "payload_dump", files)
    for file, other in zip(files, others):
        printed = subprocess.run(
            [BIN / "elektrine-spool", "payload", file,
             "--rcpt", compare.RECIPIENT, "--from", compare.SENDER],
            check=True, stdout=subprocess.PIPE).stdout
        payload = {**json.loads(printed), "timestamp": "", "raw": ""}
        assert payload == {**other, "timestamp": "", "raw": ""}, \
            f"{file}: another payload"


def list_is_complete():
    text = (HERE / "DIFFERENCES.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.M)
    assert sorted(listed) == sorted(compare.Report().never()), \
        "DIFFERENCES.md does not list the rules and repairs there are"


def main(args):
    list_is_complete()
    seed, count = map(int, args) if args else (SEED, COUNT)
    modules = subprocess.run([HERE / "install"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    golden = sorted((HERE.parent / "golden").glob("*.eml"))
    operators_program_agrees(golden[::10])
    with tempfile.TemporaryDirectory() as folder:
        generated = generate.generate(seed, count, pathlib.Path(folder))
        report = compare.compare(
            BIN / "payload_dump", modules, golden + generated)
        report.print()
        for file in report.wrong:
            keep(pathlib.Path(file))
    assert report.mails > count
    return 1 if report.wrong else 0


def keep(file):
    """A mail that differs, to be looked at."""
    kept = BIN.parent / "oracle-failed"
    kept.mkdir(exist_ok=True)
    (kept / file.name).write_bytes(file.read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
