"""WEBHOOK_MAX_PER_MINUTE is one budget for all agents of a spool."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def story_two_agents_keep_to_one_budget(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.settings["WEBHOOK_MAX_PER_MINUTE"] = "120"
    stack.deliver()
    stack.deliver()
    start = time.time()
    stack.send(smtpd, count=60)
    # A tenth at once, then two a second.
    eventually(lambda: phoenix.delivered() >= 12, "the first ones arrive")
    time.sleep(max(0, start + 6 - time.time()))
    count = len([p for p in phoenix.posts() if p["at"] < start + 6])
    check(12 <= count <= 26, "%d posts in six seconds" % count)
    same(phoenix.summary()["duplicates"], 0, "duplicates")


run(globals())
