"""Rows about the checks on the way in: what those that ask the DNS cost, and
whether those who are slow hold up others. A resolver of our own, Debian's
unbound, answers on loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import time

from . import load, servers
from .intake import ask_latency
from .report import Result

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "..", "..", "fake"))
import dkim_key  # noqa: E402

SELECTOR = "s1"
SLOW = 5000

LETTER = f"""From: Ada Lovelace <{servers.SENDER}>
To: {servers.RECIPIENT}
Subject: A letter of four kilobytes
Date: Sun, 01 Mar 2026 10:00:00 +0000
Message-ID: <letter@{servers.DOMAIN}>

""" + "The engine might act upon other things besides number.\n" * 72


def zone():
    domain = servers.DOMAIN
    pieces = " ".join(f'"{piece}"' for piece in dkim_key.record())
    return [f"{domain}. A 127.0.0.1", f"{domain}. MX 10 mx.{domain}.",
            f"mx.{domain}. A 127.0.0.1", f"client.{domain}. A 127.0.0.1",
            f'{domain}. TXT "v=spf1 ip4:127.0.0.1 -all"',
            f'_dmarc.{domain}. TXT "v=DMARC1; p=reject"',
            f"{SELECTOR}._domainkey.{domain}. TXT {pieces}",
            f"1.0.0.127.in-addr.arpa. PTR client.{domain}."]


class Unbound(servers.Server):
    name = "unbound"

    def __enter__(self):
        self.start()
        servers.wait_until(lambda: servers.is_open(self.port), self.process)
        return self

    def start(self):
        path = f"{self.area}/unbound.conf"
        with open(path, "w") as file:
            file.write(f"""server:
  interface: 127.0.0.1@{self.port}
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  pidfile: ""
  directory: "{self.area}"
  local-zone: "." static
  local-zone: "127.in-addr.arpa." transparent
""")
            for record in zone():
                file.write(f"  local-data: '{record}'\n")
            file.write("remote-control:\n  control-enable: no\n")
        self.process = self.spawn(["unbound", "-d", "-c", path])


def signed_letter(context, area):
    """A file for smtp-source, which sends its lines with CRLF."""
    wire, path = f"{area}/letter.wire", f"{area}/letter"
    with open(wire, "w", newline="") as file:
        file.write(LETTER.replace("\n", "\r\n"))
    field = subprocess.run(
        [f"{context.binaries}/dkim_query", "--sign", dkim_key.PATH,
         servers.DOMAIN, SELECTOR, wire],
        check=True, capture_output=True, text=True).stdout
    with open(path, "w") as file:
        file.write(field.replace("\r\n", "\n").rstrip("\n") + "\n" + LETTER)
    return path


def with_checks(resolver):
    settings = {f"CHECK_{check}": "mark" for check in (
        "FCRDNS", "HELO", "SENDER_DOMAIN", "SPF", "DKIM", "DMARC", "ARC")}
    settings.update({
        "SPF_PROTECT_LOCAL": "true",
        "DNSBL_ZONES": f"bl.{servers.DOMAIN}",
        "DNS_SERVERS": f"127.0.0.1@{resolver.port}",
    })
    return settings


def checks(context):
    """All checks that ask the DNS, on signed mail."""
    job = load.Load("4 KB, 100 sessions that stay open", 4096, 100)
    areas = [context.disk.area(name) for name in
             ("unbound", "elektrine", "unchecked")]
    rates, costs = {}, {}
    with contextlib.ExitStack() as stack:
        resolver = stack.enter_context(Unbound(areas[0]))
        letter = signed_letter(context, areas[0])
        ours = stack.enter_context(
            servers.Elektrine(areas[1], **with_checks(resolver)))
        bare = stack.enter_context(servers.Elektrine(areas[2]))
        bare.name = "checks off"
        counts = {server: load.count_for(job, server, context.seconds)
                  for server in (ours, bare)}
        for _ in range(context.rounds):
            for server in (ours, bare):
                figures = load.drive(job, server, counts[server], letter)
                rates.setdefault(server.name, []).append(figures.rate)
                costs.setdefault(server.name, []).append(figures.server)
        verdicts = told(areas[1])
    for area in areas:
        context.disk.drop(area)
    return [Result(
        "signed mail with FCrDNS, HELO, DNSBL, sender domain, SPF, DKIM, "
        "DMARC and ARC, 4 KB, 100 sessions", "messages/s", "1,500 messages/s",
        rates, least=1500, notes=[verdicts]),
        Result("server CPU of that per message", "ms", "", costs)]


def told(area):
    """What our topmost Authentication-Results says of the last of them: the
    first ones, by which the rate was guessed, are not signed."""
    folder = f"{area}/spool/queue/new"
    with os.scandir(folder) as entries:
        path = max(entries, key=lambda entry: entry.name).path
    with open(path, errors="replace") as file:
        text = file.read(8192)
    for verdict in ("spf=pass", "dkim=pass", "dmarc=pass"):
        if verdict not in text:
            raise RuntimeError(f"no {verdict} in {text[:1500]}")
    return "each has spf=pass, dkim=pass and dmarc=pass"


# --- slow clients ------------------------------------------------------------

@contextlib.contextmanager
def slow_clients(context, port, count):
    """COUNT connections that send a byte a second, by a program of its own."""
    with subprocess.Popen(
            [f"{context.binaries}/slow_clients", str(port), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        if program.stdout.readline() != b"ready\n":
            raise RuntimeError("the slow clients are not let in")
        yield
        program.stdin.close()


def processor_share(server, seconds):
    """What it uses while nobody else asks for anything, of one processor."""
    began, before = time.monotonic(), sum(server.cgroup.seconds())
    time.sleep(seconds)
    used = sum(server.cgroup.seconds()) - before
    return used / (time.monotonic() - began)


def slow(context):
    """p99 of a normal client, alone and beside the slow ones, in turn."""
    area = context.disk.area("slow")
    alone, beside, share = [], [], []
    messages = 5000 // context.shrink
    with servers.Elektrine(area) as server:
        ask_latency(context, server, 10, 500)
        for _ in range(context.rounds):
            # Those of the round before have left by then.
            time.sleep(1)
            alone.append(float(ask_latency(
                context, server, 10, messages)["p99_ms"]))
            with slow_clients(context, server.port, SLOW):
                share.append(100 * processor_share(server, 2))
                beside.append(float(ask_latency(
                    context, server, 10, messages)["p99_ms"]))
    context.disk.drop(area)
    return [Result(
        f"p99 of the 250, 10 sessions, beside {SLOW:,} connections that send "
        "a byte a second", "ms", "under 2 × that without them",
        {"elektrine": beside, "alone": alone}, "alone", most=2),
        Result(f"server CPU of those {SLOW:,} alone", "% of one processor", "",
               {"elektrine": share})]


# --- a dead scanner ----------------------------------------------------------

def scanner(context):
    """p99 of mail that spamd need not see, while others wait for a spamd that
    takes connections and says nothing."""
    area = context.disk.area("scanner")
    quiet = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = quiet.getsockname()[1]
    alone, beside = [], []
    messages = 3000 // context.shrink
    with quiet, servers.Elektrine(
            area, SPAMASSASSIN_ADDRESS=f"127.0.0.1:{port}",
            SPAM_MAX_BYTES="2048") as server:
        ask_latency(context, server, 10, 500)
        for _ in range(context.rounds):
            alone.append(float(ask_latency(
                context, server, 10, messages)["p99_ms"]))
            small = load.Load("1 KB, 100 sessions", 1024, 100)
            child = subprocess.Popen(small.command(server.port, 100000),
                                     stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            time.sleep(1)
            beside.append(float(ask_latency(
                context, server, 10, messages)["p99_ms"]))
            child.kill()
            child.wait()
    context.disk.drop(area)
    return [Result(
        "p99 of the 250 of mail that spamd need not see, 10 sessions, beside "
        "100 that wait for a dead spamd", "ms", "under 2 × that without them",
        {"elektrine": beside, "alone": alone}, "alone", most=2)]
