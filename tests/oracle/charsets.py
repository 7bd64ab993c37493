"""Charsets as they are promised, decoded by Python's codecs or by hand: what
mailparser calls otherwise, lacks, or decodes otherwise when it is broken."""
import codecs
import re

# Labels that mailparser does not know, and what they mean.
LABELS = {b"8859_1": b"windows-1252", b"ansi": b"windows-1252",
          b"win-1252": b"windows-1252", b"iso_8859-1:1987": b"windows-1252",
          b"ansi_x3.4-1968": b"us-ascii", b"csgb2312": b"gb18030",
          b"unicode-1-1-utf-8": b"utf-8", b"x-cp1251": b"windows-1251",
          b"x-cp1252": b"windows-1252", b"win-1250": b"windows-1250",
          b"cn-big5": b"big5", b"windows-949": b"cp949", b"korean": b"cp949",
          b"cp874": b"windows-874",
          b"x-gbk": b"gbk", b"x-sjis": b"shift_jis", b"ms932": b"cp932",
          b"shift-jis": b"shift_jis",
          b"binary": b"utf-8", b"iso-8859-": b"windows-1252",
          b"latin5": b"iso-8859-9", b"l5": b"iso-8859-9",
          b"latin6": b"iso-8859-10", b"latin9": b"iso-8859-15",
          b"iso-8859-8-i": b"iso-8859-8"}
# Charsets that it lacks, knows as they were before the euro sign (Mac), or
# loses characters of (UTF-32); and Python's name for each.
LACKING = {b"iso-2022-kr": "iso2022_kr", b"macintosh": "mac-roman",
           b"x-mac-roman": "mac-roman", b"macroman": "mac-roman",
           b"utf-32": "utf-32", b"utf-32le": "utf-32-le"}


def lacking(data, codec):
    """Without a mark the order in which more can be read is the right one."""
    if codec == "utf-32" and data[:4] not in (codecs.BOM_UTF32_LE,
                                              codecs.BOM_UTF32_BE):
        return min((data.decode(codec + order, "replace")
                    for order in ("-le", "-be")),
                   key=lambda text: text.count("\ufffd"))
    if codec == "iso2022_kr":  # which gives up at other escapes
        other = next(bytes([c]) for c in range(1, 9) if c not in data)
        return re.sub(rb"\x1b(?!\$\)C)", other, data).decode(
            codec, "replace").replace(other.decode(), "\x1b")
    return data.decode(codec, "replace")


WINDOWS = {label: windows for windows, labels in {
    b"windows-1252": b"iso-8859-1 latin1 iso8859-1 l1 iso_8859-1 iso88591 "
                     b"iso8859_1", b"windows-1254": b"iso-8859-9 latin5 l5",
    b"windows-874": b"tis-620 tis620 iso-8859-11 iso8859-11",
}.items() for label in labels.split()}


JAPANESE = (b"iso-2022-jp", b"iso2022-jp")
ESCAPE = rb"\x1b(?:\([BJHI]|\$[@B]|&@\x1b\$B|\$\([@BD])"


def from_iso_2022_jp(data):
    """A 7-bit charset: a high byte is none of its characters, and an escape
    that nobody knows says nothing, whatever follows."""
    text, put = "", b"(B"
    for match in re.finditer(ESCAPE + rb"|([!-~]{2})|[\s\S]", data):
        sign, pair = match[0], match[1]
        if sign[:1] == b"\x1b":
            put = sign[1:] or put
        elif put in (b"(B", b"(J", b"(H"):
            text += sign.decode("ascii", "replace")
        elif put == b"(I":
            text += "".join(chr(0xff40 + c) if 0x20 < c < 0x60 else chr(c)
                            for c in sign)
        elif pair:
            text += (b"\x8f" * (put == b"$(D") + bytes(
                c | 0x80 for c in pair)).decode("euc_jp", "replace")
        else:
            text += sign.decode("ascii", "replace") if sign < b"!" else \
                "\ufffd"
        put = b"(B" if sign == b"\n" else put
    return text


def broken_japanese(data):
    """High bytes, halves of characters, an escape that is none, or a line that
    does not end in ASCII."""
    return b"\x1b" in re.sub(ESCAPE, b"", data) or \
        re.search(rb"\x1b\$[^\x1b]*\n", data) or \
        "\ufffd" in from_iso_2022_jp(data)


# Codes of two bytes and more, by the first label's beginnings; the codec that
# knows most of them; and one character, however many bytes it takes.
CODES = [
    ((b"gb", b"csgb", b"x-gbk", b"cp936", b"windows-936", b"chinese"),
     "gb18030", re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]|"
                           rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\s\S]")),
    ((b"shift", b"sjis", b"x-sjis", b"cp932", b"windows-31j", b"ms_kanji"),
     "cp932", re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|"
                         rb"[\s\S]")),
    ((b"euc-jp", b"eucjp", b"x-euc-jp"),
     "euc_jp", re.compile(rb"\x8f[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|"
                          rb"[\xa1-\xfe]{2}|[\s\S]")),
]


def one_code(code, codec):
    if codec == "gb18030" and code == b"\x80":
        return "\u20ac"
    if codec == "euc_jp" and code[0] >= 0xf5 and len(code) == 2:
        row, cell = code[0] - 0xa1, code[1] - 0xa1
        if 88 <= row < 92:  # what NEC took from IBM, as in Shift_JIS
            cell += 94 * (row % 2)
            return bytes([0xc1 + row // 2, 0x40 + cell + (cell > 62)]).decode(
                "cp932", "replace")
        return chr(0xe000 + (row - 84) * 94 + cell)
    if codec == "cp932" and code in (b"\xa0", b"\xfd", b"\xfe", b"\xff"):
        return "\ufffd"  # of Apple's
    try:
        return code.decode(codec)
    except UnicodeDecodeError:
        return "\ufffd" + code[1:].decode("ascii", "ignore")
