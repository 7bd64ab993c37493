"""Stories about one program, each in a folder of its own and told at the same
time as the others: they wait most of it."""
import concurrent.futures
import os
import pathlib
import sys
import tempfile


def told(story):
    """What went wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="chat-") as folder:
        # Scanners give up their rights.
        os.chmod(folder, 0o755)
        try:
            story(pathlib.Path(folder))
            return None
        except Exception as error:
            return "%s: %s" % (type(error).__name__, error)


def tell(*stories):
    """Those that the command line names, or all; the exit code."""
    wanted = [story for story in stories
              if len(sys.argv) < 2 or story.__name__ in sys.argv[1:]]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
        for story, fault in zip(wanted, pool.map(told, wanted)):
            if fault:
                failed += 1
                print("FAILED %s: %s" % (story.__name__, fault))
    print("%d stories told, %d failed" % (len(wanted), failed))
    return 1 if failed else 0
