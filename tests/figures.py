"""What a program shows for monitoring, read as Prometheus reads it."""

import subprocess

from expect import check, same


def samples(text):
    """Values, by what stands before them."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            check(name not in found, name + " stands there once")
            found[name] = float(value)
    return found


def approve(text):
    """What Prometheus' own tool thinks of it."""
    tool = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    same((tool.returncode, tool.stdout + tool.stderr), (0, ""), "promtool")
