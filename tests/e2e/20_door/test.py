"""Who comes in: Phoenix's domains and recipients, checks that ask the DNS, and
what an operator can see of them."""

import os
import smtplib
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "..", "cli"))

from fake.dns import FakeDNS  # noqa: E402
from stack import PATIENCE, check, eventually, run, same  # noqa: E402
from tool import Tool  # noqa: E402

ZONE = {
    ("1.0.0.127.in-addr.arpa", "PTR"): ["client.example"],
    ("client.example", "A"): ["127.0.0.1"],
    ("1.0.0.127.bl.example", "A"): ["127.0.0.4"],
    ("sender.example", "MX"): ["10 client.example"],
}
CHECKS = {
    "CHECK_FCRDNS": "mark",
    "CHECK_HELO": "mark",
    "CHECK_SENDER_DOMAIN": "reject",
    "DNSBL_ZONES": "bl.example",
}


def asking(stack, dns, phoenix, **settings):
    url = "http://127.0.0.1:%d/api/haraka/" % phoenix.port
    asked = {
        "DNS_SERVERS": "127.0.0.1@%d" % dns.port,
        "PHOENIX_VERIFY_URL": url + "verify",
        "PHOENIX_DOMAINS_URL": url + "domains",
    }
    asked.update(settings)
    return stack.smtpd(**asked)


def reply(smtpd, sender, recipient):
    """What RCPT is answered."""
    with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
        client.ehlo("client.example")
        client.mail(sender)
        return client.rcpt(recipient)[0]


def checks_of(lines):
    [line] = [line for line in lines if line["event"] == "checked"]
    return {one["check"]: one for one in line["checks"]}


def story_the_trace_shows_what_each_check_saw(stack):
    phoenix = stack.phoenix()
    with FakeDNS(ZONE) as dns:
        smtpd = asking(stack, dns, phoenix, **CHECKS)
        [id] = stack.send(smtpd, sender="a@sender.example")
        tool = Tool(stack)
        live = tool("--json", "trace", id)
        found = checks_of(live.objects())
        same(found["fcrdns"]["result"], "pass", "the reverse name")
        same(found["fcrdns"]["saw"], "client.example", "what it saw")
        same(found["dnsbl"]["result"], "listed", "the block list")
        same(found["dnsbl"]["saw"], "bl.example 127.0.0.4", "its answer")
        same(found["helo"]["result"], "pass", "the hello")
        same(found["sender_domain"]["saw"],
             "sender.example MX client.example", "the sender's MX")
        same(found["verify"]["result"], "pass", "the recipient")
        # Also when it is delivered and only the history knows it.
        stack.deliver()
        eventually(lambda: phoenix.delivered() == 1, "it arrives")
        stack.queue_empties()
        done = tool("--json", "trace", id)
        same(checks_of(done.objects()), found, "the same in the history")
        text = tool("trace", id).out
        check("dnsbl          listed     bl.example 127.0.0.4" in text, text)


def story_the_list_of_domains_outlives_us(stack):
    phoenix = stack.phoenix()
    with FakeDNS(ZONE) as dns:
        smtpd = asking(stack, dns, phoenix, LOCAL_DOMAINS="other.example")
        smtpd.wait_event("domains_changed")
        same(reply(smtpd, "a@b.example", "u@example.com"), 250, "ours")
        smtpd.stop()
        phoenix.stop()
        again = asking(stack, dns, phoenix, LOCAL_DOMAINS="other.example",
                       PHOENIX_VERIFY_URL="")
        again.wait_event("domains_unavailable")
        same(reply(again, "a@b.example", "u@example.com"), 250, "still ours")
        same(reply(again, "a@b.example", "u@else.example"), 550, "not ours")


def story_a_phoenix_that_hangs_holds_up_only_the_unknown(stack):
    phoenix = stack.phoenix()
    with FakeDNS(ZONE) as dns:
        smtpd = asking(stack, dns, phoenix)
        smtpd.wait_event("domains_changed")
        same(reply(smtpd, "a@b.example", "known@example.com"), 250, "known")
        same(reply(smtpd, "a@b.example", "nobody@example.com"), 550, "not")
        phoenix.freeze()
        hanging = smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE)
        hanging.ehlo("client.example")
        hanging.mail("a@b.example")
        hanging.putcmd("rcpt TO:<unknown@example.com>")
        same(reply(smtpd, "a@b.example", "known@example.com"), 250, "cached")
        # A client that gives up is forgotten; the stop is prompt.
        hanging.close()
        smtpd.stop()
        phoenix.thaw()


def story_a_dead_name_server_does_not_stop_mail(stack):
    phoenix = stack.phoenix()
    with FakeDNS(ZONE) as dns:
        dns.silent = True
        smtpd = asking(stack, dns, phoenix, **CHECKS)
        [id] = stack.send(smtpd, sender="a@sender.example")
        found = checks_of(Tool(stack)("--json", "trace", id).objects())
        for name in ("fcrdns", "dnsbl", "sender_domain"):
            same(found[name]["result"], "temperror", name)


run(globals())
