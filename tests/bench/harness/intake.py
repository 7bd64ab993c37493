"""Rows about taking mail in: rate, processor time and latency, ours beside
Postfix, a sink that stores nothing, and the disk without SMTP."""

import contextlib
import statistics
import subprocess

from . import load, servers
from .report import Result

LOADS = {
    "intake": load.Load("4 KB, 100 sessions that stay open", 4096, 100),
    "serial": load.Load("4 KB, 1 session, one after the other", 4096, 1),
    "64k": load.Load("64 KB, 100 sessions", 65536, 100),
    "1m": load.Load("1 MB, 10 sessions", 1 << 20, 10),
    "connect": load.Load("4 KB, one connection per message, 100 at once",
                         4096, 100, stay=False),
}
TARGETS = {
    "intake": ("5 × Postfix", 5),
    "serial": ("no slower than Postfix", 1),
    "64k": ("4 × Postfix", 4),
    "1m": ("3 × Postfix", 3),
    "connect": ("4 × Postfix", 4),
}


@contextlib.contextmanager
def contenders(context, kinds):
    """Starts one server of each kind; removes what they stored."""
    areas = [context.disk.area(kind.name) for kind in kinds]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(kind(area))
               for kind, area in zip(kinds, areas)]
    for area in areas:
        context.disk.drop(area)


def kinds_at_hand(context):
    kinds = [servers.Postfix, servers.SmtpSink]
    return ([servers.Elektrine] if context.built else []) + kinds


def disk_alone(context, job):
    """The spool's own pattern of files and flushes, without SMTP."""
    area = context.disk.area("disk")
    command = [f"{context.binaries}/disk_pattern", "--pattern", "link",
               "--size", str(job.size), "--seconds", str(context.seconds)]
    if job.sessions == 1:
        command += ["--sync", "each", "--group", "1", "--creators", "0"]
    else:
        command += ["--sync", "syncfs", "--names-first",
                    "--group", str(job.sessions)]
    line = subprocess.run(command + [f"{area}/spool"], check=True,
                          capture_output=True, text=True).stdout
    context.disk.drop(area)
    fields = dict(pair.split("=") for pair in line.split())
    return float(fields["rate"]), float(fields["cpu_ms"])


def measure(context, job, disk=True):
    """Rounds of all contenders in turn: {name: [Figures]}, disk figures."""
    figures, alone = {}, []
    with contenders(context, kinds_at_hand(context)) as running:
        counts = {server: load.count_for(job, server, context.seconds)
                  for server in running}
        for _ in range(context.rounds):
            for server in running:
                figures.setdefault(server.name, []).append(
                    load.drive(job, server, counts[server]))
            if disk:
                alone.append(disk_alone(context, job))
    return figures, alone


def of(figures, field):
    return {name: [getattr(round_, field) for round_ in rounds]
            for name, rounds in figures.items()}


def median(figures, name, field):
    return statistics.median(getattr(round_, field)
                             for round_ in figures[name])


def rate_result(name, figures, alone):
    target, least = TARGETS[name]
    values = of(figures, "rate")
    if alone:
        values["disk alone"] = [rate for rate, _ in alone]
    result = Result(f"durable intake, {LOADS[name].name}", "messages/s",
                    target, values, "postfix", least)
    for server in figures:
        result.notes.append(
            f"{server}: ms of CPU a message: server "
            f"{median(figures, server, 'server'):.3f} (user "
            f"{median(figures, server, 'user'):.3f}, system "
            f"{median(figures, server, 'system'):.3f}), generator "
            f"{median(figures, server, 'generator'):.3f}, kernel threads "
            f"{median(figures, server, 'kernel'):.3f}; flushes a message "
            f"{median(figures, server, 'flushes'):.2f}")
    return result


def intake(context):
    figures, alone = measure(context, LOADS["intake"])
    results = [rate_result("intake", figures, alone)]
    rates = of(figures, "rate")
    results.append(Result(
        "the same against smtp-sink, which stores nothing", "messages/s",
        "aim: 0.5 × smtp-sink",
        {name: rates[name] for name in ("elektrine", "smtp-sink")
         if name in rates}, "smtp-sink", 0.5))
    values = of(figures, "server")
    values["disk alone"] = [cpu for _, cpu in alone]
    results.append(Result(
        "server CPU per accepted message, 4 KB, 100 sessions", "ms",
        "under 0.15 ms", values, most=0.15,
        notes=["user and system of the server's cgroup; generator and "
               "kernel threads as above"]))
    return results


def other(name):
    def row(context):
        disk = name != "connect"
        return [rate_result(name, *measure(context, LOADS[name], disk))]
    return row


def ask_latency(context, server, sessions, messages):
    line = subprocess.run(
        [f"{context.binaries}/smtp_latency", "--sessions", str(sessions),
         "--messages", str(messages), str(server.port)],
        check=True, capture_output=True, text=True).stdout
    return dict(pair.split("=") for pair in line.split())


def latency(context):
    """Of the 250, from the last byte of the message."""
    found = {}
    kinds = [kind for kind in kinds_at_hand(context)
             if kind is not servers.SmtpSink]
    with contenders(context, kinds) as running:
        for server in running:
            ask_latency(context, server, 50, 500)
        for _ in range(context.rounds):
            for sessions, messages in ((1, 1000), (50, 5000)):
                for server in running:
                    fields = ask_latency(context, server, sessions,
                                         messages // context.shrink)
                    for part in ("p50_ms", "p99_ms"):
                        found.setdefault((sessions, part), {}).setdefault(
                            server.name, []).append(float(fields[part]))
    what = "latency of the 250 after end of data, 4 KB"
    return [
        Result(f"{what}, 1 session, p50", "ms", "no worse than Postfix",
               found[1, "p50_ms"], "postfix", most=1.0),
        Result(f"{what}, 1 session, p99", "ms", "", found[1, "p99_ms"]),
        Result(f"{what}, 50 sessions, p50", "ms", "", found[50, "p50_ms"]),
        Result(f"{what}, 50 sessions, p99", "ms", "under 15 ms",
               found[50, "p99_ms"], most=15),
    ]
