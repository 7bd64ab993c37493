"""DKIM and ARC of mail that comes in: what Phoenix, the log, the trace and the
Authentication-Results line say of signatures that dkimpy made."""

import os
import smtplib
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..")]

import dkim
from fake import dkim_key
from fake.dns import FakeDNS
from stack import BIN, PATIENCE, check, eventually, run, same

ZONE = {
    ("sel._domainkey.remote.test", "TXT"): [dkim_key.record()],
    ("trial._domainkey.remote.test", "TXT"): [
        dkim_key.record("v=DKIM1; t=y;")],
    ("trial_gone._domainkey.remote.test", "TXT"): [["t=y; p="]],
    ("trial_odd._domainkey.remote.test", "TXT"): [["h=sha1; t=y; p=AAAA"]],
    ("slow._domainkey.remote.test", "TXT"): {"rcode": "SERVFAIL"},
    ("remote.test", "A"): ["127.0.0.1"],
}
LETTER = (b"From: Alice <alice@remote.test>\r\nTo: bob@example.com\r\n"
          b"Subject: Is dinner ready?\r\nMessage-ID: <1@remote.test>\r\n\r\n"
          b"Hi.\r\n\r\nWe lost the game.\r\n.\r\nJoe.\r\n")


def sign(letter, selector=b"sel"):
    return dkim.sign(letter, selector, b"remote.test", dkim_key.KEY,
                     canonicalize=(b"relaxed", b"relaxed")) + letter


def seal(letter, state):
    head = b"Authentication-Results: lists.test; arc=" + state + b"\r\n"
    fields = dkim.arc_sign(head + letter, b"sel", b"remote.test", dkim_key.KEY,
                           b"lists.test")
    return b"".join(fields) + letter


def give(smtpd, letter):
    """The reply to the message."""
    with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
        client.ehlo("remote.test")
        client.mail("alice@remote.test")
        client.rcpt("bob@example.com")
        code, text = client.data(letter)
    return "%d %s" % (code, text.decode())


def start(stack, dns, **settings):
    wanted = {"DNS_SERVERS": "127.0.0.1@%d" % dns.port,
              "HARAKA_INCLUDE_RAW": "true",
              "CHECK_DKIM": "mark", "CHECK_ARC": "mark"}
    wanted.update(settings)
    return stack.smtpd(**wanted)


def bodies(phoenix, count):
    eventually(lambda: phoenix.delivered() == count, "all arrive")
    return {post["body"]["message_id"]: post["body"]
            for post in phoenix.posts()}


def findings(smtpd, id, name):
    return [event for event in smtpd.events("check")
            if event.get("id") == id and event["check"] == name]


def story_verdicts_reach_phoenix(stack):
    forged = (b"Authentication-Results: mx.example.com; dkim=pass "
              b"header.d=bank.test; arc=pass\r\n")
    one, two = seal(LETTER, b"none"), None
    two = seal(b"Received: by lists.test\r\n" + one, b"pass")
    cases = [
        # what is sent, dkim, arc
        (sign(LETTER), "pass", "none"),
        (sign(LETTER).replace(b"lost", b"won"), "fail", "none"),
        (sign(LETTER).replace(b"dinner", b"lunch"), "fail", "none"),
        (sign(LETTER, b"nobody"), "permerror", "none"),
        (sign(LETTER, b"slow"), "temperror", "none"),
        (sign(sign(LETTER, b"slow")), "pass", "none"),
        (forged + LETTER, "none", "none"),
        (one, "none", "pass"),
        (two, "none", "pass"),
        (two.replace(b"cv=none", b"cv=pass"), "none", "fail"),
        (sign(LETTER + b"More.\r\n" * 300000), "pass", "none"),
    ]
    with FakeDNS(ZONE) as dns:
        phoenix, smtpd = stack.phoenix(), start(stack, dns)
        stack.deliver(HARAKA_INCLUDE_RAW="true")
        ids = [give(smtpd, letter).rsplit(" ", 1)[-1]
               for letter, _, _ in cases]
        posts = bodies(phoenix, len(cases))
        for id, (letter, dkim_verdict, arc) in zip(ids, cases):
            same((posts[id]["dkim"], posts[id]["arc"]), (dkim_verdict, arc),
                 "verdicts of " + letter[:80].decode())
            [found] = findings(smtpd, id, "dkim")
            same(found["result"], dkim_verdict, "in the log")
            [found] = findings(smtpd, id, "arc")
            same(found["result"], arc, "in the log")
    # Ours stands above what somebody forged, and says what is so.
    lines = posts[ids[6]]["raw"].split("Authentication-Results: ")
    same(len(lines), 3, "lines of that name")
    check("dkim=none" in lines[1] and "bank" not in lines[1], lines[1])
    ours = posts[ids[0]]["raw"].split("DKIM-Signature")[0]
    signature = posts[ids[0]]["raw"].split("b=")[-1][:8]
    for part in ("dkim=pass", "header.d=remote.test", "header.s=sel",
                 "header.a=rsa-sha256"):
        check(part in ours, "%s in %s" % (part, ours))
    check("header.b=" in ours and len(signature) == 8, ours)
    [found] = findings(smtpd, ids[5], "dkim")
    check("2048 bits" in found["saw"] and "no answer" in found["saw"], found)


def story_failures_may_be_refused(stack):
    with FakeDNS(ZONE) as dns:
        stack.phoenix()
        smtpd = start(stack, dns, CHECK_DKIM="reject", CHECK_ARC="reject")
        broken = seal(LETTER, b"none").replace(b"lost", b"won")
        for letter, reply in (
                (sign(LETTER), "250 2.0.0"),
                (LETTER, "250 2.0.0"),
                (sign(LETTER).replace(b"lost", b"won"), "550 5.7.20"),
                (sign(LETTER, b"nobody"), "550 5.7.20"),
                (sign(LETTER, b"slow"), "250 2.0.0"),
                # RFC 6376 section 3.6.1: in testing is as if unsigned.
                (sign(LETTER, b"trial").replace(
                    b"remote.test>\r\nTo", b"remote.test> \r\n x\r\nTo"),
                 "250 2.0.0"),
                (sign(LETTER, b"trial").replace(b"lost", b"won"),
                 "250 2.0.0"),
                (sign(LETTER, b"trial").replace(b"rsa-sha256", b"rsa-sha1"),
                 "250 2.0.0"),
                (sign(LETTER, b"trial_gone"), "250 2.0.0"),
                (sign(LETTER, b"trial_odd"), "250 2.0.0"),
                (sign(LETTER).replace(b"rsa-sha256", b"rsa-sha1"),
                 "550 5.7.20"),
                (seal(LETTER, b"none"), "250 2.0.0"),
                (broken, "550 5.7.29")):
            same(give(smtpd, letter)[:len(reply)], reply,
                 "reply to " + letter.decode())


def story_the_stored_message_keeps_what_was_found(stack):
    with FakeDNS(ZONE) as dns:
        smtpd = start(stack, dns)
        give(smtpd, sign(LETTER).replace(b"lost", b"won"))
    [name] = os.listdir(os.path.join(stack.spool, "queue", "new"))
    with open(os.path.join(stack.spool, "queue", "new", name), "rb") as file:
        envelope = file.read().split(b"Return-Path")[0].decode()
    check("dkim fail remote.test" in envelope and "altered" in envelope,
          envelope)
    check(" arc none" in envelope, envelope)


def story_checks_that_are_off_say_nothing(stack):
    with FakeDNS(ZONE) as dns:
        phoenix = stack.phoenix()
        smtpd = start(stack, dns, CHECK_DKIM="off", CHECK_ARC="off")
        stack.deliver(HARAKA_INCLUDE_RAW="true")
        [id] = [give(smtpd, sign(LETTER)).rsplit(" ", 1)[-1]]
        post = bodies(phoenix, 1)[id]
        same((post["dkim"], post["arc"]), ("none", "none"), "verdicts")
        check("dkim=" not in post["raw"].split("DKIM-Signature")[0],
              post["raw"])
        same([question for question in dns.questions
              if "_domainkey" in str(question)], [], "questions")


if __name__ == "__main__":
    run(globals())
