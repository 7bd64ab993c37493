"""Header fields: addresses, subjects, parameters and file names, from plain
to abused."""
import re

from .text import WIDE, encodable, encoded_word, quoted_word

DOMAINS = ["example.com", "x.org", "mail.example.co.uk", "[192.0.2.1]",
           "xn--bcher-kva.example", "sub.example.net"]
NAMES = ["a.pdf", "photo 1.jpg", "x", "no-ext", "report.final.docx",
         "archive.tar.gz", "UPPER.PDF", "with;semicolon.txt", "a,b.csv",
         "100%.txt", "50%25.txt", "it's.txt", "brackets[1].png",
         "C:\\\\Users\\\\me\\\\file.doc", "../../etc/passwd", "/tmp/x.sh",
         "trailing.", ".hidden", "a b  c.txt", "noext.", "image001.png",
         "na%C3%AFve%20x.txt"]


def word_for(draw, common=.6):
    label, codec = draw.charset(common)
    # Signs that no encoded word may have (RFC 2047 section 2) are rare.
    while codec in WIDE or (re.search("[:.]", label) and draw.chance(.97)):
        label, codec = draw.charset(common)
    return label, codec


def text(draw):
    """Unstructured text with encoded words among plain ones."""
    parts = []
    for _ in range(draw.number(1, 5)):
        if draw.chance(.45):
            label, codec = word_for(draw)
            if draw.chance(.1):
                label += "*en"
            parts.append(encoded_word(
                draw, draw.words(codec, draw.number(1, 4)), label, codec))
        else:
            parts.append(draw.words("ascii", 1))
    return draw.one([" ", " ", " ", "\r\n ", "\r\n\t", "  "]).join(parts)


def split_word(draw):
    """One text cut into several encoded words, also inside of characters."""
    label, codec = draw.one([("utf-8", "utf-8"), ("gb2312", "gb2312"),
                             ("utf-8", "utf-8"), ("Shift_JIS", "shift_jis")])
    data = draw.words(codec, 8).encode(codec)
    cut = draw.number(1, len(data) - 1)
    import base64
    if draw.chance(.5):
        words = [f"=?{label}?B?{base64.b64encode(part).decode()}?="
                 for part in (data[:cut], data[cut:])]
    else:
        words = [f"=?{label}?Q?{quoted_word(part)}?="
                 for part in (data[:cut], data[cut:])]
    return draw.one([" ", "\r\n ", ""]).join(words)


ABUSES = [
    "=?utf-8?Q?never closed", "=?utf-8?Q?=C3?=", "=?utf-8?B?w7w?=",
    "=?utf-8?B?w7w==?=", "=?utf-8?B?!!!!?=", "=?utf-8?X?what?=", "=??Q?x?=",
    "=?utf-8?Q??=", "=?utf-8?Q?a b c?=", "=?utf-8?Q?=ZZ=4?=",
    "a=?utf-8?Q?b?=c", "=?utf-8?Q?a?==?utf-8?Q?b?=", "=?x-none?Q?=E9t=E9?=",
    "=?iso-8859-1?Q?=80=93=E9?=", "=?us-ascii?Q?=E9?=",
    "=?UTF-8?q?=e2=82=ac_euro?=", "\"=?utf-8?Q?in_quotes?=\"",
    "=?utf-8?Q?one?=\r\n =?iso-8859-1?Q?tw=F3?=", "=?utf-8?B?YQ==Yg==?=",
    "=?utf-8?Q?a=\r\n 20b?=", "=?utf-8*en-GB?Q?colour?=",
    "=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "=?utf-8?Q?tab=09in?=",
    "=?utf-8?Q?null=00in?=", "=?utf-8?Q?crlf=0D=0AX-Evil:_1?=", "=?=", "?=",
    "=?utf-8?B?8J+YgA==?= =?utf-8?B?8J+YgA==?=", "=?utf-7?Q?+AOk-?=",
    "=?utf-8?b?Z3LDvMOfZQ?= =?utf-8?q?x?=", "plain =?utf-8?Q?=F0=9F=98?= cut",
    "=?cp1252?Q?=80?= =?windows-1252?Q?=80?=", "=?gb2312?B?xOO6ww==?=",
    "=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=", "=?utf-8?Q?a?= b =?utf-8?Q?c?=",
]


def abused(draw):
    return draw.one([" ", "\r\n "]).join(
        draw.one(ABUSES) for _ in range(draw.number(1, 3)))


def subject(draw):
    return draw.one([text, text, text, split_word, abused])(draw)


def mailbox(draw):
    user = draw.one(["ann", "bob.smith", "x+tag", "O'Neil", "a_b", "user"])
    address = f"{user}@{draw.one(DOMAINS)}"
    plain = draw.one(["Ann", "Bob Smith", "Lee", "A. B. Clark"])
    label, codec = word_for(draw)
    word = encoded_word(draw, draw.name(codec), label, codec)
    return draw.one([
        address, f"<{address}>", f"{plain} <{address}>",
        f'"{plain}, Jr." <{address}>', f"{address} ({plain})",
        f"{word} <{address}>", f'"{word}" <{address}>',
        f"{word} {plain} <{address}>", f'"say \\"hi\\"" <{address}>',
        f"'{plain}' <{address}>", f"{plain}  <{address}>"])


def group(draw):
    members = ", ".join(mailbox(draw) for _ in range(draw.number(0, 3)))
    return f"{draw.one(['Friends', 'undisclosed-recipients'])}:{members};"


ODD_LISTS = [
    "a@b.example (one) (two)", "<>", "\"only a name\"", "no at sign",
    "a@b.example, , c@d.example", ",a@b.example", "a@b.example;c@d.example",
    "<a@b.example", "a@b.example>", "Name <a@b.example> trailing",
    "\"a@b.example\" <c@d.example>", "a@b@c.example", "(comment only)",
    "Name (comment) <a@b.example>", "<<a@b.example>>", "A < B <a@b.example>",
    "Name a@b.example", "\"unclosed <a@b.example>", "Outer: Inner: a@b.example;;",
    "=?utf-8?B?YUBiLmV4YW1wbGU=?=", "a b c@d.example e",
    "=?utf-8?Q?J=C3=BCrgen,_Dr=2E?= <j@x.example>", "\"\" <a@b.example>",
    "a@b.example <a@b.example>", "mailto:a@b.example", "<root>", "root <root>",
    "<=?utf-8?Q?a=40b?=@c.example>",
    "\\\"x\\\" <a@b.example>",
    "Name\t<a@b.example>", "a@xn--bcher-kva.example", "postmaster",
    "\"a\\\\b\" <c@d.example>", "(a (nested) comment) x@y.example",
    "\"quoted\"unquoted <a@b.example>", "a@b.example (=?utf-8?Q?=C3=BC?=)",
    "<@route.example:a@b.example>", "\"a@b\"@c.example", "x <a@b> y <c@d>"]


def address_list(draw):
    if draw.chance(.12):
        return draw.one(ODD_LISTS)
    entries = [group(draw) if draw.chance(.06) else mailbox(draw)
               for _ in range(draw.one([1, 1, 1, 2, 3, 5]))]
    return draw.one([", ", ", ", ",", ",\r\n ", " ,\r\n\t"]).join(entries)


def parameter(draw, key, value):
    """`; key=value` in one of its many shapes; value may be non-ASCII."""
    if encodable(value, "ascii"):
        quoted = '; {}="{}"'.format(key, value)
        if draw.chance(.7) or " " in value:
            return quoted if draw.chance(.9) else quoted.replace("; ", ";\r\n\t")
        return f"; {key}={value}"
    data = value.encode()
    percent = "".join(chr(c) if c < 128 and (chr(c).isalnum() or c in b".-_")
                      else f"%{c:02X}" for c in data)
    choice = draw.number(0, 5)
    if choice == 0:
        return f"; {key}*=utf-8''{percent}"
    if choice == 1:
        return f"; {key}*=UTF-8'en'{percent.lower()}"
    if choice == 2:
        cut = max(1, len(percent) // 2)
        while percent[cut - 1:cut] == "%" or percent[cut - 2:cut - 1] == "%":
            cut += 1
        return (f";\r\n {key}*0*=utf-8''{percent[:cut]};"
                f"\r\n {key}*1*={percent[cut:]}")
    if choice == 3:
        return '; {}="{}"'.format(
            key, encoded_word(draw, value, "utf-8", "utf-8"))
    if choice == 4:
        return f"; {key}={encoded_word(draw, value, 'utf-8', 'utf-8')}"
    return f'; {key}="{value}"'  # 8-bit


def file_name(draw):
    if draw.chance(.6):
        return draw.one(NAMES)
    return draw.words("utf-8", draw.number(1, 2)).replace('"', "").replace(
        "\\", "").replace("/", "-") + draw.one([".txt", ".pdf", "", ".xlsx"])


def odd_name(draw):
    """Continuations out of order, repeated, mixed with plain ones."""
    return draw.one([
        '; filename*1="b.txt"; filename*0="a"', '; filename*0="only.txt"',
        '; filename="plain.txt"; filename*=utf-8\'\'star.txt',
        '; filename*=utf-8\'\'star.txt; filename="plain.txt"',
        "; filename*=iso-8859-1''caf%E9.txt", "; filename*=''none.txt",
        "; filename*=x-bad''a%E9.txt", "; filename*=no-quotes%20x.txt",
        '; filename*0*=utf-8\'\'a%20; filename*1="b.txt"', "; filename=",
        '; filename=""', "; filename=a b.txt", '; filename="a.txt',
        '; filename="one.txt"; filename="two.txt"', "; FILENAME=Up.TXT",
        '; filename="tab\there.txt"', '; filename="a\\"b.txt"',
        '; filename = "spaces.txt"', "; filename*0=a; filename*2=c.txt",
        '; filename*=utf-8\'\'..%2F..%2Fetc%2Fpasswd',
        '; filename="=?utf-8?B?w7x4?=.txt"', "; filename*=utf-8''%zz.txt",
        '; filename="a.txt";', '; filename="=?utf-8?Q?a=2Fb.txt?="'])
