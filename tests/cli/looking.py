"""status, list, show, trace, payload, check-queues."""

import json
import os
import subprocess
import time

from tool import BIN, BOUNCE, Tool, check, eventually, queued, run, same


def story_status_counts(stack):
    tool = Tool(stack)
    ids = queued(stack, count=3) + queued(
        stack, rcpt=("bob@example.com", "carol@example.com")
    )
    status = tool("--json", "status").object()
    same(status["messages"], 4, "messages")
    same(status["lanes"]["webhook"]["queued"], 5, "queued")
    same(status["accepted"], 4, "accepted")
    same((status["writers"], status["agents"]), (0, 0), "programs")
    check(status["takes_mail"], "room")
    check(status["oldest"].endswith("Z"), "oldest")
    same(status["circuits"], [], "circuits")
    stack.smtpd()
    tool("hold", ids[0])
    status = tool("--json", "status").object()
    same(status["writers"], 1, "writers")
    same(status["lanes"]["webhook"]["held"], 1, "held")
    text = tool("status").out
    for word in ("queued", "held", "dead", "free", "accepted"):
        check(word in text, "no %s in: %s" % (word, text))


def story_status_shows_an_open_circuit(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=401, body={"error": "Unauthorized"})
    smtpd = stack.smtpd()
    agent = stack.deliver()
    stack.send(smtpd)
    agent.wait_event("circuit_open")
    tool = Tool(stack)
    # It is logged before its turn is durable.
    eventually(
        lambda: tool("--json", "status").object()["circuits"],
        "the circuit is shown",
    )
    [circuit] = tool("--json", "status").object()["circuits"]
    same(circuit["lane"], "webhook", "lane")
    check("circuit" in tool("status").out, "circuit")


def story_status_says_when_mail_is_refused(stack):
    queued(stack)
    tool = Tool(stack, SPOOL_MIN_FREE="99%")
    check(not tool("--json", "status").object()["takes_mail"], "room")
    check("refused" in tool("status").out, "room")


def story_list_filters(stack):
    tool = Tool(stack)
    first = queued(stack, count=2)
    second = queued(
        stack,
        rcpt=("bob@example.com", "carol@example.com"),
        sender="mallory@remote.test",
    )
    same(tool("list").out.count("\n"), 5, "lines with the head")
    same(tool.ids(), first + second * 2, "oldest first")
    same(tool.ids("--limit", "1"), first[:1], "--limit")
    same(tool.ids("--limit=0"), [], "--limit 0")
    same(tool.ids("--rcpt", "CAROL@example.com"), second, "--rcpt")
    same(tool.ids("--from", "mallory@remote.test"), second * 2, "--from")
    same(tool.ids("--state", "held"), [], "--state")
    same(tool.ids("--lane", "smtp"), [], "--lane smtp")
    same(tool.ids("--lane", "webhook", "--state", "queued"), first + second * 2,
         "--lane webhook")
    same(tool.ids("--older", "1h"), [], "--older")
    row = tool.objects("list")[0]
    same(row["recipient"], "bob@example.com", "recipient")
    same(row["from"], "alice@remote.test", "sender")
    same(row["state"], "queued", "state")
    same(row["recipient_number"], 0, "number")
    same(tool("list", "--state", "held").out, "", "nothing")


def story_list_stops_when_nobody_reads(stack):
    queued(stack, count=50)
    environment = stack.environment({})
    process = subprocess.Popen(
        [os.path.join(BIN, "elektrine-spool"), "list"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    same(process.stderr.read(), b"", "complaints")
    process.wait()


def story_show(stack):
    tool = Tool(stack)
    letter = stack.letter("Shown", "Hello there.\r\n\r\nBye.\r\n")
    [id] = queued(stack, message=letter)
    text = tool("show", id).out
    for word in (id, "alice@remote.test", "bob@example.com", "queued"):
        check(word in text, "no %s in: %s" % (word, text))
    shown = tool("--json", "show", id.lower()).object()
    same(shown["id"], id, "id")
    same(shown["readable"], True, "readable")
    same([d["state"] for d in shown["deliveries"]], ["queued"], "states")
    envelope = tool("--json", "show", id, "--envelope").object()["envelope"]
    same(envelope["client_ip"], "127.0.0.1", "client")
    same(envelope["helo"], "remote.test", "HELO")
    same(envelope["recipients"][0]["address"], "bob@example.com", "recipient")
    check("spf=none" in tool("show", id, "--envelope").out, "checks")
    raw = tool("show", id, "--raw").raw
    check(raw.startswith(b"Return-Path: <alice@remote.test>\r\n"), "trace")
    check(raw.endswith(b"\r\n\r\nHello there.\r\n\r\nBye.\r\n"), "content")
    check(b"X-Elektrine-Spool" not in raw, "the envelope stays here")
    headers = tool("show", id, "--headers").raw
    check(raw.startswith(headers), "the header begins the message")
    check(headers.endswith(b"\r\n\r\n"), "the header ends")
    check(b"Hello there" not in headers, "and no more")
    tool.fails(1, "no message", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    tool.fails(1, "no message", "show", "--raw", "01ARZ3NDEKTSV4RRFFQ69G5FAV")


def story_a_truncated_file(stack):
    tool = Tool(stack)
    [id] = queued(stack)
    path = os.path.join(stack.spool, "queue", "new", id)
    os.truncate(path, 300)
    # What the index knows is shown; the file is complained of.
    answer = tool.fails(74, "not as long as", "show", id)
    check("alice@remote.test" in answer.out, "rows")
    for arguments in (["show", "--raw", id], ["payload", id]):
        same(tool.fails(74, "not as long as", *arguments).out, "", "output")
    os.unlink(path)
    tool.fails(74, "is gone", "show", id)


def story_trace(stack):
    tool = Tool(stack)
    phoenix = stack.phoenix()
    phoenix.control(status=503, count=1)
    smtpd = stack.smtpd()
    stack.deliver()
    letter = stack.letter()
    [id] = stack.send(smtpd, letter)
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    stack.queue_empties()
    story = tool("--json", "trace", id).objects()
    same(
        [line["event"] for line in story],
        ["accepted", "deferred", "delivered"],
        "the story",
    )
    same(story[0]["ip"], "127.0.0.1", "client")
    same(story[1]["status"], 503, "the first answer")
    same(story[2]["attempt"], 2, "the last try")
    for subject in (letter["Message-ID"], "bob@example.com",
                    "ALICE@remote.test"):
        same(tool("--json", "trace", subject).objects(), story, subject)
    check("delivered" in tool("trace", id).out, "for people")
    tool.fails(1, "nothing is known", "trace", "nobody@example.com")
    # One that waits says so.
    phoenix.control(status=503)
    [id] = stack.send(smtpd)
    events = [line["event"] for line in tool("--json", "trace", id).objects()]
    same((events[0], events[-1]), ("accepted", "now"), "its story")
    limited = tool("--json", "trace", "bob@example.com", "--limit", "1")
    same({line["id"] for line in limited.objects()}, {id}, "the latest")
    check("latest" in limited.err, "that there are more")


def story_trace_has_the_checks_of_the_message(stack):
    """However long the names of its recipients are."""
    stack.phoenix()
    nobody = "127.0.0.1:1"
    smtpd = stack.smtpd(
        PHOENIX_VERIFY_URL="http://127.0.0.1:%d/verify" % stack.phoenix_port,
        SPAMASSASSIN_ADDRESS=nobody, CLAMAV_ADDRESS=nobody,
        CLAMAV_ON_ERROR="accept")
    letter = stack.letter()
    for number in range(3):
        letter.add_attachment(b"x", maintype="image", subtype="png",
                              filename="\u65e5" * 20 + "%d.png" % number)
    for local in ("x" * 180, "{}" * 90, "%" * 180):
        rcpts = ["%d%s@example.com" % (number, local) for number in range(20)]
        [id] = stack.send(smtpd, letter, rcpt=rcpts)
        [checks] = [line["checks"] for line
                    in Tool(stack)("--json", "trace", id).objects()
                    if line["event"] == "checked"]
        names = [check["check"] for check in checks]
        check("verify" in names, names)
        same(names[-3:], ["attachment", "clamd", "spamd"], "of the message")


def story_payload(stack):
    tool = Tool(stack)
    phoenix = stack.phoenix()
    [id] = queued(stack, rcpt=("bob@example.com", "carol@example.com"))
    first = json.loads(tool("payload", id).out)
    same(first["rcpt_to"], "bob@example.com", "recipient")
    same(first["message_id"], id, "id")
    second = json.loads(tool("payload", id, "--rcpt", "carol@example.com").out)
    same(second["rcpt_to"], "carol@example.com", "the other recipient")
    other = json.loads(
        tool("payload", id, "--rcpt", "x@example.org", "--from", "").out
    )
    same((other["rcpt_to"], other["mail_from"]), ("x@example.org", ""), "asked")
    # It is what is posted.
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 2, "both arrive")
    [post] = phoenix.posts("bob@example.com")
    same(post["body"], first, "the post")
    # And of a file.
    path = os.path.join(stack.dir, "letter.eml")
    with open(path, "wb") as file:
        file.write(stack.letter("In a file").as_bytes())
    body = json.loads(tool("payload", path, "--rcpt", "bob@example.com").out)
    same((body["subject"], body["rcpt_to"]), ("In a file", "bob@example.com"),
         "file")
    tool.fails(74, "No such file", "payload", os.path.join(stack.dir, "none"))
    tool.fails(74, "Not a directory", "payload", os.path.join(path, "none"))
    tool.fails(74, "Is a directory", "payload", stack.dir)
    tool.fails(1, "", "payload", "01ARZ3NDEKTSV4RRFFQ69G5FAV")


def story_check_queues(stack):
    queued(stack, count=3)
    for settings, code, word in (
        ({}, 0, "OK"),
        ({"QUEUE_WARN_THRESHOLD": 4}, 0, "OK"),
        ({"QUEUE_WARN_THRESHOLD": 3}, 1, "WARNING"),
        ({"DLQ_CRIT_THRESHOLD": 0}, 2, "CRITICAL"),
        ({"QUEUE_WARN_THRESHOLD": 1, "DLQ_CRIT_THRESHOLD": 0}, 2, "CRITICAL"),
    ):
        tool = Tool(stack, **settings)
        check(tool("check-queues", code=code).out.startswith(word), word)
        verdict = tool("--json", "check-queues", code=code).object()
        same(verdict["verdict"].upper(), word, "verdict")
        same((verdict["waiting"], verdict["dead"]), (3, 0), "counts")
    Tool(stack)("--spool", "/nonexistent", "check-queues", code=3)


def story_it_works_while_mail_flows(stack):
    tool = Tool(stack)
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    phoenix.control(status=404, body=BOUNCE, for_rcpt="gone@example.com")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        stack.send(smtpd, count=5, rcpt=("bob@example.com", "gone@example.com"))
        for verb in ("status", "list", "fsck"):
            tool("--json", verb).objects()
        tool("--json", "dead", "list").objects()


run(globals())
