#!/usr/bin/python3
"""TLS with clients that others wrote, and with those that break it; the
certificates change while it runs."""
import os
import pathlib
import random
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import certificates
from run import PATIENCE, Client, Failed, Server, eventually, same
from stories import tell

MAIL = ("a@b.example", ["u@example.com"], "Subject: x\r\n\r\nbody\r\n")


def s_client(server, *options):
    """What openssl says, having sent QUIT."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", "%s:%d" % server.address,
         "-starttls", "smtp", "-ign_eof", *options],
        input=b"QUIT\r\n", timeout=PATIENCE, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace")


def shown_serial(server, name=None):
    """Serial number of the certificate that a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
        client._host = name or "mx.example.com"
        client.starttls(context=context)
        shown = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True))
    return subprocess.run(
        ["openssl", "x509", "-noout", "-serial"], input=shown.encode(),
        stdout=subprocess.PIPE, check=True).stdout


def serial_of(path):
    return subprocess.run(["openssl", "x509", "-noout", "-serial", "-in",
                           path], stdout=subprocess.PIPE, check=True).stdout


def foreign_clients(folder):
    """openssl, swaks and Python, each verifying what it is shown."""
    server = Server({}, names=["mx.example.com"])
    try:
        authority = server.settings["TLS_CERT_FILE"]
        for version, cipher in (("-tls1_3", "TLS_AES_256_GCM_SHA384"),
                                ("-tls1_2", "ECDHE-ECDSA-AES256-GCM-SHA384")):
            said = s_client(server, version, "-CAfile", authority,
                            "-verify_return_error", "-verify_hostname",
                            "mx.example.com")
            for word in (cipher, "Verify return code: 0 (ok)",
                         "No client certificate CA names sent",
                         "Temp Key: X25519", "221 2.0.0 Bye"):
                if word not in said:
                    raise Failed("no %r in %s" % (word, said))
        subprocess.run(
            ["swaks", "--server", "%s:%d" % server.address, "--tls",
             "--tls-ca-path", authority, "--tls-verify", "--from", MAIL[0],
             "--to", MAIL[1][0], "--silent", "3"], check=True,
            timeout=PATIENCE)
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client._host = "mx.example.com"
            client.starttls(context=ssl.create_default_context(
                cafile=authority))
            same(client.has_extn("starttls"), False, "offered before EHLO")
            client.sendmail(*MAIL)
            same(client.has_extn("starttls"), False, "offered again")
        same(len(server.messages()), 2, "messages")
        for path in server.messages():
            trace = path.read_text("utf-8")
            if "(using TLSv1.3 TLS_" not in trace or "ESMTPS" not in trace:
                raise Failed("no TLS in " + trace)
        server.stop()
    finally:
        server.remove()


def clients_without_a_common_ground(folder):
    """A clean failure that the log tells; others are served on."""
    server = Server({}, names=["mx.example.com"])
    weak = "DEFAULT:@SECLEVEL=0"
    try:
        for options, alert, reason in (
                (["-tls1_1", "-cipher", weak], "protocol version",
                 "unsupported protocol"),
                (["-tls1_2", "-cipher", "AES128-SHA"], "handshake failure",
                 "no shared cipher")):
            said = s_client(server, *options)
            if alert not in said:
                raise Failed("no %r in %s" % (alert, said))
            eventually(lambda: any(reason in event["error"]
                                   and event["ip"] == "127.0.0.1"
                                   for event in server.events("tls_failed")),
                       "the log says " + reason)
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.sendmail(*MAIL)
        server.stop()
    finally:
        server.remove()


def hello_bytes(context):
    """The first bytes of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise Failed("a handshake with nobody")


def garbage(folder):
    """Random bytes, broken hellos, and clients that leave in the midst."""
    server = Server({"SMTP_MAX_CONNECTIONS": "300"}, "tls:127.0.0.1:0",
                    ["mx.example.com"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    chance = random.Random(7)
    try:
        for number in range(200):
            hello = bytearray(hello_bytes(context))
            if number % 4 == 0:
                hello = bytearray(chance.randbytes(chance.randrange(1, 600)))
            elif number % 4 == 1:
                for _ in range(chance.randrange(1, 8)):
                    hello[chance.randrange(len(hello))] = chance.randrange(256)
            elif number % 4 == 2:
                del hello[chance.randrange(len(hello)):]
            with socket.create_connection(server.address, PATIENCE) as client:
                try:
                    client.sendall(hello)
                    if number % 4 != 2:
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(65536):
                            pass
                except OSError:
                    pass
        with smtplib.SMTP_SSL(*server.address, timeout=PATIENCE,
                              context=context) as client:
            client.sendmail(*MAIL)
        eventually(lambda: len(server.events("connection_close")) == 201,
                   "all are gone")
        server.stop()
    finally:
        server.remove()


def behind_a_proxy(folder):
    """Its header and the client's hello in one piece: neither is lost."""
    server = Server({"PROXY_PROTOCOL_CIDRS": "127.0.0.0/8"},
                    "tls:127.0.0.1:0", ["mx.example.com"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    unsaid = b"PROXY TCP4 192.0.2.77 198.51.100.1 4242 465\r\n"
    try:
        with socket.create_connection(server.address, PATIENCE) as client:
            while True:
                try:
                    tls.do_handshake()
                    heard = tls.read(1000)
                    break
                except ssl.SSLWantReadError:
                    client.sendall(unsaid + outgoing.read())
                    unsaid = b""
                    incoming.write(client.recv(65536))
            if not heard.startswith(b"220 "):
                raise Failed("heard %r" % heard)
        if server.events("connection_proxied")[0]["ip"] != "192.0.2.77":
            raise Failed("the client is somebody else")
        server.stop()
    finally:
        server.remove()


def behind_a_proxy_too_many(folder):
    """Before TLS there is nothing to say: it would be no TLS."""
    page = free_address()
    server = Server({"PROXY_PROTOCOL_CIDRS": "127.0.0.0/8",
                     "METRICS_LISTEN": page,
                     "SMTP_MAX_CONNECTIONS_PER_IP": "1"},
                    "tls:127.0.0.1:0", ["mx.example.com"])
    try:
        clients = [socket.create_connection(server.address, PATIENCE)
                   for _ in range(2)]
        for client in clients:
            client.sendall(b"PROXY TCP4 192.0.2.77 198.51.100.1 4242 465\r\n")
            eventually(lambda: server.events("connection_proxied"), "known")
        eventually(lambda: server.events("limit_exceeded"), "the limit")
        clients[1].settimeout(PATIENCE)
        same(clients[1].recv(100), b"", "what is heard")
        name = 'connections_refused_total{reason="connections_per_ip"}'
        eventually(lambda: figure_of(page, name) == 1, "it is counted")
        for client in clients:
            client.close()
        server.stop()
    finally:
        server.remove()


def replies_wait_for_a_reader(folder):
    """More than the socket holds, in order."""
    server = Server({}, "tls:127.0.0.1:0", ["mx.example.com"])
    try:
        client = Client(server.address, False)
        client.begin_tls()
        same(client.hear(), "220 mx.example.com ESMTP elektrine-spool",
             "greeting")
        client.say(b"HELP\r\n" * 20000)
        client.send()
        time.sleep(0.5)
        for _ in range(20000):
            if not client.hear().startswith("214 "):
                raise Failed("not the reply to HELP")
        client.say(b"QUIT\r\n")
        same(client.hear(), "221 2.0.0 Bye", "the last word")
        client.expect_close()
        server.stop()
    finally:
        server.remove()


def certificates_change(folder):
    """New ones are taken, broken ones are not, and no session is lost."""
    server = Server({}, names=["mx.example.com"])
    crt, key = (pathlib.Path(server.settings[name])
                for name in ("TLS_CERT_FILE", "TLS_KEY_FILE"))
    try:
        first = serial_of(crt)
        same(shown_serial(server), first, "the first certificate")
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.starttls()
            new = certificates.make(folder, "new", ["mx.example.com"])
            shutil.copy(new[0], crt)
            os.replace(new[1], key)
            eventually(lambda: shown_serial(server) == serial_of(crt),
                       "the new one is shown")
            key.write_text("broken")
            eventually(lambda: server.events("certificates_refused"),
                       "the broken one is refused")
            event = server.events("certificates_refused")[0]
            same(event["level"], "error", "its level")
            same(event["old_in_use"], True, "the old one")
            if str(key) not in event["error"]:
                raise Failed("does not name the file: %r" % event)
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(server.events("certificates_refused")) > 1,
                       "it is refused again")
            same(shown_serial(server), serial_of(crt), "the one in use")
            crt.unlink()
            client.sendmail(*MAIL)
        # SIGHUP takes others at once, several of them as well.
        server.settings["TLS_CERT_FILE"], server.settings["TLS_KEY_FILE"] = (
            ",".join(paths) for paths in zip(
                certificates.make(folder, "a", ["mx.a.example"]),
                certificates.make(folder, "b", ["*.b.example"], "rsa")))
        server.reload("LOG_LEVEL", "info")
        eventually(lambda: shown_serial(server, "mx.a.example") == serial_of(
            folder / "a.crt"), "the one of a.example")
        same(shown_serial(server, "mx.b.example"),
             serial_of(folder / "b.crt"), "the one of b.example")
        same(shown_serial(server, "other.example"),
             serial_of(folder / "a.crt"), "the one for others")
        server.stop()
    finally:
        server.remove()


def without_a_certificate(folder):
    """No STARTTLS, until there is one."""
    crt, key = folder / "later.crt", folder / "later.key"
    server = Server({"TLS_CERT_FILE": str(crt), "TLS_KEY_FILE": str(key)})
    try:
        same(len(server.events("tls_unavailable")), 1, "words about it")

        def offered():
            with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
                client.ehlo("x")
                return client.has_extn("starttls")

        same(offered(), False, "STARTTLS")
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.ehlo("x")
            same(client.docmd("STARTTLS")[0], 502, "its reply")
        certificates.make(folder, "later", ["mx.example.com"])
        eventually(offered, "STARTTLS is offered")
        same(shown_serial(server), serial_of(crt), "certificate")
        server.stop()
    finally:
        server.remove()


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return "127.0.0.1:%d" % free.getsockname()[1]


def figure_of(page, name):
    with urllib.request.urlopen(
            "http://%s/metrics" % page, timeout=PATIENCE) as answer:
        text = answer.read().decode()
    return float(re.search(
        "^elektrine_smtpd_%s (.*)$" % re.escape(name), text, re.M)[1])


def figures_tell(folder):
    """Versions, failures, and when the certificate ends."""
    page = free_address()
    server = Server({"METRICS_LISTEN": page}, names=["mx.example.com"])

    def figure(name):
        return figure_of(page, name)

    def failures(reason):
        return figure('tls_failures_total{reason="%s"}' % reason)

    try:
        for version in ("2", "3"):
            name = 'tls_handshakes_total{version="TLSv1.%s"}' % version
            same(figure(name), 0, name)
            s_client(server, "-tls1_" + version)
            eventually(lambda: figure(name) == 1, name)
        same(failures("tls_failed"), 0, "failures")
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.ehlo("x")
            client.docmd("STARTTLS")
            client.sock.sendall(b"EHLO x\r\n")
            eventually(lambda: failures("tls_failed") == 1, "a failure")
            client.close()
        same(failures("tls_timeout"), 0, "time-outs")
        eventually(lambda: figure("certificate_expiry_timestamp_seconds") >
                   time.time(), "the end of the certificate")
        server.stop()
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(tell(
        foreign_clients, clients_without_a_common_ground, garbage,
        behind_a_proxy, behind_a_proxy_too_many, replies_wait_for_a_reader,
        certificates_change, without_a_certificate, figures_tell))
