"""retry, hold, release, cancel and the dead letters; beside the programs and
without them."""

import os

from tool import BOUNCE, Tool, buried, check, eventually, queued, run, same

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def events(tool, id):
    return [line["event"] for line in tool("--json", "trace", id).objects()]


def story_hold_and_release(stack):
    tool = Tool(stack)
    ids = queued(stack, count=2)
    check("held" in tool("hold", ids[0]).out, "it says so")
    same(tool.states(ids[0]), {"bob@example.com": "held"}, "state")
    [again] = tool.objects("hold", ids[0], code=1)
    same((again["result"], again["state"]), ("unsuited", "held"), "again")
    phoenix = stack.phoenix()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "the other one arrives")
    same(tool.states(ids[0]), {"bob@example.com": "held"}, "state")
    tool("release", ids[0])
    eventually(lambda: phoenix.delivered() == 2, "it arrives")
    stack.queue_empties()
    same(
        events(tool, ids[0]),
        ["accepted", "held", "released", "delivered"],
        "its story",
    )


def story_all_at_once(stack):
    tool = Tool(stack)
    queued(stack, count=300)
    check("300" in tool("hold", "--all").out, "how many")
    same(tool("--json", "status").object()["lanes"]["webhook"]["held"], 300,
         "held")
    same(len(tool.objects("release", "--all", "--from", "alice@remote.test")),
         300, "released")
    same(tool.objects("release", "--all"), [], "nothing is left")
    same(tool.objects("hold", "--all", "--from", "mallory@remote.test"), [],
         "not hers")
    same(tool.objects("hold", "--all", "--older", "1d"), [], "none is so old")


def story_cancel(stack):
    tool = Tool(stack)
    [id] = queued(stack, rcpt=("bob@example.com", "carol@example.com"))
    tool("cancel", id, "--rcpt", "carol@example.com")
    same(
        tool.states(id),
        {"bob@example.com": "queued", "carol@example.com": "cancelled"},
        "states",
    )
    tool("cancel", id)
    same(tool.states(id), {}, "states")
    same(stack.files("queue"), [], "files")
    check("cancelled" in events(tool, id), "its story")
    [result] = tool.objects("cancel", id, code=1)
    same(result["result"], "not_found", "again")
    check("no such message" in tool("cancel", UNKNOWN, code=1).out, "unknown")
    tool("fsck")


def story_replay(stack):
    stack.settings["KEEP_DELIVERED"] = "1d"
    tool = Tool(stack)
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    rcpt = ("bob@example.com", "carol@example.com")
    ids = stack.send(smtpd, count=3, rcpt=rcpt)
    eventually(lambda: phoenix.delivered() == 6, "delivery")
    stack.queue_empties()
    before = len(tool.objects("replay", "--since", "1h", "--dry-run"))
    same(before, 6, "what would be replayed")
    same(phoenix.summary()["duplicates"], 0, "posts of a dry run")

    def is_due():
        [one] = tool.objects(
            "replay", ids[0], "--rcpt", "carol@example.com", code=None
        )
        return one["result"] == "done"

    eventually(is_due, "the agent has done with it")
    eventually(lambda: phoenix.summary()["duplicates"] == 1, "its second post")
    posts = phoenix.posts("carol@example.com")
    keys = [
        post["headers"]["x-idempotency-key"]
        for post in posts
        if post["headers"]["x-message-id"] == ids[0]
    ]
    same(keys, [ids[0] + ":1"] * 2, "idempotency keys")
    stack.queue_empties()
    eventually(
        lambda: events(tool, ids[0]).count("delivered") == 3, "its story"
    )
    check("replayed" in events(tool, ids[0]), "its story")
    eventually(
        lambda: tool("replay", "--since", "1h", code=None)
        and phoenix.summary()["duplicates"] >= 6,
        "all of them",
    )
    [result] = tool.objects("replay", UNKNOWN, code=1)
    same(result["result"], "not_found", "of an unknown one")
    tool("replay", code=2)
    stack.queue_empties()
    tool("fsck")


def story_retry_wakes_the_agent(stack):
    """Also past an open circuit: who asks has a reason to."""
    tool = Tool(stack)
    phoenix = stack.phoenix()
    phoenix.control(status=401, body={"error": "Unauthorized"})
    smtpd = stack.smtpd()
    agent = stack.deliver(
        WEBHOOK_RETRY_BASE_MS=600000, WEBHOOK_RETRY_MAX_MS=600000
    )
    [id] = stack.send(smtpd)
    agent.wait_event("circuit_open")
    phoenix.reset()
    [result] = tool.objects("retry", id)
    same(result["result"], "done", "result")
    eventually(lambda: phoenix.delivered() == 1, "it arrives at once")
    stack.queue_empties()
    check("retried" in events(tool, id), "its story")


def story_a_full_disk_stops_no_operator(stack):
    [id] = queued(stack)
    tool = Tool(stack, SPOOL_MIN_FREE="99%")
    tool("hold", id)
    tool("release", id)
    tool("retry", "--all")
    tool("cancel", id)
    same(stack.files("queue"), [], "files")


def story_dead_letters_are_shown(stack):
    tool = Tool(stack)
    ids = buried(stack, count=3)
    rows = tool.objects("dead", "list")
    same(sorted(row["id"] for row in rows), sorted(ids), "dead letters")
    same({row["reason"] for row in rows}, {"bounce"}, "reasons")
    same({row["file"] for row in rows}, {True}, "files")
    check("bounce" in tool("dead", "list").out, "for people")
    same(len(tool.objects("dead", "list", "--limit", "2")), 2, "--limit")
    same(tool.objects("dead", "list", "--reason", "expired"), [], "--reason")
    check("dead since" in tool("dead", "show", ids[0]).out, "one of them")


def story_requeue(stack):
    tool = Tool(stack)
    ids = buried(stack, count=3)
    tool("dead", "requeue", ids[0])
    same(stack.files("queue"), [ids[0]], "in the queue")
    [again] = tool.objects("dead", "requeue", ids[0], code=1)
    same(again["result"], "unsuited", "again")
    same(tool.objects("dead", "requeue", "--all", "--reason", "expired"), [],
         "none expired")
    check("2" in tool("dead", "requeue", "--all", "--reason", "bounce").out,
          "the others")
    same(stack.files("dead"), [], "dead letters")
    phoenix = stack.phoenix()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 3, "they arrive")
    stack.queue_empties()
    for post in phoenix.posts():
        same(post["headers"]["x-delivery-attempt"], "2", "attempt")
    same(events(tool, ids[0]), ["accepted", "dead", "requeued", "delivered"],
         "the story")
    tool("fsck")


def story_what_dies_again_is_not_requeued_for_ever(stack):
    tool = Tool(stack)
    ids = buried(stack, count=20)
    phoenix = stack.phoenix()
    phoenix.control(status=404, body=BOUNCE)
    stack.deliver()
    same(len(tool.objects("dead", "requeue", "--all")), 20, "requeued")
    eventually(
        lambda: stack.files("dead") == sorted(ids) and not stack.files("queue"),
        "they are dead again",
    )
    tool("fsck")


def story_a_mail_reader_was_there(stack):
    tool = Tool(stack)
    ids = buried(stack, count=3)
    dead = os.path.join(stack.spool, "dead")
    os.rename(
        os.path.join(dead, "new", ids[0]),
        os.path.join(dead, "cur", ids[0] + ":2,RS"),
    )
    os.unlink(os.path.join(dead, "new", ids[1]))
    rows = {row["id"]: row["file"] for row in tool.objects("dead", "list")}
    same(rows, {ids[0]: True, ids[1]: False, ids[2]: True}, "files")
    results = {
        row["id"]: row["result"]
        for row in tool.objects("dead", "requeue", "--all", code=1)
    }
    same(
        results,
        {ids[0]: "done", ids[1]: "no_file", ids[2]: "done"},
        "what was done",
    )
    same(stack.files("queue"), sorted([ids[0], ids[2]]), "in the queue")
    tool("dead", "drop", ids[1])
    same(tool.objects("dead", "list"), [], "dead letters")
    tool("fsck")


def story_drop(stack):
    tool = Tool(stack)
    ids = buried(stack, count=2)
    tool("dead", "drop", ids[0])
    same(stack.files("dead"), [ids[1]], "dead letters")
    same(events(tool, ids[0]), ["accepted", "dead", "dropped"], "its story")
    tool("dead", "drop", "--all")
    same(stack.files("dead"), [], "dead letters")
    same(tool("--json", "status").object()["messages"], 0, "messages")
    tool("fsck")


def story_export(stack):
    tool = Tool(stack)
    ids = buried(stack, count=2)
    raw = tool("dead", "export", ids[0]).raw
    same(raw, tool("show", "--raw", ids[0]).raw, "the message")
    folder = os.path.join(stack.dir, "exported")
    tool.fails(78, "No such file", "dead", "export", "--to", folder, "--all")
    os.mkdir(folder)
    tool("dead", "export", "--to", folder, "--all")
    same(sorted(os.listdir(folder)), sorted(id + ".eml" for id in ids), "files")
    with open(os.path.join(folder, ids[0] + ".eml"), "rb") as file:
        same(file.read(), raw, "the file")
    # What is there is not overwritten.
    same(tool.objects("dead", "export", "--to", folder, "--all"), [], "again")
    tool("dead", "export", "--to", folder, ids[0], code=74)
    tool.fails(1, "no message", "dead", "export", UNKNOWN)


run(globals())
