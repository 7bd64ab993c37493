#!/usr/bin/python3
"""The same mails through mailparser and through the program's own code,
compared field by field. What may differ is in DIFFERENCES.md, and as code in
rules.py and repairs.py. Prints what differs for any other reason, and how
often each deliberate difference was seen; the exit code says whether anything
is wrong.

usage: compare.py DUMP NODE_MODULES FILE...
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import bounce
import repairs
import rules

HERE = pathlib.Path(__file__).parent
SENDER = "sender@envelope.example"
RECIPIENT = "recipient@envelope.example"
STRUCTURED = """content-type content-disposition content-transfer-encoding
    content-id mime-version date resent-date received return-path message-id
    resent-message-id dkim-signature domainkey-signature autocrypt
    x-google-dkim-signature authentication-results received-spf""".split()
NO_NAME = "names_that_are_none"
HEADERS = ["in_reply_to", "references", "auto_submitted",
           "from", "to", "subject"]


def mailparser(modules, files):
    """What mailparser makes of the files, in their order."""
    result = subprocess.run(
        ["node", HERE / "parse.js"], check=True, stdout=subprocess.PIPE,
        input="".join(f"{file}\n" for file in files).encode(),
        env={**os.environ, "NODE_PATH": str(modules)})
    return [json.loads(line) for line in result.stdout.splitlines()]


def ours(dump, files, sender=SENDER):
    """What the program makes of them."""
    payloads = []
    for at in range(0, len(files), 500):
        result = subprocess.run(
            [dump, "-w", "-f", sender, "-r", RECIPIENT,
             *files[at:at + 500]], check=True, stdout=subprocess.PIPE)
        payloads += [json.loads(line) for line in
                     result.stdout.splitlines()]
    return payloads


def header_text(name, values):
    """Structured fields keep their own text."""
    kind = "raw" if name in STRUCTURED or name.startswith("arc-") \
        else "decoded"
    return ", ".join(value[kind] for value in values)


def last(want, name):
    values = want["headers"].get(name)
    return values[-1]["decoded"] if values else None


def expected(want):
    """(field, place in the payload, value) of everything comparable."""
    for field in ("from", "to", "subject", "text_body", "html_body"):
        yield field, (field,), want[field]
    for index, attachment in enumerate(want["attachments"]):
        for field, value in attachment.items():
            if field != "named":
                yield field, ("attachments", index, field), value
    count = len(want["attachments"])
    yield "count", ("attachment_count",), count
    yield "count", ("has_attachments",), count > 0
    for name, values in want["headers"].items():
        yield "headers", ("headers", name), header_text(name, values)
    for field in HEADERS[:3]:
        yield "headers", (field,), last(want, field.replace("_", "-"))


def at(payload, path):
    for step in path:
        if isinstance(payload, list):
            payload = payload[step] if step < len(payload) else None
        else:
            payload = payload.get(step) if payload is not None else None
    return payload


def settle(want, got, field, value):
    """The rules that were needed; None if no rules help."""
    used = []
    for function, fields in rules.RULES:
        if value == got:
            break
        if field not in fields or not isinstance(value, str):
            continue
        changed = function(value, want, field)
        if changed != value:
            used.append(function.__name__)
            value = changed
    return (used, value) if value == got else (None, value)


def examine(want, payload):
    """(rules needed, [(path, what is wanted, what we said)])"""
    used, wrong = [], []
    if "error" in want:
        return used, [(("mailparser",), want["error"], "a payload")]
    for field, path, value in expected(want):
        got = at(payload, path)
        if got == value:
            continue
        if got is None and path[0] == "headers" and not \
                re.fullmatch(r"[!-9;-~\x80-\U0010ffff]+", path[1]):
            used.append(NO_NAME)
            continue
        needed, value = settle(
            {**want, "got": got, "path": path}, got, field, value)
        if needed is None:
            wrong.append((path, value, got))
        else:
            used += needed
    for name in payload["headers"]:
        if name not in want["headers"]:
            wrong.append((("headers", name), None, payload["headers"][name]))
    return used, wrong


class Report:
    def __init__(self):
        self.used = collections.Counter()
        self.wrong = {}  # file -> what differs
        self.mails = 0
        self.judged = 0  # payloads whose bounce fields had a second opinion

    def never(self):
        names = [function.__name__ for function, _ in rules.RULES]
        names.append(NO_NAME)
        names += [function.__name__ for function in repairs.REPAIRS]
        return [name for name in names if name not in self.used]

    def print(self):
        for file, wrong in self.wrong.items():
            print(file)
            for path, value, got in wrong:
                said, told = around(value, got)
                print(f"  {'.'.join(map(str, path))}\n"
                      f"    mailparser {said}\n    payload    {told}")
        for name, count in self.used.most_common():
            print(f"{count:6} {name}")
        for name in self.never():
            print(f"     - {name} (never needed)")
        print(f"{self.judged} payloads with bounce fields by `email`")
        print(f"{self.mails} mails, {len(self.wrong)} differ")


def around(value, got):
    """Both, from shortly before the first difference."""
    texts = [json.dumps(one, ensure_ascii=False) for one in (value, got)]
    start = max(0, len(os.path.commonprefix(texts)) - 60)
    return [("..." if start else "") + text[start:start + 240]
            for text in texts]


def compare(dump, modules, files):
    report = Report()
    report.mails = len(files)
    payloads = dict(zip(files, ours(dump, files)))
    sources = {file: pathlib.Path(file).read_bytes() for file in files}
    for sender, several in [(SENDER, payloads.values()),
                            ("", ours(dump, files, ""))]:
        for file, payload in zip(files, several):
            wrong = beyond(sources[file], payload, sender)
            report.judged += bounce.judged(sources[file]) is not None
            if wrong:
                report.wrong[file] = wrong
    again = {}
    for file, want in zip(files, mailparser(modules, files)):
        used, wrong = examine(want, payloads[file])
        if wrong:
            again[file] = wrong
        else:
            report.used.update(set(used))
    with tempfile.TemporaryDirectory() as folder:
        mended, names = repaired(list(again), sources, pathlib.Path(folder))
        for file, want in zip(again, mailparser(modules, mended)):
            used, wrong = examine(want, payloads[file])
            wrong = [entry for entry in wrong if not written(
                entry[0], again[file], names[file])]
            if wrong:
                report.wrong.setdefault(file, []).extend(wrong)
            else:
                report.used.update(set(used + names[file]))
    return report


def written(path, before, repairs_made):
    """A repair writes into the fields that it reads: those that agreed
    without it do, and of those of MIME nothing is known."""
    return path[0] in ("headers", *HEADERS) and (
        path not in [entry[0] for entry in before] or
        repairs_made and path[1:] and path[1].startswith("content-"))


def repaired(files, sources, folder):
    """Files with the repaired mails, and which repairs each took."""
    mended, names = [], {}
    for number, file in enumerate(files):
        source, names[file] = sources[file], []
        for function in repairs.REPAIRS:
            changed = repairs.apply(function, source)
            if changed != source:
                names[file].append(function.__name__)
                source = changed
        mended.append(folder / f"{number}.eml")
        mended[-1].write_bytes(source)
    return mended, names


def beyond(source, payload, sender):
    """What mailparser has no word for: size, raw, bounces."""
    wrong = []
    try:
        raw = source.decode().replace("\0", "\ufffd")
    except ValueError:
        raw = None
    for path, value in [("size", len(source)), ("raw", raw),
                        *bounce.expected(source, payload, sender).items()]:
        if payload.get(path) != value:
            wrong.append(((path,), value, payload.get(path)))
    return wrong


def main(args):
    report = compare(args[0], args[1], args[2:])
    report.print()
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
