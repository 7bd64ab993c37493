"""SIGTERM: what is being posted is finished, what is not goes back."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def story_a_post_in_progress_is_finished(stack):
    phoenix = stack.phoenix()
    phoenix.control(delay_ms=1000)
    smtpd = stack.smtpd()
    agent = stack.deliver(WEBHOOK_CONCURRENCY=2)
    stack.send(smtpd, count=6)
    eventually(lambda: phoenix.summary()["connections"] >= 2, "it posts")
    time.sleep(0.3)
    agent.stop()
    same(phoenix.delivered(), 2, "posts that were finished")
    same(len(stack.files("queue")), 4, "messages that wait")
    phoenix.control(delay_ms=0)
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 6, "the others arrive")
    same(phoenix.summary()["duplicates"], 0, "duplicates")
    posts = phoenix.posts()
    same(
        {p["headers"]["x-delivery-attempt"] for p in posts},
        {"1"},
        "attempts",
    )


def story_a_post_without_end_is_given_up(stack):
    phoenix = stack.phoenix()
    phoenix.control(delay_ms=60000, count=1)
    smtpd = stack.smtpd()
    agent = stack.deliver()
    stack.send(smtpd)
    eventually(lambda: phoenix.summary()["connections"] >= 1, "it posts")
    time.sleep(0.3)
    start = time.monotonic()
    agent.stop()
    seconds = time.monotonic() - start
    check(6 < seconds < 10, "it took %.1f s" % seconds)
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "it arrives", 3)


def story_an_idle_agent_stops_at_once(stack):
    stack.phoenix()
    agent = stack.deliver()
    start = time.monotonic()
    agent.stop()
    seconds = time.monotonic() - start
    check(seconds < 1.5, "it took %.1f s" % seconds)


run(globals())
