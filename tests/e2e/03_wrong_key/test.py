"""Our key is wrong: that says nothing of any message."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import KEY, check, eventually, never, run, same


def story_a_wrong_key_opens_the_circuit_and_buries_nothing(stack):
    phoenix = stack.phoenix()
    phoenix.control(key="another")
    smtpd = stack.smtpd()
    agent = stack.deliver(WEBHOOK_MAX_RETRIES=1)
    stack.send(smtpd, count=40)
    event = agent.wait_event("circuit_open")[0]
    same(event["reason"], "unauthorized", "reason of the circuit")
    never(lambda: stack.files("dead"), "bury mail", 2)
    posts = len(phoenix.posts())
    check(posts < 30, "%d posts with a wrong key" % posts)
    same(len(stack.files("queue")), 40, "messages that wait")
    phoenix.control(key=KEY)
    eventually(lambda: phoenix.delivered() == 40, "all of it arrives")
    agent.wait_event("circuit_close")
    stack.queue_empties()


def story_each_probe_is_another_message(stack):
    phoenix = stack.phoenix()
    phoenix.control(key="another")
    smtpd = stack.smtpd()
    stack.deliver(WEBHOOK_CONCURRENCY=1)
    stack.send(smtpd, count=5)
    eventually(lambda: len(phoenix.posts()) >= 4, "four probes")
    ids = [post["headers"]["x-message-id"] for post in phoenix.posts()][:4]
    same(len(set(ids)), 4, "messages among four probes")


def story_the_key_is_read_again_on_sighup(stack):
    """Where the key comes from a file, no restart is needed."""
    import signal

    path = os.path.join(stack.dir, "key")
    with open(path, "w", encoding="ascii") as file:
        file.write("old\n")
    del stack.settings["PHOENIX_API_KEY"]
    stack.settings["PHOENIX_API_KEY_FILE"] = path
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver()
    stack.send(smtpd)
    agent.wait_event("circuit_open")
    with open(path, "w", encoding="ascii") as file:
        file.write(KEY + "\n")
    agent.signal(signal.SIGHUP)
    agent.wait_event("config_reloaded")
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    agent.stop()


run(globals())
