#!/usr/bin/python3
"""Compares mail/spf with Debian's python3-spf on generated worlds.

usage: run.py [WORLDS [SEED]]

Each world is a zone of seven domains with records, right and wrong, and eight
queries. Prints each difference with its world and ends with 1 if there was
one. oracle.py names what python3-spf is known to do otherwise.
"""
import json
import os
import pathlib
import subprocess
import sys

try:
    import oracle
except ImportError:
    print("python3-spf is not installed")
    sys.exit(77)
import generate

QUERIES = 8


def as_json(zone):
    names = {}
    for name, entries in zone.items():
        names[name] = [
            "TIMEOUT" if type_ is None else
            {type_: "TIMEOUT" if value is None else value}
            for type_, value in entries]
    return names


def as_answers(zone):
    """As the resolver of python3-spf gives them: texts are bytes."""
    names = {}
    for name, entries in zone.items():
        names[name] = [
            (type_, (value.encode(),) if type_ == "TXT" and value is not None
             else (10, value) if type_ == "MX" and value is not None else value)
            for type_, value in entries]
    return names


def same(ours, theirs):
    """Rule 4.6.4: python3-spf counts a redirect also where a directive matches
    before it, so that its eleventh term may be our tenth."""
    result, explanation, why = theirs
    if result == "permerror" and "Too many DNS lookups" in why:
        return ours["result"] == result or "redirect" in json.dumps(
            ours["zone"]).lower()
    return (ours["result"], ours["explanation"]) == (result, explanation)


def main():
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    program = pathlib.Path(os.environ.get(
        "ELEKTRINE_BIN", "build/dev/bin")) / "spf_query"
    cases, lines = [], []
    for number in range(worlds):
        make = generate.Generator(seed * 1000003 + number)
        zone = make.zone()
        queries = [make.query() for _ in range(QUERIES)]
        cases += [(number, zone, query) for query in queries]
        lines.append(json.dumps({"zone": as_json(zone), "queries": queries}))
    answers = subprocess.run(
        [program], input="\n".join(lines), text=True, check=True,
        stdout=subprocess.PIPE).stdout.splitlines()
    assert len(answers) == len(cases), "not all were answered"
    bad, results = 0, {}
    for (number, zone, query), answer in zip(cases, answers):
        ours = json.loads(answer) | {"zone": zone}
        oracle.world.zone = as_answers(zone)
        theirs = oracle.ask(query["ip"], query["helo"], query["from"],
                            query["receiver"])
        results[ours["result"]] = results.get(ours["result"], 0) + 1
        if same(ours, theirs):
            continue
        bad += 1
        if bad <= 5:
            print("world %d: %s\n  ours   %s %r by %s\n  theirs %s %r %s" % (
                number, json.dumps(query), ours["result"], ours["explanation"],
                ours["reason"], *theirs))
            for name, entries in zone.items():
                print("   ", name, entries)
    print("%d queries in %d worlds: %d differ; %s" % (
        len(cases), worlds, bad,
        ", ".join("%s %d" % item for item in sorted(results.items()))))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
