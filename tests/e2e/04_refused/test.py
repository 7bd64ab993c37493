"""What Phoenix refuses for good goes to the dead letters, and only that."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, never, run, same

BOUNCE = {"error": "User not found", "bounce": True}


def story_an_unknown_recipient(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=404, body=BOUNCE, for_rcpt="gone@example.com")
    smtpd = stack.smtpd()
    agent = stack.deliver()
    [id] = stack.send(smtpd, rcpt=["bob@example.com", "gone@example.com"])
    eventually(lambda: stack.files("dead") == [id], "it is a dead letter")
    event = agent.wait_event("dead_lettered")[0]
    same(event["id"], id, "dead letter in the log")
    same(event["reason"], "bounce", "its reason")
    eventually(lambda: phoenix.delivered() == 1, "the other one arrives")
    stack.queue_empties()
    same(len(phoenix.posts("gone@example.com")), 1, "posts of the dead one")
    keys = {p["headers"]["x-idempotency-key"] for p in phoenix.posts()}
    same(keys, {id + ":0", id + ":1"}, "idempotency keys")


def story_refused_for_security(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=403, body={"error": "spoofed", "bounce": True})
    smtpd = stack.smtpd()
    agent = stack.deliver()
    stack.send(smtpd)
    event = agent.wait_event("dead_lettered")[0]
    same(event["reason"], "rejected", "its reason")
    same(agent.events("circuit_open"), [], "circuits")


def story_the_404_of_a_proxy_is_no_verdict(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=404, body="<h1>Not Found</h1>", count=3)
    phoenix.control(status=200, body="<h1>Welcome</h1>", count=1)
    phoenix.control(status=302, count=1)
    smtpd = stack.smtpd()
    stack.deliver()
    stack.send(smtpd)
    eventually(lambda: phoenix.delivered() == 1, "it arrives at last")
    same(len(phoenix.posts()), 6, "posts")
    same(stack.files("dead"), [], "dead letters")


def story_a_full_mailbox_waits(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=507, for_rcpt="full@example.com")
    smtpd = stack.smtpd()
    agent = stack.deliver()
    for _ in range(8):
        stack.send(smtpd, rcpt=["full@example.com"])
    eventually(lambda: len(phoenix.posts()) >= 16, "each was tried twice")
    stack.send(smtpd)
    eventually(lambda: phoenix.delivered() == 1, "others arrive")
    same(agent.events("circuit_open"), [], "circuits")
    eventually(lambda: len(stack.files("queue")) == 8, "they wait")


def story_no_more_retries(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=507)
    smtpd = stack.smtpd()
    agent = stack.deliver(WEBHOOK_MAX_RETRIES=2)
    stack.send(smtpd)
    agent.wait_event("dead_lettered")
    same(len(phoenix.posts()), 3, "posts")
    check(stack.files("dead"), "it is a dead letter")
    never(lambda: len(phoenix.posts()) > 3, "post it again", 0.5)


run(globals())
