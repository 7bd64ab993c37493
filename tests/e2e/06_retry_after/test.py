"""Retry-After is honoured, in seconds and as a date."""

import email.utils
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def gap(phoenix):
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    posts = phoenix.posts()
    same(len(posts), 2, "posts")
    return posts[1]["at"] - posts[0]["at"]


def story_seconds(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=503, retry_after=2, count=1)
    smtpd = stack.smtpd()
    stack.deliver(WEBHOOK_RETRY_MAX_MS=60000)
    stack.send(smtpd)
    seconds = gap(phoenix)
    check(1.9 < seconds < 4, "it waited %.1f s" % seconds)


def story_a_date(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver(WEBHOOK_RETRY_MAX_MS=60000)
    date = email.utils.formatdate(time.time() + 3, usegmt=True)
    phoenix.control(status=503, retry_after=date, count=1)
    stack.send(smtpd)
    seconds = gap(phoenix)
    check(1 < seconds < 5, "it waited %.1f s" % seconds)


def story_429_slows_everybody_and_counts_for_nobody(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=429, retry_after=2, count=1)
    smtpd = stack.smtpd()
    agent = stack.deliver(
        WEBHOOK_RETRY_MAX_MS=60000, WEBHOOK_CONCURRENCY=1, WEBHOOK_MAX_RETRIES=0
    )
    stack.send(smtpd)
    eventually(lambda: len(phoenix.posts()) == 1, "the first try")
    eventually(lambda: agent.events("webhook_retry"), "it is noted")
    time.sleep(0.2)
    stack.send(smtpd)
    eventually(lambda: phoenix.delivered() == 2, "both arrive")
    posts = phoenix.posts()
    check(
        all(p["at"] - posts[0]["at"] > 1.9 for p in posts[1:]),
        "nobody posts before the time",
    )
    same(agent.events("circuit_open"), [], "circuits")
    same(stack.files("dead"), [], "dead letters")


run(globals())
