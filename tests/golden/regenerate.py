#!/usr/bin/python3
"""Writes the payload of each x.eml in this folder into x.json. Look at what
changes: the files say what the application is told.

usage: regenerate.py PAYLOAD_DUMP
"""
import json
import pathlib
import subprocess
import sys


def main():
    here = pathlib.Path(__file__).parent
    messages = sorted(here.glob("*.eml"))
    payloads = subprocess.run(
        [sys.argv[1], *messages], check=True, capture_output=True
    ).stdout.split(b"\n")
    for message, payload in zip(messages, payloads):
        text = json.dumps(json.loads(payload), ensure_ascii=False, indent=1)
        message.with_suffix(".json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
