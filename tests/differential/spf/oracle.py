"""Debian's python3-spf over the records of a zone, with each point where it is
known to differ from RFC 7208 put right. Every change says which rule it is; a
difference that remains is a fault of ours or a new one of its.
"""
import itertools

import spf

EXPANDED_MOST = 253
NOTHING = "SPF fail - not authorized"


class World:
    """The answers: {name: [(type, value) ...]}; a value of None is a time-out,
    a type of None one of all that the name has no record of."""

    def __init__(self):
        self.zone = {}

    def lookup(self, name, qtype, strict=True, timeout=20):
        name = name.lower().rstrip(".")
        answers, timeout = [], False
        for type_, value in self.zone.get(name, []):
            if type_ is None or (type_ == qtype and value is None):
                timeout = True
            elif type_ == qtype:
                answers.append(((name, qtype), value))
        if timeout and not answers:
            raise spf.TempError("DNS timeout")
        return answers


world = World()
spf.DNSLookup = lambda *args, **kwargs: world.lookup(*args, **kwargs)


MACRO_STRING = spf.re.compile(
    r"(?:[\x21-\x24\x26-\x7e]|%[%_-]|%\{[slodiphvcrt][0-9]*r?[-.+,/_=]*\})*",
    spf.re.I)


class Modifier:
    """Section 12: names are strings of the grammar, and have no case. Those
    that nobody knows are ignored (section 6) if they are macro-strings, which
    may have all letters."""

    @staticmethod
    def split(term, pattern=spf.RE_MODIFIER):
        parts = pattern.split(term)
        if len(parts) == 3:
            parts[1] = parts[1].lower()
            if parts[1] not in ("redirect", "exp") and not \
                    spf.re.search("{[^}]*[a-z]0+[^1-9]", parts[2]) and \
                    MACRO_STRING.fullmatch(parts[2]):
                parts[2] = ""
            # It has a table of those seen, which here may come twice.
            if parts[1] not in ("redirect", "exp"):
                parts[1] = "x-%d" % next(Modifier.numbers)
        return parts

    numbers = itertools.count()


spf.RE_MODIFIER = Modifier


def expand_one(expansion, text, _joiner):
    """Section 7.3: parts are joined by dots, whatever divided them; at least
    one part is kept (section 7.1: "the value MUST be nonzero")."""
    if not text:
        return expansion
    match = spf.re.fullmatch(r"([0-9]*)([rR]?)([-.+,/_=]*)", text)
    if match is None or (match[1] and int(match[1]) == 0):
        raise spf.PermError("invalid macro")
    parts = spf.re.split("[" + spf.re.escape(match[3] or ".") + "]", expansion)
    if match[2]:
        parts.reverse()
    if match[1]:
        parts = parts[-int(match[1]):]
    return ".".join(parts)


spf.expand_one = expand_one


class Query(spf.query):
    def __init__(self, i, s, h, receiver):
        super().__init__(i=i, s=s, h=h, receiver=receiver)
        # Section 7.4 writes the nibbles of IPv6 in lower case.
        self.i = self.i.lower()
        self.t = "1767225600"
        # A quoted local part may have an @ (RFC 5321 section 4.1.2).
        if "@" in s[1:]:
            self.l, _, self.o = s.rpartition("@")
            self.d = self.o
        # Section 4.3: what is no name of several labels has no record.
        self.no_name = "." not in self.d.strip(".") or self.d[:1] == "["

    def validate_mechanism(self, mech):
        # Section 5.7: the domain is not optional, whatever the qualifier.
        if spf.re.fullmatch("[-+~?]?(?:exists|include)", mech, spf.re.I):
            raise spf.PermError("domain missing", mech)
        try:
            return super().validate_mechanism(mech)
        except spf.PermError as error:
            # Section 4.6.4: an include of itself is no syntax error; it ends
            # at the limit, if it is reached.
            if error.msg != "include has trivial recursion":
                raise
            result = spf.RESULTS.get(mech[0], "pass")
            return mech, "include", self.d, self.cidrmax, result

    def dns_spf(self, domain):
        # Sections 4.3 and 5.2: so it is for domains that are included.
        if "." not in domain or len(domain) > EXPANDED_MOST:
            return None
        return super().dns_spf(domain)

    def dns(self, name, qtype, cnames=None, ignore_void=False):
        # A name over 253 bytes cannot be asked for (RFC 1035 section 2.3.4).
        if len(name.rstrip(".")) > EXPANDED_MOST or not name.strip("."):
            return []
        return super().dns(name, qtype, cnames, ignore_void)

    def dns_txt(self, domainname, rr="TXT", ignore_void=False):
        # Section 4.6.4 counts terms; the record itself is none.
        return super().dns_txt(domainname, rr, ignore_void=True)

    def dns_mx(self, domainname):
        # Section 4.6.4: the term is void by its own question.
        names = self.dns(domainname, "MX")
        if len(names) > spf.MAX_MX:
            raise spf.PermError("More than 10 MX records returned")
        return [a for name in names
                for a in self.dns(name[1], self.A, ignore_void=True)]

    def validated_ptrs(self):
        return self.validate(self.dns_ptr(self.i))

    def validate(self, names):
        # Section 5.5: an address that cannot be had is a name that is skipped;
        # neither is it a void lookup of the term.
        found = []
        for name in names[:spf.MAX_PTR]:
            try:
                if self.cidrmatch(self.dns(name, self.A, ignore_void=True),
                                  self.cidrmax):
                    found.append(name)
            except spf.TempError:
                pass
        return found

    def dns_ptr(self, i):
        # Section 5.5: a DNS error is no match.
        try:
            return super().dns_ptr(i)
        except spf.TempError:
            return []

    def getp(self):
        # Section 7.3: %{p} is "unknown" after an error, and it is no term. The
        # names are compared without case (RFC 4343), and it is chosen for the
        # domain at hand each time.
        name = "%s.%s.arpa" % (spf.reverse_dots(self.i), self.v)
        try:
            found = self.validate(self.dns(name, "PTR", ignore_void=True))
        except spf.TempError:
            found = []
        domain = self.d.lower()
        self.p = next(
            (n for n in found if n.lower() == domain),
            next((n for n in found if n.lower().endswith("." + domain)),
                 found[0] if found else "unknown"))
        return self.p

    def expand(self, s, stripdot=True):
        # Section 7.1: the grammar, which its patterns only come near to.
        letters = "slodiphv" if stripdot else "slodiphvcrt"
        if not spf.re.fullmatch(
                r"(?:[\x21-\x24\x26-\x7e%s]|%%[%%_-]|%%\{[%s][0-9]*r?"
                r"[-.+,/_=]*\})*" % ("" if stripdot else " ", letters), s,
                spf.re.I):
            raise spf.PermError("invalid macro")
        # Section 7.3: labels go until 253 bytes are left; the original drops
        # one.
        whole = self.expand_all(s)
        if not stripdot:
            return whole
        if whole.endswith("."):
            whole = whole[:-1]
        while len(whole) > EXPANDED_MOST and "." in whole:
            whole = whole[whole.index(".") + 1:]
        return whole

    def expand_all(self, s):
        out, at = "", 0
        for match in spf.RE_CHAR.finditer(s):
            out += s[at:match.start()]
            at = match.end()
            out += self.expand_macro(match.group())
        return out + s[at:]

    def expand_macro(self, macro):
        plain = {"%%": "%", "%_": " ", "%-": "%20"}
        if macro in plain:
            return plain[macro]
        letter = macro[2].lower()
        if letter == "p":
            self.getp()
        value = expand_one(getattr(self, letter), macro[3:-1], None)
        if letter != macro[2]:
            value = spf.urllibparse.quote(value, "~")
        return value

    def expand_domain(self, arg):
        # Section 7.1, domain-end: a macro must stand at the very end.
        if not spf.re.search(
                r"(?:\.(?:[0-9a-z]*[a-z][0-9a-z]*|[0-9a-z]+-[0-9a-z-]*[0-9a-z])"
                r"\.?|%[%_-]|%\{[^}]*\})$", arg, spf.re.I):
            raise spf.PermError("Invalid domain found (use FQDN)", arg)
        return self.expand(arg)


def ask(ip, helo, sender, receiver):
    """(result, explanation or None, whether too many terms are to blame)"""
    try:
        query = Query(ip, sender, helo, receiver)
        if query.no_name:
            return "none", None, ""
        result, _, text = query.check()
    except spf.PermError as error:
        return "permerror", None, str(error)
    if result != "fail" or text == NOTHING or not text.isprintable() or \
            not text.isascii():
        return result, None, text
    return result, text, ""
