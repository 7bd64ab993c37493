"""Rows about memory, and about opening a spool that holds a million."""

import contextlib
import http.client
import os
import socket
import subprocess
import time

from . import cpu, load, servers
from .report import Result

IDLE = 5000
BIG = 25 * 1000 * 1000


def open_idle(port, count, stack):
    """COUNT sessions that have read the greeting and said EHLO."""
    for _ in range(count):
        peer = stack.enter_context(socket.create_connection(
            ("127.0.0.1", port), 30))
        peer.recv(512)
        peer.sendall(b"EHLO client.bench.test\r\n")
        peer.recv(1024)


def memory(context):
    area = context.disk.area("memory")
    with servers.Elektrine(area) as server, contextlib.ExitStack() as stack:
        rest = cpu.pss_kib(server.cgroup.members())
        open_idle(server.port, IDLE, stack)
        time.sleep(1)
        idle = cpu.pss_kib(server.cgroup.members())
    with servers.Elektrine(context.disk.area("memory")) as server:
        before = cpu.pss_kib(server.cgroup.members())
        job = load.Load("25 MB, 10 sessions", BIG, 10)
        child = subprocess.Popen(job.command(server.port, 10))
        peak = before
        while child.poll() is None:
            peak = max(peak, cpu.pss_kib(server.cgroup.members()))
            time.sleep(0.01)
        if child.returncode != 0:
            raise RuntimeError("the 25 MB messages were not accepted")
    context.disk.drop(area)
    return [
        Result(f"PSS of smtpd, {IDLE:,} idle connections", "MB",
               "under 60 MB", {"elektrine": [idle / 1024]}, most=60,
               notes=[f"without any connection {rest / 1024:.1f} MB"]),
        Result("PSS of smtpd above idle while ten 25 MB messages stream in",
               "MB", "at most 20 MB",
               {"elektrine": [max((peak - before) / 1024, 0.001)]}, most=20),
    ]


def forget_cache(folder):
    """Drops the index from the page cache, so that it is read from disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0,
                                 os.POSIX_FADV_DONTNEED)


def ask_status(context, spool):
    """Seconds and MB of `elektrine-spool status`."""
    started = time.monotonic()
    child = subprocess.Popen(
        [f"{context.binaries}/elektrine-spool", "--spool", spool, "status"],
        stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        raise RuntimeError(f"status ended with {child.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def opened_by_smtpd(area):
    """Seconds from exec to the greeting, and PSS in MB then."""
    started = time.monotonic()
    with servers.Elektrine(area) as server:
        return (time.monotonic() - started,
                cpu.pss_kib(server.cgroup.members()) / 1024)


def time_status(port, count):
    """Milliseconds of each GET /status, over one connection."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times = []
    for _ in range(count):
        started = time.monotonic()
        client.request("GET", "/status",
                       headers={"X-API-Key": servers.HttpApi.key})
        answer = client.getresponse()
        answer.read()
        times.append((time.monotonic() - started) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"/status answers {answer.status}")
    client.close()
    return sorted(times)


def status(context):
    """/status of the HTTP API while a million messages wait."""
    count = 1000000 // (50 if context.shrink > 1 else 1)
    area = context.disk.area("status")
    with servers.Elektrine(area) as server:
        load.drive(load.Load("0.2 KB, 100 sessions", 200, 100), server, count)
    asked = 3000 // context.shrink
    with servers.HttpApi(area, f"{area}/spool") as server:
        rounds = [time_status(server.port, asked)
                  for _ in range(context.rounds)]
    context.disk.drop(area)
    return [Result(
        f"GET /status with {count:,} queued messages, 99th percentile", "ms",
        "under 20 ms",
        {"elektrine": [times[len(times) * 99 // 100] for times in rounds]},
        most=20,
        notes=[f"median {rounds[0][len(rounds[0]) // 2]:.2f} ms, longest "
               f"{max(times[-1] for times in rounds):.1f} ms"])]


def opening(context):
    """A full spool beside one that holds a single message."""
    count = 1000000 // (50 if context.shrink > 1 else 1)
    full, few = context.disk.area("full"), context.disk.area("few")
    job = load.Load("0.2 KB, 100 sessions", 200, 100)
    for area, messages in ((few, 100), (full, count)):
        with servers.Elektrine(area) as server:
            load.drive(job, server, messages)
    times = {name: [ask_status(context, f"{area}/spool") for _ in range(3)]
             for name, area in (("elektrine", full), ("100 messages", few))}
    forget_cache(f"{full}/spool/index")
    cold, _ = ask_status(context, f"{full}/spool")
    start, pss = opened_by_smtpd(full)
    start_few, pss_few = opened_by_smtpd(few)
    for area in (full, few):
        context.disk.drop(area)
    what = f"a spool with {count:,} queued messages"
    return [
        Result(f"opening {what}: elektrine-spool status", "s", "under 1 s",
               {name: [seconds for seconds, _ in rounds]
                for name, rounds in times.items()}, most=1,
               notes=[f"index not in the page cache: {cold:.3f} s",
                      f"smtpd from start to greeting: {start:.2f} s, PSS "
                      f"{pss:.1f} MB (100 messages: {start_few:.2f} s, "
                      f"{pss_few:.1f} MB)"]),
        Result(f"memory of status on {what}", "MB",
               "not growing with the queue",
               {name: [rss for _, rss in rounds]
                for name, rounds in times.items()}, "100 messages",
               most=1.5),
    ]
