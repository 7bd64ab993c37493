"""The file systems under test: the one at hand, and a journaled ext4 that is
made in a loop-mounted file and removed again."""

import concurrent.futures
import contextlib
import os
import subprocess
import tempfile
import time

LOOP_GIB = 16
LOOP_INODES = 2000000  # room for a million messages and their names
REMOVERS = 16


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def device_of(folder):
    number = os.stat(folder).st_dev
    return f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"


def has_journal(folder):
    name = os.path.basename(os.path.realpath(device_of(folder)))
    return os.path.exists(f"/proc/fs/jbd2/{name}-8")


def describe(folder):
    """Type, source and mount options of the file system that holds FOLDER."""
    kind, source, options = run("findmnt", "-n", "-o", "FSTYPE,SOURCE,OPTIONS",
                                "-T", folder).stdout.split()
    if kind == "ext4":
        kind += " with journal" if has_journal(folder) else " without journal"
    return f"{kind}, {source}, {options}"


def flushes(folder):
    """Flush requests that the device has completed so far."""
    try:
        with open(f"{device_of(folder)}/stat") as file:
            return int(file.read().split()[15])
    except (OSError, IndexError):
        return 0


def remove(folder):
    """Removes a tree with several threads: where the file system is mounted
    with discard, each removal waits for a trim."""
    with concurrent.futures.ThreadPoolExecutor(REMOVERS) as pool:
        for path, _, names in os.walk(folder):
            files = (os.path.join(path, name) for name in names)
            for _ in pool.map(os.unlink, files):
                pass
    for path, folders, _ in os.walk(folder, topdown=False):
        os.rmdir(path)


class Disk:
    """A folder to measure in. Each area of it starts in a block group of its
    own (chattr +T), and nothing is removed before the end where there is no
    journal: there, files deleted a moment ago make creating others slow."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.description = describe(folder)
        self.areas = 0
        subprocess.run(["chattr", "+T", folder], capture_output=True)

    def area(self, name):
        self.areas += 1
        path = os.path.join(self.folder, f"{self.areas:03}-{name}")
        os.mkdir(path, 0o755)
        return path

    def drop(self, area):
        if "without journal" not in self.description:
            remove(area)

    def bandwidth(self, mib=1024):
        """MB/s of one sequential write, the second time."""
        path = os.path.join(self.folder, "sequential")
        block = bytes(1 << 20)
        for _ in range(2):
            started = time.monotonic()
            with open(path, "wb") as file:
                for _ in range(mib):
                    file.write(block)
                file.flush()
                os.fdatasync(file.fileno())
            rate = mib * 1.048576 / (time.monotonic() - started)
        os.unlink(path)
        return rate


def holder(parent, undo):
    folder = tempfile.mkdtemp(prefix="elektrine-bench-", dir=parent)
    undo.callback(remove, folder)
    os.chmod(folder, 0o755)  # Postfix has a user of its own
    return folder


@contextlib.contextmanager
def here(parent):
    with contextlib.ExitStack() as undo:
        yield Disk("here", holder(parent, undo))


@contextlib.contextmanager
def journaled(parent, gib=LOOP_GIB):
    """Written in full beforehand, so that no block is touched for the first
    time while a clock runs."""
    with contextlib.ExitStack() as undo:
        folder = holder(parent, undo)
        image, mount = os.path.join(folder, "image"), f"{folder}/disk"
        run("dd", "if=/dev/zero", f"of={image}", "bs=4M",
            f"count={gib * 256}", "conv=fdatasync")
        run("mkfs.ext4", "-q", "-F", "-N", str(LOOP_INODES), "-E",
            "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image)
        device = run("losetup", "--direct-io=on", "-f", "--show",
                     image).stdout.strip()
        undo.callback(subprocess.run, ["losetup", "-d", device])
        os.mkdir(mount)
        run("mount", device, mount)
        undo.callback(subprocess.run, ["umount", mount])
        os.chmod(mount, 0o755)
        yield Disk("journal", mount)
