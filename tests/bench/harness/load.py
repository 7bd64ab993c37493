"""One load on one server: how fast, and whose processor time it took."""

import dataclasses
import os
import subprocess
import time

from . import cpu, disks
from .servers import RECIPIENT, SENDER


@dataclasses.dataclass
class Load:
    name: str
    size: int
    sessions: int
    stay: bool = True  # sessions stay open; otherwise one message each

    def command(self, port, count, file=None):
        command = ["smtp-source", "-s", str(self.sessions), "-m", str(count),
                   "-f", SENDER, "-t", RECIPIENT, "-M", "client.bench.test",
                   "-C", "20"]
        command += ["-F", file] if file else ["-l", str(self.size)]
        command += ["-d"] if self.stay else []
        return command + [f"127.0.0.1:{port}"]


@dataclasses.dataclass
class Figures:
    """Of one round. Times are milliseconds of processor time a message."""
    rate: float
    server: float
    user: float
    system: float
    generator: float
    kernel: float
    flushes: float  # of the device, a message


def drive(load, server, count, file=None):
    """Sends COUNT messages to SERVER."""
    user, system = server.cgroup.seconds()
    kernel = cpu.kernel_threads()
    flushes = disks.flushes(server.area)
    started = time.monotonic()
    child = subprocess.Popen(load.command(server.port, count, file),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if child.returncode is None:
            child.kill()
            child.wait()
    seconds = time.monotonic() - started
    if status != 0 or said:
        raise RuntimeError(f"smtp-source against {server.name}: "
                           f"{said.decode(errors='replace').strip()[:300]}")
    user_end, system_end = server.cgroup.seconds()
    scale = 1e3 / count
    return Figures(
        rate=count / seconds,
        server=(user_end - user + system_end - system) * scale,
        user=(user_end - user) * scale,
        system=(system_end - system) * scale,
        generator=(usage.ru_utime + usage.ru_stime) * scale,
        kernel=(cpu.kernel_threads() - kernel) * scale,
        flushes=(disks.flushes(server.area) - flushes) / count)


def count_for(load, server, seconds):
    """How many messages keep SERVER busy for SECONDS; warms it up, too."""
    count = max(2 * load.sessions, 50)
    while True:
        rate = drive(load, server, count).rate
        if count / rate > min(1.0, seconds / 3):
            return max(int(rate * seconds), load.sessions)
        count = max(2 * count, int(rate * min(1.2, seconds / 2)))
