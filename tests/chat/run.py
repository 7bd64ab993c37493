#!/usr/bin/python3
"""Plays golden SMTP dialogues against the real elektrine-smtpd.

usage: run.py [FILE.chat ...]       (all beside this script, without arguments)

Each dialogue is played twice, each time against a server of its own: whole
(what is said in a row goes out in one piece) and byte by byte. The server
listens on a free loopback port and has a temporary spool; afterwards it must
stop cleanly, and nothing half received may be left.

A dialogue is lines; # begins a comment:

  set NAME=VALUE      a setting, before the first word is said
  file NAME=TEXT      a file; {dir} in a setting is its folder. Later in the
                      dialogue: a new text, and SIGHUP
  dns NAME TYPE WHAT  what a name server of ours answers, as JSON (fake/dns.py);
                      without any such line checks that ask one are off
  phoenix ARGUMENTS   starts fake/phoenix.py; {phoenix} in a setting is its URL
  tell JSON           a rule for it (/_control)
  listen ADDRESS      instead of 127.0.0.1:0
  certificate NAME... the server has one for these names
  only whole          not byte by byte (it depends on when things arrive)
  > TEXT              the client says a line (CRLF is added)
  ~ TEXT              raw bytes; \\r \\n \\0 \\\\ \\xNN are understood
  ~ N* TEXT           the same, N times
  < PATTERN           the next line that is heard; * stands for anything
  tls                 the client begins TLS
  tls refused         and that must fail
  close               the server must close the connection now
  drop                the client closes the connection, without a word
  shut                the client says no more, but listens
  sleep SECONDS
  reload NAME=VALUE   changes a setting and sends SIGHUP
  stop                sends SIGTERM
  stored TEXT         what was queued last ends with these bytes (as ~)
  stored! TEXT        and this is all of it behind our trace lines
  trace PATTERN       a line of it, in front of that, is like this (as <)
  count N             so many messages are in the spool
  log EVENT KEY=VALUE ...   such a line is in the log (waits for it)
  log! EVENT KEY=VALUE ...  none is there yet
  logs N EVENT KEY=VALUE ...  so many are there, and no more (waits for them)

A number before > ~ < tls close drop or shut means another connection: "2> NOOP".
"""
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

import certificates

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from expect import (  # noqa: E402,F401
    OFF, PATIENCE, Failed, eventually, same)
from fake.dns import FakeDNS  # noqa: E402

BIN = pathlib.Path(os.environ.get("ELEKTRINE_BIN", "build/dev/bin"))
# Longer texts go out in pieces also byte by byte: they test something else.
BYTEWISE_MOST = 3000

DEFAULTS = {
    "HARAKA_DOMAIN": "mx.example.com",
    "LOCAL_DOMAINS": "example.com,example.net",
    "SPOOL_MIN_FREE": "1M",
    "LOG_LEVEL": "info",
    "EARLY_TALKER_MS": "0",
}


class Server:
    """One elektrine-smtpd with its spool, in a folder that goes with it."""

    def __init__(self, settings, listen="127.0.0.1:0", names=(), files=None):
        self.stopping = False
        self.folder = tempfile.TemporaryDirectory(prefix="chat-")
        self.root = root = pathlib.Path(self.folder.name)
        for name, text in (files or {}).items():
            (root / name).write_text(text)
        self.spool = root / "spool"
        self.ini = root / "smtpd.ini"
        self.log_path = root / "log"
        self.settings = dict(DEFAULTS, SPOOL_DIR=str(self.spool),
                             SMTP_LISTEN=listen, **settings)
        if names:
            self.settings.update(zip(
                ("TLS_CERT_FILE", "TLS_KEY_FILE"),
                certificates.make(root, "server", names)))
        self.configure()
        environment = {k: v for k, v in os.environ.items()
                       if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                "TSAN_OPTIONS", "LLVM_PROFILE_FILE")}
        environment["ELEKTRINE_CONFIG"] = str(self.ini)
        environment["RUN_USER"] = "root" if os.geteuid() == 0 else ""
        # What a sanitizer holds back of freed memory costs no client.
        environment["ASAN_OPTIONS"] = ":".join(
            [environment.get("ASAN_OPTIONS", ""), "quarantine_size_mb=8"])
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BIN / "elektrine-smtpd"], env=environment, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL)
        eventually(lambda: self.events("worker_start") or self.died(),
                   "the server starts")
        if self.died():
            raise Failed("the server does not start: " + self.output())
        event = self.events("listening")[0]
        # [::] is asked by IPv4: the other half of it has a dialogue too.
        host = "::1" if event["address"] == "::1" else "127.0.0.1"
        self.address = (host, event["port"])

    def configure(self):
        self.ini.write_text("[smtpd]\n" + "".join(
            "%s = %s\n" % (k.lower(), v.replace("{dir}", str(self.root)))
            for k, v in self.settings.items()))

    def died(self):
        return self.process.poll() is not None

    def output(self):
        return self.log_path.read_text("utf-8", "replace")

    def events(self, name):
        return [event for event in
                (json.loads(line) for line in self.output().splitlines()
                 if line.startswith("{") and line.endswith("}"))
                if event["event"] == name]

    def reload(self, name, value):
        self.settings[name] = value
        self.configure()
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)

    def rewrite(self, name, text):
        (self.root / name).write_text(text)
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)

    def messages(self):
        return sorted((self.spool / "queue" / "new").glob("*"))

    def half_received(self):
        """Besides the lock that says whose folder it is."""
        return [p for p in (self.spool / "queue" / "tmp").glob("**/*")
                if p.is_file() and p.name != "lock"]

    def terminate(self):
        if not self.died() and not self.stopping:
            self.process.send_signal(signal.SIGTERM)
        self.stopping = True

    def stop(self):
        """A clean end, with nothing left behind."""
        self.terminate()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("the server does not stop") from None
        if code != 0:
            raise Failed("the server ended with %d" % code)
        if self.half_received():
            raise Failed("left behind: %s" % self.half_received())
        noise = [line for line in self.output().splitlines()
                 if not line.startswith("{")]
        if noise:
            raise Failed("the server complains: " + "\n".join(noise[:20]))

    def remove(self):
        if not self.died():
            self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Client:
    """One connection of a dialogue."""

    def __init__(self, address, bytewise):
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytewise = bytewise
        self.unsent = b""
        self.heard = b""

    def begin_tls(self, **options):
        self.send()
        if self.heard:
            raise Failed("heard %r before TLS" % self.heard)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for name, value in options.items():
            setattr(context, name, value)
        self.socket = context.wrap_socket(
            self.socket, server_hostname="mx.example.com")

    def say(self, data):
        self.unsent += data

    def send(self):
        data, self.unsent = self.unsent, b""
        step = 1 if self.bytewise and len(data) <= BYTEWISE_MOST else 100000
        for at in range(0, len(data), step):
            self.socket.sendall(data[at:at + step])

    def hear(self):
        self.send()
        while b"\n" not in self.heard:
            more = self.socket.recv(65536)
            if not more:
                raise Failed("closed after %r" % self.heard)
            self.heard += more
        line, self.heard = self.heard.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Failed("a line without CR: %r" % line)
        return line[:-1].decode("utf-8", "replace")

    def expect_close(self):
        try:
            self.send()
        except ConnectionError:
            return
        more = self.heard
        while not more:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return
            if not more:
                return
        raise Failed("heard %r instead of the end" % more)

    def drop(self, reset=False):
        self.send()
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.socket.close()


ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
NAMED = {"r": "\r", "n": "\n", "0": "\0", "t": "\t", "\\": "\\", "s": " "}


def raw(text):
    """The bytes of the argument of ~."""
    times = 1
    match = re.match(r"(\d+)\* ?(.*)$", text)
    if match:
        times, text = int(match.group(1)), match.group(2)

    def one(found):
        name = found.group(1)
        if name[0] == "x" and len(name) == 3:
            return bytes([int(name[1:], 16)]).decode("latin-1")
        return NAMED[name]

    # Characters beyond ASCII are written as they are, in UTF-8.
    data = text.encode("utf-8").decode("latin-1")
    return ESCAPE.sub(one, data).encode("latin-1") * times


def is_like(text, pattern):
    """Only * is special."""
    return fnmatch.fnmatchcase(
        text, pattern.replace("[", "[[]").replace("?", "[?]"))


def zone_of(text):
    """An entry for FakeDNS."""
    name, kind, what = text.split(" ", 2)
    return {(name, kind): json.loads(what)}


class Dialogue:
    """A .chat file, played once."""

    def __init__(self, path, bytewise):
        self.bytewise = bytewise
        self.clients = {}
        self.server = None
        self.settings, self.listen, self.only_whole = {}, "127.0.0.1:0", False
        self.files, self.zone, self.dns = {}, {}, None
        self.phoenix_options, self.phoenix = None, None
        self.names = []
        self.lines = []
        for number, line in enumerate(
                path.read_text("utf-8").splitlines(), 1):
            self.read_line(number, line)

    def read_line(self, number, line):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return
        if word == "set":
            name, _, value = rest.partition("=")
            self.settings[name] = value
        elif word == "listen":
            self.listen = rest
        elif word == "certificate":
            self.names = rest.split()
        elif word == "only":
            self.only_whole = True
        elif word == "file" and not self.lines:
            self.files.update([rest.split("=", 1)])
        elif word == "dns" and not self.lines:
            self.zone.update(zone_of(rest))
        elif word == "phoenix":
            self.phoenix_options = rest.split()
        else:
            match = re.match(r"(\d*)(.+)$", word)
            self.lines.append(
                (number, match.group(1), match.group(2), rest))

    def client(self, label):
        if label not in self.clients:
            self.clients[label] = Client(self.server.address, self.bytewise)
        return self.clients[label]

    def start(self):
        settings = dict(OFF)
        if self.zone:
            self.dns = FakeDNS(self.zone)
            settings = {"DNS_SERVERS": "127.0.0.1@%d" % self.dns.port}
        settings.update(self.settings)
        if self.phoenix_options is not None:
            self.phoenix = subprocess.Popen(
                [sys.executable, HERE.parent / "fake" / "phoenix.py",
                 "--port", "0", *self.phoenix_options],
                stdout=subprocess.PIPE, text=True)
            self.url = self.phoenix.stdout.readline().split()[-1]
            for name in settings:
                settings[name] = settings[name].replace(
                    "{phoenix}", self.url)
        self.server = Server(settings, self.listen, self.names, self.files)

    def end(self):
        if self.server:
            self.server.remove()
        if self.phoenix:
            self.phoenix.kill()
            self.phoenix.wait()
            self.phoenix.stdout.close()
        if self.dns:
            self.dns.close()

    def play(self):
        number = "start"
        try:
            self.start()
            for number, label, word, rest in self.lines:
                self.step(label, word, rest)
            for client in self.clients.values():
                client.drop()
            number = "end"
            self.server.stop()
        except Exception as error:
            raise Failed("line %s: %s\n%s" % (
                number, error, self.server.output()[-3000:]
                if self.server else "")) from error
        finally:
            self.end()

    def step(self, label, word, rest):
        if word == ">":
            self.client(label).say(rest.encode("utf-8") + b"\r\n")
        elif word == "~":
            self.client(label).say(raw(rest))
        elif word == "<":
            heard = self.client(label).hear()
            if not is_like(heard, rest):
                raise Failed("heard %r instead of %r" % (heard, rest))
        elif word == "tls":
            self.begin_tls(label, rest == "refused")
        elif word == "close":
            self.clients.pop(label).expect_close()
        elif word in ("drop", "reset"):
            self.clients.pop(label).drop(word == "reset")
        elif word == "shut":
            self.client(label).send()
            self.client(label).socket.shutdown(socket.SHUT_WR)
        elif word == "sleep":
            for client in self.clients.values():
                client.send()
            time.sleep(float(rest))
        else:
            self.look(word, rest)

    def begin_tls(self, label, refused):
        try:
            self.client(label).begin_tls()
        except (ssl.SSLError, ConnectionError):
            if refused:
                self.clients.pop(label)
                return
            raise
        if refused:
            raise Failed("TLS began")

    def look(self, word, rest):
        name, _, value = rest.partition("=")
        if word == "reload":
            self.server.reload(name, value)
        elif word == "stop":
            self.server.terminate()
        elif word == "file":
            self.server.rewrite(name, value)
        elif word == "dns":
            self.dns.add(zone_of(rest))
        elif word == "tell":
            urllib.request.urlopen(
                self.url + "/_control", rest.encode(), PATIENCE).close()
        elif word == "count":
            eventually(lambda: len(self.server.messages()) == int(rest),
                       "%s messages, not %d" % (
                           rest, len(self.server.messages())))
        elif word in ("stored", "stored!"):
            self.check_stored(raw(rest), word == "stored!")
        elif word == "trace":
            lines = self.server.messages()[-1].read_text(
                "utf-8", "replace").split("\n")
            if not any(is_like(line.rstrip("\r"), rest) for line in lines):
                raise Failed("no line %r in %r" % (rest, lines[:20]))
        elif word == "log":
            eventually(lambda: self.logged(rest), "log " + rest)
        elif word == "log!":
            if self.logged(rest):
                raise Failed("log has " + rest)
        elif word == "logs":
            number, _, rest = rest.partition(" ")
            eventually(lambda: self.logged(rest) >= int(number), "log " + rest)
            same(self.logged(rest), int(number), "times that it is logged")
        else:
            raise Failed("what is %r?" % word)

    def logged(self, rest):
        event, *pairs = rest.split(" ")
        want = dict(pair.split("=", 1) for pair in pairs)
        return sum(all(str(found.get(k)) == v for k, v in want.items())
                   for found in self.server.events(event))

    def check_stored(self, want, whole):
        data = self.server.messages()[-1].read_bytes()
        if not data.endswith(want):
            raise Failed("stored %r" % data[-200:])
        # Our last trace line ends with the date.
        if whole and not data[:-len(want)].endswith(b" +0000\r\n"):
            raise Failed("stored more: %r" % data[-len(want) - 100:])


def play(job):
    path, bytewise = job
    dialogue = Dialogue(path, bytewise)
    if bytewise and dialogue.only_whole:
        return None
    try:
        dialogue.play()
        return ""
    except Failed as error:
        return str(error)
    except Exception:
        return traceback.format_exc()


def main():
    paths = [pathlib.Path(a) for a in sys.argv[1:]] or sorted(
        HERE.glob("*.chat"))
    jobs = [(path, bytewise) for path in paths for bytewise in (False, True)]
    played = failed = 0
    # Most of them wait most of the time.
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for (path, bytewise), fault in zip(jobs, pool.map(play, jobs)):
            if fault is None:
                continue
            played += 1
            if fault:
                failed += 1
                print("FAILED %s (%s): %s" % (
                    path.stem, "byte by byte" if bytewise else "whole",
                    fault))
    print("%d dialogues played, %d failed" % (played, failed))
    return 1 if failed or not played else 0


if __name__ == "__main__":
    sys.exit(main())
