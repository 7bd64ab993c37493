"""What goes wrong on the way: each takes a whole mail and spoils it."""
import re

from . import body, header
from .ordinary import mail


def boundaries(mail_):
    return [name for name in re.findall(
        rb'boundary="([^"]+)"', mail_) if name]


def some_boundary(draw, mail_):
    found = boundaries(mail_)
    return draw.one(found) if found else None


def replace_some(draw, mail_, old, new, most=1):
    """Replaces one occurrence of many, or all."""
    places = [match.start() for match in re.finditer(re.escape(old), mail_)]
    if not places:
        return mail_
    if draw.chance(.3):
        return mail_.replace(old, new)
    at = draw.one(places)
    return mail_[:at] + new + mail_[at + len(old):]


def lf_only(draw, mail_):
    return mail_.replace(b"\r\n", b"\n")


def mixed_ends(draw, mail_):
    return b"".join(line + (b"\n" if draw.chance(.4) else b"\r\n")
                    for line in mail_.split(b"\r\n"))[:-1]


def bare_cr(draw, mail_):
    return replace_some(draw, mail_, b" ", b"\r")


def no_final_boundary(draw, mail_):
    name = some_boundary(draw, mail_)
    return mail_ if name is None else mail_.replace(
        b"--" + name + b"--\r\n", b"")


def cut(draw, mail_):
    return mail_[:draw.number(len(mail_) // 4, len(mail_))]


def wrong_boundary(draw, mail_):
    """The parts are separated by something else than the header says."""
    name = some_boundary(draw, mail_)
    return mail_ if name is None else mail_.replace(
        b"--" + name, b"--x" + name)


def no_boundary(draw, mail_):
    return re.sub(rb';\s*boundary="[^"]+"', b"", mail_, count=1)


def blanks_on_boundary(draw, mail_):
    name = some_boundary(draw, mail_)
    return mail_ if name is None else mail_.replace(
        b"--" + name + b"\r\n", b"--" + name + draw.one([b" ", b"\t", b"  "]) +
        b"\r\n")


def prefix_boundary(draw, mail_):
    """A line that begins like a boundary and is none."""
    name = some_boundary(draw, mail_)
    return mail_ if name is None else replace_some(
        draw, mail_, b"\r\n\r\n", b"\r\n\r\n--" + name + b"x\r\n")


def repeated_boundary(draw, mail_):
    name = some_boundary(draw, mail_)
    return mail_ if name is None else replace_some(
        draw, mail_, b"--" + name + b"\r\n",
        b"--" + name + b"\r\n--" + name + b"\r\n")


def closed_twice(draw, mail_):
    name = some_boundary(draw, mail_)
    return mail_ if name is None else mail_.replace(
        b"--" + name + b"--", b"--" + name + b"--\r\n--" + name + b"--")


def nul(draw, mail_):
    return replace_some(draw, mail_, draw.one([b" ", b"e"]), b"\0")


def controls(draw, mail_):
    return replace_some(draw, mail_, b"o", draw.one(
        [b"\x01", b"\x7f", b"\x1b[1m", b"\x0b", b"\x0c"]))


def high_bytes(draw, mail_):
    return replace_some(draw, mail_, draw.one([b"e", b"a"]), draw.one(
        [b"\xe9", b"\xc3\xa9", b"\xff", b"\x80", b"\xe2\x82"]))


def broken_base64(draw, mail_):
    lines = mail_.split(b"\r\n")
    rows = [i for i, line in enumerate(lines)
            if re.fullmatch(rb"[A-Za-z0-9+/]{20,}=*", line)]
    if not rows:
        return mail_
    i = draw.one(rows)
    lines[i] = draw.one([
        lambda row: row[:-1], lambda row: row + b"!", lambda row: row[:7] +
        b"*" + row[7:], lambda row: row + b"==", lambda row: row[:9] + b"=" +
        row[9:], lambda row: b"  " + row, lambda row: row + b"\xff",
        lambda row: row.replace(b"+", b"-").replace(b"/", b"_")])(lines[i])
    return b"\r\n".join(lines)


def broken_quoted(draw, mail_):
    return replace_some(draw, mail_, b"=\r\n", draw.one(
        [b"=  \r\n", b"=Z\r\n", b"=4\r\n", b"==\r\n", b"=\r\n\r\n", b"=",
         b"=0D=0A=\r\n"]))


def no_colon(draw, mail_):
    return replace_some(draw, mail_, b"\r\nSubject:", b"\r\nno colon here\r\n"
                        b"Subject:")


def no_blank_line(draw, mail_):
    return mail_.replace(b"\r\n\r\n", b"\r\n", 1)


def header_only(draw, mail_):
    return mail_[:mail_.find(b"\r\n\r\n") + draw.one([2, 0, 4])]


def body_only(draw, mail_):
    return mail_[mail_.find(b"\r\n\r\n") + 2:]


def space_before_colon(draw, mail_):
    return replace_some(draw, mail_, b"Subject:", b"Subject :")


def folded_oddly(draw, mail_):
    return replace_some(draw, mail_, b"Subject: ", draw.one(
        [b"Subject:\r\n ", b"Subject: \r\n\t", b"Subject:\r\n \r\n ",
         b"Subject:", b"SUBJECT: "]))


def mbox_line(draw, mail_):
    return b"From ann@example.org Sat Jan 31 12:00:00 2026\r\n" + mail_


def empty_line_first(draw, mail_):
    return b"\r\n" + mail_


def duplicated(draw, mail_):
    """A second one of a header that should be single."""
    again = draw.one([
        "Subject: second", "To: second@example.com", "From: two@example.org",
        "Content-Type: text/plain", "Message-ID: <second@x>", "X-Twice: b",
        "Content-Transfer-Encoding: 8bit", "MIME-Version: 1.0", "Cc: x@y.z",
        "Content-Disposition: inline", "Date: never", "References: <9@x>",
        "Reply-To: r@example.com", "Received: from z", "In-Reply-To: <7@x>"])
    return draw.one([
        lambda: again.encode() + b"\r\n" + mail_,
        lambda: mail_.replace(b"\r\n\r\n", b"\r\n" + again.encode() +
                              b"\r\n\r\n", 1)])()


def raw_header(draw, mail_):
    """8-bit header text."""
    text = draw.one(["Grüße", "Привет мир", "日本語", "GrÃ¼ÃŸe", "cafÃ© â‚¬"])
    codec = draw.one(["utf-8", "utf-8", "latin-1", "koi8-r", "shift_jis"])
    return replace_some(draw, mail_, b"Subject: ", b"Subject: " +
                        text.encode(codec, "replace") + b" ")


def odd_type(draw, mail_):
    return replace_some(draw, mail_, b"Content-Type: text/plain", draw.one([
        b"Content-Type: text", b"Content-Type: plain", b"Content-Type:",
        b"Content-Type: text/plain (comment)", b"Content-Type: ;x=y",
        b"Content-Type: text/plain;;", b"Content-Type: text / plain",
        b"Content-type: text/html", b"Content-Type: text/plain, x",
        b"Content-Type: multipart/mixed", b"Content-Type: text/enriched",
        b"X-Content-Type: text/plain", b"Content-Type: message/rfc822",
        b"Content-Type: message/rfc822\r\nContent-Disposition: inline",
        b"Content-Type: \"text/plain\""]))


def odd_encoding(draw, mail_):
    return re.sub(
        rb"Content-Transfer-Encoding: [\w-]+", b"Content-Transfer-Encoding: " +
        draw.one([b"x-unheard", b"base-64", b"\"base64\"", b"base64;",
                  b"quoted-printable (x)", b"(c) base64", b"QUOTED-PRINTABLE ",
                  b"utf-8", b"", b"base64 base64"]), mail_, count=1)


def odd_disposition(draw, mail_):
    return re.sub(
        rb"Content-Disposition: \w+", b"Content-Disposition: " + draw.one([
            b"", b"attach", b"\"attachment\"", b"inline (x)", b"form-data",
            b"attachment filename=x", b"=?utf-8?Q?attachment?=", b";"]),
        mail_, count=1)


def deep(draw, mail_):
    """Multiparts in multiparts, a few levels or a great many."""
    lines, content = body.shown(draw, "plain")
    for _ in range(draw.one([4, 9, 30])):
        name = body.boundary_of(draw)
        content = body.join(name, [(lines, content)])
        lines = [f'Content-Type: multipart/mixed; boundary="{name}"']
    return mail(["From: a@b.example", *lines], content)


def same_boundary(draw, mail_):
    """The inner multipart uses the outer one's boundary."""
    names = boundaries(mail_)
    return mail_.replace(names[1], names[0]) if len(names) > 1 else mail_


def shuffled(draw, mail_):
    """Lines in another order, as no program would do it."""
    lines = mail_.split(b"\r\n")
    for _ in range(draw.number(1, 3)):
        i, j = draw.number(0, len(lines) - 1), draw.number(0, len(lines) - 1)
        lines[i], lines[j] = lines[j], lines[i]
    return b"\r\n".join(lines)


def empty_part(draw, mail_):
    name = some_boundary(draw, mail_)
    if name is None:
        return mail_
    start = b"--" + name + b"\r\n"
    return replace_some(draw, mail_, start, start + draw.one([
        b"Content-Type: text/plain\r\n\r\n", b"\r\n", b"\r\n\r\n",
        b"Content-Type: text/plain\r\n\r\n\r\n", b"",
        b"Content-Type: image/png\r\nContent-Disposition: attachment\r\n\r\n"])
        + start)


def header_lines(draw, mail_):
    """Fields that only strangers write."""
    more = draw.one([
        "X-Odd_Name.1: x", "X-Empty:", "x-lower: y", "X-Words: " +
        header.abused(draw), "X-Long: " + "x " * 400, "X-Tab:\tv", ": no name",
        "X-8bit: \u00e9", "X-Folded:\r\n\ta\r\n\t\r\n b", "Reply-To: " +
        header.address_list(draw), "X-Priority: 1 (Highest)",
        "References: <a@x>\r\n\t<b@x> <c@x>", "Auto-Submitted: auto-generated",
        "In-Reply-To: bare@x", "Received: by \u00e9", "__proto__: x"])
    return more.encode("utf-8", "surrogateescape") + b"\r\n" + mail_


ALL = [lf_only, mixed_ends, bare_cr, no_final_boundary, cut, wrong_boundary,
       no_boundary, blanks_on_boundary, prefix_boundary, repeated_boundary,
       closed_twice, nul, controls, high_bytes, broken_base64, broken_quoted,
       no_colon, no_blank_line, header_only, body_only, space_before_colon,
       folded_oddly, mbox_line, empty_line_first, duplicated, raw_header,
       odd_type, odd_encoding, odd_disposition, deep, same_boundary, shuffled,
       empty_part, header_lines]
