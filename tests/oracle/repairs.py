"""Deliberate differences that lie in how a mail is read: each repair takes a
mail that mailparser reads otherwise than we promise to, and writes down what
it means, so that mailparser says of the repaired mail what we say of the first
one. A repair that changes nothing does not apply.

Each is a function of the mail's bytes and of its structure that yields edits
(start, end, replacement). DIFFERENCES.md has the reasons, by the same names.
"""
import base64
import binascii
import re

from charsets import (CODES, JAPANESE, LABELS, LACKING, WINDOWS,
                      broken_japanese, from_iso_2022_jp, lacking, one_code)
from structure import Reader

REPAIRS = []


def repair(function):
    REPAIRS.append(function)
    return function


def apply(function, source):
    """The repaired mail; the same if there is nothing to repair. Of edits at
    one place what comes first stands first."""
    edits = dict.fromkeys(function(source, Reader(source)))
    for start, end, replacement in reversed(sorted(
            edits, key=lambda edit: edit[:2])):
        source = source[:start] + replacement + source[end:]
    return source


def set_field(source, part, name, value):
    """Another value for a field, or a field where there is none."""
    line = name.title().encode() + b": " + value + part.newline
    if name in part.fields:
        return (*part.fields[name], line)
    return part.start, part.start, line


def set_parameter(source, part, name, value):
    start, end = part.fields["content-type"]
    line = source[start:end]
    return start, end, re.sub(
        rb'(;\s*' + name + rb'\s*=\s*)("[^"]*"|[^;\r\n]*)',
        lambda match: match[1] + value, line, flags=re.I)


def texts(source, reader):
    """The leaves that readers see."""
    return [part for part in reader.parts if part.leaf() and
            kind_of(source, part) in (
                b"text/plain", b"text/html", b"message/delivery-status",
                b"text/rfc822-headers") and
            part.value(source, "content-disposition").partition(
                b";")[0].lower().strip() in (b"", b"inline")]


def kind_of(source, part):
    """An empty type is none, a missing one is text."""
    missing = part.parent is None or "content-type" not in part.fields
    return part.type(source) or (b"text/plain" if missing else b"")


def base64_bytes(data):
    """Up to the padding, without strangers."""
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data.partition(b"=")[0])
    if len(data) % 4 == 1:
        data = data[:-1]
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def decoded(source, part):
    """A leaf's bytes without their transfer encoding."""
    data = source[part.body:part.end]
    encoding = part.encoding(source)
    if encoding == b"base64":
        return base64_bytes(data)
    if encoding == b"quoted-printable":
        data = re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", data)
        data = re.sub(rb"=(?:\r?\n|\Z)", b"", data)
        return re.sub(rb"=([0-9A-Fa-f]{2})",
                      lambda match: binascii.unhexlify(match[1]), data)
    return data


def rewrite(source, part, data):
    """A leaf with other bytes, as base64."""
    yield set_field(source, part, "content-transfer-encoding", b"base64")
    yield part.body, part.end, base64.b64encode(data)


@repair
def nul_in_mime_fields(source, reader):
    for part in reader.parts:
        for name, (start, end) in part.fields.items():
            if b"\0" in source[start:end] and name.startswith("content-"):
                yield start, end, source[start:end].replace(b"\0", b"")


@repair
def parameters_without_value(source, reader):
    """mailparser takes them, with what follows, for the next one's name."""
    for part in reader.parts:
        for name, (start, end) in part.fields.items():
            if name in ("content-type", "content-disposition"):
                line = source[start:end]
                yield start, end, re.sub(rb";[^=;\"]*(?=;)", b"", line)


@repair
def boundary_with_a_charset(source, reader):
    for part in reader.parts:
        if b"boundary*=" in part.value(source, "content-type").lower():
            start, end = part.fields["content-type"]
            yield start, end, re.sub(
                rb"boundary\*=[^;\s]*", lambda _: b'boundary="' +
                part.boundary + b'"', source[start:end], flags=re.I)


@repair
def blanks_behind_boundary(source, reader):
    for start, end, _ in reader.delimiters:
        line = source[start:end]
        text = line.rstrip(b" \t\r\n")
        ending = line[len(line.rstrip(b"\r\n")):]
        if line[len(text):] != ending:
            yield start, end, text + ending


@repair
def same_boundary_inside(source, reader):
    """A delimiter is that of the innermost multipart which has it."""
    twice = [part for part in reader.parts if part.boundary and any(
        outer.boundary == part.boundary for outer in part.ancestors())]
    for number, part in enumerate(twice):
        name = b"=_inner%d" % number
        yield set_parameter(source, part, b"boundary", b'"' + name + b'"')
        for start, _, owner in reader.delimiters:
            if owner is part:
                yield start + 2, start + 2 + len(part.boundary), name


@repair
def missing_inner_boundary(source, reader):
    for part in reversed(reader.parts):
        for at in part.missing:
            yield at, at, b"--" + part.boundary + b"--" + part.newline


@repair
def folds_of_nothing(source, reader):
    """A header that begins with a continuation: of what, nobody knows."""
    for part in reader.parts:
        match = re.compile(rb"(?:[ \t][^\n]*\n)+").match(source, part.start)
        if match and match.end() <= part.body:
            yield *match.span(), b""


@repair
def no_empty_line(source, reader):
    for part in reader.parts:
        if part.bare and source[part.body:] == b"\r":
            yield part.body, len(source), b""  # half of one
        elif part.bare:
            yield part.body, part.body, part.newline


@repair
def multipart_without_parts(source, reader):
    for part in reader.parts:
        if part.leaf() and part.type(source).startswith(b"multipart/"):
            start, end = part.fields["content-type"]
            line = re.sub(rb"multipart/[^\s;]*", b"text/plain",
                          source[start:end], count=1, flags=re.I)
            yield start, end, re.sub(rb"boundary(?=\s*=)", b"none", line,
                                     flags=re.I)


@repair
def embedded_message(source, reader):
    for part in reader.parts:
        value = part.value(source, "content-disposition")
        if part.type(source) == b"message/rfc822" and \
                value.lower().startswith(b"inline"):
            yield set_field(source, part, "content-disposition",
                            b"attachment" + value[len("inline"):])


@repair
def returned_headers_are_text(source, reader):
    for part in reader.parts:
        if part.type(source) != b"text/rfc822-headers" or not part.parent:
            continue
        copy = source[part.start:part.end]
        copy = copy.replace(b"rfc822-headers", b"plain", 1)
        yield part.start, part.start, copy + part.newline + b"--" + \
            part.parent.boundary + part.newline


@repair
def comments_and_blanks_in_types(source, reader):
    for part in reader.parts:
        value = part.value(source, "content-type")
        first, semicolon, rest = value.partition(b";")
        kind = part.type(source)
        if kind and first.strip().strip(b'"').lower() != kind:
            yield set_field(source, part, "content-type",
                            kind + semicolon + rest)


@repair
def comments_in_dispositions(source, reader):
    for part in reader.parts:
        if "content-disposition" in part.fields:
            start, end = part.fields["content-disposition"]
            yield start, end, re.sub(rb"(:\s*(?:inline|attachment))\s*"
                                     rb"\([^)]*\)[^;\r\n]*", rb"\1",
                                     source[start:end], flags=re.I)


@repair
def signs_in_encodings(source, reader):
    for part in reader.parts:
        name = part.encoding(source)
        value = part.value(source, "content-transfer-encoding")
        if name in (b"base64", b"quoted-printable") and \
                value.strip().lower() != name:
            yield set_field(source, part, "content-transfer-encoding", name)


@repair
def high_bytes_in_quoted_printable(source, reader):
    for part in reader.parts:
        data = source[part.body:part.end]
        if part.leaf() and part.encoding(source) == b"quoted-printable" \
                and re.search(rb"[\x80-\xff]", data):
            yield part.body, part.end, re.sub(
                rb"[\x80-\xff]", lambda match: b"=%02X" % match[0][0], data)


@repair
def escapes_across_soft_breaks(source, reader):
    """mailparser joins lines before it looks for escapes."""
    for part in reader.parts:
        data = source[part.body:part.end]
        if part.leaf() and part.encoding(source) == b"quoted-printable":
            yield part.body, part.end, re.sub(
                rb"=(?=[0-9A-Fa-f]?=[ \t]*\r?\n)", b"=3D", data)


BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\0\r\n]+)\r?\n", re.M)


def uuencoded(text):
    """(name, content) of each file, as far as its lines are data."""
    files, at = [], 0
    while match := BEGIN.search(text, at):
        content, at = b"", match.end()
        for line in text[at:].splitlines():
            data = uudecoded(line, whole=not content)
            if not data:
                break
            content += data
            at += len(line)
        if content:
            files.append((match[1], content))
    return files


def uudecoded(line, whole):
    count = (line[0] - 32) & 63 if re.fullmatch(rb"[ -`]{2,}", line) else 0
    signs = (count + 2) // 3 * 4
    if len(line) > signs + 2 or (whole and len(line) <= signs):
        return b""
    bits = "".join(f"{(c - 32) & 63:06b}" for c in line[1:])
    bits = bits[:count * 8].ljust(count * 8, "0")
    return int("0" + bits, 2).to_bytes(count, "big")


def escaped(name):
    return re.sub(rb'([\\"])', rb"\\\1", name)


@repair
def uuencoded_files(source, reader):
    """They stay in the text, and are attachments behind it as well."""
    for part in texts(source, reader):
        if kind_of(source, part) != b"text/plain":
            continue
        found = uuencoded(decoded(source, part))
        if not found:
            continue
        boundary = part.parent.boundary if part.parent else b"=_uu"
        if part.parent is None:
            fields = b""
            for name, span in part.fields.items():
                if name.startswith("content-"):
                    yield *span, b""
                    # An empty type is text at the root only.
                    if name != "content-type" or part.type(source):
                        fields += source[slice(*span)]
            # Behind all others: the first line may be a continuation.
            last = max((end for _, end in part.fields.values()),
                       default=part.start)
            yield last, last, b"Content-Type: multipart/mixed; " \
                b"boundary=\"=_uu\"\r\n"
            yield part.body, part.body, b"--=_uu\r\n" + fields + b"\r\n"
        files = b"".join(
            b"\r\n--" + boundary + b"\r\nContent-Type: application/octet-strea"
            b"m\r\nContent-Disposition: attachment; filename=\"" +
            escaped(name) + b"\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.b64encode(content) for name, content in found)
        if part.parent is None:
            files += b"\r\n--=_uu--\r\n"
        yield part.end, part.end, files


@repair
def behind_padding(source, reader):
    """Base64 ends at its padding; what is no base64 is passed over."""
    for part in reader.parts:
        data = source[part.body:part.end]
        if part.leaf() and part.encoding(source) == b"base64" and (
                re.search(rb"=\s*[^=\s]", data) or
                re.search(rb"[^A-Za-z0-9+/=\s]", data) or
                len(re.sub(rb"[\s=]", b"", data)) % 4):
            yield part.body, part.end, base64.b64encode(decoded(source, part))


@repair
def nothing_but_a_line_end(source, reader):
    """mailparser takes the line end before the boundary for the body."""
    for part in reader.parts:
        if part.leaf() and part.parent and part.end == part.body:
            yield from rewrite(source, part, b"")


WORD = re.compile(rb"=\?([!->@-~]+?)(\*[!->@-~]*)?\?([bBqQ])\?([^?]*)\?=")


def words(source, reader):
    """All encoded words in headers."""
    for part in reader.parts:
        yield from WORD.finditer(source, part.start, part.body)


@repair
def labels_that_mailparser_lacks(source, reader):
    for part in texts(source, reader):
        label = part.parameter(source, b"charset").strip().lower()
        if label in LABELS:
            yield set_parameter(source, part, b"charset", LABELS[label])
    for match in words(source, reader):
        if match[1].lower() in LABELS:
            yield *match.span(1), LABELS[match[1].lower()]


def word_bytes(match):
    if match[3] in b"bB":
        return base64_bytes(match[4])
    return re.sub(rb"=([0-9A-Fa-f]{2})",
                  lambda found: binascii.unhexlify(found[1]),
                  match[4].replace(b"_", b" "))


@repair
def charsets_that_mailparser_lacks(source, reader):
    for part in texts(source, reader):
        label = part.parameter(source, b"charset").strip().lower()
        if label in LACKING:
            text = lacking(decoded(source, part), LACKING[label])
            yield set_parameter(source, part, b"charset", b"utf-8")
            yield from rewrite(source, part, text.encode())
    for match in words(source, reader):
        codec = LACKING.get(match[1].lower())
        if codec:
            text = lacking(word_bytes(match), codec).encode()
            yield *match.span(), b"=?utf-8?B?" + base64.b64encode(text) + b"?="


@repair
def latin_sets_are_those_of_windows(source, reader):
    for part in texts(source, reader):
        label = part.parameter(source, b"charset").strip().lower()
        if label in WINDOWS:
            yield set_parameter(source, part, b"charset", WINDOWS[label])


@repair
def garbage_in_iso_2022_jp(source, reader):
    for part in texts(source, reader):
        data = decoded(source, part)
        label = part.parameter(source, b"charset").strip().lower()
        if label.startswith(JAPANESE) and broken_japanese(data):
            yield set_parameter(source, part, b"charset", b"utf-8")
            yield from rewrite(source, part, from_iso_2022_jp(data).encode())
    for match in words(source, reader):
        data = word_bytes(match)
        if match[1].lower().startswith(JAPANESE) and broken_japanese(data):
            yield *match.span(), b"=?utf-8?B?" + base64.b64encode(
                from_iso_2022_jp(data).encode()) + b"?="


@repair
def user_defined_characters(source, reader):
    """As browsers have them, and lone bytes 80."""
    for part in texts(source, reader):
        label = part.parameter(source, b"charset").strip().lower()
        for labels, codec, code in CODES:
            if not label.startswith(labels):
                continue
            text = "".join(one_code(match[0], codec) for match in
                           code.finditer(decoded(source, part)))
            if re.search("[\u20ac\ue000-\uf8ff]", text):
                yield set_parameter(source, part, b"charset", b"utf-8")
                yield from rewrite(source, part, text.encode())


@repair
def high_bytes_in_encoded_words(source, reader):
    for match in words(source, reader):
        if match[3] in b"bB":
            yield *match.span(4), re.sub(rb"[\x80-\xff]", b"", match[4])
        else:
            yield *match.span(4), re.sub(
                rb"[\x80-\xff]", lambda found: b"=%02X" % found[0][0],
                match[4])


@repair
def padding_in_encoded_words(source, reader):
    """mailparser joins the base64 of neighbours before it is decoded."""
    for match in words(source, reader):
        signs = len(re.sub(rb"[^A-Za-z0-9+/]", b"", match[4]))
        if match[3] in b"bB" and signs % 4 and not match[4].endswith(b"="):
            yield match.end(4), match.end(4), b"=" * (-signs % 4)


@repair
def escapes_across_encoded_words(source, reader):
    """mailparser joins the texts of neighbours before it decodes them."""
    for match in words(source, reader):
        if match[3] in b"qQ" and re.search(rb"=[0-9A-Fa-f]?\Z", match[4]):
            at = match.start(4) + match[4].rindex(b"=")
            yield at, at + 1, b"=3D"


@repair
def plus_signs_in_utf_7(source, reader):
    """One that begins nothing stays."""
    for part in texts(source, reader):
        label = part.parameter(source, b"charset").strip().lower()
        data = decoded(source, part)
        mended = re.sub(rb"\+(?![A-Za-z0-9+/-])", b"+-", data)
        if label in (b"utf-7", b"utf7") and mended != data:
            yield from rewrite(source, part, mended)


@repair
def type_of_an_encoded_name(source, reader):
    """Without a type the name tells it, once its words are decoded."""
    for part in reader.parts:
        if "content-type" in part.fields or \
                "content-disposition" not in part.fields:
            continue
        start, end = part.fields["content-disposition"]
        for match in WORD.finditer(source, start, end):
            if match[1].lower() == b"utf-8":
                yield *match.span(), word_bytes(match)


@repair
def percent_that_is_no_escape(source, reader):
    """In a parameter of RFC 2231 mailparser makes it an equals sign, and a
    control character makes all others literal."""
    for part in reader.parts:
        for match in re.finditer(rb"\*\d*\*?=[^;\r\n]*",
                                 source[part.start:part.body]):
            for found in re.finditer(rb"%(?![0-9A-Fa-f]{2})|[\0-\x08\v\f"
                                     rb"\x0e-\x1f\x7f]", match[0]):
                at = part.start + match.start() + found.start()
                yield at, at + 1, b"%25" if found[0] == b"%" else b""


@repair
def boundary_of_other_types(source, reader):
    """Only multipart/* and text/* have parts."""
    for part in reader.parts:
        if part.boundary and not part.type(source).startswith(
                (b"multipart/", b"text/")):
            yield set_parameter(source, part, b"boundary", b'""')


@repair
def flowed_lines(source, reader):
    """RFC 3676 section 4: lines flow within one depth of quoting, an empty
    one ends it, and the blank that a line is stuffed with goes wherever it
    stands."""
    for part in texts(source, reader):
        if part.parameter(source, b"format").lower() != b"flowed":
            continue
        data = decoded(source, part)
        if re.search(rb"^[> ]| \r?\n\r?\n", data, re.M):
            delsp = part.parameter(source, b"delsp").lower() == b"yes"
            yield set_parameter(source, part, b"format", b"fixed")
            yield from rewrite(source, part, unflow(data, delsp))


def unflow(data, delsp):
    done, open_depth = [], None
    lines = re.split(rb"\r?\n", data)
    for number, line in enumerate(lines, 1):
        depth = len(line) - len(line.lstrip(b">"))
        text = line[depth:]
        stuffed = text[:1] == b" "
        text = text[1:] if stuffed else text
        at_end = number == len(lines) and not line
        if delsp and open_depth is not None and (
                open_depth == depth or at_end):
            done[-1] = done[-1][:-1]
        if open_depth == depth:
            done[-1] += text
        else:
            blank = b" " if depth and stuffed else b""
            done.append(b">" * depth + blank + text)
        flows = text.endswith(b" ") and not (
            text == b"-- " and open_depth != depth)
        open_depth = depth if flows else None
    return b"\n".join(done if lines[-1] or done[-1] else done[:-1])
