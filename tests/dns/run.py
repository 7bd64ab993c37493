#!/usr/bin/python3
"""base/dns against a name server that does what it should not."""
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from fake.dns import FakeDNS  # noqa: E402

BIN = pathlib.Path(os.environ.get("ELEKTRINE_BIN", "build/dev/bin"))


class Asker:
    """The C side, with a cache of its own."""

    def __init__(self, *servers, trust=False):
        self.process = subprocess.Popen(
            [BIN / "dns_ask", ",".join(servers)] +
            (["trust"] if trust else []),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _, errors = self.process.communicate()
        noise = [line for line in errors.splitlines()
                 if not line.startswith("{")]
        assert self.process.returncode == 0 and not noise, errors

    def ask(self, *questions):
        """Answers of questions that are asked at the same time."""
        self.process.stdin.write(" ".join(questions) + "\n")
        self.process.stdin.flush()
        return [json.loads(self.process.stdout.readline())
                for _ in questions]

    def one(self, question):
        return self.ask(question)[0]


def same(got, want, what=""):
    assert got == want, "%s: %r instead of %r" % (what, got, want)


def case_each_type_of_record(dns, asker):
    dns.add({
        ("a.example", "A"): ["192.0.2.1", "192.0.2.2"],
        ("a.example", "AAAA"): ["2001:db8::1"],
        ("a.example", "MX"): ["20 b.example", "10 mx.example", "0 ."],
        ("a.example", "TXT"): [["one", "two"], "three", "x" * 600],
        ("1.2.0.192.in-addr.arpa", "PTR"): ["host.example."],
        ("_25._tcp.a.example", "TLSA"): ["3 1 1 " + "ab" * 32],
        ("alias.example", None): {"cname": "a.example", "ttl": 10},
    })
    for question, records in (
            ("A a.example", ["192.0.2.1", "192.0.2.2"]),
            ("A A.Example.", ["192.0.2.1", "192.0.2.2"]),
            ("AAAA a.example", ["2001:db8::1"]),
            ("MX a.example", [[0, ""], [10, "mx.example"],
                              [20, "b.example"]]),
            ("TXT a.example", ["onetwo", "three", "x" * 600]),
            ("PTR 1.2.0.192.in-addr.arpa", ["host.example"]),
            ("TLSA _25._tcp.a.example", ["3 1 1 32 bytes"]),
            ("A alias.example", ["192.0.2.1", "192.0.2.2"])):
        answer = asker.one(question)
        same(answer["status"], "found", question)
        same(sorted(answer["records"], key=str),
             sorted(records, key=str), question)
    same(asker.one("MX a.example")["records"][0], [0, ""], "MX in order")
    same(asker.one("A alias.example")["ttl"], 10, "the least TTL counts")


def case_nothing_is_not_a_failure(dns, asker):
    dns.add({
        ("a.example", "A"): ["192.0.2.1"],
        ("fails.example", None): {"rcode": "SERVFAIL"},
        ("refused.example", None): {"rcode": "REFUSED"},
        ("nowhere.example", None): {"cname": "gone.invalid"},
        ("ring.example", None): {"cname": "ring.example"},
    })
    for question, status in (
            ("MX a.example", "nodata"),
            ("A no.a.example", "nxdomain"),
            ("A example", "nodata"),
            ("A fails.example", "servfail"),
            ("A refused.example", "servfail"),
            ("A nowhere.example", "nodata"),
            ("A ring.example", "nodata"),
            ("A a..example", "bad_name"),
            ("A " + "x" * 64 + ".example", "bad_name"),
            ("A " + ".".join(["x" * 49] * 6), "bad_name"),
            ("A .", "bad_name")):
        same(asker.one(question)["status"], status, question)
    same(asker.one("MX a.example")["ttl"], 60, "the SOA's minimum")


def case_lost_packets_are_asked_for_again(dns, asker):
    dns.add({("a.example", "A"): {"records": ["192.0.2.1"], "drop": 1}})
    answer = asker.one("A a.example")
    same(answer["records"], ["192.0.2.1"])
    same(dns.asked("a.example"), 2)


def case_what_is_cut_comes_by_tcp(dns, asker):
    text = ["%03d" % i + "x" * 240 for i in range(20)]
    dns.add({("a.example", "TXT"): {"records": text, "truncate": True}})
    same(asker.one("TXT a.example")["records"], text)
    same([way for _, _, way in dns.questions], ["udp", "tcp"])
    # And what comes though it is longer than we asked for.
    dns.add({("long.example", "TXT"): text})
    same(asker.one("TXT long.example")["records"], text)


def case_a_broken_connection_fails_no_other_question(dns, asker):
    dns.hangs_up = True
    dns.add({("cut.example", "TXT"): {"records": ["x"], "truncate": True}})
    names = ["n%d.example" % i for i in range(10)]
    for name in names:
        dns.add({(name, "A"): {"records": ["192.0.2.1"], "delay": 0.3}})
    answers = asker.ask("TXT cut.example", *["A " + name for name in names])
    same(answers[0]["status"], "timeout")
    for answer in answers[1:]:
        same(answer["records"], ["192.0.2.1"])
    same([dns.asked(name) for name in names], [1] * len(names))


def case_answers_to_something_else_are_not_believed(dns, asker):
    dns.add({
        ("id.example", "A"): {"records": ["192.0.2.1"], "wrong": "id"},
        ("q.example", "A"): {"records": ["192.0.2.1"], "wrong": "question"},
    })
    same(asker.one("A id.example")["records"], ["192.0.2.1"])
    same(asker.one("A q.example")["records"], ["192.0.2.1"])


def case_garbage_is_no_answer(dns, asker):
    dns.add({("a.example", "A"): {"garbage": b"\x81\x80\xff\xff" * 4},
             ("b.example", "A"): {"garbage": b""}})
    for answer in asker.ask("A a.example=2000", "A b.example=2000"):
        assert answer["status"] in ("malformed", "timeout"), answer
        same(answer["records"], [])


def case_equal_questions_are_asked_once(dns, asker):
    dns.add({("a.example", "A"): {"records": ["192.0.2.1"], "delay": 0.3}})
    for answer in asker.ask(*["A a.example"] * 100 + ["A A.EXAMPLE"]):
        same(answer["records"], ["192.0.2.1"])
    same(asker.one("A a.example")["records"], ["192.0.2.1"])
    same(dns.asked("a.example"), 1)


def case_failures_are_kept_for_a_moment(dns, asker):
    dns.add({("a.example", None): {"rcode": "SERVFAIL"}})
    asker.one("A a.example")
    same(asker.one("A a.example")["status"], "servfail")
    same(dns.asked("a.example"), 1)


def case_nobody_waits_longer_than_he_wants(dns, asker):
    # Sooner than the question is sent again.
    dns.add({("a.example", "A"): {"records": ["192.0.2.1"], "delay": 0.5}})
    answer = asker.one("A a.example=100")
    same(answer["status"], "timeout")
    assert answer["took_ms"] < 900, answer
    # It was not asked in vain.
    same(asker.one("A a.example")["records"], ["192.0.2.1"])
    same(dns.asked("a.example"), 1)


def case_a_slow_name_holds_up_no_other(dns, asker):
    dns.add({("slow.example", "A"): {"drop": True}})
    for i in range(60):
        dns.add({("n%d.example" % i, "A"): ["192.0.2.1"]})
    answers = asker.ask("A slow.example=1000",
                        *["A n%d.example" % i for i in range(60)])
    same(answers[0]["status"], "timeout")
    assert all(a["took_ms"] < 900 for a in answers[1:]), answers


def case_a_dead_resolver_is_not_waited_for(dns, asker):
    dns.add({("a.example", "A"): ["192.0.2.1"]})
    dns.silent = True
    answers = asker.ask(*["A d%d.example=9000" % i for i in range(12)])
    same({a["status"] for a in answers}, {"timeout"})
    # Until c-ares has given them up too.
    for i in range(100):
        answer = asker.one("A e%d.example=100" % i)
        if answer["took_ms"] < 50:
            break
    else:
        raise AssertionError("it is waited for")
    dns.silent = False
    end = time.monotonic() + 20
    while asker.one("A a.example=100")["status"] != "found":
        assert time.monotonic() < end, "it is never asked again"
        time.sleep(0.02)


def case_the_second_server_is_asked_when_the_first_is_dead(dns, asker):
    del asker
    with FakeDNS({("a.example", "A"): ["192.0.2.1"]}) as other, \
            Asker("127.0.0.1@%d" % dns.port,
                  "127.0.0.1@%d" % other.port) as both:
        dns.silent = True
        same(both.one("A a.example")["records"], ["192.0.2.1"])


def case_the_second_server_is_asked_when_the_first_fails(dns, asker):
    del asker
    dns.add({("refused.example", None): {"rcode": "REFUSED"},
             ("fails.example", None): {"rcode": "SERVFAIL"},
             ("both.example", None): {"rcode": "SERVFAIL"},
             ("gone.example", None): {"rcode": "NXDOMAIN"}})
    with FakeDNS({("refused.example", "A"): ["192.0.2.1"],
                  ("fails.example", "A"): ["192.0.2.1"],
                  ("both.example", None): {"rcode": "REFUSED"},
                  ("gone.example", "A"): ["192.0.2.1"]}) as other, \
            Asker("127.0.0.1@%d" % dns.port,
                  "127.0.0.1@%d" % other.port) as both:
        same(both.one("A refused.example")["records"], ["192.0.2.1"])
        same(both.one("A fails.example")["records"], ["192.0.2.1"])
        answer = both.one("A both.example")
        same(answer["status"], "servfail")
        assert answer["took_ms"] < 500, answer
        same(dns.asked("both.example") + other.asked("both.example"), 2)
        # That is an answer.
        same(both.one("A gone.example")["status"], "nxdomain")


def case_a_server_that_does_not_know_edns_is_understood(dns, asker):
    dns.old = True
    names = ["n%d.example" % i for i in range(8)]
    dns.add({(name, "A"): ["192.0.2.1"] for name in names})
    questions = ["A " + name for name in names]
    for answer in (asker.ask(*questions[:5]) +
                   [asker.one(question) for question in questions[5:]]):
        same(answer["records"], ["192.0.2.1"])
    # It is remembered.
    same(dns.asked(names[7]), 1)


def case_the_dnssec_bit_is_believed_from_this_host(dns, asker):
    dns.add({("ad.example", "A"): {"records": ["192.0.2.1"], "ad": True},
             ("a.example", "A"): ["192.0.2.1"]})
    same(asker.one("A ad.example")["authentic"], True)
    same(asker.one("A a.example")["authentic"], False)


def main():
    failed = 0
    cases = [(name, case) for name, case in globals().items()
             if name.startswith("case_")]
    for name, case in cases:
        try:
            with FakeDNS() as dns, \
                    Asker("127.0.0.1@%d" % dns.port) as asker:
                case(dns, asker)
        except Exception:
            failed += 1
            print("FAILED", name)
            traceback.print_exc()
    print("%d cases, %d failed" % (len(cases), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
