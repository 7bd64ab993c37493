"""Bodies: texts, HTML, attachments, and multiparts of any nesting."""
from urllib.parse import quote

from . import header
from .text import WRONG, transfer_encode

TYPES = ["application/pdf", "image/png", "application/octet-stream",
         "text/csv", "text/calendar; method=REQUEST", "application/zip",
         "image/jpeg", "audio/mpeg", "application/vnd.ms-excel",
         "text/x-vcard", "application/pkcs7-signature", "video/mp4",
         "text/markdown", "application/ics", "text/x-patch"]
HTML = ["<p>{}</p>", "<div>{}</div>", "<h2>{}</h2>",
        "<ul><li>{}</li><li>b</li></ul>", "<blockquote>{}</blockquote>",
        "{}<br>", '<a href="http://example.com/?a=1&amp;b=2">{}</a>',
        "<b>{}</b> &nbsp;&copy; ", "<ol><li>{}<li>x</ol>",
        "<pre>{}\r\n  x</pre>", '<img src="cid:a" alt="{}">\r\n',
        "<span style='color:red'>{}</span>", "<style>p{{margin:0}}</style>{}",
        "<script>var x = '{}';</script>", "<!-- {} -->", "<hr>{}",
        "<center>{}</center>x", "<dl><dt>{}<dd>y</dl>", "<p>{}<p>next", "<em>{}", "<a name=x>{}</a>",
        '<a href="#top">{}</a>', "<p>&lt;{}&gt; &eacute;&#8364;&#x20AC;</p>"]
MULTIPARTS = ["mixed", "alternative", "related", "mixed", "signed", "x-other",
              "parallel", "digest"]


def html_safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def html(draw, codec):
    body = "".join(
        draw.one(HTML).format(html_safe(draw.words(codec, draw.number(1, 20))))
        for _ in range(draw.number(1, 6)))
    return draw.one(["<html><body>{}</body></html>\r\n", "{}", "<!DOCTYPE html>"
                     "\r\n<html><head><title>t</title></head>\r\n<body>{}"
                     "</body></html>"]).format(body)


def named(lines, encoding):
    if encoding is not None:
        lines.append(f"Content-Transfer-Encoding: {encoding}")
    return lines


def shown(draw, kind, pair=None):
    """A text part that readers see: its header lines and its body."""
    label, codec = pair or draw.charset()
    text = draw.lines(codec) if kind == "plain" else html(draw, codec)
    if codec in ("iso2022_kr", "iso2022_jp", "utf-7"):
        text = text.replace("\t", " ")
    data = text.encode(codec, "replace")
    quoted = draw.one([label, label.upper(), f'"{label}"', f'"{label}"'])
    if draw.chance(.04):
        quoted = f'"{draw.one(WRONG)}"'
    lines = [f"Content-Type: {draw.one(['text', 'text', 'TEXT'])}/{kind}"
             f"{draw.one(['; ', ';', ';' + chr(13) + chr(10) + ' '])}"
             f"charset={quoted}"]
    if draw.chance(.08):
        lines.append("Content-Disposition: inline")
    encoding, body = transfer_encode(draw, data)
    if codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le") \
            and encoding is not None and encoding.lower()[0] != "b":
        encoding, body = "base64", __import__("base64").encodebytes(data)
    return named(lines, encoding), body


def flowed(draw):
    label, codec = draw.one([("utf-8", "utf-8"), ("iso-8859-1", "iso8859-1"),
                             ("us-ascii", "ascii")])
    delsp = draw.chance(.5)
    rows = []
    for _ in range(draw.number(2, 14)):
        quotes = ">" * draw.one([0, 0, 0, 0, 1, 2])
        row = draw.words(codec, draw.number(1, 9))
        stuffed = quotes + (" " if quotes or draw.chance(.1) else "") + row
        rows.append(stuffed + draw.one([" ", " ", "", ""]))
        if draw.chance(.06):
            rows.append(draw.one(["-- ", "", " ", " From here", "> "]))
    data = "\r\n".join(rows).encode(codec) + draw.one([b"\r\n", b""])
    extra = draw.one(["; delsp=yes", "; DelSp=\"Yes\""]) if delsp else ""
    lines = [f"Content-Type: text/plain; charset={label}; "
             f"{draw.one(['format=flowed', 'Format=Flowed'])}{extra}"]
    encoding, body = transfer_encode(draw, data)
    return named(lines, encoding), body


UUENCODED = ("Look at this:\r\n\r\nbegin 644 hello.txt\r\n"
             "+:&5L;&\\@=V]R;&0*\r\n`\r\nend\r\n\r\nBye.\r\n")


def uuencoded(draw):
    return ["Content-Type: text/plain; charset=us-ascii"], UUENCODED.encode()


def attachment(draw):
    data = draw.random.randbytes(draw.one([0, 1, 2, 3, 57, 400, 3000]))
    lines = ["Content-Type: " + draw.one(TYPES)]
    if draw.chance(.35):
        lines[0] += header.parameter(draw, "name", header.file_name(draw))
    if draw.chance(.8):
        kind = draw.one(["attachment", "attachment", "inline", "ATTACHMENT",
                         "x-other"])
        name = (header.odd_name(draw) if draw.chance(.2) else
                header.parameter(draw, "filename", header.file_name(draw)))
        lines.append("Content-Disposition: " + kind +
                     (name if draw.chance(.9) else ""))
    if draw.chance(.3):
        lines.append(draw.one([
            "Content-ID: <{}@x>", "Content-Id: {}@x", "Content-ID:  <{}>",
            "Content-ID: <a {}@x>"]).format(draw.next()))
    if draw.chance(.05):
        lines = lines[1:]
    encoding, body = transfer_encode(draw, data, True)
    return named(lines, encoding), body


def embedded(draw):
    """A message inside: opaque, with a header and a text of its own."""
    lines, body = shown(draw, "plain")
    inner = "\r\n".join([f"From: {header.address_list(draw)}",
                         f"Subject: {header.subject(draw)}", *lines])
    data = inner.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
    own = [draw.one(["Content-Type: message/rfc822"] * 4 + [
        "Content-Type: message/rfc822; name=\"mail.eml\"",
        "Content-Type: message/global"])]
    if draw.chance(.4):
        own.append("Content-Disposition: attachment" +
                   draw.one(["", '; filename="forwarded.eml"']))
    return own, data


def partial(draw):
    return [f'Content-Type: message/partial; id="{draw.next()}@x"; number=1;'
            " total=3"], b"From: a@b.example\r\nSubject: part\r\n\r\nbegin\r\n"


def leaf(draw, kind=None):
    kind = kind or draw.one(
        ["plain", "html", "attachment", "plain", "attachment", "flowed",
         "embedded", "uuencoded", "partial", "attachment"])
    if kind in ("plain", "html"):
        return shown(draw, kind)
    return {"attachment": attachment, "flowed": flowed, "embedded": embedded,
            "uuencoded": uuencoded, "partial": partial}[kind](draw)


def boundary_of(draw):
    return draw.one(["=_b{}", "----=_Part_{}.1700000000", "b{}", "--b{}",
                     "=_{}'()+_,-./:=?", "000000000000{}abcdef",
                     "Apple-Mail=_{}-A"]).format(draw.next())


def join(boundary, parts, preamble=b"", epilogue=b""):
    body = preamble
    for lines, content in parts:
        body += f"--{boundary}\r\n".encode()
        body += "".join(line + "\r\n" for line in lines).encode(
            "utf-8", "surrogateescape")
        body += b"\r\n" + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode() + epilogue


def multipart(draw, depth=0, most=3):
    boundary = boundary_of(draw)
    subtype = draw.one(MULTIPARTS[:4] if draw.chance(.9) else MULTIPARTS)
    kinds = (["plain", "html"][:draw.number(1, 2)]
             if subtype == "alternative" else [None] * draw.number(1, 4))
    parts = []
    for kind in kinds:
        nested = depth < most and draw.chance(.25 if kind is None else .1)
        parts.append(multipart(draw, depth + 1, most) if nested
                     else leaf(draw, kind))
    preamble = draw.one([b"", b"", b"A multi-part message.\r\n", b"\r\n"])
    epilogue = draw.one([b"", b"", b"", b"\r\nAfter the end.\r\n"])
    value = draw.one([f'"{boundary}"'] * 4 + [
        boundary if boundary[-1].isalnum() and boundary.isalnum()
        else f'"{boundary}"'])
    parameter = f"boundary={value}"
    if draw.chance(.03):
        parameter = f"boundary*=us-ascii'en'{quote(boundary, safe='')}"
    return ([f"Content-Type: multipart/{subtype}; {parameter}"],
            join(boundary, parts, preamble, epilogue))
