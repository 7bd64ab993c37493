"""The parts of a mail, found by the words of RFC 2046 and of what this project
promises beyond them: another reader beside the two that are compared, small
enough to be checked by eye. It says where things lie, for repairs.py."""
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

DEPTH = 32  # LIMIT_MIME_DEPTH in include/bounds.h
FIELD = re.compile(rb"[^\x00-\x20\x7f:]+[ \t]*:")
LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")


@dataclass(eq=False)
class Part:
    start: int  # of the header
    body: int = 0
    end: int = 0
    parent: "Part" = None
    fields: dict = field(default_factory=dict)  # name -> (start, end)
    bare: bool = False  # no empty line ends the header
    boundary: bytes = b""
    children: list = field(default_factory=list)
    newline: bytes = b"\r\n"
    missing: list = field(default_factory=list)  # where it was left open

    def type(self, source):
        value = self.value(source, "content-type")
        value = re.sub(rb"\([^)]*\)", b"", value.split(b";")[0])
        match = re.match(rb"\s*\"?\s*([^\s;,\"]*)(?:\s*/\s*([^\s;,\"]+))?",
                         value)
        return b"/".join(piece for piece in match.groups() if piece).lower()

    def value(self, source, name):
        """A field's value, unfolded; b"" if there is none."""
        if name not in self.fields:
            return b""
        start, end = self.fields[name]
        line = source[start:end].replace(b"\0", b"")
        return re.sub(rb"\r?\n[ \t]*", b" ",
                      line.partition(b":")[2]).strip()

    def parameter(self, source, name):
        value = self.value(source, "content-type")
        found = re.findall(
            rb';\s*' + name + rb'\s*=\s*((?:"(?:[^"\\]|\\.)*"|[^;"])*)',
            value, re.I)
        if not found:
            found = re.findall(rb";\s*" + name + rb"\*=[^';]*'[^';]*'([^;\s]*)",
                               value, re.I)
            return unquote_to_bytes(found[-1]) if found else b""
        text = re.sub(rb'(?<!\\)"', b"", found[-1]).strip()
        return re.sub(rb"\\(.)", rb"\1", text)

    def encoding(self, source):
        value = self.value(source, "content-transfer-encoding")
        value = re.sub(rb"\([^)]*\)", b"", value).split(b";")[0]
        return value.strip().lower()

    def leaf(self):
        return not self.children

    def ancestors(self):
        return [] if self.parent is None else [
            self.parent, *self.parent.ancestors()]


class Reader:
    def __init__(self, source):
        self.source = source
        self.lines = [match.span() for match in LINE.finditer(source)]
        self.parts = []
        self.open = []       # multiparts, outermost first
        self.delimiters = []  # (start, end, whose) of lines that are one
        self.at = 0
        self.read()

    def delimiter(self, line):
        """(level, closing) of a line that is a delimiter."""
        text = line.rstrip(b" \t\r\n")
        if text[:2] != b"--":
            return None
        for level in range(len(self.open) - 1, -1, -1):
            name = self.open[level].boundary
            if text[2:] == name:
                return level, False
            if text[2:] == name + b"--":
                return level, True
        return None

    def read(self):
        self.begin(None, 0)
        while self.at < len(self.lines):
            start, end = self.lines[self.at]
            found = self.delimiter(self.source[start:end])
            self.at += 1
            if found is None:
                continue
            self.delimiters.append((start, end, self.open[found[0]]))
            self.finish(found[0], start)
            if not found[1]:
                self.begin(self.open[-1], end)

    def finish(self, level, at):
        """Everything inside of this level ends before a delimiter."""
        newline = 0
        if self.source[at - 1:at] == b"\n":
            newline = 2 if self.source[at - 2:at] == b"\r\n" else 1
        outer = self.open[level]
        for part in reversed(self.parts):
            if part is outer:
                break
            if part.end == len(self.source) and outer in part.ancestors():
                part.end = max(part.body, at - newline)
        for part in self.open[level + 1:]:
            if part.children and not part.missing:
                part.missing.append(at)
        del self.open[level + 1:]

    def begin(self, parent, start):
        part = Part(start, end=len(self.source), parent=parent)
        self.parts.append(part)
        if parent is not None:
            parent.children.append(part)
        self.header(part)
        kind = part.type(self.source)
        part.boundary = part.parameter(self.source, b"boundary")
        if part.boundary and kind.startswith((b"multipart/", b"text/")) and \
                len(self.open) < DEPTH:
            self.open.append(part)

    def header(self, part):
        """Reads fields up to the empty line, or to where they end."""
        last = junk = None
        while self.at < len(self.lines):
            start, end = self.lines[self.at]
            line = self.source[start:end]
            if line in (b"\n", b"\r\n"):
                part.newline = line
                part.body = end
                self.at += 1
                return
            if self.delimiter(line) is not None:
                break
            if FIELD.match(line):
                last = line.partition(b":")[0].strip().lower().decode(
                    "latin-1")
                part.fields.setdefault(last, (start, end))
                here = part.fields[last][0] == start
            elif line[:1] in b" \t" and last is not None:
                if here:
                    part.fields[last] = (part.fields[last][0], end)
            else:
                last = None
            mailbox = start == part.start and \
                line.lower().startswith(b"from ")
            if last is None and junk is None and not mailbox:
                junk = self.at
            self.at += 1
        part.bare = True
        if junk is not None:
            self.at = junk
        part.body = (self.lines[self.at][0] if self.at < len(self.lines)
                     else len(self.source))
        part.end = max(part.end, part.body)
