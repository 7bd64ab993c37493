"""A 413 takes the next smaller body at once; what was left out is kept."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, run, same


def letter_with_attachments(stack, sizes):
    message = stack.letter()
    for number, size in enumerate(sizes):
        message.add_attachment(
            os.urandom(size),
            maintype="application",
            subtype="octet-stream",
            filename="part%d.bin" % number,
        )
    return message


def story_attachments_go_from_the_largest_on(stack):
    phoenix = stack.phoenix()
    phoenix.control(
        status=413, body={"error": "Request too large"}, over_bytes=200000
    )
    smtpd = stack.smtpd()
    agent = stack.deliver()
    message = letter_with_attachments(stack, [300000, 50000, 200000])
    [id] = stack.send(smtpd, message)
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    posts = phoenix.posts()
    same([p["status"] for p in posts], [413, 413, 200], "answers")
    same(
        [p["headers"]["x-delivery-attempt"] for p in posts],
        ["1"] * 3,
        "attempts",
    )
    body = posts[-1]["body"]
    same(
        [bool(a.get("content_omitted")) for a in body["attachments"]],
        [True, False, True],
        "contents left out",
    )
    check("Hello." in body["text_body"], "the text is there")
    eventually(lambda: stack.files("dead") == [id], "it is kept")
    stack.queue_empties()
    same(len(agent.events("webhook_delivered")), 1, "deliveries")


def story_our_own_limit_comes_first(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver(WEBHOOK_MAX_BYTES=100000)
    [id] = stack.send(smtpd, letter_with_attachments(stack, [200000]))
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    posts = phoenix.posts()
    same(len(posts), 1, "posts")
    check(posts[0]["length"] <= 100000, "it keeps to the limit")
    eventually(lambda: stack.files("dead") == [id], "it is kept")


def story_nothing_fits(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=413, body={"error": "Request too large"})
    smtpd = stack.smtpd()
    agent = stack.deliver()
    [id] = stack.send(smtpd, letter_with_attachments(stack, [1000]))
    event = agent.wait_event("dead_lettered")[0]
    same(event["reason"], "too_large", "its reason")
    eventually(lambda: stack.files("dead") == [id], "it is kept")


run(globals())
