"""SPF and DMARC, from the records in the DNS to the payload."""

import os
import smtplib
import sys

HERE = os.path.dirname(__file__)
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", ".."))

import dkim
from fake import dkim_key
from fake.dns import FakeDNS
from stack import PATIENCE, check, eventually, run, same

ZONE = {
    ("good.test", "TXT"): ["v=spf1 ip4:127.0.0.1 -all"],
    ("_dmarc.good.test", "TXT"): ["v=DMARC1; p=reject"],
    ("bad.test", "TXT"): ["v=spf1 -all exp=why.bad.test"],
    ("why.bad.test", "TXT"): ["%{i} is not ours"],
    ("_dmarc.bad.test", "TXT"): ["v=DMARC1; p=reject"],
    ("soft.test", "TXT"): ["v=spf1 include:_spf.%{d} ~all"],
    ("_spf.soft.test", "TXT"): ["v=spf1 a:none.soft.test ?all"],
    ("slow.test", "TXT"): {"rcode": "SERVFAIL"},
    ("helo.test", "TXT"): ["v=spf1 ip4:127.0.0.0/8 -all"],
    # Ours.
    ("example.com", "TXT"): ["v=spf1 -all exp=why.bad.test"],
    ("mine.test", "TXT"): ["v=spf1 ip4:127.0.0.1 -all"],
    ("down.test", "TXT"): {"rcode": "SERVFAIL"},
}


def settings(dns, **more):
    return dict(
        {
            "DNS_SERVERS": "127.0.0.1@%d" % dns.port,
            "LOCAL_DOMAINS": "example.com,mine.test,down.test",
            "CHECK_SPF": "mark",
            "CHECK_DMARC": "mark",
            "SPF_PROTECT_LOCAL": "true",
        },
        **more,
    )


def letter(stack, sender):
    message = stack.letter()
    message.replace_header("From", "Someone <someone@%s>" % sender)
    return message


def story_verdicts_reach_the_application(stack):
    cases = [
        # MAIL FROM, From, spf, dmarc, aligned
        ("a@good.test", "good.test", "pass", "pass", True),
        ("a@good.test", "m.good.test", "pass", "pass", True),
        ("a@good.test", "bad.test", "pass", "fail", False),
        ("a@bad.test", "bad.test", "fail", "fail", False),
        ("a@soft.test", "good.test", "softfail", "fail", False),
        ("a@slow.test", "soft.test", "temperror", "none", False),
        ("a@none.test", "none.test", "none", "none", False),
        ("", "helo.test", "pass", "none", True),
    ]
    with FakeDNS(ZONE) as dns:
        phoenix = stack.phoenix()
        smtpd = stack.smtpd(**settings(dns))
        stack.deliver()
        count = 0
        for mail_from, from_, spf, dmarc, aligned in cases:
            text = letter(stack, from_).as_string()
            with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as c:
                c.ehlo("helo.test")
                c.sendmail(mail_from, ["bob@example.com"], text)
            count += 1
            eventually(
                lambda: phoenix.delivered() == count, "it is delivered"
            )
            body = phoenix.posts()[-1]["body"]
            same(
                (body["spf"], body["dmarc"], body["aligned"]),
                (spf, dmarc, aligned),
                "the verdicts of %s, From %s" % (mail_from, from_),
            )
            same(body["dkim"], "none", "a check that is off")


def story_what_was_found_is_told(stack):
    with FakeDNS(ZONE) as dns:
        smtpd = stack.smtpd(**settings(dns))
        message = letter(stack, "good.test")
        forged = "mx.example.com; spf=pass"
        message["Authentication-Results"] = forged
        [id] = stack.send(smtpd, message, sender="a@bad.test")
        path = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(stack.spool + "/queue/new")
            for name in names
            if name.startswith(id)
        ]
        with open(path[0], encoding="latin-1", newline="") as file:
            stored = file.read()
        ours = (
            "Authentication-Results: mx.example.com;\r\n"
            "\tspf=fail smtp.mailfrom=bad.test;\r\n"
            "\tdmarc=fail (p=reject) header.from=good.test\r\n"
        )
        check(ours in stored, "our line is there: %r" % stored[:3000])
        # The stranger's line stays where it was, below ours.
        check(
            stored.index(ours) < stored.index(": " + forged),
            "ours is the topmost",
        )
        found = {e["check"]: e for e in smtpd.events("check")}
        same(found["spf"]["saw"], "MAIL FROM bad.test: -all", "what SPF saw")
        same(
            found["dmarc"]["saw"],
            "good.test: neither SPF nor DKIM passed for its domain, p=reject"
            " at good.test",
            "what DMARC saw",
        )


def send_signed(stack, smtpd, sender, from_, domain):
    data = letter(stack, from_).as_bytes().replace(b"\n", b"\r\n")
    data = dkim.sign(data, b"sel", domain, dkim_key.KEY) + data
    with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
        client.ehlo("helo.test")
        client.sendmail(sender, ["bob@example.com"], data)


def story_a_signature_is_as_good_as_the_client(stack):
    zone = dict(ZONE)
    zone["sel._domainkey.bad.test", "TXT"] = [dkim_key.record()]
    zone["_dmarc.strict.test", "TXT"] = ["v=DMARC1; p=reject; adkim=s"]
    zone["sel._domainkey.m.strict.test", "TXT"] = [dkim_key.record()]
    cases = [
        # From, d=, dmarc, aligned
        ("bad.test", b"bad.test", "pass", True),
        ("m.bad.test", b"bad.test", "pass", True),
        ("good.test", b"bad.test", "fail", False),
        ("strict.test", b"m.strict.test", "fail", True),
    ]
    with FakeDNS(zone) as dns:
        phoenix = stack.phoenix()
        smtpd = stack.smtpd(**settings(dns, CHECK_DKIM="mark"))
        stack.deliver()
        for count, (from_, domain, dmarc, aligned) in enumerate(cases, 1):
            send_signed(stack, smtpd, "a@none.test", from_, domain)
            eventually(
                lambda: phoenix.delivered() == count, "it is delivered"
            )
            body = phoenix.posts()[-1]["body"]
            same(
                (body["spf"], body["dkim"], body["dmarc"], body["aligned"]),
                ("none", "pass", dmarc, aligned),
                "the verdicts of %s, signed by %s" % (from_, domain),
            )


def story_dmarc_does_not_need_the_marks(stack):
    """Mail that its domain answers for is not refused because we were told
    not to say why."""
    zone = dict(ZONE)
    zone["sel._domainkey.bad.test", "TXT"] = [dkim_key.record()]
    with FakeDNS(zone) as dns:
        phoenix = stack.phoenix()
        smtpd = stack.smtpd(**settings(
            dns, CHECK_SPF="off", CHECK_DKIM="off", CHECK_DMARC="reject"))
        stack.deliver()
        for count, from_ in enumerate(("good.test", "bad.test"), 1):
            send_signed(stack, smtpd, "a@good.test", from_, b"bad.test")
            eventually(
                lambda: phoenix.delivered() == count, "it is delivered"
            )
            body = phoenix.posts()[-1]["body"]
            same(
                (body["spf"], body["dkim"], body["dmarc"], body["aligned"]),
                ("none", "none", "pass", True),
                "the verdicts of " + from_,
            )
        made = [event["check"] for event in smtpd.events("check")]
        check("spf" not in made and "dkim" not in made, made)


def replies(smtpd, sender):
    with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
        client.ehlo("helo.test")
        code, text = client.mail(sender)
        return code, text.decode()


def story_nobody_else_writes_in_our_name(stack):
    with FakeDNS(ZONE) as dns:
        smtpd = stack.smtpd(**settings(dns))
        refused = (
            550,
            "5.7.23 SPF: 127.0.0.1 may not send mail for example.com,"
            " whose owner explains: 127.0.0.1 is not ours",
        )
        same(replies(smtpd, "ceo@example.com"), refused, "a forged sender")
        same(replies(smtpd, "ceo@Example.COM")[0], 550, "in other letters")
        same(replies(smtpd, "ceo@down.test")[0], 451, "while DNS is down")
        same(replies(smtpd, "ceo@mine.test")[0], 250, "one that may")
        same(replies(smtpd, "a@bad.test")[0], 250, "not ours: only marked")
        same(replies(smtpd, "a@slow.test")[0], 250, "not ours, DNS down")
        same(replies(smtpd, "")[0], 250, "the null sender")


def story_protection_does_not_need_the_mark(stack):
    with FakeDNS(ZONE) as dns:
        smtpd = stack.smtpd(
            **settings(dns, CHECK_SPF="off", CHECK_DMARC="off")
        )
        same(replies(smtpd, "ceo@example.com")[0], 550, "a forged sender")
        same(replies(smtpd, "ceo@mine.test")[0], 250, "one that may")
        same(replies(smtpd, "a@bad.test")[0], 250, "not ours")
        same(dns.asked("bad.test", "TXT"), 0, "questions for others")
    with FakeDNS(ZONE) as dns:
        smtpd = stack.smtpd(**settings(dns, SPF_PROTECT_LOCAL="false"))
        same(replies(smtpd, "ceo@example.com")[0], 250, "unprotected")


def story_policies_can_refuse(stack):
    with FakeDNS(ZONE) as dns:
        smtpd = stack.smtpd(
            **settings(dns, CHECK_SPF="reject", CHECK_DMARC="reject")
        )
        same(
            replies(smtpd, "a@bad.test"),
            (
                550,
                "5.7.23 SPF: 127.0.0.1 may not send mail for bad.test,"
                " whose owner explains: 127.0.0.1 is not ours",
            ),
            "SPF says no",
        )
        same(replies(smtpd, "a@soft.test")[0], 250, "SPF says maybe")
        same(replies(smtpd, "a@slow.test")[0], 250, "the DNS says nothing")
        with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
            client.ehlo("helo.test")
            client.mail("a@good.test")
            client.rcpt("bob@example.com")
            code, text = client.data(letter(stack, "bad.test").as_string())
        same(
            (code, text.decode()),
            (
                550,
                "5.7.26 The policy of bad.test refuses mail that is not"
                " authenticated",
            ),
            "DMARC says no",
        )
        stack.send(smtpd, letter(stack, "good.test"), sender="a@good.test")


run(globals())
