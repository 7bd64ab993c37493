"""An implementation of signing that is neither ours nor dkimpy's: short, and
free in the form of what it writes, so that signatures of any layout can be
made which a verifier must accept (RFC 6376, RFC 8463, RFC 8617)."""
import base64
import hashlib
import pathlib
import re

import dkim.crypto
import nacl.signing

KEYS = pathlib.Path(__file__).resolve().parent.parent.parent / "keys"


def pem(name):
    return (KEYS / f"{name}.pem").read_bytes()


def der_integer(number):
    body = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + der_length(len(body)) + body


def der_length(length):
    if length < 128:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([128 | size]) + length.to_bytes(size, "big")


def der_sequence(*parts):
    body = b"".join(parts)
    return b"\x30" + der_length(len(body)) + body


class Rsa:
    """`bare`: the record holds an RSAPublicKey instead of the usual
    SubjectPublicKeyInfo."""

    tag = b"rsa"

    def __init__(self, name, bare=False):
        self.pem = pem(name)
        self.key = dkim.crypto.parse_pem_private_key(self.pem)
        self.bare = bare

    def sign(self, data, digest=hashlib.sha256):
        return dkim.crypto.RSASSA_PKCS1_v1_5_sign(digest(data), self.key)

    def public(self):
        bare = der_sequence(der_integer(self.key["modulus"]),
                            der_integer(self.key["publicExponent"]))
        if self.bare:
            return base64.b64encode(bare)
        oid = bytes.fromhex("06092a864886f70d0101010500")
        bits = b"\x03" + der_length(len(bare) + 1) + b"\x00" + bare
        return base64.b64encode(der_sequence(der_sequence(oid), bits))


class Ed25519:
    tag = b"ed25519"

    def __init__(self, name):
        der = base64.b64decode(b"".join(pem(name).splitlines()[1:-1]))
        self.seed = base64.b64encode(der[-32:])
        self.pem = pem(name)
        self.key = nacl.signing.SigningKey(der[-32:])

    def sign(self, data, digest=hashlib.sha256):
        return self.key.sign(digest(data).digest()).signature

    def public(self):
        return base64.b64encode(bytes(self.key.verify_key))


def split(message):
    """The fields, each with its line ends, and the body."""
    head, empty, body = message.partition(b"\r\n\r\n")
    if message.startswith(b"\r\n"):
        return [], message[2:]
    fields = re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", head + b"\r\n")
    return fields, body


def name_of(field):
    return field.partition(b":")[0].rstrip(b" \t").lower()


def canonical_field(kind, field):
    if kind == b"simple":
        return field
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def canonical_body(kind, body):
    if kind == b"relaxed":
        body = re.sub(rb"[ \t]+", b" ", body)
        body = re.sub(rb" (?=\r\n|\Z)", b"", body)
    body = re.sub(rb"(?:\r\n)+\Z", b"", body)
    return body + b"\r\n" if body or kind == b"simple" else b""


def pick(fields, names):
    """RFC 6376 section 5.4.2."""
    left = list(fields)
    for name in names:
        for i in reversed(range(len(left))):
            if left[i] is not None and name_of(left[i]) == name.lower():
                yield left[i]
                left[i] = None
                break


def erase(field):
    """The field with an empty b=, without its last line end."""
    head, tail = re.match(rb"(?s)(.*?[;:\s]b[ \t\r\n]*=)[^;]*(.*)\Z",
                          field).groups()
    return head + tail if tail else head + b"\r\n"


def complete(field, kind, before, key, digest=hashlib.sha256):
    """Puts the signature where @B stands."""
    own = canonical_field(kind, erase(field.replace(b"@B", b"")))[:-2]
    signature = base64.b64encode(key.sign(before + own, digest))
    return field.replace(b"@B", signature)


def sign(message, template, key, names, kinds=(b"relaxed", b"relaxed"),
         length=None, digest=hashlib.sha256):
    """`template` is a whole field in which @B and @BH stand for the
    signature and the hash of the body."""
    fields, body = split(message)
    body = canonical_body(kinds[1], body)
    if length is not None:
        body = body[:length]
    field = template.replace(
        b"@BH", base64.b64encode(digest(body).digest()))
    before = b"".join(canonical_field(kinds[0], one)
                      for one in pick(fields, names))
    return complete(field, kinds[0], before, key, digest)


def seal(message, instance, aar, ams, arc_seal, key, names,
         kinds=(b"relaxed", b"relaxed")):
    """The fields of an ARC set, from three templates; the older sets are
    those of the message."""
    ams = sign(message, ams, key, names, kinds)
    fields, _ = split(message)
    sets = {}
    for field in fields + [aar, ams]:
        order = (b"arc-authentication-results", b"arc-message-signature",
                 b"arc-seal")
        if name_of(field) not in order:
            continue
        number = re.search(rb"[;:\s]i[ \t\r\n]*=[ \t\r\n]*(\d+)", field)
        if number is not None:
            sets[int(number.group(1)), order.index(name_of(field))] = field
    before = b"".join(canonical_field(b"relaxed", sets[place])
                      for place in sorted(sets))
    return complete(arc_seal, b"relaxed", before, key) + ams + aar
