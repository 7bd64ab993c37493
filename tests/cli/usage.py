"""Wrong usage, wrong settings, and spools that cannot be opened: one clear
sentence and the documented exit code."""

import os
import shutil
import subprocess

from tool import BIN, Tool, check, queued, run, same

VERBS = (
    "status list show trace payload retry hold release cancel dead fsck "
    "rebuild check-queues"
).split()


def story_help_and_version(stack):
    tool = Tool(stack)
    text = tool("--help").out
    for verb in VERBS:
        check(verb in text, "no %s in the help" % verb)
        # Also without a spool.
        check("usage: " in tool(verb, "--help").out, "help of %s" % verb)
    check(tool("--version").out.startswith("elektrine-spool "), "version")
    check("SPOOL_DIR=" in tool("--check-config").out, "settings")


def story_wrong_usage(stack):
    tool = Tool(stack)
    for arguments in (
        [],
        ["nonsense"],
        ["--nonsense"],
        ["list", "--nonsense"],
        ["list", "--limit"],
        ["list", "--limit", "many"],
        ["list", "--limit=-1"],
        ["list", "--state", "lost"],
        ["list", "--lane", "fax"],
        ["list", "--older", "5"],
        ["list", "--older", "5x"],
        ["list", "something"],
        ["show"],
        ["show", "not-an-id"],
        ["show", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--raw", "--headers"],
        ["trace"],
        ["trace", "a", "b"],
        ["payload"],
        ["hold"],
        ["hold", "--all", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        ["cancel", "--all"],
        ["dead"],
        ["dead", "nonsense"],
        ["dead", "requeue"],
        ["dead", "export", "--all"],
        ["fsck", "now"],
        ["status", "now"],
    ):
        answer = tool(*arguments, code=2)
        same(answer.out, "", "output of " + " ".join(arguments))
        check("usage: " in answer.err, "usage of " + " ".join(arguments))


def story_wrong_settings(stack):
    answer = Tool(stack, QUEUE_WARN_THRESHOLD="many").fails(
        78, "QUEUE_WARN_THRESHOLD", "status"
    )
    same(answer.out, "", "output")
    Tool(stack, QUEUE_WARN_THRESHOLD="many").fails(
        78, "QUEUE_WARN_THRESHOLD", "--check-config"
    )


def story_no_spool(stack):
    tool = Tool(stack)
    for verb in ("status", "list", "fsck", "rebuild"):
        tool.fails(78, "there is no spool", verb)
    check(not os.path.exists(stack.spool), "nothing was made")
    os.mkdir(stack.spool)
    for verb in ("status", "list", "fsck", "rebuild"):
        tool.fails(78, "is not a spool", verb)
    same(os.listdir(stack.spool), [], "what was made")
    same(tool("check-queues", code=3).out, "", "output of check-queues")


def story_a_spool_that_cannot_be(stack):
    for place in (__file__, "/proc/no/spool"):
        Tool(stack).fails(78, "", "--spool", place, "status")
        for program in ("elektrine-smtpd", "elektrine-deliver"):
            done = subprocess.run(
                [os.path.join(BIN, program)],
                env=stack.environment(
                    {"SPOOL_DIR": place, "SMTP_LISTEN": "127.0.0.1:0"}
                ),
                capture_output=True,
                text=True,
                timeout=20,
            )
            same(done.returncode, 78, f"exit code of {program} at {place}")
            check(os.path.dirname(place) in done.stderr, done.stderr)


def story_a_spool_without_permission(stack):
    if os.geteuid() != 0:
        return
    queued(stack)
    os.chmod(stack.dir, 0o755)
    os.chmod(stack.spool, 0o700)
    tool = Tool(stack)
    for verb in ("status", "list", "fsck", "rebuild"):
        answer = tool.fails(78, "", "--spool", stack.spool, verb, user="nobody")
        check("ermission" in answer.err, str(answer))


def story_a_foreign_secret(stack):
    queued(stack)
    with open(os.path.join(stack.spool, "secret"), "wb") as file:
        file.write(b"x" * 32)
    tool = Tool(stack)
    for verb in ("status", "rebuild", "fsck"):
        tool.fails(78, "secret", verb)
    same(len(stack.files("queue")), 1, "files in the queue")
    same(stack.files("orphan"), [], "orphans")


def story_a_missing_index(stack):
    queued(stack)
    os.unlink(os.path.join(stack.spool, "index", "data.mdb"))
    tool = Tool(stack)
    for verb in ("status", "list", "fsck"):
        tool.fails(74, "elektrine-spool rebuild", verb)
    tool("rebuild")
    same(len(tool.ids()), 1, "messages")


def story_a_damaged_index(stack):
    """Whatever the damage, a verb ends with an answer or in the known way."""
    queued(stack, count=40)
    path = os.path.join(stack.spool, "index", "data.mdb")
    with open(path, "rb") as file:
        sound = file.read()
    tool = Tool(stack)
    damages = {
        "empty": b"",
        "garbage": bytes(range(256)) * (len(sound) // 256),
        "short": sound[: len(sound) // 2 // 4096 * 4096],
        "cut": sound[:5000],
        "zeros": sound[:8192] + bytes(len(sound) - 8192),
        "ones": sound[:8192] + b"\xff" * (len(sound) - 8192),
        "swapped": sound[:8192] + sound[8192:][::-1],
    }
    for name, bytes_ in damages.items():
        with open(path, "wb") as file:
            file.write(bytes_)
        answer = tool("fsck", code=None)
        check(answer.code == 74, "fsck, %s: %s" % (name, answer))
        check("rebuild" in answer.err, "fsck, %s: %s" % (name, answer))
        for verb in ("status", "list", "check-queues"):
            answer = tool(verb, code=None)
            check(
                answer.code in (0, 3, 74), "%s, %s: %s" % (verb, name, answer)
            )
    tool("rebuild")
    same(len(tool.ids()), 40, "messages")
    tool("fsck")


def story_a_newer_format(stack):
    queued(stack)
    path = os.path.join(stack.spool, "format")
    with open(path) as file:
        words = file.read().split(" ")
    words[1] = "99"
    with open(path, "w") as file:
        file.write(" ".join(words))
    Tool(stack).fails(78, "newer program", "status")


def story_rebuild_wants_the_spool_alone(stack):
    stack.smtpd()
    Tool(stack).fails(75, "in use by another program", "rebuild")


def story_output_that_cannot_be_written(stack):
    queued(stack)
    with open("/dev/full", "w") as full:
        Tool(stack)("status", code=74, stdout=full)


def story_another_spool(stack):
    [id] = queued(stack)
    other = os.path.join(stack.dir, "other")
    shutil.copytree(stack.spool, other)
    tool = Tool(stack, SPOOL_DIR="/nonexistent")
    for arguments in (
        ["--spool", other, "list"],
        ["--spool=" + other, "list"],
        ["list", "--spool", other],
    ):
        check(id in tool(*arguments).out, "the copy has it")


def story_root_leaves_nothing_behind(stack):
    """What root does in a spool of another account is that account's."""
    if os.geteuid() != 0:
        return
    [id] = queued(stack)
    os.chmod(stack.dir, 0o755)
    for folder, _, names in os.walk(stack.spool):
        for name in [".", *names]:
            os.chown(os.path.join(folder, name), 65534, 65534)
    tool = Tool(stack)
    tool("hold", id)
    tool("cancel", id)
    tool("fsck", "--repair")
    tool("rebuild")
    for folder, _, names in os.walk(stack.spool):
        for name in [".", *names]:
            path = os.path.join(folder, name)
            same(os.stat(path).st_uid, 65534, "owner of " + path)


check(BIN, "ELEKTRINE_BIN")
run(globals())
