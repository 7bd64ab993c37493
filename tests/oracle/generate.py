#!/usr/bin/python3
"""Writes mails of every shape: ordinary ones, mail about mail, all that MIME
allows, and each of them spoiled. The same seed gives the same mails; a file's
name says what is in it.

usage: generate.py SEED COUNT FOLDER
"""
import pathlib
import sys

from corpus import body, bounces, broken, header, ordinary
from corpus.text import Draw


def anything(draw):
    """All that MIME allows, and some of what it does not."""
    lines, content = (body.leaf(draw) if draw.chance(.35)
                      else body.multipart(draw))
    head = ["Received: from a\r\n\tby b; 31 Jan 2026 12:00:00 +0000",
            f"From: {header.address_list(draw)}",
            f"To: {header.address_list(draw)}",
            f"Subject: {header.subject(draw)}",
            f"Message-ID: <{draw.next()}@x>", "MIME-Version: 1.0", *lines]
    return ordinary.mail(head, content)


def message(draw):
    """(what it is, the mail)"""
    make = draw.one([anything] * 5 + [draw.one(ordinary.ALL)] * 3 +
                    [draw.one(bounces.ALL)] * 2)
    name, mail = make.__name__, make(draw)
    for _ in range(draw.one([0, 0, 0, 1, 1, 2])):
        spoil = draw.one(broken.ALL)
        name += "-" + spoil.__name__
        mail = spoil(draw, mail)
    return name, mail


def generate(seed, count, folder):
    """The files, in order."""
    draw = Draw(seed)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        name, mail = message(draw)
        files.append(folder / f"{number:06}-{name}.eml")
        files[-1].write_bytes(mail)
    return files


if __name__ == "__main__":
    generate(int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3]))
