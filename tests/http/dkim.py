"""DKIM keys: stored, shown, rotated, deleted; and what is refused."""

import os
import stat
import subprocess
import sys

from api import call, check, run, same

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fake")
)
from dns import FakeDNS  # noqa: E402

DOMAINS = "/api/v1/dkim/domains/"
PATH = DOMAINS + "example.com"


def pem(*options):
    return subprocess.run(
        ["openssl", "genpkey", *options],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def rsa(bits=2048):
    return pem("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits)


def expect(api, method, path, status, body=None):
    answer = call(api, method, path, body)
    same(answer.status, status, "%s %s: %s" % (method, path, answer))
    return answer.json()


def public_of(private):
    return subprocess.run(
        ["openssl", "pkey", "-pubout"],
        input=private,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def story_as_the_application_uses_it(stack):
    api = stack.httpapi()
    key = rsa()
    expect(api, "GET", PATH, 404)
    expect(api, "DELETE", PATH, 404)
    body = {"selector": "mail", "private_key": key}
    stored = expect(api, "PUT", PATH, 200, body)
    shown = expect(api, "GET", PATH, 200)
    for answer in (stored, shown):
        same(answer["success"], True, "success")
        same(answer["domain"], "example.com", "domain")
        same(answer["selector"], "mail", "selector")
        same(answer["public_key"], public_of(key), "public_key")
        der = "".join(public_of(key).splitlines()[1:-1])
        same(answer["value"], "v=DKIM1; k=rsa; p=" + der, "value")
        same(answer["private_key_present"], True, "private_key_present")
        check("BEGIN PRIVATE" not in str(answer), "the private key is told")
    folder = os.path.join(stack.spool, "dkim", "example.com")
    with open(os.path.join(folder, "private"), encoding="ascii") as file:
        same(file.read(), key, "the key on disk")
    with open(os.path.join(folder, "selector"), encoding="ascii") as file:
        same(file.read().strip(), "mail", "the selector on disk")
    for path, mode in [("", 0o700), ("private", 0o600), ("selector", 0o600)]:
        found = stat.S_IMODE(os.stat(os.path.join(folder, path)).st_mode)
        same(oct(found), oct(mode), "mode of %r" % path)
    # Another one takes its place; in upper case it is the same domain.
    expect(
        api, "PUT", DOMAINS + "EXAMPLE.com", 200,
        {"selector": "s2", "private_key": rsa()},
    )
    same(expect(api, "GET", PATH, 200)["selector"], "s2", "selector")
    same(os.listdir(os.path.join(stack.spool, "dkim")), ["example.com"], "left")
    same(expect(api, "DELETE", PATH, 200)["deleted"], True, "deleted")
    expect(api, "GET", PATH, 404)
    same(os.listdir(os.path.join(stack.spool, "dkim")), [], "left")
    text = call(api, "GET", "/metrics").body.decode()
    for line in [
        "elektrine_http_api_dkim_sync_ok_total 2",
        "elektrine_http_api_dkim_delete_ok_total 1",
        "elektrine_http_api_dkim_delete_error_total 1",
    ]:
        check(line in text.splitlines(), line)


def story_ed25519(stack):
    api = stack.httpapi()
    key = pem("-algorithm", "ed25519")
    answer = expect(
        api, "PUT", PATH, 200, {"selector": "ed", "private_key": key}
    )
    check(answer["value"].startswith("v=DKIM1; k=ed25519; p="), "value")
    same(len(answer["value"].split("p=")[1]), 44, "32 bytes in base64")


def story_what_is_refused_changes_nothing(stack):
    api = stack.httpapi()
    good = rsa()
    expect(api, "PUT", PATH, 200, {"selector": "s", "private_key": good})
    encrypted = subprocess.run(
        ["openssl", "pkey", "-aes128", "-passout", "pass:secret"],
        input=good,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    half = good.replace(good.splitlines()[5], "A" * 64)
    ec = pem("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    for body, field in [
        ({"selector": "s", "private_key": rsa(1024)}, "private_key"),
        ({"selector": "s", "private_key": encrypted}, "private_key"),
        ({"selector": "s", "private_key": half}, "private_key"),
        ({"selector": "s", "private_key": ec}, "private_key"),
        ({"selector": "s", "private_key": public_of(good)}, "private_key"),
        ({"selector": "s", "private_key": "nonsense"}, "private_key"),
        ({"selector": "s", "private_key": 1}, "private_key"),
        ({"selector": "s"}, "private_key"),
        ({"private_key": good}, "selector"),
        ({"selector": "../s", "private_key": good}, "selector"),
        ({"selector": "a b", "private_key": good}, "selector"),
        ({"selector": "S", "private_key": good}, "selector"),
        ({"selector": "x" * 64, "private_key": good}, "selector"),
        ({"selector": "", "private_key": good}, "selector"),
    ]:
        problem = expect(api, "PUT", PATH, 400, body)
        same(problem["field"], field, "field of %s" % problem)
    for text in [b"", b"[]", b"{", b'{"selector":"a","selector":"b"}']:
        same(call(api, "PUT", PATH, text).status, 400, "PUT %r" % text)
    same(expect(api, "GET", PATH, 200)["selector"], "s", "selector")
    for domain in [
        "..", "%2e%2e", "..%2f..%2fetc", "a%2fb.example", "com", ".new",
        "a..b", "-a.example", "a%00.example", "x" * 64 + ".example",
        "a_b.example",
    ]:
        status = call(
            api, "PUT", DOMAINS + domain,
            {"selector": "s", "private_key": good},
        ).status
        check(status in (400, 404), "%s: %d" % (domain, status))
    same(os.listdir(os.path.join(stack.spool, "dkim")), ["example.com"], "dkim")
    same(call(api, "PUT", PATH, {}, key=None).status, 401, "without the key")


def story_is_it_in_the_dns_and_rotation(stack):
    name = "s1._domainkey.example.com"
    with FakeDNS({}) as dns:
        api = stack.httpapi(DNS_SERVERS="127.0.0.1@%d" % dns.port)
        key = rsa()
        answer = expect(
            api, "PUT", PATH, 200, {"selector": "s1", "private_key": key}
        )
        same((answer["name"], answer["dns"]), (name, "missing"), "not there")
        value = answer["value"]
        # Its strings are joined, as long records need it.
        for domain, private, wanted in [
            ("same.example", key, "published"),
            ("other.example", rsa(), "different"),
        ]:
            record = [value[:200], value[200:]]
            dns.add({("s1._domainkey.%s" % domain, "TXT"): [record]})
            answer = expect(
                api, "PUT", DOMAINS + domain, 200,
                {"selector": "s1", "private_key": private},
            )
            same(answer["dns"], wanted, domain)
            same(answer["published"], wanted == "published", domain)
        expect(api, "POST", DOMAINS + "none.example/rotate", 404)
        expect(api, "POST", PATH + "/rotate", 409, {"activate": True})
        answer = expect(
            api, "POST", PATH + "/rotate", 200,
            {"selector": "s2", "type": "ed25519"},
        )
        same(answer["selector"], "s1", "the old key signs on")
        follows = answer["next"]
        same(follows["name"], "s2._domainkey.example.com", "what to publish")
        same(follows["published"], False, "published")
        expect(api, "POST", PATH + "/rotate", 409, {"activate": True})
        expect(api, "POST", PATH + "/rotate", 400, {"selector": "s1"})
        expect(
            api, "POST", PATH + "/rotate", 200,
            {"activate": True, "force": True},
        )
        answer = expect(api, "GET", PATH, 200)
        same(answer["selector"], "s2", "the new key signs")
        same(answer["type"], "ed25519", "type")
        same(answer["next"], None, "next")
        answer = expect(api, "POST", PATH + "/rotate", 200)
        check(answer["next"]["selector"].startswith("s20"), "a selector")
        same(answer["next"]["type"], "ed25519", "the same type")


run(globals())
