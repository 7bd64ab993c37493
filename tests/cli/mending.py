"""fsck and rebuild: what they find, what they put right, what they leave."""

import os
import pty
import subprocess

from tool import BIN, BOUNCE, Tool, buried, check, eventually, queued, run, same


def new(stack, id, box="queue"):
    return os.path.join(stack.spool, box, "new", id)


def story_a_sound_spool_is_clean(stack):
    tool = Tool(stack)
    queued(stack, count=5)
    check("nothing is wrong" in tool("fsck").out, "it says so")
    report = tool("--json", "fsck").object()
    same((report["messages"], report["files"], report["found"]), (5, 5, 0),
         "report")


def story_findings_are_reported_and_repaired(stack):
    tool = Tool(stack)
    lost, damaged, sound = queued(stack, count=3)
    os.unlink(new(stack, lost))
    with open(new(stack, damaged), "r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"#")
    with open(os.path.join(stack.spool, "queue", "new", "a-note"), "w") as file:
        file.write("dropped in by hand\n")
    found = tool.objects("fsck", code=1)
    kinds = {row["finding"]: row for row in found[:-1]}
    same(sorted(kinds), ["damaged", "foreign", "lost"], "findings")
    same(kinds["lost"]["id"], lost, "which")
    same(kinds["damaged"]["id"], damaged, "which")
    same({row["repaired"] for row in found[:-1]}, {False}, "only looked at")
    same(found[-1]["found"], 3, "sum")
    text = tool("fsck", "--repair", code=1).out
    check(lost in text and "[repaired]" in text, text)
    # Dead letters now, in sight until an operator acts.
    same(
        {row["id"]: row["reason"] for row in tool.objects("dead", "list")},
        {lost: "lost", damaged: "damaged"},
        "dead letters",
    )
    same(tool.states(sound), {"bob@example.com": "queued"}, "the sound one")
    check(os.path.exists(new(stack, "a-note")), "the note stays")
    tool("dead", "drop", "--all")
    os.unlink(new(stack, "a-note"))
    tool("fsck")


def story_a_letter_removed_by_hand(stack):
    tool = Tool(stack)
    [id] = buried(stack)
    os.unlink(new(stack, id, "dead"))
    [finding, _] = tool.objects("fsck", "--repair", code=1)
    same((finding["finding"], finding["repaired"]), ("removed", True), "found")
    same(tool.objects("dead", "list"), [], "dead letters")
    tool("fsck")


def story_rebuild_reports(stack):
    tool = Tool(stack)
    ids = queued(stack, count=4)
    os.truncate(new(stack, ids[0]), 200)
    tool("hold", ids[1])
    os.unlink(os.path.join(stack.spool, "index", "data.mdb"))
    rows = tool.objects("rebuild", code=1)
    findings = {row["finding"] for row in rows[:-1]}
    check("damaged" in findings and "index" in findings, str(findings))
    report = rows[-1]
    same(report["messages"], 3, "messages")
    same(report["set_aside"], 1, "set aside")
    same(report["deliveries"]["held"], 1, "held")
    same(report["old_index_read"], False, "no old index")
    same(stack.files("orphan"), [ids[0]], "orphans")
    same(tool.states(ids[1]), {"bob@example.com": "held"}, "held")
    text = tool("rebuild").out
    check("3 messages" in text, text)
    tool("fsck")


def story_rebuild_sends_nothing_twice(stack):
    """Of two recipients one got it before the index was lost."""
    tool = Tool(stack)
    phoenix = stack.phoenix()
    phoenix.control(status=507, for_rcpt="full@example.com")
    phoenix.control(status=404, body=BOUNCE, for_rcpt="gone@example.com")
    smtpd = stack.smtpd()
    agent = stack.deliver()
    [id] = stack.send(
        smtpd, rcpt=("bob@example.com", "full@example.com", "gone@example.com")
    )
    eventually(
        lambda: tool.states(id)
        == {
            "bob@example.com": "delivered",
            "full@example.com": "deferred",
            "gone@example.com": "dead",
        },
        "one is delivered, one waits, one is dead",
    )
    smtpd.stop()
    agent.stop()
    os.unlink(os.path.join(stack.spool, "index", "data.mdb"))
    tool("rebuild")
    phoenix.reset()
    stack.deliver()
    eventually(lambda: phoenix.posts("full@example.com"), "it arrives")
    stack.queue_empties()
    same(phoenix.posts("bob@example.com"), [], "posts to who has it")
    same(phoenix.posts("gone@example.com"), [], "posts to the dead")
    same(stack.files("dead"), [id], "dead letters")
    tool("fsck")


def story_rebuild_keeps_what_the_old_index_knew(stack):
    tool = Tool(stack)
    phoenix = stack.phoenix()
    phoenix.control(status=507)
    smtpd = stack.smtpd()
    agent = stack.deliver()
    [id] = stack.send(smtpd)
    eventually(lambda: tool.objects("list")[0]["tries"] >= 2, "two tries")
    smtpd.stop()
    agent.stop()
    [before] = tool.objects("list")
    story = tool("--json", "trace", id).objects()[:-1]
    same(tool.objects("rebuild")[-1]["carried_over"], 1, "carried over")
    [after] = tool.objects("list")
    same(after, before, "the delivery")
    same(tool("--json", "trace", id).objects()[:-1], story, "its story")


def story_long_work_shows_progress_on_a_terminal(stack):
    queued(stack, count=3)
    for verb in ("fsck", "rebuild"):
        ours, theirs = pty.openpty()
        process = subprocess.run(
            [os.path.join(BIN, "elektrine-spool"), verb],
            env=stack.environment({}),
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        same(process.returncode, 0, verb)
        try:
            shown = os.read(ours, 4096)
        except OSError:
            shown = b""
        os.close(ours)
        if verb == "fsck":
            check(b"\r" in shown, "progress of " + verb)
        check(b"\r" not in process.stdout, "only there")


run(globals())
