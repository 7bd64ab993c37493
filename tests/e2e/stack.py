"""Whole programs, as an operator runs them, for the stories beside this file.

A story is a script with functions named story_...; run(globals()) gives each
of them a Stack of its own (a temporary folder, free ports, the programs of
ELEKTRINE_BIN) and makes sure that nothing is left of it afterwards.
"""

import email.message
import getpass
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from expect import (  # noqa: E402,F401
    OFF, PATIENCE, Failed, check, eventually, same)

FAKE = os.path.join(HERE, "..", "fake")
BIN = os.environ.get("ELEKTRINE_BIN", "")
PYTHON = "/usr/bin/python3"
KEY = "the-key-of-phoenix"


def never(condition, what, during=1.0):
    end = time.monotonic() + during
    while time.monotonic() < end:
        check(not condition(), "it should not: " + what)
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Process:
    """A program of the stack; its output goes to a file."""

    def __init__(self, stack, name, argv, env=None):
        self.name = name
        self.log_path = os.path.join(stack.dir, "%s.log" % name)
        self.log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            cwd=stack.dir,
        )

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def output(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def events(self, name=None):
        found = []
        for line in self.output().splitlines():
            if not line.startswith("{"):
                continue
            event = json.loads(line)
            if name is None or event["event"] == name:
                found.append(event)
        return found

    def wait_event(self, name, patience=PATIENCE):
        return eventually(
            lambda: self.events(name), "%s logs %s" % (self.name, name), patience
        )

    def signal(self, number):
        self.popen.send_signal(number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """SIGKILL, as a crash would."""
        if self.running():
            self.popen.kill()
        self.popen.wait(PATIENCE)
        self.log.close()

    def stop(self, patience=PATIENCE):
        """SIGTERM, and a clean end."""
        if self.running():
            self.popen.terminate()
        try:
            code = self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed("%s does not stop" % self.name) from None
        self.log.close()
        same(code, 0, "exit code of " + self.name)

    def print_output(self):
        """What is no event, and the last events."""
        lines = self.output().splitlines()
        events = [line for line in lines if line.startswith("{")]
        others = [line for line in lines if not line.startswith("{")]
        print("--- " + self.name, *others[:200], *events[-40:], sep="\n")

    def complaints(self):
        """What the sanitizers found."""
        return re.findall(
            r".*(?:runtime error|ERROR: \w+Sanitizer|WARNING: Thread).*",
            self.output(),
        )


class Phoenix(Process):
    def __init__(self, stack, port, options=()):
        argv = [PYTHON, os.path.join(FAKE, "phoenix.py")]
        argv += ["--port", str(port), "--key", KEY, *options]
        super().__init__(stack, "phoenix", argv)
        self.port = port
        eventually(lambda: can_connect(port), "phoenix listens")

    def call(self, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.port, path),
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def control(self, **rule):
        self.call("/_control", rule)

    def reset(self):
        self.call("/_reset", {})

    def summary(self):
        return self.call("/_summary")

    def posts(self, rcpt=None):
        """The webhook calls that came, oldest first."""
        return [
            request
            for request in self.call("/_requests?endpoint=webhook")
            if rcpt is None or (request["body"] or {}).get("rcpt_to") == rcpt
        ]

    def delivered(self):
        return self.summary()["delivered"]


class Redis(Process):
    def __init__(self, stack, port, options):
        argv = ["redis-server", "--port", str(port), "--save", ""]
        argv += ["--bind", "127.0.0.1", "--dir", stack.dir, *options]
        super().__init__(stack, "redis", argv)
        eventually(lambda: can_connect(port), "redis listens")


class Stack:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="elektrine-e2e-")
        self.dir = self.folder.name
        self.spool = os.path.join(self.dir, "spool")
        self.phoenix_port = free_port()
        self.processes = []
        self.settings = {
            "SPOOL_DIR": self.spool,
            "SPOOL_MIN_FREE": "1M",
            "HARAKA_DOMAIN": "mx.example.com",
            "LOCAL_DOMAINS": "example.com",
            "PHOENIX_WEBHOOK_URL": "http://127.0.0.1:%d/api/haraka/inbound"
            % self.phoenix_port,
            "PHOENIX_API_KEY": KEY,
            "DELIVER_LANES": "webhook",
            "WEBHOOK_RETRY_BASE_MS": "100",
            "WEBHOOK_RETRY_MAX_MS": "2000",
            "WEBHOOK_MAX_PER_MINUTE": "0",
            "EARLY_TALKER_MS": "0",
            **OFF,
            "SMTP_MAX_CONNECTIONS_PER_IP": "0",
            "SMTP_MAX_RATE_PER_IP": "0/min",
            "RUN_USER": getpass.getuser(),
            "LOG_LEVEL": "debug",
            # Stories that want them have a name server of their own.
            "SPF_PROTECT_LOCAL": "false",
            "CHECK_FCRDNS": "off",
            "CHECK_HELO": "off",
            "CHECK_SENDER_DOMAIN": "off",
            "CHECK_SPF": "off",
            "CHECK_DKIM": "off",
            "CHECK_DMARC": "off",
            "CHECK_ARC": "off",
        }

    # --- programs ---------------------------------------------------------

    def environment(self, settings):
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                env[name] = value
        env.update(self.settings)
        env.update({name: str(value) for name, value in settings.items()})
        return env

    def add(self, process):
        self.processes.append(process)
        return process

    def program(self, name, settings, ready=True):
        """Starts a program and waits until it says that it is ready."""
        path = os.path.join(self.dir, "notify-%d" % len(self.processes))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(0.1)
            settings = dict(settings, NOTIFY_SOCKET=path)
            process = self.add(
                Process(
                    self,
                    "%s-%d" % (name, len(self.processes)),
                    [os.path.join(BIN, name)],
                    self.environment(settings),
                )
            )
            if ready:
                self.wait_ready(process, listener)
        return process

    @staticmethod
    def wait_ready(process, listener):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if b"READY=1" in listener.recv(4096):
                    return
            except TimeoutError:
                pass
            if not process.running():
                raise Failed(
                    "%s ended at its start:\n%s"
                    % (process.name, process.output())
                )
        raise Failed("%s does not become ready" % process.name)

    def phoenix(self, *options):
        return self.add(Phoenix(self, self.phoenix_port, options))

    def smtpd(self, **settings):
        port = int(settings.pop("port", 0)) or free_port()
        settings.setdefault("SMTP_LISTEN", "127.0.0.1:%d" % port)
        process = self.program("elektrine-smtpd", settings)
        process.port = port
        return process

    def deliver(self, **settings):
        return self.program("elektrine-deliver", settings)

    def httpapi(self, **settings):
        port = int(settings.pop("port", 0)) or free_port()
        settings.setdefault("HARAKA_HTTP_HOST", "127.0.0.1")
        settings.setdefault("HARAKA_HTTP_API_KEY", KEY)
        settings.setdefault("RATE_LIMIT_MAX_REQUESTS", "0")
        settings["HARAKA_HTTP_PORT"] = port
        process = self.program("elektrine-httpapi", settings)
        process.port = port
        return process

    @staticmethod
    def sanitized(process):
        """Whether its memory is also that of a sanitizer."""
        with open("/proc/%d/maps" % process.pid, encoding="utf-8") as file:
            return any("libasan" in line or "libtsan" in line for line in file)

    def redis(self, port, *options):
        return self.add(Redis(self, port, options))

    # --- mail -------------------------------------------------------------

    @staticmethod
    def letter(subject="A letter", text="Hello.\r\n"):
        message = email.message.EmailMessage()
        message["From"] = "Alice <alice@remote.test>"
        message["To"] = "Bob <bob@example.com>"
        message["Subject"] = subject
        message["Message-ID"] = "<%d.%d@remote.test>" % (
            time.time_ns(),
            threading.get_ident(),
        )
        message.set_content(text)
        return message

    def send(
        self,
        smtpd,
        message=None,
        rcpt=("bob@example.com",),
        count=1,
        sender="alice@remote.test",
    ):
        """Sends over one connection; the ids that were promised."""
        if message is None:
            message = self.letter()
        data = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        ids = []
        with smtplib.SMTP("127.0.0.1", smtpd.port, timeout=PATIENCE) as client:
            client.ehlo("remote.test")
            for _ in range(count):
                code, text = client.mail(sender)
                same(code, 250, "MAIL: %r" % text)
                for address in rcpt:
                    code, text = client.rcpt(address)
                    same(code, 250, "RCPT: %r" % text)
                code, text = client.data(data)
                same(code, 250, "DATA: %r" % text)
                ids.append(text.decode().rsplit(" ", 1)[-1])
        return ids

    def files(self, box):
        """The messages in a maildir of the spool, by id."""
        found = []
        for folder in ("new", "cur"):
            path = os.path.join(self.spool, box, folder)
            if os.path.isdir(path):
                found += [name[:26] for name in os.listdir(path)]
        return sorted(found)

    def queue_empties(self, patience=PATIENCE):
        eventually(
            lambda: not self.files("queue"), "the queue empties", patience
        )

    # --- the end ----------------------------------------------------------

    def close(self, failed):
        complaints = []
        for process in self.processes:
            if process.running():
                process.thaw()
                process.kill()
            found = process.complaints()
            complaints += found
            if failed or found:
                process.print_output()
        self.folder.cleanup()
        same(complaints, [], "what the sanitizers found")


def run(names):
    """Runs every story_... of a module, and exits."""
    failures = 0
    if not BIN:
        sys.exit("ELEKTRINE_BIN names no folder")
    wanted = sys.argv[1:]
    for name, story in list(names.items()):
        if not name.startswith("story_") or (wanted and name not in wanted):
            continue
        stack = Stack()
        failed = True
        start = time.monotonic()
        try:
            story(stack)
            failed = False
        except Exception as problem:
            if not isinstance(problem, Failed):
                traceback.print_exc()
            print("not ok - %s: %s" % (name, problem), flush=True)
        try:
            stack.close(failed)
        except Failed as problem:
            print("not ok - %s: %s" % (name, problem), flush=True)
            failed = True
        failures += failed
        if not failed:
            print("ok - %s (%.1f s)" % (name, time.monotonic() - start))
    sys.exit(1 if failures else 0)
