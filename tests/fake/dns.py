#!/usr/bin/python3
"""A scriptable name server on loopback, over UDP and TCP, for tests.

A zone is a dictionary: (name, type) -> what to do, or name -> what to do for
every type of it. What to do is a list of records as text ("10 mx.example" of
an MX, ["one", "two"] for the strings of a TXT), or a dictionary:

    records   as above
    cname     an alias; its target is looked up in the same zone
    rcode     "SERVFAIL", "NXDOMAIN", "REFUSED", ...
    ttl       of all records (default 300)
    ad        True: the DNSSEC bit
    delay     seconds before the answer
    drop      how many questions of this kind get no answer (True: all)
    truncate  True: what comes by UDP is cut, TCP has it whole
    wrong     "id" or "question": an answer to something else comes first
    garbage   bytes that are sent as they are behind the id

Names that are in the zone with another type get NODATA, others NXDOMAIN with
the SOA's minimum of 60 s. `questions` remembers what was asked.

    with FakeDNS({("a.example", "A"): ["192.0.2.1"]}) as dns:
        ... DNS_SERVERS=127.0.0.1@%d % dns.port

  dns.py --port 5300 ZONE.json     keys "name TYPE" or "name"
"""

import argparse
import ipaddress
import json
import signal
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15,
         "TXT": 16, "AAAA": 28, "TLSA": 52}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3,
          "NOTIMP": 4, "REFUSED": 5}


def pack_name(name):
    data = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label.encode("latin-1")
            data += bytes([len(raw)]) + raw
    return data + b"\0"


def pack_data(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind in ("PTR", "CNAME", "NS"):
        return pack_name(value)
    if kind == "MX":
        preference, _, name = value.partition(" ")
        return struct.pack("!H", int(preference)) + pack_name(name)
    if kind == "TXT":
        strings = [value] if isinstance(value, (str, bytes)) else value
        data = b""
        for text in strings:
            raw = text.encode("utf-8") if isinstance(text, str) else text
            pieces = [raw[i:i + 255] for i in range(0, len(raw), 255)]
            for piece in pieces or [b""]:
                data += bytes([len(piece)]) + piece
        return data
    if kind == "TLSA":
        usage, selector, matching, digest = value.split(" ")
        return bytes([int(usage), int(selector), int(matching)]) + \
            bytes.fromhex(digest)
    raise ValueError("no records of type %s here" % kind)


def pack_record(name, kind, ttl, data):
    return pack_name(name) + struct.pack(
        "!HHIH", TYPES[kind], 1, ttl, len(data)) + data


class FakeDNS:
    """Serves from threads of its own until it is closed."""

    def __init__(self, zone=None, host="127.0.0.1", port=0):
        self.zone = {}
        self.questions = []
        self.lock = threading.Lock()
        self.stopping = False
        self.silent = False  # True: answers nothing at all
        self.old = False  # True: does not know OPT (EDNS)
        self.hangs_up = False  # True: on each question by TCP
        self.add(zone or {})
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(50):
            self.udp.bind((host, port))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server((host, self.port))
                break
            except OSError:  # another program has that port
                self.udp.close()
                self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stopping = True
        for one in (self.udp, self.tcp):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def add(self, zone):
        """More of the zone; what was there under the same key goes."""
        with self.lock:
            for key, value in zone.items():
                name, kind = (key, None) if isinstance(key, str) else key
                if not isinstance(value, dict):
                    value = {"records": value}
                self.zone[(name.lower().rstrip("."), kind)] = dict(value)

    def asked(self, name, kind=None):
        with self.lock:
            return sum(1 for question in self.questions
                       if question[0] == name.lower() and
                       kind in (None, question[1]))

    # --- answers ---------------------------------------------------------

    def find(self, name, kind):
        rule = self.zone.get((name, kind))
        return rule if rule is not None else self.zone.get((name, None))

    def exists(self, name):
        return any(known == name or known.endswith("." + name)
                   for known, _ in self.zone)

    def collect(self, name, kind, answers):
        """Records along aliases; the code."""
        rule = self.find(name, kind)
        if rule is None:
            return "NOERROR" if self.exists(name) or answers else "NXDOMAIN"
        ttl = rule.get("ttl", 300)
        if "cname" in rule:
            answers.append(pack_record(
                name, "CNAME", ttl, pack_data("CNAME", rule["cname"])))
            if len(answers) > 20:
                return "NOERROR"
            return self.collect(rule["cname"].lower(), kind, answers)
        for value in rule.get("records", []):
            answers.append(pack_record(name, kind, ttl,
                                       pack_data(kind, value)))
        return rule.get("rcode", "NOERROR")

    def reply(self, query, stream):
        """What goes back: a list of packets."""
        number, = struct.unpack("!H", query[:2])
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        code, _ = struct.unpack("!HH", query[at + 1:at + 5])
        question = query[12:at + 5]
        name, kind = ".".join(labels).lower(), NAMES.get(code, str(code))
        with self.lock:
            self.questions.append((name, kind, "tcp" if stream else "udp"))
            if self.silent:
                return []
            rule = self.find(name, kind) or {}
            if rule.get("drop"):
                if rule["drop"] is not True:
                    rule["drop"] -= 1
                return []
            answers = []
            rcode = "FORMERR"
            if not (self.old and query[10:12] != b"\0\0"):
                rcode = self.collect(name, kind, answers)
        if rule.get("delay"):
            time.sleep(rule["delay"])
        if "garbage" in rule:
            return [query[:2] + rule["garbage"]]
        flags = 0x8180 | RCODES[rcode] | (0x20 if rule.get("ad") else 0)
        cut = rule.get("truncate") and not stream
        if cut:
            flags |= 0x200
            answers = []
        soa = b""
        if not answers and not cut and rcode != "FORMERR":
            soa = pack_record("example", "SOA", 60, pack_name("ns.example") +
                              pack_name("h.example") +
                              struct.pack("!IIIII", 1, 2, 3, 4, 60))
        body = b"".join(answers) + soa

        def packet(id_, asked):
            return struct.pack("!HHHHHH", id_, flags, 1, len(answers),
                               1 if soa else 0, 0) + asked + body

        right = packet(number, question)
        if rule.get("wrong") == "id":
            return [packet(number ^ 0x5555, question), right]
        if rule.get("wrong") == "question":
            other = pack_name("evil." + name) + question[-4:]
            return [packet(number, other), right]
        return [right]

    # --- sockets ---------------------------------------------------------

    def answer_udp(self, query, peer):
        try:
            for packet in self.reply(query, False):
                self.udp.sendto(packet, peer)
        except OSError:
            pass

    def serve_udp(self):
        while not self.stopping:
            try:
                query, peer = self.udp.recvfrom(65536)
            except OSError:
                return
            if len(query) < 12:  # also the end of the socket
                continue
            threading.Thread(target=self.answer_udp, args=(query, peer),
                             daemon=True).start()

    def serve_tcp(self):
        while not self.stopping:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_stream, args=(connection,),
                             daemon=True).start()

    def serve_stream(self, connection):
        stream = connection.makefile("rb")
        try:
            while True:
                head = stream.read(2)
                if len(head) < 2:
                    break
                query = stream.read(struct.unpack("!H", head)[0])
                if self.hangs_up:
                    break
                for packet in self.reply(query, True):
                    connection.sendall(struct.pack("!H", len(packet)) +
                                       packet)
        except OSError:
            pass
        finally:
            stream.close()
            connection.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any")
    parser.add_argument("zone", nargs="?")
    options = parser.parse_args()
    zone = {}
    if options.zone:
        with open(options.zone, encoding="utf-8") as file:
            for key, value in json.load(file).items():
                name, _, kind = key.partition(" ")
                zone[(name, kind) if kind else name] = value
    dns = FakeDNS(zone, options.host, options.port)
    print("listening on %s@%d" % (options.host, dns.port), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        signal.pause()
    except KeyboardInterrupt:
        dns.close()


if __name__ == "__main__":
    main()
