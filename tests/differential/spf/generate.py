"""Worlds of SPF records, seeded: mostly right ones, and all kinds of wrong."""
import random

NAMES = ["a.test", "b.test", "c.test", "m.a.test", "x.b.test", "deep.m.a.test",
         "empty.test"]
V4 = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "198.51.100.7", "10.0.0.1"]
V6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::1", "fe80::1"]
LOCALS = ["user", "strong-bad", "a+b-c=d", "UPPER", "x.y.z", "", '"a@b"']
LETTERS = "sSlLoOdDiIpPvVhH"
TOPS = ["test", "a.test", "b.test", "x1-y", "com"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, of):
        return self.random.random() < of

    def pick(self, all_):
        return self.random.choice(all_)

    def macro(self):
        if self.chance(0.15):
            return self.pick(["%%", "%_", "%-", "%", "%{", "%{z}", "%{d0}",
                              "%{c}", "%{dr-}", "%{dd}", "%(d)", "%{d!}"])
        digits = self.pick(["", "", "1", "2", "3", "9"])
        return "%%{%s%s%s%s}" % (
            self.pick(LETTERS), digits, self.pick(["", "", "r", "R"]),
            self.pick(["", "", ".", "-", "+-", ".-=", "/_,"]))

    def domain(self):
        if self.chance(0.6):
            return self.pick(NAMES)
        pieces = []
        for _ in range(self.random.randint(1, 3)):
            pieces.append(self.pick([self.macro(), self.macro(), "x", "a.b",
                                     "long" * 20, "", "-", "_spf"]))
        text = self.pick([".", ".", ".", "", "-"]).join(pieces)
        if self.chance(0.7):
            text += "." + self.pick(TOPS)
        return text + self.pick(["", "", "", "."])

    def cidr(self):
        return self.pick(["", "", "", "", "/24", "/0", "/32", "//64", "/16//32",
                          "//0", "/33", "/032", "//129", "/", "//", "/24/64"])

    def mechanism(self):
        kind = self.random.random()
        if kind < 0.12:
            return "include:" + self.domain()
        if kind < 0.35:
            return self.pick(["a", "mx", "A", "mX"]) + (
                ":" + self.domain() if self.chance(0.7) else "") + self.cidr()
        if kind < 0.42:
            return "ptr" + (":" + self.domain() if self.chance(0.5) else "")
        if kind < 0.52:
            return "exists:" + self.domain()
        if kind < 0.67:
            return "ip4:" + self.pick(V4) + self.pick(
                ["", "", "/24", "/32", "/0", "/33", "/08", "//24"])
        if kind < 0.77:
            return "ip6:" + self.pick(V6) + self.pick(
                ["", "", "/64", "/128", "/0", "/129", "/064"])
        if kind < 0.9:
            return "all"
        return self.pick([
            "all:x.test", "all.", "moo", "ip4:1.2.3", "ip4:1.2.3.256", "ip4",
            "ip6:", "ip6:1.2.3.4", "include", "include:", "exists", "a:",
            "ptr/24", "ip4:01.2.3.4", "ip6:::1.2.3.4", "a:192.0.2.1",
            "include:a.test/24", "exists:.test", "mx:test", "", "--all"])

    def modifier(self):
        return self.pick([
            "redirect=" + self.domain(), "redirect=" + self.pick(NAMES),
            "exp=" + self.domain(), "exp=e.test", "exp=e.test", "moo=cow",
            "moo=" + self.macro(), "x.y-z_1=", "moo=a=b", "1x=y", "REDIRECT=" +
            self.pick(NAMES)])

    def record(self):
        terms = [self.pick(["", "", "", "+", "-", "~", "?"]) + self.mechanism()
                 for _ in range(self.random.randint(0, 4))]
        if self.chance(0.35):
            terms.insert(self.random.randint(0, len(terms)), self.modifier())
        if self.chance(0.5):
            terms.append(self.pick(["-all", "~all", "?all", "+all"]))
        if self.chance(0.04):
            terms = [self.pick(["a:a.test", "mx:a.test", "exists:a.test",
                                "a:m.a.test"])
                     for _ in range(self.random.randint(9, 12))] + terms
        text = self.pick(["v=spf1"] * 20 + ["V=SPF1", "v=spf10", "v=spf1\t",
                                            "spf2.0/pra", "v=spf1-"])
        text += "".join(self.pick([" ", " ", " ", "  "]) + t for t in terms)
        if self.chance(0.02):
            at = self.random.randint(0, len(text))
            text = text[:at] + self.pick(["\t", "\x01", "\x7f", "é"]) + text[at:]
        return text

    def explanation(self):
        return "".join(
            self.pick([self.macro(), "%{c}", "%{r}", "%{t}", "see ", "http://",
                       "é" if self.chance(0.1) else "x"])
            for _ in range(self.random.randint(0, 6)))

    def zone(self):
        """{name: [[type, value] ...]}; a value of None is a time-out."""
        zone = {}
        for name in NAMES[:-1]:
            entries = []
            for _ in range(self.pick([1, 1, 1, 1, 1, 1, 1, 0, 2])):
                entries.append(["TXT", self.record()])
            if self.chance(0.1):
                entries.append(["TXT", "something else"])
            for _ in range(self.pick([0, 1, 1, 2])):
                entries.append(["A", self.pick(V4)])
            for _ in range(self.pick([0, 0, 1])):
                entries.append(["AAAA", self.pick(V6)])
            for _ in range(self.pick([0, 1, 1, 2]) if self.chance(0.97) else 11):
                entries.append(["MX", self.pick(NAMES)])
            if self.chance(0.04):
                entries.append([None, None])
            if self.chance(0.03):
                entries.append([self.pick(["A", "MX", "TXT", "AAAA"]), None])
            zone[name] = entries
        zone["e.test"] = [["TXT", self.explanation()]
                          for _ in range(self.pick([1, 1, 1, 0, 2]))]
        for name in ("1.2.0.192.in-addr.arpa", "2.2.0.192.in-addr.arpa",
                     "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"):
            zone[name] = [["PTR", self.pick(NAMES)]
                          for _ in range(self.pick([0, 1, 2, 11]))]
            if self.chance(0.05):
                zone[name].append(["PTR", None])
        return zone

    def query(self):
        sender = self.pick(LOCALS) + "@" + self.pick(NAMES[:4])
        helo = self.pick(NAMES + ["localhost", "[192.0.2.1]", "h.test"])
        if self.chance(0.15):
            sender = self.pick(["", "a@localhost", "a@x..test", "a@test",
                                "a@" + "l" * 64 + ".test", "b.test"])
        return {"ip": self.pick(V4 + V6 + ["::ffff:192.0.2.1"]), "helo": helo,
                "from": sender, "receiver": "mx.our.test"}
