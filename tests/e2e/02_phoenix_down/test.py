"""Phoenix is away for a while: mail waits, nothing is lost or buried."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, never, run, same


def story_nobody_listens_at_first(stack):
    smtpd = stack.smtpd()
    agent = stack.deliver()
    ids = stack.send(smtpd, count=10)
    agent.wait_event("circuit_open")
    never(lambda: not stack.files("queue"), "lose mail", 0.5)
    phoenix = stack.phoenix()
    eventually(lambda: phoenix.delivered() == 10, "all of it arrives")
    agent.wait_event("circuit_close")
    got = {post["headers"]["x-message-id"] for post in phoenix.posts()}
    same(got, set(ids), "what arrived")
    stack.queue_empties()
    same(stack.files("dead"), [], "dead letters")
    same(phoenix.summary()["duplicates"], 0, "duplicates")
    agent.stop()
    smtpd.stop()


def story_it_dies_and_comes_back(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver()
    stack.send(smtpd, count=5)
    eventually(lambda: phoenix.delivered() == 5, "the first five arrive")
    phoenix.kill()
    stack.send(smtpd, count=5)
    agent.wait_event("circuit_open")
    phoenix = stack.phoenix()
    eventually(lambda: phoenix.delivered() == 5, "the others arrive")
    same(stack.files("dead"), [], "dead letters")
    stack.queue_empties()


def story_it_answers_503_to_everything(stack):
    """Five failures over three messages open the circuit: from then on one
    probe at a time, and the waiting messages use up no attempts."""
    phoenix = stack.phoenix()
    phoenix.control(status=503, body={"error": "deploying"})
    smtpd = stack.smtpd()
    agent = stack.deliver(WEBHOOK_MAX_RETRIES=3)
    stack.send(smtpd, count=30)
    agent.wait_event("circuit_open")
    never(lambda: stack.files("dead"), "bury mail", 3)
    before = len(phoenix.posts())
    check(before < 60, "%d posts to a dead Phoenix" % before)
    phoenix.reset()
    eventually(lambda: phoenix.delivered() == 30, "all of it arrives")
    same(phoenix.summary()["duplicates"], 0, "duplicates")
    same(stack.files("dead"), [], "dead letters")
    stack.queue_empties()


def story_its_answers_break_off(stack):
    phoenix = stack.phoenix()
    phoenix.control(cut="before", count=2)
    phoenix.control(cut="half", count=2)
    smtpd = stack.smtpd()
    stack.deliver()
    stack.send(smtpd, count=3)
    eventually(lambda: phoenix.delivered() == 3, "all of it arrives")
    stack.queue_empties()


def story_it_hangs(stack):
    """Connected, and no answer: the time-out ends each try."""
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver(WEBHOOK_TIMEOUT_MS=300)
    phoenix.freeze()
    ids = stack.send(smtpd, count=10)
    event = agent.wait_event("circuit_open")[0]
    same(event["reason"], "timeout", "reason of the circuit")
    phoenix.thaw()
    eventually(lambda: phoenix.delivered() == 10, "all of it arrives")
    keys = {p["headers"]["x-idempotency-key"] for p in phoenix.posts()}
    same(keys, {id + ":0" for id in ids}, "keys, also of what came twice")
    stack.queue_empties()


def story_one_bad_message_holds_up_nobody(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=500, for_rcpt="bad@example.com")
    smtpd = stack.smtpd()
    stack.deliver()
    stack.send(smtpd, rcpt=["bad@example.com"])
    for _ in range(20):
        stack.send(smtpd)
    eventually(lambda: phoenix.delivered() == 20, "the good ones arrive")
    eventually(lambda: len(stack.files("queue")) == 1, "one of them waits")
    posts = phoenix.posts("bad@example.com")
    check(1 <= len(posts) < 12, "%d posts of the bad one" % len(posts))
    numbers = [int(p["headers"]["x-delivery-attempt"]) for p in posts]
    same(numbers, list(range(1, len(posts) + 1)), "its attempts")


run(globals())
