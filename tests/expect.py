"""What the stories of all tests say of what they see."""

import os
import time

# Everything is slower under a sanitizer, or while others use the machine.
PATIENCE = float(os.environ.get("ELEKTRINE_PATIENCE", "20"))
# No test asks this machine's resolver.
OFF = {"CHECK_" + name: "off" for name in (
    "FCRDNS", "HELO", "SENDER_DOMAIN", "SPF", "DKIM", "DMARC", "ARC")}
OFF["SPF_PROTECT_LOCAL"] = "false"


class Failed(Exception):
    """It did not go as it should."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def same(got, want, what):
    if got != want:
        raise Failed("%s: %r instead of %r" % (what, got, want))


def eventually(condition, what, patience=PATIENCE):
    """Waits until condition() gives something true, and returns that."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("not within %g s: %s" % (patience, what))
        time.sleep(0.01)
