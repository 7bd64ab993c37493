"""Several agents on one spool: each message goes out once."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def story_three_agents_share_the_work(stack):
    phoenix = stack.phoenix()
    phoenix.control(delay_ms=10)
    smtpd = stack.smtpd()
    agents = [stack.deliver(WEBHOOK_CONCURRENCY=4) for _ in range(3)]
    ids = stack.send(smtpd, count=300)
    eventually(lambda: phoenix.delivered() == 300, "all of it arrives")
    stack.queue_empties()
    summary = phoenix.summary()
    same(summary["requests"], 300, "posts")
    same(summary["duplicates"], 0, "duplicates")
    same(
        {p["headers"]["x-message-id"] for p in phoenix.posts()},
        set(ids),
        "what arrived",
    )
    for agent in agents:
        check(agent.events("webhook_delivered"), "each has its share")
        agent.stop()


def story_agents_come_and_go(stack):
    phoenix = stack.phoenix()
    phoenix.control(delay_ms=5)
    smtpd = stack.smtpd()
    stack.deliver()
    sent = 0
    for _ in range(5):
        sent += len(stack.send(smtpd, count=40))
        other = stack.deliver()
        sent += len(stack.send(smtpd, count=40))
        other.stop()
    eventually(lambda: phoenix.delivered() == sent, "all of it arrives")
    same(phoenix.summary()["duplicates"], 0, "duplicates")
    stack.queue_empties()


run(globals())
