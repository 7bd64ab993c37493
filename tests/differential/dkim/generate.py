"""Messages, signatures and key records, all from one seed."""
import random

import forge

WORDS = (b"dinner is ready at the usual place we lost game hungry yet list "
         b"example invoice 2026 -- . .. =3D caf\xc3\xa9 b= ; a:b @ \xff").split(
             b" ")
NAMES = (b"From To Subject Date Message-ID Cc Reply-To Received List-Id "
         b"X-Long-Header-Name MIME-Version Content-Type").split()


class Generator(random.Random):
    def chance(self, percent):
        return self.random() * 100 < percent

    def blanks(self):
        return self.choice([b" ", b"  ", b"\t", b" \t "])

    def text(self, most):
        words = [self.choice(WORDS) for _ in range(self.randint(0, most))]
        return b"".join(word + self.blanks() if self.chance(30)
                        else word + b" " for word in words)

    def value(self):
        value = b" " + (self.text(8).strip() or b"x")
        while self.chance(30):
            value += b"\r\n" + self.blanks() + (self.text(5).strip() or b"y")
        if self.chance(10):
            value += self.blanks()
        return value

    def field(self, name):
        if self.chance(10):
            name = self.choice([name.upper(), name.lower()])
        return name + b":" + self.value() + b"\r\n"

    def body(self):
        lines = []
        for _ in range(self.choice([0, 0, 1, 2, 5, 20])):
            line = self.choice([b"", self.text(12), self.text(3).strip()])
            if self.chance(15):
                line += self.blanks()
            if self.chance(5):
                line = self.blanks()
            lines.append(line)
        body = b"\r\n".join(lines)
        ends = self.choice([0, 1, 1, 1, 2, 3])
        if ends == 0:
            # dkimpy keeps blanks there, against RFC 6376 section 3.4.4; by
            # SMTP comes no such line.
            body = body.rstrip(b" \t")
        return body + b"\r\n" * ends

    def message(self):
        names = [b"From"] + self.sample(NAMES[1:], self.randint(1, 9))
        names += [name for name in names[1:] if self.chance(12)]
        self.shuffle(names)
        return (b"".join(self.field(name) for name in names) + b"\r\n"
                + self.body())

    # --- what is signed

    def signed_names(self, message):
        """A list for h=, with names that are there, that are not, and some
        twice."""
        there = [forge.name_of(field) for field in forge.split(message)[0]]
        names = [name for name in there if self.chance(70)]
        names += [name for name in (b"sender", b"x-not-there") + tuple(there)
                  if self.chance(8)]
        names = [name for name in names if name != b"from"] + [b"from"] * (
            1 + self.chance(40))
        self.shuffle(names)
        return [self.choice([name, name.title()]) for name in names]

    def fold(self):
        return self.choice([b"", b" ", b"", b"\t", b"\r\n ", b" \r\n\t"])

    def colons(self, names):
        return b"".join(name + (self.fold() + b":" + self.fold()
                                if i + 1 < len(names) else b"")
                        for i, name in enumerate(names))

    def field_of_tags(self, name, tags):
        """In any order, folded anywhere."""
        tags = list(tags)
        if self.chance(50):
            self.shuffle(tags)
        text = name + b":" + (self.fold() if self.chance(10) else b" ")
        for i, (tag, value) in enumerate(tags):
            text += tag + self.fold() + b"=" + self.fold() + value
            # dkimpy leaves blanks behind b=; see rules.py.
            before = self.fold() if tag != b"b" or self.chance(5) else b""
            if i + 1 < len(tags):
                text += before + b";" + self.fold()
        if self.chance(30):
            text += b";"
        return text + b"\r\n"

    def kinds(self):
        return (self.choice([b"simple", b"relaxed"]),
                self.choice([b"simple", b"relaxed"]))

    # --- what happens to it on the way

    def mutate(self, message):
        """Something that servers, lists or attackers do."""
        way = self.choice(["body", "byte", "append", "header", "remove",
                           "order", "blanks", "from", "trail", "double"])
        fields, body = forge.split(message)
        if way == "body":
            body = self.body()
        elif way == "byte":
            at = self.randrange(len(message))
            changed = bytes([message[at] ^ self.choice([1, 2, 32])])
            if changed not in b"\r\n" and message[at:at + 1] not in b"\r\n":
                return message[:at] + changed + message[at + 1:]
        elif way == "append":
            body += b"An advertisement\r\n"
        elif way == "header":
            fields.insert(self.randint(0, len(fields)),
                          self.field(self.choice(NAMES)))
        elif way == "remove":
            fields.pop(self.randrange(len(fields)))
        elif way == "order":
            self.shuffle(fields)
        elif way == "blanks":
            body = body.replace(b" ", b"  ", 1)
            at = self.randrange(len(fields))
            fields[at] = fields[at].replace(b": ", b":   ", 1)
        elif way == "from":
            fields.insert(0, b"From: <other@example.com>\r\n")
        elif way == "trail":
            body += b"\r\n\r\n"
        elif way == "double":
            fields.append(self.choice(fields))
        return b"".join(fields) + b"\r\n" + body
