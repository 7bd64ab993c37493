"""An agent dies in the middle of a post."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def kill_while_it_posts(stack, phoenix, smtpd, agent):
    phoenix.control(delay_ms=4000, count=1)
    [id] = stack.send(smtpd)
    # The request is there, its answer is not.
    eventually(lambda: stack.files("queue") == [id], "it is queued")
    eventually(lambda: phoenix.summary()["connections"] > 0, "it connects")
    time.sleep(0.3)
    agent.kill()
    return id


def story_its_claim_is_free_at_once(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver()
    id = kill_while_it_posts(stack, phoenix, smtpd, agent)
    start = time.monotonic()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    seconds = time.monotonic() - start
    check(seconds < 2.5, "the claim was held for %.1f s" % seconds)
    post = phoenix.posts()[0]
    same(post["headers"]["x-idempotency-key"], id + ":0", "its key")
    stack.queue_empties()


def story_another_agent_takes_over(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver()
    id = kill_while_it_posts(stack, phoenix, smtpd, agent)
    stack.deliver()
    # The first post ends as well: the same key says that it is the same.
    eventually(lambda: len(phoenix.posts()) == 2, "both posts came")
    keys = {p["headers"]["x-idempotency-key"] for p in phoenix.posts()}
    same(keys, {id + ":0"}, "keys")
    same(stack.files("dead"), [], "dead letters")
    stack.queue_empties()


def story_it_dies_again_and_again_under_load(stack):
    phoenix = stack.phoenix()
    phoenix.control(delay_ms=3)
    smtpd = stack.smtpd()
    sent = 0
    for _ in range(8):
        agent = stack.deliver()
        sent += len(stack.send(smtpd, count=50))
        agent.kill()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == sent, "all of it arrives")
    stack.queue_empties()
    same(stack.files("dead"), [], "dead letters")


run(globals())
