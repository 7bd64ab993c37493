"""Who used the processor: a server's cgroup, children, the kernel's threads."""

import os
import time

V1 = "/sys/fs/cgroup/cpuacct"
V2 = "/sys/fs/cgroup"


class Cgroup:
    """A control group for one server, version 1 (cpuacct) or 2."""

    def __init__(self, name):
        self.v1 = os.path.isdir(V1)
        self.path = os.path.join(V1 if self.v1 else V2,
                                 f"elektrine-bench-{os.getpid()}-{name}")
        os.mkdir(self.path)

    def join(self):
        """Called in a child before it becomes the server."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    def seconds(self):
        """User and system time of all members, past ones too."""
        if self.v1:
            return tuple(int(self._read(f"cpuacct.usage_{kind}")) / 1e9
                         for kind in ("user", "sys"))
        fields = dict(line.split() for line in
                      self._read("cpu.stat").splitlines())
        return tuple(int(fields[f"{kind}_usec"]) / 1e6
                     for kind in ("user", "system"))

    def members(self):
        return [int(pid) for pid in self._read("cgroup.procs").split()]

    def remove(self):
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)

    def _read(self, name):
        with open(os.path.join(self.path, name)) as file:
            return file.read()


def kernel_threads():
    """Processor seconds of all kernel threads: write-back, journal, loop
    device, soft interrupts."""
    total = 0
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open(f"/proc/{pid}/stat") as file:
                parent = file.read().rpartition(")")[2].split()[1]
            if parent == "2":
                with open(f"/proc/{pid}/schedstat") as file:
                    total += int(file.read().split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total / 1e9


def pss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total
