"""Words, lines, charsets and encoded words, drawn from one seeded source."""
import base64
import quopri
import random

PLAIN = """lorem ipsum dolor sit amet consectetur adipiscing elit sed do
    eiusmod tempor it's "quoted" a&b <tag> 50% x=y C:\\dir end. why?
    http://example.com/a?b=1&c=2 bob@example.com""".split()
FOREIGN = """Grüße café naïve Привет мир 你好 世界 日本語 テスト ｶﾀｶﾅ 한국어 안녕 😀 👩‍👩‍👧 Łódź
    Ελλάδα € “q” – … שלום مرحبا สวัสดี Việt İstanbul ğüş Ñandú ① ㈱ № Ærø þ
    ķēde ő ű 繁體中文 粵語 嘅 ￥""".split()

# What mail calls its charsets, and Python's codec for each. Many aliases, and
# the odd ones that real senders write.
CHARSETS = [(label, codec) for codec, labels in {
    "utf-8": "utf-8 UTF-8 utf8 UTF8 Utf-8 unicode-1-1-utf-8",
    "ascii": "us-ascii US-ASCII ascii ANSI_X3.4-1968",
    "iso8859-1": "iso-8859-1 ISO-8859-1 latin1 iso8859-1 iso_8859-1 l1 "
                 "iso8859_1 ISO_8859-1:1987 8859_1 iso88591",
    "iso8859-2": "iso-8859-2 latin2 ISO_8859-2 iso8859-2 l2",
    "iso8859-3": "iso-8859-3 latin3", "iso8859-4": "iso-8859-4 latin4",
    "iso8859-5": "iso-8859-5 cyrillic", "iso8859-6": "iso-8859-6 arabic",
    "iso8859-7": "iso-8859-7 greek", "iso8859-8": "iso-8859-8 hebrew",
    "iso8859-9": "iso-8859-9 latin5 l5", "iso8859-10": "iso-8859-10 latin6",
    "iso8859-13": "iso-8859-13", "iso8859-14": "iso-8859-14",
    "iso8859-15": "iso-8859-15 latin9 ISO8859-15", "iso8859-16": "iso-8859-16",
    "cp1250": "windows-1250 cp1250 win-1250", "cp1251": "windows-1251 cp1251 "
              "win1251 windows1251 x-cp1251 WINDOWS-1251",
    "cp1252": "windows-1252 cp1252 Windows-1252 x-cp1252 win-1252",
    "cp1253": "windows-1253 cp1253", "cp1254": "windows-1254 cp1254",
    "cp1255": "windows-1255 cp1255", "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257", "cp1258": "windows-1258 cp1258",
    "koi8-r": "koi8-r KOI8-R koi8r", "koi8-u": "koi8-u KOI8-U",
    "gb2312": "gb2312 GB2312 csgb2312", "gbk": "gbk GBK cp936 x-gbk",
    "gb18030": "gb18030 GB18030", "big5": "big5 Big5 cn-big5 BIG5",
    "big5hkscs": "big5-hkscs Big5-HKSCS", "euc_kr": "euc-kr EUC-KR",
    "cp949": "ks_c_5601-1987 KS_C_5601-1987 cp949 windows-949 korean",
    "shift_jis": "shift_jis Shift_JIS sjis shift-jis x-sjis",
    "cp932": "windows-31j cp932 ms932", "euc_jp": "euc-jp EUC-JP",
    "iso2022_jp": "iso-2022-jp ISO-2022-JP ISO2022-JP",
    "iso2022_kr": "iso-2022-kr ISO-2022-KR",
    "tis-620": "tis-620 TIS-620", "cp874": "windows-874 cp874",
    "utf-7": "utf-7 UTF-7", "utf-16-le": "utf-16le UTF-16LE",
    "utf-16-be": "utf-16be UTF-16BE", "utf-16": "utf-16 UTF-16",
    "utf-32": "utf-32 UTF-32", "utf-32-le": "utf-32le",
    "mac-roman": "macintosh x-mac-roman macroman", "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850", "cp852": "cp852", "cp866": "cp866 ibm866 CP866",
}.items() for label in labels.split()]
COMMON = [pair for pair in CHARSETS if pair[1] in (
    "utf-8", "ascii", "iso8859-1", "cp1252", "iso8859-15", "koi8-r", "gb2312",
    "cp1251", "big5", "shift_jis", "iso2022_jp", "euc_kr")]
# No 7-bit ASCII inside: useless in encoded words and header parameters.
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")
WRONG = ["unknown-8bit", "x-unknown", "default", "none", "utf-9", "_autodetect",
         "us-ascii; utf-8", "iso-8859-", "ANSI", "binary", "x-user-defined"]


class Draw:
    """Everything random comes from here."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.serial = 0

    def chance(self, share):
        return self.random.random() < share

    def one(self, options):
        return options[self.random.randrange(len(options))]

    def number(self, low, high):
        return self.random.randint(low, high)

    def next(self):
        self.serial += 1
        return self.serial

    def charset(self, common=.6):
        return self.one(COMMON if self.chance(common) else CHARSETS)

    def words(self, codec, count):
        """Words that the charset has."""
        found = []
        while len(found) < count:
            word = self.one(PLAIN if self.chance(.7) else FOREIGN)
            try:
                word.encode(codec)
            except UnicodeError:
                continue
            found.append(word)
        return " ".join(found)

    def name(self, codec="ascii"):
        words = [word for word in FOREIGN + ["Ann", "Lee", "de", "O'Neil"]
                 if word.isalpha() and encodable(word, codec)]
        return " ".join(self.one(words) for _ in range(self.number(1, 3)))

    def lines(self, codec, most=12):
        found = []
        for _ in range(self.number(1, most)):
            line = ("" if self.chance(.15) else
                    self.words(codec, self.number(1, 14)))
            found.append(line + self.one(["", "", "", "", " ", "\t"]))
        return "\r\n".join(found) + self.one(["\r\n", "\r\n", "", "\r\n\r\n"])


def encodable(word, codec):
    try:
        word.encode(codec)
    except UnicodeError:
        return False
    return True


def encoded_word(draw, text, label, codec):
    """One encoded word of RFC 2047."""
    data = text.encode(codec)
    if draw.chance(.5):
        return f"=?{label}?{draw.one('Bb')}?{base64.b64encode(data).decode()}?="
    return f"=?{label}?{draw.one('Qq')}?{quoted_word(data)}?="


def quoted_word(data):
    return "".join("_" if c == 32 else chr(c) if c < 128 and chr(c).isalnum()
                   else f"={c:02X}" for c in data)


def transfer_encode(draw, data, binary=False):
    """(encoding's name or None, body) for bytes."""
    choice = draw.random.random()
    if choice < .35 or (binary and choice < .8):
        width = draw.one([76, 76, 76, 60, 4, 72, 1000])
        text = base64.b64encode(data)
        rows = [text[i:i + width] for i in range(0, len(text), width)]
        return draw.one(["base64", "base64", "BASE64", "Base64"]), \
            b"\r\n".join(rows) + draw.one([b"", b"", b"\r\n"])
    if choice < .7 and not binary:
        text = quopri.encodestring(data.replace(b"\r\n", b"\n"))
        return draw.one(["quoted-printable", "Quoted-Printable"]), \
            text.replace(b"\n", b"\r\n")
    if binary:
        data = data.replace(b"\n", b"x").replace(b"\r", b"y")
        data = data.replace(b"\0", b"z")
    return draw.one(["8bit", "binary", "7bit", None, "8BIT"]), data
