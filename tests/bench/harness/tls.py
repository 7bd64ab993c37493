"""Rows about STARTTLS: full handshakes, and what an idle connection costs."""

import contextlib
import socket
import ssl
import subprocess
import time

from . import cpu, servers, size
from .report import Result

THREADS = 16
IDLE = 2000


def make_certificate(area):
    """An ECDSA certificate of the server's own; the settings that name it."""
    paths = {"TLS_CERT_FILE": f"{area}/tls.crt",
             "TLS_KEY_FILE": f"{area}/tls.key"}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN=mx.{servers.DOMAIN}", "-out", paths["TLS_CERT_FILE"],
         "-keyout", paths["TLS_KEY_FILE"]],
        check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return paths


def shake_hands(context, server):
    """Handshakes a second, the server's milliseconds of processor time for
    one, and the protocol."""
    user, system = server.cgroup.seconds()
    line = subprocess.run(
        [f"{context.binaries}/tls_handshakes", "--port", str(server.port),
         "--threads", str(THREADS), "--seconds", str(context.seconds)],
        check=True, capture_output=True, text=True).stdout
    fields = dict(pair.split("=") for pair in line.split())
    end = server.cgroup.seconds()
    cost = (end[0] - user + end[1] - system) * 1e3 / int(fields["handshakes"])
    return float(fields["rate"]), cost, fields["protocol"]


def open_idle_tls(port, count, stack):
    """COUNT sessions that have shaken hands and said EHLO again."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for _ in range(count):
        peer = socket.create_connection(("127.0.0.1", port), 30)
        stack.enter_context(contextlib.closing(peer))
        peer.recv(512)
        for line in (b"EHLO client.bench.test\r\n", b"STARTTLS\r\n"):
            peer.sendall(line)
            peer.recv(1024)
        sealed = stack.enter_context(client.wrap_socket(peer))
        sealed.sendall(b"EHLO client.bench.test\r\n")
        sealed.recv(1024)


def idle_cost(area, settings, open_sessions, count):
    """KB of PSS for each of COUNT sessions that rest."""
    with servers.Elektrine(area, **settings) as server, \
            contextlib.ExitStack() as stack:
        before = cpu.pss_kib(server.cgroup.members())
        open_sessions(server.port, count, stack)
        time.sleep(1)
        return (cpu.pss_kib(server.cgroup.members()) - before) / count


def tls(context):
    area = context.disk.area("tls")
    settings = make_certificate(area)
    count = IDLE // context.shrink
    with servers.Elektrine(area, **settings) as server:
        shake_hands(context, server)
        rounds = [shake_hands(context, server) for _ in range(context.rounds)]
    sealed = idle_cost(area, settings, open_idle_tls, count)
    plain = idle_cost(area, settings, size.open_idle, count)
    context.disk.drop(area)
    rates, costs, protocols = zip(*rounds)
    return [
        Result("full handshakes after STARTTLS, ECDSA P-256, handshakes/s",
               "", "500", {"elektrine": list(rates)}, least=500,
               notes=[f"{protocols[0]}, {THREADS} clients, each connection "
                      f"greeted, EHLO, STARTTLS, QUIT; the clients use the "
                      f"same cores; {sorted(costs)[len(costs) // 2]:.2f} ms "
                      f"of server CPU each"]),
        Result(f"PSS of an idle TLS connection, of {count:,}", "KB",
               "under 25 KB", {"elektrine": [sealed]}, most=25,
               notes=[f"without TLS {plain:.1f} KB"]),
    ]
