"""The file systems under test: the one at hand, and a journaled ext4 that is
made in a loop-mounted file and removed again."""

import contextlib
import os
import shutil
import subprocess
import tempfile

LOOP_GIB = 12


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def describe(folder):
    """Type, source and mount options of the file system that holds FOLDER."""
    fields = run("findmnt", "-n", "-o", "FSTYPE,SOURCE,OPTIONS", "-T",
                 folder).stdout.split()
    kind, source, options = fields[0], fields[1], fields[2]
    if kind == "ext4":
        kind += " with journal" if has_journal(folder) else " without journal"
    return f"{kind} on {source} ({options})"


def has_journal(folder):
    number = os.stat(folder).st_dev
    sysfs = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    name = os.path.basename(os.path.realpath(sysfs))
    return os.path.exists(f"/proc/fs/jbd2/{name}-8")


class Disk:
    """A folder to measure in. Each area of it starts in a block group of its
    own (chattr +T), and nothing is removed before the end where there is no
    journal: there, files deleted a moment ago make creating others slow."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.description = describe(folder)
        self.journal = "without journal" not in self.description
        self.areas = 0
        subprocess.run(["chattr", "+T", folder], capture_output=True)

    def area(self, name):
        self.areas += 1
        path = os.path.join(self.folder, f"{self.areas:03}-{name}")
        os.mkdir(path, 0o755)
        return path

    def drop(self, area, now=False):
        if now or self.journal:
            shutil.rmtree(area, ignore_errors=True)


@contextlib.contextmanager
def here(parent):
    folder = tempfile.mkdtemp(prefix="elektrine-bench-", dir=parent)
    os.chmod(folder, 0o755)
    try:
        yield Disk("here", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def journaled(parent, gib=LOOP_GIB):
    """Written in full beforehand, so that no block is touched for the first
    time while a clock runs."""
    holder = tempfile.mkdtemp(prefix="elektrine-bench-", dir=parent)
    os.chmod(holder, 0o755)
    image, mount = os.path.join(holder, "image"), os.path.join(holder, "disk")
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, holder, ignore_errors=True)
        run("dd", "if=/dev/zero", f"of={image}", "bs=4M",
            f"count={gib * 256}", "conv=fdatasync")
        run("mkfs.ext4", "-q", "-F", "-E",
            "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image)
        device = run("losetup", "--direct-io=on", "-f", "--show",
                     image).stdout.strip()
        undo.callback(subprocess.run, ["losetup", "-d", device])
        os.mkdir(mount)
        run("mount", device, mount)
        undo.callback(subprocess.run, ["umount", mount])
        os.chmod(mount, 0o755)
        yield Disk("journal", mount)
