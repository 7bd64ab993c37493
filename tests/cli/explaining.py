#!/usr/bin/python3
"""`explain`: what the checks would say of a mail that nobody sends."""

import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
)

from fake.dns import FakeDNS  # noqa: E402
from tool import Tool, check, eventually, run, same  # noqa: E402

ZONE = {
    ("good.test", "MX"): ["10 mx.good.test"],
    ("mx.good.test", "A"): ["192.0.2.9"],
    ("good.test", "TXT"): [["v=spf1 ip4:192.0.2.9 -all"]],
    ("9.2.0.192.in-addr.arpa", "PTR"): ["mx.good.test"],
    ("evil.test.bad.zone", "A"): ["127.0.0.2"],
}
LETTER = (
    "From: a@good.test\nTo: u@example.com\nSubject: hi\n"
    "Message-ID: <1@good.test>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n%s\n"
)


def steps(answer):
    """(stage, check or verdict) -> its line."""
    return {
        (line["stage"], line.get("check", "verdict")): line
        for line in answer.objects()
    }


def asker(stack, dns, **settings):
    tool = Tool(
        stack,
        DNS_SERVERS="127.0.0.1@%d" % dns.port,
        URIBL_ZONES="bad.zone=20",
        ATTACHMENT_DENY_EXTENSIONS="exe",
        **settings,
    )

    def ask(*file, ip="192.0.2.9", sender="a@good.test", code=0, json=True,
            rcpt="u@example.com"):
        return tool(
            *(["--json"] if json else []), "explain", "--ip", ip, "--helo",
            "mx.good.test", "--from", sender, "--rcpt", rcpt, *file, code=code
        )

    return ask


def letter(stack, text):
    path = os.path.join(stack.dir, "letter.eml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(LETTER % text)
    return path


def story_every_step_is_told(stack):
    checks = {
        "CHECK_" + name: "mark"
        for name in ("FCRDNS", "HELO", "SENDER_DOMAIN", "SPF", "DMARC")
    }
    with FakeDNS(ZONE) as dns:
        ask = asker(stack, dns, **checks)
        told = steps(ask(letter(stack, "Hello.")))
        same(told["connect", "fcrdns"]["result"], "pass", "reverse name")
        same(told["mail", "spf"]["result"], "pass", "SPF")
        same(told["mail", "verdict"]["verdict"], "accept", "of the sender")
        same(told["message", "verdict"]["verdict"], "accept", "of the mail")
        told = steps(ask(ip="192.0.2.10"))
        same(told["mail", "spf"]["result"], "fail", "SPF of another address")
        check(("message", "verdict") not in told, "there is no message")
        told = steps(ask(rcpt="Postmaster"))
        same(told["rcpt", "verdict"]["verdict"], "accept", "of postmaster")
        text = ask(json=False).out
        check("rcpt      => accepted" in text, text)
        check("192.0.2.9" in text, text)


def story_a_refusal_is_told_and_the_rest_too(stack):
    with FakeDNS(ZONE) as dns:
        ask = asker(stack, dns)
        told = steps(
            ask(letter(stack, "http://www.evil.test/"), code=1,
                rcpt="u@elsewhere.test")
        )
        same(told["rcpt", "verdict"]["reason"], "not_local", "of the recipient")
        same(told["message", "uribl"]["result"], "listed", "the links")
        same(told["message", "verdict"]["code"], 550, "of the mail")
        # A bare CR is one, whatever ends the file's lines.
        told = steps(ask(letter(stack, "a\rb"), code=1))
        same(told["content", "verdict"]["reason"], "bare_newline", "content")


def story_a_file_that_is_too_large_is_refused_as_mail_is(stack):
    with FakeDNS(ZONE) as dns:
        ask = asker(stack, dns, ELEKTRINE_QUEUE_MAX_RAW_BYTES="2000")
        for size in (2000, 4000, 300000):
            told = steps(ask(letter(stack, "x" * size), code=1))
            verdict = told["content", "verdict"]
            same((verdict["code"], verdict["reason"]), (552, "too_big"), size)
            check(("message", "verdict") not in told, told)


def story_addresses_are_read_as_a_session_reads_them(stack):
    zone = dict(ZONE)
    zone["example.com", "TXT"] = [["v=spf1 -all"]]
    with FakeDNS(zone) as dns:
        ask = asker(stack, dns, SPF_PROTECT_LOCAL="true", CHECK_SPF="mark")
        for sender in ("a@example.com", "<a@example.com>", "a@EXAMPLE.com",
                       "<@relay.test:a@example.com>", '"a b"@example.com'):
            told = steps(ask(sender=sender, code=1))
            same(told["mail", "verdict"]["reason"], "protected_sender",
                 sender)
        for sender in ("", "<>"):
            told = steps(ask(sender=sender))
            check("MAIL FROM" not in told["mail", "spf"]["saw"], told)
        for sender in ("a", "<a>", "a@", "<a@b.test", "<a@b.test> x",
                       "postmaster", "a@b.test x"):
            ask(sender=sender, code=2)
        told = steps(ask(rcpt="<u@example.com>"))
        same(told["rcpt", "verdict"]["verdict"], "accept", "of a path")
        told = steps(ask(rcpt="<Postmaster>"))
        same(told["rcpt", "verdict"]["verdict"], "accept", "of postmaster")
        for rcpt in ("", "<>", "u", "<u>", "<u@example.com> x"):
            ask(rcpt=rcpt, code=2)


def story_long_findings_are_cut_at_their_end(stack):
    """Nothing is left out of the middle: it would be said of another."""
    long = "%s.%s.%s.test" % ("a" * 63, "b" * 63, "c" * 63)
    signature = (
        "DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=%s; h=from;%s b=AAAA;\n"
        " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
    path = os.path.join(stack.dir, "signed.eml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(signature % ("good.test", "s", ""))
        file.write(signature % (long, "d" * 30, " t=0; x=1;"))
        file.write("From: a@%s\n\nx\n" % long)
    with FakeDNS(ZONE) as dns:
        ask = asker(stack, dns, CHECK_DKIM="mark", CHECK_DMARC="mark")
        told = steps(ask(path))
        first = "good.test s=s rsa-sha256 fail, the body was altered"
        saw = told["message", "dkim"]["saw"]
        same(saw, (first + "; " + long + " s=")[:200], "signatures")
        saw = told["message", "dmarc"]["saw"]
        same(saw, (long + ": no policy")[:200], "the policy")


def story_domains_are_those_of_phoenix(stack):
    phoenix = stack.phoenix()
    stack.smtpd().stop()  # makes the spool, and asks for no domains
    phoenix.control(endpoint="domains", status=200,
                    body={"domains": ["listed.test"]})
    with FakeDNS(ZONE) as dns:
        url = "http://127.0.0.1:%d/api/haraka/domains" % phoenix.port
        ask = asker(stack, dns, PHOENIX_DOMAINS_URL=url)

        def verdict(stage, code=1, **query):
            return steps(ask(code=code, **query))[stage, "verdict"]

        # As with a server that has just been started: LOCAL_DOMAINS was
        # good until now.
        same(verdict("rcpt", 0, rcpt="u@listed.test")["verdict"], "accept",
             "a domain of the list")
        same(verdict("rcpt")["reason"], "not_local", "another one")
        # Only a server remembers what it heard; that is used when nobody
        # answers.
        phoenix.control(endpoint="domains", status=503)
        same(verdict("rcpt", rcpt="u@listed.test")["reason"],
             "domains_unknown", "a list that explain heard")
        phoenix.control(endpoint="domains", status=200,
                        body={"domains": ["listed.test"]})
        smtpd = stack.smtpd(PHOENIX_DOMAINS_URL=url)
        eventually(lambda: smtpd.events("domains_changed"), "it is heard")
        smtpd.stop()
        phoenix.control(endpoint="domains", status=200,
                        body={"domains": ["other.test"]})
        same(verdict("rcpt", 0, rcpt="u@other.test")["verdict"], "accept",
             "a domain of another list")
        phoenix.stop()
        same(verdict("rcpt", 0, rcpt="u@listed.test")["verdict"], "accept",
             "a domain of the list that was kept")
        same(verdict("rcpt")["reason"], "not_local", "another one, still")


def story_answers_that_decide_nothing(stack):
    phoenix = stack.phoenix()
    with FakeDNS(ZONE) as dns:
        ask = asker(
            stack, dns, PHOENIX_VERIFY_URL="http://127.0.0.1:%d"
            "/api/haraka/verify" % phoenix.port
        )
        for status, body, words in (
            (404, {"exists": True}, "404 but `exists` is true"),
            (404, {"error": "?"}, "404 without `exists`"),
            (404, "<html>", "404 without `exists`"),
            (200, {"exists": 1}, "200 but `exists` is neither true nor false"),
            (500, {"exists": True}, "500"),
        ):
            phoenix.control(endpoint="verify", status=status, body=body)
            told = steps(ask(code=1))
            same(told["rcpt", "verify"]["saw"],
                 "u@example.com: answered " + words, "of %r" % body)
            same(told["rcpt", "verdict"]["code"], 451, "of %r" % body)


def story_what_makes_no_sense_is_refused(stack):
    with FakeDNS(ZONE) as dns:
        ask = asker(stack, dns)
        check("is no address" in ask(ip="here", code=2).err, "an address")
        check("is no address" in ask(rcpt="u", code=2).err, "a recipient")
        # 1 would be a refusal, and 78 a wrong setting.
        for path in ("/no/such/letter", "/dev/null/letter", "/"):
            answer = ask(path, code=74)
            check("cannot" in answer.err, answer)
        check(
            "--rcpt" in Tool(stack)("explain", "--ip", "::1", code=2).err,
            "what is wanted",
        )


run(globals())
