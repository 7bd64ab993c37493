#!/usr/bin/python3
"""Clients that mean no good, or know no better: whatever they do, they are
answered or cut off, nothing of theirs stays, and others are served."""
import random
import smtplib
import socket
import sys
import threading
import time

from run import PATIENCE, Failed, Server, eventually, same

PROMPT = {"SMTP_IDLE_TIMEOUT": "2s", "SMTP_DATA_TIMEOUT": "2s"}


def connect(server):
    return socket.create_connection(server.address, PATIENCE)


def is_served(server):
    """An honest client, in the midst of it."""
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
        client.sendmail("a@b.example", ["u@example.com"], "A: b\r\n\r\nc\r\n")


def read_to_end(client):
    heard = b""
    try:
        while True:
            more = client.recv(65536)
            if not more:
                return heard
            heard += more
    except ConnectionError:
        return heard


def memory_kb(server):
    with open("/proc/%d/status" % server.process.pid) as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def reads_nothing(server):
    """Asks and asks and never listens: what waits for it is bounded."""
    client = connect(server)
    before = memory_kb(server)
    client.settimeout(1)
    begun = time.monotonic()
    try:
        while time.monotonic() < begun + PATIENCE:
            client.sendall(b"EHLO x\r\n" * 10000)
    except TimeoutError:
        pass
    except ConnectionError:
        return
    grown = memory_kb(server) - before
    if grown > 20000:
        raise Failed("a deaf client costs %d KB" % grown)
    eventually(lambda: any(e["reason"] == "idle_timeout" for e in
                           server.events("connection_close")),
               "the deaf client is cut off")


def listens_late(server):
    """Says all it has in one go, and listens when it was heard: no answer
    may be missing."""
    times, helps = 700, 150
    client = connect(server)
    client.sendall(b"HELO x\r\n")
    talk = threading.Thread(target=client.sendall, args=(
        (b"MAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.com>\r\n"
         b"BDAT 6 LAST\r\nA: b\r\n" + b"HELP\r\n" * helps) * times +
        b"QUIT\r\n",))
    talk.start()
    stored = -1
    while stored != len(server.messages()):
        stored = len(server.messages())
        time.sleep(0.5)
    heard = read_to_end(client)
    talk.join()
    same(heard.count(b"Ok: queued as"), times, "messages that are answered")
    same(heard.count(b"\r\n214 "), times * helps, "helped")
    return times


def sends_garbage(server):
    chance = random.Random(1)
    for _ in range(20):
        client = connect(server)
        try:
            client.sendall(chance.randbytes(chance.randrange(200000)))
            client.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass
        read_to_end(client)


def sends_garbage_as_content(server):
    """Random bytes of the kind that matter, and the end of data."""
    chance = random.Random(2)
    for _ in range(20):
        client = connect(server)
        client.sendall(b"HELO x\r\nMAIL FROM:<a@b.example>\r\n"
                       b"RCPT TO:<u@example.com>\r\nDATA\r\nx")
        client.sendall(b"".join(chance.choice(
            [b"\r", b"\n", b"\r\n", b".", b"x\n", b"\0"])
            for _ in range(5000)) + b"x\r\n.\r\nQUIT\r\n")
        heard = read_to_end(client)
        if b"\r\n550 5.5.2" not in heard or b"queued" in heard:
            raise Failed("garbage was answered %r" % heard[-200:])


def sends_no_newline(server):
    client = connect(server)
    try:
        client.sendall(b"x" * 1000000)
    except ConnectionError:
        return
    heard = read_to_end(client)
    if not heard.endswith(b"closing\r\n") or b"421 4.7.0" not in heard:
        raise Failed("an endless line was answered %r" % heard)


def half_a_command(server):
    for part in (b"", b"E", b"EHLO x", b"EHLO x\r", b"EHLO x\r\nMAI"):
        client = connect(server)
        client.sendall(part)
        client.close()
    client = connect(server)
    client.sendall(b"EHLO x")
    if b"421 4.4.2" not in read_to_end(client):
        raise Failed("half a command is waited for")


def vanishes_in_data(server):
    for reset in (False, True):
        for size in (0, 100, 70000, 3000000):
            client = connect(server)
            client.sendall(b"HELO x\r\nMAIL FROM:<a@b.example>\r\n"
                           b"RCPT TO:<u@example.com>\r\nDATA\r\n"
                           + b"A: b\r\n" + b"x" * size)
            if not reset:
                time.sleep(0.05)
            client.close()
    eventually(lambda: not server.half_received(), "half messages go")


def stays_for_ever_in_data(server):
    client = connect(server)
    client.sendall(b"HELO x\r\nMAIL FROM:<a@b.example>\r\n"
                   b"RCPT TO:<u@example.com>\r\nDATA\r\n")
    begun = time.monotonic()
    if b"421 4.4.2" not in read_to_end(client):
        raise Failed("silence in data is waited for")
    if time.monotonic() - begun > PATIENCE:
        raise Failed("silence in data lasts too long")


def sends_on_and_on(server):
    """Far past the largest message."""
    client = connect(server)
    client.sendall(b"HELO x\r\nMAIL FROM:<a@b.example>\r\n"
                   b"RCPT TO:<u@example.com>\r\nDATA\r\n")
    piece = b"x" * 1000000
    try:
        for _ in range(200):
            client.sendall(piece)
    except ConnectionError:
        return
    raise Failed("200 MB were taken")


def many_come_and_go(server):
    clients = [connect(server) for _ in range(300)]
    for client in clients[::2]:
        client.close()
    for client in clients[1::2]:
        client.sendall(b"QUIT\r\n")
    for client in clients[1::2]:
        if not read_to_end(client).endswith(b"221 2.0.0 Bye\r\n"):
            raise Failed("one of many was not heard")


STORIES = [reads_nothing, listens_late, sends_garbage, sends_garbage_as_content,
           sends_no_newline, half_a_command, vanishes_in_data,
           stays_for_ever_in_data, sends_on_and_on, many_come_and_go]


def tell(story):
    server = Server(dict(PROMPT, ELEKTRINE_QUEUE_MAX_RAW_BYTES="4M",
                         LOG_LEVEL="info"))
    try:
        is_served(server)
        stored = 2 + (story(server) or 0)
        is_served(server)
        if len(server.messages()) != stored:
            raise Failed("%d messages are stored" % len(server.messages()))
        server.stop()
        return True
    except Exception as error:
        print("FAILED %s: %s\n%s" % (
            story.__name__, error, server.output()[-2000:]))
        return False
    finally:
        server.remove()


def main():
    told = [tell(story) for story in STORIES]
    print("%d stories told, %d failed" % (len(told), told.count(False)))
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main())
