"""Cuts the power of a disk under a spool at random moments.

A file system in a loop-mounted file is shut down by its own ioctl, without
flushing anything (EXT4_IOC_SHUTDOWN, NOLOGFLUSH): what was not synced is gone,
as after a power cut, also to the kernel. Then it is repaired as at boot,
mounted again, and every message that was acknowledged must be readable with
its hash right, or have been posted. On ext4 with and without a journal.

Needs root, loop devices and e2fsprogs; otherwise it is skipped (exit 77).
"""

import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2
ROUNDS = int(os.environ.get("POWER_CUTS", "4"))
WORKER = os.path.join(os.environ["ELEKTRINE_BIN"], "spool_worker")


def run(*command, allowed=(0,)):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in allowed:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")


class Disk:
    """An ext4 in a file, mounted through a loop device."""

    def __init__(self, folder, features):
        self.image = os.path.join(folder, "disk.img")
        self.mounted_at = os.path.join(folder, "mnt")
        os.mkdir(self.mounted_at)
        with open(self.image, "wb") as image:
            image.truncate(512 << 20)
        run("mkfs.ext4", "-q", "-F", "-O", features, self.image)

    def mount(self):
        run("mount", "-o", "loop", self.image, self.mounted_at)

    def cut(self):
        fd = os.open(self.mounted_at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        for _ in range(100):
            if subprocess.run(["umount", self.mounted_at],
                              capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        run("umount", self.mounted_at)

    def repair(self):
        # 1 and 2: errors were corrected.
        run("e2fsck", "-fy", self.image, allowed=(0, 1, 2))


class Worker:
    """A spool_worker whose lines are collected as they come."""

    def __init__(self, verb, spool):
        self.lines = []
        self.process = subprocess.Popen(
            [WORKER, verb, spool], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.split())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def ids(self, verb):
        return {line[1] for line in self.lines
                if len(line) == 2 and line[0] == verb and len(line[1]) == 26}


def check(spool, ids):
    done = subprocess.run([WORKER, "check", spool], text=True,
                          input="".join(f"{i}\n" for i in sorted(ids)),
                          capture_output=True)
    if done.returncode not in (0, 1) or (done.returncode == 1
                                         and not done.stdout):
        raise RuntimeError(f"check: {done.returncode} {done.stderr}")
    bad = [line.split() for line in done.stdout.splitlines()]
    return ({line[1] for line in bad if line[0] == "gone"},
            {line[1] for line in bad if line[0] == "damaged"})


def one_file_system(folder, features):
    disk = Disk(folder, features)
    spool = os.path.join(disk.mounted_at, "spool")
    acked, posted = set(), set()
    for number in range(ROUNDS):
        disk.mount()
        workers = [Worker("put", spool), Worker("put", spool)]
        if number % 2 == 1:
            workers.append(Worker("deliver", spool))
        # Not before something was acknowledged.
        deadline = time.time() + 30
        while not workers[0].ids("ack") and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(random.uniform(0.05, 1.0))
        disk.cut()
        for worker in workers:
            worker.kill()
            acked |= worker.ids("ack")
            posted |= worker.ids("post")
        disk.unmount()
        disk.repair()
        disk.mount()
        gone, damaged = check(spool, acked)
        disk.unmount()
        lost = gone - posted
        print(f"{features}: cut {number + 1}: {len(acked)} acknowledged, "
              f"{len(posted)} posted, {len(lost)} lost, "
              f"{len(damaged)} damaged", flush=True)
        if lost or damaged or not acked:
            print("lost:", sorted(lost)[:5], "damaged:", sorted(damaged)[:5])
            return False
        acked -= gone
    return True


def main():
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        print("skipped: needs root and e2fsprogs")
        return 77
    if subprocess.run(["losetup", "-f"], capture_output=True).returncode != 0:
        print("skipped: no loop devices here")
        return 77
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    random.seed(seed)
    print(f"SEED={seed}")
    good = True
    for features in ("has_journal", "^has_journal"):
        folder = tempfile.mkdtemp(prefix="elektrine-power-")
        try:
            good = one_file_system(folder, features) and good
        finally:
            subprocess.run(["umount", "-q", os.path.join(folder, "mnt")])
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


sys.exit(main())
