"""Redis carries wake-ups and nothing else: whatever happens to it, no mail is
lost, delayed for more than about a second, or refused."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import PATIENCE, Failed, check, eventually, free_port, run, same

SOON = 2.5  # a poll interval, and what a busy machine adds


def begin(stack):
    port = free_port()
    stack.settings["REDIS_URL"] = "redis://127.0.0.1:%d" % port
    return port, stack.phoenix(), stack.smtpd(), stack.deliver()


def send_and_see(stack, phoenix, smtpd, count=5):
    """Everything is accepted at once and arrives soon."""
    before = phoenix.delivered()
    start = time.monotonic()
    stack.send(smtpd, count=count)
    accepted = time.monotonic() - start
    check(accepted < SOON, "intake took %.1f s" % accepted)
    eventually(
        lambda: phoenix.delivered() == before + count, "it arrives", SOON
    )


def story_redis_is_absent(stack):
    _, phoenix, smtpd, agent = begin(stack)
    send_and_see(stack, phoenix, smtpd)
    time.sleep(1.5)
    send_and_see(stack, phoenix, smtpd)
    # Said once for each connection, not at every try.
    same(len(agent.events("redis_lost")), 2, "complaints")
    agent.stop()
    smtpd.stop()


def story_redis_comes_late(stack):
    port, phoenix, smtpd, agent = begin(stack)
    send_and_see(stack, phoenix, smtpd)
    stack.redis(port)
    eventually(
        lambda: len(agent.events("redis_connected")) == 2, "it is noticed"
    )
    send_and_see(stack, phoenix, smtpd)
    agent.stop()
    smtpd.stop()


def listen(path, password, channels):
    """A subscriber of our own, that speaks the protocol by hand."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    # Its socket comes a moment after its port.
    eventually(lambda: client.connect_ex(path) == 0, "redis listens there")
    lines = "AUTH %s\r\nSUBSCRIBE %s\r\n" % (password, " ".join(channels))
    client.sendall(lines.encode())
    return client.makefile("r", newline="\r\n")


def heard(stream, channel):
    """The next message on this channel."""
    for line in stream:
        if line.strip() == "message":
            same(stream.readline()[0], "$", "length of the channel")
            name = stream.readline().strip()
            stream.readline()
            text = stream.readline().strip()
            if name == channel:
                return text
    raise Failed("the connection to redis ended")


def story_new_and_dead_messages_are_announced(stack):
    path = os.path.join(stack.dir, "redis.sock")
    port = free_port()
    stack.redis(port, "--requirepass", "p@ss/word", "--unixsocket", path)
    stack.settings["REDIS_URL"] = "redis://:p%%40ss%%2Fword@127.0.0.1:%d/1" % (
        port
    )
    channels = ["elektrine:inbound", "elektrine:inbound:dlq"]
    stream = listen(path, "p@ss/word", channels)
    phoenix, smtpd, agent = stack.phoenix(), stack.smtpd(), stack.deliver()
    for process, count in ((agent, 2), (smtpd, 1)):
        eventually(
            lambda p=process, n=count: len(p.events("redis_connected")) == n,
            "it is connected",
        )
    phoenix.control(status=404, body={"error": "no", "bounce": True}, count=1)
    [id] = stack.send(smtpd)
    same(heard(stream, channels[0]), id, "the new message")
    same(heard(stream, channels[1]), id, "the dead message")
    send_and_see(stack, phoenix, smtpd)


def story_redis_on_a_local_socket(stack):
    path = os.path.join(stack.dir, "redis.sock")
    stack.redis(free_port(), "--unixsocket", path)
    stack.settings["REDIS_URL"] = "unix:" + path
    agent = stack.deliver()
    eventually(
        lambda: len(agent.events("redis_connected")) == 2, "it is connected"
    )
    agent.stop()


def story_redis_is_killed_between_acceptance_and_delivery(stack):
    port, phoenix, smtpd, agent = begin(stack)
    redis = stack.redis(port)
    eventually(
        lambda: len(agent.events("redis_connected")) == 2, "it is connected"
    )
    phoenix.control(status=503, count=1)
    [id] = stack.send(smtpd)
    redis.kill()
    eventually(lambda: phoenix.delivered() == 1, "it arrives", SOON)
    eventually(lambda: len(agent.events("redis_lost")) >= 2, "it is noticed")
    send_and_see(stack, phoenix, smtpd)
    stack.redis(port)
    eventually(
        lambda: len(agent.events("redis_connected")) == 4, "it is back"
    )
    send_and_see(stack, phoenix, smtpd)
    same(phoenix.posts()[0]["headers"]["x-message-id"], id, "the first one")
    same(stack.files("dead"), [], "dead letters")


def story_redis_is_frozen(stack):
    port, phoenix, smtpd, agent = begin(stack)
    redis = stack.redis(port)
    eventually(
        lambda: len(agent.events("redis_connected")) == 2, "it is connected"
    )
    redis.freeze()
    for _ in range(4):
        send_and_see(stack, phoenix, smtpd, count=20)
        time.sleep(0.5)
    eventually(lambda: agent.events("redis_lost"), "it is noticed")
    send_and_see(stack, phoenix, smtpd, count=20)
    # Both programs stop cleanly beside it.
    agent.stop()
    smtpd.stop()
    redis.thaw()


run(globals())
