#!/usr/bin/python3
"""Checks what the compiler cannot: the direction of the arrows between the
folders, which file may use which library, functions that are banned, and the
length of files. Prints one line per fault; takes a tenth of a second.

usage: lint_layers.py [ROOT]
"""
import pathlib
import re
import sys

# A folder may include headers of those that stand in its row.
LAYERS = {
    "base": {"base"},
    "mail": {"base", "mail"},
    "spool": {"base", "mail", "spool"},
    "smtpd": {"base", "mail", "spool", "smtpd"},
    "deliver": {"base", "mail", "spool", "deliver"},
    "httpapi": {"base", "mail", "spool", "httpapi"},
}
# A program of its own in the spool's folder: it also shows payloads, and explains checks.
CLI = "spool/cli"
LAYERS_OF_CLI = {"base", "mail", "spool", "smtpd", "deliver"}
# All that others may see of the spool.
FACADE = {"spool/spool.h", "spool/operator.h", "spool/id.h",
          "spool/announced.h"}
FACADE_USERS = {"smtpd", "deliver", "httpapi"}

# A library hides behind one module: header -> where it may be included.
LIBRARIES = {
    r"lmdb\.h": r"spool/index(_\w+)?\.[ch]",
    r"curl/.*": r"base/http_client(_\w+)?\.[ch]",
    r"hiredis/.*|hiredis\.h|async\.h": r"base/redis(_\w+)?\.[ch]",
    r"ares(_\w+)?\.h": r"base/dns(_\w+)?\.[ch]",
    r"ini\.h": r"base/config_ini\.c",
    r"event2/.*": r"base/loop(_\w+)?\.[ch]",
    r"openssl/ssl\.h": r"base/tls(_\w+)?\.[ch]",
    r"microhttpd\.h": r"base/ops_server\.c|httpapi/.*",
}

BANNED = "strcpy strcat sprintf vsprintf strtok gets atoi system popen".split()
# Durability has one door, base/os.c, where tests can count and break it.
DURABLE = """rename renameat renameat2 link linkat unlink unlinkat fsync
    fdatasync syncfs""".split()

FILE_LINES = 800

NOT_CODE = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def blank(match):
    """Comments and strings go, their line breaks stay."""
    return "".join(c if c == "\n" else " " for c in match.group())


def check_includes(path, text):
    layer = path.split("/")[0]
    for match in INCLUDE.finditer(text):
        header = match.group(2)
        line = text.count("\n", 0, match.start()) + 1
        for wanted, home in LIBRARIES.items():
            if (layer in LAYERS and match.group(1) == "<"
                    and re.fullmatch(wanted, header)
                    and not re.fullmatch(home, path)):
                yield line, f"<{header}> belongs to {home} alone"
        target = header.split("/")[0]
        if match.group(1) == "<" or target not in LAYERS:
            continue
        allowed = (LAYERS_OF_CLI if path.startswith(CLI + "/")
                   else LAYERS.get(layer))
        if allowed is not None and target not in allowed:
            yield line, f"{layer} must not know {target} ({header})"
        elif (layer in FACADE_USERS and target == "spool"
                and header not in FACADE):
            yield line, f"{header} is private to spool"
        if header.endswith(".c"):
            yield line, f"{header} is a source: link its library"


def check_calls(path, text):
    code = NOT_CODE.sub(blank, text)
    words = list(BANNED)
    if path.split("/")[0] in LAYERS and path != "base/os.c":
        words += DURABLE
    calls = re.compile(r"(?<![\w.>])(" + "|".join(words) + r")\s*\(")
    for match in calls.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        yield line, f"{match.group(1)}() is banned here"


def check_file(path, text):
    yield from check_includes(path, text)
    yield from check_calls(path, text)
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield lines, f"the file is longer than {FILE_LINES} lines: split it"


def sources(root):
    for folder in ["include", *LAYERS, "tests", "fuzz"]:
        yield from sorted((root / folder).rglob("*.[ch]"))


def self_test():
    """A checker that finds nothing must be known to look."""
    bad = [
        ("base/x.c", '#include "mail/header.h"\n'),
        ("smtpd/x.c", '#include "deliver/attempt.h"\n'),
        ("smtpd/x.c", '#include "spool/index.h"\n'),
        ("spool/x.c", '#include "deliver/payload.h"\n'),
        ("spool/cli/x.c", '#include "httpapi/router.h"\n'),
        ("mail/x.c", "#include <curl/curl.h>\n"),
        ("mail/x.c", "int f(void) { return atoi(s); }\n"),
        ("spool/x.c", "if (rename(a, b) != 0)\n"),
        ("tests/x.c", "strcpy (a, b);\n"),
        ("mail/x.c", "\n" * 801),
    ]
    good = [
        ("smtpd/x.c", '#include "spool/spool.h"\n#include <spool/q.h>\n'),
        ("spool/cli/x.c", '#include "deliver/payload.h"\n'),
        ("spool/cli/x.c", '#include "smtpd/explain.h"\n'),
        ("base/os.c", "rename(a, b);\n"),
        ("tests/x.c", "unlink(path);\n#include <lmdb.h>\n"),
        ("mail/x.c", '/* system() */ "atoi(x)" // gets(x)\n'),
        ("mail/x.c", "os_rename(a); file->link(b); x_strcpy(a);\n"),
    ]
    for path, text in bad:
        assert list(check_file(path, text)), f"missed in {path}: {text}"
    for path, text in good:
        found = list(check_file(path, text))
        assert not found, f"wrong in {path}: {text}: {found}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    self_test()
    faults = seen = 0
    for source in sources(root):
        seen += 1
        path = source.relative_to(root).as_posix()
        for line, fault in check_file(path, source.read_text()):
            print(f"{path}:{line}: {fault}")
            faults += 1
    print(f"{seen} files, {faults} faults")
    return 1 if faults or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
