#!/usr/bin/python3
"""Writes mails of all ordinary shapes: charsets, transfer encodings, nested
multiparts, attachments with all kinds of names, encoded headers, address
lists. The same seed gives the same mails.

usage: generate.py SEED COUNT FOLDER
"""
import base64
import pathlib
import quopri
import random
import sys

PLAIN = "lorem ipsum dolor sit amet consectetur adipiscing elit".split()
FOREIGN = "Grüße café naïve Привет мир 你好 世界 日本語 😀 Łódź Ελλάδα € “q”".split()
CHARSETS = """utf-8 utf-8 utf-8 us-ascii iso-8859-1 iso-8859-15 windows-1252
    windows-1251 koi8-r gb2312 big5 shift_jis euc-jp euc-kr iso-8859-2
    iso-2022-jp""".split()
TYPES = """application/pdf image/png application/octet-stream text/csv
    text/calendar application/zip""".split()
NAMES = ["a.pdf", "photo 1.jpg", "x", "no-ext", "report.final.docx",
         "=?utf-8?Q?na=C3=AFve.txt?="]
STARRED = ["", '; filename="{}"', "; filename*=utf-8''na%C3%AFve%20x.pdf",
           ';\r\n filename*0="long";\r\n filename*1="name.txt"']
HTML = ["<p>{}</p>", "<div>{}</div>", "<h2>{}</h2>",
        "<ul><li>{}</li><li>b</li></ul>", "<blockquote>{}</blockquote>",
        "{}<br>", '<a href="http://example.com/?a=1&amp;b=2">{}</a>',
        "<b>{}</b> &nbsp;&copy; ", "<ol><li>{}<li>x</ol>",
        "<pre>{}\r\n  x</pre>", '<img src="cid:a" alt="{}">\r\n']


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.boundaries = 0

    def chance(self, share):
        return self.random.random() < share

    def words(self, charset, count):
        """Words that the charset has."""
        found = []
        while len(found) < count:
            word = self.random.choice(PLAIN if self.chance(.7) else FOREIGN)
            try:
                word.encode(charset)
            except UnicodeEncodeError:
                continue
            found.append(word)
        return " ".join(found)

    def text(self, charset):
        lines = []
        for _ in range(self.random.randint(1, 12)):
            lines.append("" if self.chance(.15) else
                         self.words(charset, self.random.randint(1, 14)) +
                         (" " if self.chance(.1) else ""))
        return "\r\n".join(lines) + "\r\n"

    def html(self, charset):
        body = "".join(
            self.random.choice(HTML).format(
                self.words(charset, self.random.randint(1, 20)))
            for _ in range(self.random.randint(1, 6)))
        return f"<html><body>{body}</body></html>\r\n"

    def encoded_word(self):
        charset = self.random.choice(CHARSETS)
        data = self.words(charset, self.random.randint(1, 4)).encode(charset)
        if self.chance(.5):
            return f"=?{charset}?B?{base64.b64encode(data).decode()}?="
        text = "".join("_" if c == 32 else chr(c)
                       if c < 128 and chr(c).isalnum() else f"={c:02X}"
                       for c in data)
        return f"=?{charset}?Q?{text}?="

    def header_text(self):
        parts = [self.encoded_word() if self.chance(.4)
                 else self.random.choice(PLAIN)
                 for _ in range(self.random.randint(1, 5))]
        return self.random.choice([" ", " ", "\r\n ", "\r\n\t"]).join(parts)

    def address(self):
        one, two = self.random.choice(PLAIN), self.random.choice(PLAIN)
        address = f"{one}@{self.random.choice(['example.com', 'x.org'])}"
        return self.random.choice([
            address, f"<{address}>", f"{one} {two} <{address}>",
            f'"{one}, {two}" <{address}>', f"{address} ({two})",
            f"{self.encoded_word()} <{address}>"])

    def encode(self, data, binary):
        """The lines that name the encoding, and the encoded body."""
        choice = self.random.random()
        if choice < .35:
            return ("Content-Transfer-Encoding: base64",
                    base64.encodebytes(data).replace(b"\n", b"\r\n").strip())
        if choice < .7 and not binary:
            text = quopri.encodestring(data.replace(b"\r\n", b"\n"))
            return ("Content-Transfer-Encoding: quoted-printable",
                    text.replace(b"\n", b"\r\n"))
        if binary:
            data = data.replace(b"\n", b"x").replace(b"\r", b"y")
        return ("Content-Transfer-Encoding: " +
                self.random.choice(["8bit", "binary", "7bit"]), data)

    def attachment(self):
        data = self.random.randbytes(self.random.randint(1, 400))
        name = self.random.choice(NAMES)
        lines = ["Content-Type: " + self.random.choice(TYPES)]
        if self.chance(.3):
            lines[0] += f'; name="{name}"'
        if self.chance(.8):
            kind = self.random.choice(["attachment", "inline", "ATTACHMENT"])
            lines.append("Content-Disposition: " + kind +
                         self.random.choice(STARRED).format(name))
        if self.chance(.3):
            lines.append(f"Content-ID: <{self.random.choice(PLAIN)}@x>")
        encoding, body = self.encode(data, True)
        return lines + [encoding], body

    def shown(self, kind):
        charset = self.random.choice(CHARSETS)
        text = self.text(charset) if kind == "plain" else self.html(charset)
        label = self.random.choice(
            [charset, charset.upper(), f'"{charset}"'])
        lines = [f"Content-Type: text/{kind}; charset={label}"]
        if self.chance(.1):
            lines.append("Content-Disposition: inline")
        encoding, body = self.encode(text.encode(charset), False)
        return lines + [encoding], body

    def leaf(self, kind=None):
        kind = kind or self.random.choice(
            ["plain", "html", "attachment", "plain", "attachment"])
        return (self.attachment() if kind == "attachment"
                else self.shown(kind))

    def multipart(self, depth):
        self.boundaries += 1
        boundary = self.random.choice(
            ["=_b{}", "----=_Part_{}", "b{}"]).format(self.boundaries)
        subtype = self.random.choice(
            ["mixed", "alternative", "related", "mixed"])
        count = self.random.randint(1, 4)
        kinds = (["plain", "html"][:count] if subtype == "alternative"
                 else [None] * count)
        body = b"" if self.chance(.5) else b"A multi-part message.\r\n"
        for kind in kinds:
            nested = kind is None and depth < 3 and self.chance(.25)
            lines, content = (self.multipart(depth + 1) if nested
                              else self.leaf(kind))
            body += f"--{boundary}\r\n".encode()
            body += "\r\n".join(lines).encode() + b"\r\n\r\n"
            body += content + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        return ([f'Content-Type: multipart/{subtype}; boundary="{boundary}"'],
                body)

    def message(self, number):
        lines, body = (self.leaf() if self.chance(.3)
                       else self.multipart(0))
        to = ", ".join(self.address()
                       for _ in range(self.random.randint(1, 3)))
        header = ["Received: from a\r\n\tby b; 31 Jan 2026 12:00:00 +0000",
                  f"From: {self.address()}", f"To: {to}",
                  f"Subject: {self.header_text()}",
                  f"Message-ID: <{number}@x>", "MIME-Version: 1.0", *lines]
        mail = "\r\n".join(header).encode() + b"\r\n\r\n" + body
        return mail.replace(b"\r\n", b"\n") if self.chance(.1) else mail


def main():
    seed, count, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(int(seed))
    for number in range(int(count)):
        path = folder / f"{number:06}.eml"
        path.write_bytes(writer.message(number))


if __name__ == "__main__":
    main()
