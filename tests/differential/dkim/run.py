#!/usr/bin/python3
"""Our DKIM and ARC against Debian's dkimpy, both ways, over seeded messages.

usage: run.py [--seed N] [--count N] [--show]

Each case is made from one number, which is printed when it fails. Where the
two differ there must be a rule for it in rules.py, with the place in the RFC
that makes us right; anything else is a failure.
"""
import argparse
import base64
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import dkim

import forge
import rules
from generate import Generator

DOMAIN = b"example.com"
NOW = int(time.time())


class Ours:
    """dkim_query, kept running."""

    def __init__(self):
        path = pathlib.Path(os.environ["ELEKTRINE_BIN"]) / "dkim_query"
        self.process = subprocess.Popen(
            [path, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, message, **more):
        query = {"message": base64.b64encode(message).decode(), **more}
        self.process.stdin.write(json.dumps(query).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def verify(self, message, records):
        return self.ask(message, now=NOW, records=records)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def dns_of(records):
    def find(name, timeout=5):
        name = name.decode("ascii", "replace").rstrip(".").lower()
        return records.get(name, "").encode("latin-1")
    return find


def theirs_dkim(message, records, number):
    """True, False, or why dkimpy gave up."""
    try:
        return bool(dkim.DKIM(message).verify(number, dns_of(records)))
    except dkim.DKIMException as fault:
        return str(fault)
    except Exception as fault:  # what dkimpy did not think of
        return f"{type(fault).__name__}: {fault}"


def theirs_arc(message, records):
    try:
        result, _, why = dkim.ARC(message).verify(dns_of(records))
    except Exception as fault:
        return "fail", f"{type(fault).__name__}: {fault}"
    return (result or b"fail").decode(), why


KEYS = {}


def key(name):
    if name not in KEYS:
        KEYS[name] = (forge.Ed25519(name) if name.startswith("ed")
                      else forge.Rsa(name.removesuffix("-bare"),
                                     name.endswith("-bare")))
    return KEYS[name]


def record_of(one):
    return "v=DKIM1; k=%s; p=%s" % (one.tag.decode(), one.public().decode())


class Case:
    def __init__(self, number, ours, tally, show):
        self.number, self.ours, self.tally = number, ours, tally
        self.show = show
        self.random = Generator(number)
        self.failures = 0

    def fail(self, what, message, records=None):
        self.failures += 1
        print(f"case {self.number}: {what}")
        print(json.dumps(records))
        print(message.decode("latin-1"))

    # --- comparing

    def compare_dkim(self, message, records):
        answer = self.ours.verify(message, records)
        for number, one in enumerate(answer["signatures"]):
            theirs = theirs_dkim(message, records, number)
            self.settle("dkim", message, records, one["result"] == "pass",
                        f'{one["result"]} {one["why"]}', theirs is True,
                        theirs)
        return answer

    def compare_arc(self, message, records):
        answer = self.ours.verify(message, records)
        theirs, why = theirs_arc(message, records)
        if "none" in (theirs, answer["arc"]) and theirs != answer["arc"]:
            self.settle("arc", message, records, answer["arc"],
                        answer["arc"] + " " + answer["arc_why"], theirs, why)
        else:
            self.settle("arc", message, records, answer["arc"] == "pass",
                        answer["arc"] + " " + answer["arc_why"],
                        theirs == "pass", why)
        return answer

    def settle(self, what, message, records, ours, why, theirs, their_why):
        if ours == theirs:
            self.tally[what, "agree", ours] += 1
            return
        rule = rules.find(what, message, records, why, their_why)
        if rule is None:
            self.fail(f"{what}: ours {why!r}, theirs {theirs} "
                      f"{their_why!r}, and no rule", message, records)
            return
        self.tally[what, "differ", rule] += 1
        if self.show == rule:
            print(f"case {self.number}: {why!r} {their_why!r}\n"
                  + message.decode("latin-1"))

    def expect(self, what, answer, message, records):
        if answer != "pass":
            self.fail(f"{what} is {answer}, not pass", message, records)

    # --- what is tried

    def they_sign(self):
        random = self.random
        message = random.message()
        one = key(random.choice(["rsa1024", "rsa1024", "rsa2048", "ed25519"]))
        field = dkim.sign(
            message, b"sel", DOMAIN,
            one.seed if one.tag == b"ed25519" else one.pem,
            canonicalize=random.kinds(), length=random.chance(20),
            signature_algorithm=one.tag + b"-sha256")
        self.follow(field + message, {"sel._domainkey.example.com":
                                      record_of(one)}, 4)

    def we_sign(self):
        random = self.random
        message = random.message()
        one = key(random.choice(["rsa1024", "rsa2048", "ed25519"]))
        kinds = random.kinds()
        wish = {"key": one.pem.decode(), "domain": "example.com",
                "selector": "sel", "header": kinds[0].decode(),
                "body": kinds[1].decode(), "now": NOW}
        if random.chance(40):
            wish["names"] = [name.decode() for name in
                             random.signed_names(message)]
        if random.chance(30):
            wish["identity"] = random.choice(
                ["@example.com", "joe@example.com", "j@sub.example.com"])
        answer = self.ours.ask(message, sign=wish)
        if "field" not in answer:
            self.fail(f"not signed: {answer}", message)
            return
        field = answer["field"].encode()
        if max(map(len, field.split(b"\r\n"))) > 78:
            self.fail("a line is too long", field)
        records = {"sel._domainkey.example.com": record_of(one)}
        if theirs_dkim(field + message, records, 0) is not True:
            self.fail("they do not verify what we signed", field + message,
                      records)
        self.follow(field + message, records, 2)

    def forged(self):
        """Signatures and records of any layout that the RFC allows, and some
        that it does not."""
        random = self.random
        message = random.message()
        one = key(random.choice(["rsa1024", "rsa1024-bare", "rsa2048",
                                 "ed25519", "rsa768"]))
        kinds, names = random.kinds(), random.signed_names(message)
        length = random.choice([None, None, None, 0, 5, 40, 100000])
        tags = rules.signature_tags(random, one, kinds, names, length, NOW)
        digest, tags = rules.maybe_sha1(random, one, tags)
        template = random.field_of_tags(
            random.choice([b"DKIM-Signature", b"dkim-signature"]), tags)
        field = forge.sign(message, template, one, names, kinds, length,
                           digest)
        records = {"sel._domainkey.example.com":
                   rules.record(random, one)}
        self.follow(field + message, records, 2, must_pass=False)

    def garbled(self):
        """A good signature, of which a tag was changed."""
        random = self.random
        message = random.message()
        one = key("rsa1024")
        names, kinds = random.signed_names(message), random.kinds()
        tags = rules.signature_tags(random, one, kinds, names, None, NOW)
        tags = rules.garble(random, tags)
        template = random.field_of_tags(b"DKIM-Signature", tags)
        field = forge.sign(message, template, one, names, kinds)
        self.compare_dkim(field + message, {"sel._domainkey.example.com":
                                            record_of(one)})

    def several(self):
        random = self.random
        message = random.message()
        records = {}
        for i in range(random.randint(2, 5)):
            one = key(random.choice(["rsa1024", "ed25519"]))
            names, kinds = random.signed_names(message), random.kinds()
            tags = [(b"v", b"1"), (b"a", one.tag + b"-sha256"),
                    (b"c", b"/".join(kinds)), (b"d", DOMAIN),
                    (b"s", b"sel%d" % i), (b"h", random.colons(names)),
                    (b"bh", b"@BH"), (b"b", b"@B")]
            message = forge.sign(
                message, random.field_of_tags(b"DKIM-Signature", tags), one,
                names, kinds) + message
            if random.chance(85):
                records[f"sel{i}._domainkey.example.com"] = record_of(one)
        self.follow(message, records, 2, must_pass=False)

    def chain(self):
        """ARC sets of dkimpy and of ours, mixed."""
        random = self.random
        message = random.message()
        one = key("rsa1024")
        records = {"sel._domainkey.example.com": record_of(one)}
        theirs = 40
        for i in range(1, random.choice([1, 1, 2, 3, 5]) + 1):
            if random.chance(theirs):
                message = self.they_seal(message, one, i)
            else:
                message = rules.seal(random, message, one, i, NOW) + message
            if random.chance(20):
                message = random.field(b"Received") + message
            if random.chance(20) and i > 1:
                # Once it is broken, only we go on.
                message = random.mutate(message)
                theirs = 0
        self.compare_arc(message, records)
        for _ in range(3):
            self.compare_arc(rules.mutate_chain(random, message), records)
        if not random.chance(30):
            return
        broken = dict(records)
        broken["sel._domainkey.example.com"] = rules.record(random, one)
        self.compare_arc(message, broken)

    def they_seal(self, message, one, i):
        result = b"none" if i == 1 else b"pass"
        head = b"Authentication-Results: mx.example.com; arc=%s\r\n" % result
        fields = dkim.arc_sign(head + message, b"sel", DOMAIN, one.pem,
                               b"mx.example.com")
        return b"".join(fields) + message

    def follow(self, message, records, times, must_pass=True):
        answer = self.compare_dkim(message, records)
        if must_pass:
            self.expect("it", answer["dkim"], message, records)
        for _ in range(times):
            self.compare_dkim(self.random.mutate(message), records)


KINDS = [Case.they_sign, Case.we_sign, Case.forged, Case.forged, Case.garbled,
         Case.garbled, Case.several, Case.chain, Case.chain]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=234)
    parser.add_argument("--show")
    arguments = parser.parse_args()
    ours, tally, failures = Ours(), collections.Counter(), 0
    for number in range(arguments.seed, arguments.seed + arguments.count):
        case = Case(number, ours, tally, arguments.show)
        KINDS[number % len(KINDS)](case)
        failures += case.failures
        if failures > 5:
            break
    for what, count in sorted(tally.items(), key=str):
        print(f"{count:7} {what[0]} {what[1]}: {what[2]}")
    compared = sum(tally.values())
    print(f"{compared} verdicts compared, {failures} failures")
    passed = sum(tally[what, "agree", True] for what in ("dkim", "arc"))
    if ours.close() != 0 or failures or passed < arguments.count / 3:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
