"""The freedoms that signatures are made with, and the rules by which we may
differ from dkimpy 1.1: each names the place in an RFC that makes us right."""
import hashlib
import re

import forge

DOMAIN = b"example.com"


# --- layouts

def signature_tags(random, key, kinds, names, length, now):
    tags = [(b"v", b"1"), (b"a", key.tag + b"-sha256"), (b"d", DOMAIN),
            (b"s", b"sel"), (b"h", random.colons(names)), (b"bh", b"@BH"),
            (b"b", b"@B")]
    c = b"/".join(kinds)
    if c == b"relaxed/simple" and random.chance(50):
        c = b"relaxed"
    if c != b"simple/simple" or random.chance(50):
        tags.append((b"c", c))
    if length is not None:
        tags.append((b"l", b"%d" % length))
    for percent, tag, values in (
            (20, b"i", [b"@example.com", b"joe@example.com",
                        b"a=20b@sub.example.com", b"joe@Example.COM"]),
            (20, b"q", [b"dns/txt", b"dns/txt", b"dns/txt:x-other"]),
            (30, b"t", [b"%d" % now, b"%d" % (now - 86400)]),
            (20, b"x", [b"%d" % (now + 86400)] * 4
             + [b"%d" % (now - 90000)]),
            (15, b"z", [b"From:joe=40example.com|Subject:demo=20run"]),
            (15, b"r", [b"y"]), (10, b"X_1", [b"some text, =;"[:-1]])):
        if random.chance(percent):
            tags.append((tag, random.choice(values)))
    return tags


def maybe_sha1(random, key, tags):
    if key.tag != b"rsa" or not random.chance(5):
        return hashlib.sha256, tags
    return hashlib.sha1, [(tag, b"rsa-sha1" if tag == b"a" else value)
                          for tag, value in tags]


def garble(random, tags):
    """One fault."""
    tags = list(tags)
    at = random.randrange(len(tags))
    tag, value = tags[at]
    if tag in (b"b", b"bh") and random.chance(70):
        at = 0
        tag, value = tags[at]
    way = random.choice(["drop", "repeat", "case", "value", "upper", "empty",
                         "inner", "semicolon", "wrong"])
    if way == "drop" and tag != b"b":
        tags.pop(at)
    elif way == "repeat":
        tags.append((tag, value if tag != b"b" else b"AAAA"))
    elif way == "case" and tag != b"b":
        tags[at] = (tag.upper(), value)
    elif way == "value" and tag != b"b":
        tags[at] = (tag, value + random.choice([b"x", b"1", b" x", b"="]))
    elif way == "upper" and tag not in (b"b", b"bh"):
        tags[at] = (tag, value.upper())
    elif way == "empty" and tag != b"b":
        tags[at] = (tag, b"")
    elif way == "inner":
        tags.append((b"0" + tag, b"x"))
    elif way == "semicolon":
        tags.append((b"y", b"1;"))
    elif way == "wrong" and tag != b"b":
        tags[at] = (tag, random.choice([b"2", b"-1", b"@", b"a b", b":", b"/",
                                        b"dns/txt", b"relaxed/relaxed/simple",
                                        b"example.org", b"99999999999999"]))
    return tags


def record(random, key):
    public = key.public().decode()
    if random.chance(10):
        public = public[:40] + " " + public[40:]
    first = random.choice(["v=DKIM1; ", "v=DKIM1;", "", "v=DKIM1; n=note; ",
                           "v=DKIM2; ", "n=x; v=DKIM1; "])
    kind = "k=" + key.tag.decode() + "; "
    if key.tag == b"rsa" and random.chance(40):
        kind = ""
    if random.chance(5):
        kind = random.choice(["k=rsa; ", "k=ed25519; ", "k=dsa; "])
    flags = random.choice([""] * 6 + [
        "t=y; ", "t=s; ", "t=y:s; ", "h=sha256; ", "h=sha1; ",
        "h=sha1:sha256; ", "s=email; ", "s=*; ", "s=other; ", "g=*; ",
        "s=other:email; ", "s=tlsrpt; "])
    last = random.choice(["p=" + public] * 8 + [
        "p=", "", "p=" + public + ";", "p=" + public[:-9], "p=!" + public,
        "p=" + public + "; p=" + public])
    return first + kind + flags + last


# --- ARC

def arc_tags(random, tags):
    return [(tag, value) for tag, value in tags if value is not None]


def seal(random, message, key, i, now):
    """One set, of any layout."""
    names = [name for name in random.signed_names(message)
             if not name.lower().startswith(b"arc-") or random.chance(2)]
    kinds = random.choice([(b"relaxed", b"relaxed")] * 3 + [random.kinds()])
    when = b"%d" % now if random.chance(80) else None
    aar = (b"ARC-Authentication-Results:" + random.choice([b" ", b"\r\n\t"])
           + b"i=%d; mx.example.com; spf=pass\r\n" % i)
    ams = random.field_of_tags(b"ARC-Message-Signature", arc_tags(random, [
        (b"a", b"rsa-sha256"), (b"c", b"/".join(kinds)),
        (b"d", DOMAIN), (b"s", b"sel"), (b"t", when),
        (b"h", random.colons(names)), (b"bh", b"@BH"), (b"b", b"@B")]))
    # dkimpy finds its own signature again by " i=1;", written like this.
    ams = ams.replace(b":", (b": i=%d; " if random.chance(95) else
                             b":\r\n i = %d ;") % i, 1)
    arc_seal = random.field_of_tags(b"ARC-Seal", arc_tags(random, [
        (b"i", b"%d" % i), (b"a", b"rsa-sha256"), (b"t", when),
        (b"cv", b"none" if i == 1 else b"pass"), (b"d", DOMAIN),
        (b"s", b"sel"), (b"b", b"@B")]))
    return forge.seal(message, i, aar, ams, arc_seal, key, names, kinds)


def mutate_chain(random, message):
    fields, body = forge.split(message)
    arc = [at for at, field in enumerate(fields)
           if field.lower().startswith(b"arc-")]
    way = random.choice(["drop", "repeat", "order", "instance", "cv", "other",
                         "alter", "h"])
    if not arc or way == "other":
        return random.mutate(message)
    at = random.choice(arc)
    if way == "drop":
        fields.pop(at)
    elif way == "repeat":
        fields.insert(random.randint(0, len(fields)), fields[at])
    elif way == "order":
        moved = [fields[i] for i in arc]
        random.shuffle(moved)
        for i, field in zip(arc, moved):
            fields[i] = field
    elif way == "instance":
        fields[at] = re.sub(rb"(?<=[;:\s])i([ \t\r\n]*)=([ \t\r\n]*)\d+",
                            rb"i\1=\g<2>" + random.choice(
                                [b"0", b"1", b"2", b"9", b"51", b"x", b""]),
                            fields[at], 1)
    elif way == "cv":
        fields[at] = re.sub(rb"(?<=[;:\s])cv([ \t\r\n]*)=([ \t\r\n]*)\w+",
                            rb"cv\1=\g<2>" + random.choice(
                                [b"none", b"pass", b"fail", b"x", b"Pass"]),
                            fields[at], 1)
    elif way == "alter":
        spot = random.randrange(len(fields[at]) - 2)
        if fields[at][spot] > 32:
            fields[at] = (fields[at][:spot] + bytes([fields[at][spot] ^ 1])
                          + fields[at][spot + 1:])
    elif way == "h":
        fields[at] = fields[at].replace(b":", b": h=from;", 1)
    return b"".join(fields) + b"\r\n" + body


# --- differences

def has(pattern):
    return lambda message, records: re.search(pattern, message) is not None


def record_has(pattern):
    return lambda message, records: any(
        re.search(pattern, record) for record in records.values())


def always(message, records):
    return True


def shuffled(message, records):
    """Whether the ARC fields stand in another order than that in which
    sealers put them on top of each other."""
    order = (b"arc-seal", b"arc-message-signature",
             b"arc-authentication-results")
    places = []
    for field in forge.split(message)[0]:
        if forge.name_of(field) in order:
            number = re.search(rb"[;:\s]i[ \t\r\n]*=[ \t\r\n]*(\d+)", field)
            places.append((-int(number.group(1)) if number else 0,
                           order.index(forge.name_of(field))))
    return places != sorted(places)


def ends_in_blanks(message, records):
    return any(field.endswith((b" \r\n", b"\t\r\n"))
               for field in forge.split(message)[0]
               if forge.name_of(field) == b"dkim-signature")


# (DKIM or ARC, a part of what we said, a part of what they said, what must be
# so, which rule)
RULES = [
    ("", "pass", "q= value is not dns/txt", always,
     "RFC 6376 3.5, q=: methods not known are skipped"),
    ("dkim", "shorter than what was signed", "True", always,
     "RFC 6376 3.5, l=: not more than the body has"),
    ("", "another version", "", record_has(r"n=x; v="),
     "RFC 6376 3.6.1, v=: the first tag"),
    ("", "malformed key", "", record_has(r"p=!"),
     "RFC 6376 3.6.1, p=: base64"),
    ("", "not meant for SHA-256", "", record_has(r"h=sha1;"),
     "RFC 6376 3.6.1, h=: acceptable hash algorithms"),
    ("", "not meant for mail", "", record_has(r"s=(other|tlsrpt);"),
     "RFC 6376 3.6.1, s=: service types"),
    ("", "not meant for subdomains", "", record_has(r"t=(y:)?s;"),
     "RFC 6376 3.6.1, t=s: no subdomains in i="),
    ("", "pass", "", record_has(r"s=other:email;"),
     "RFC 6376 3.6.1, s=: a list, of which what is not known is skipped"),
    ("", "malformed list of header fields", "", always,
     "RFC 6376 3.5, h=: names of header fields"),
    ("", "malformed time", "", has(rb"\d{13}"),
     "RFC 6376 3.5, t= and x=: at most 12 digits"),
    ("", "rsa-sha1 does not count", "", always, "RFC 8301 3.1"),
    ("", "From is not signed", "", always, "RFC 6376 5.4: From is signed"),
    ("", "there is no From", "", always,
     "RFC 5322 3.6: From is there; RFC 6376 5.4: it is signed"),
    ("dkim", "pass", "False",
     has(rb"(?i)h[ \t\r\n]*=[^;]*dkim-signature"),
     "RFC 6376 5.4: a signature never signs itself"),
    ("", "pass", "", has(rb"[;:\s]b[ \t\r\n]*=[^;]*[ \t\r\n];"),
     "RFC 6376 3.7: the blanks around the value of b= are not signed"),
    ("", "pass", "",
     has(rb"(?im)^(dkim-signature|arc-seal|arc-message-signature):b\b"),
     "RFC 6376 3.2: the first tag needs no blank before it"),
    ("dkim", "pass", "False", ends_in_blanks,
     "RFC 6376 3.7: of the signature only the last CRLF is left out"),
    ("arc", "pass", "did not validate", shuffled,
     "RFC 8617 5.1.1: seals sign by instance, not by place"),
    ("arc", "pass", "IndexError", always,
     "RFC 6376 3.2: blanks may stand around the = of AMS's i="),
]


def find(what, message, records, why, their_why):
    for kind, ours, theirs, holds, rule in RULES:
        if (kind in (what, "") and ours in why and theirs in str(their_why)
                and holds(message, records)):
            return rule
    return None
