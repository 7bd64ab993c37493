"""The servers that are compared. Each runs on loopback, in a cgroup of its
own, with its data below a folder on the file system under test."""

import os
import signal
import socket
import subprocess
import time

from . import cpu

DOMAIN = "bench.test"
SENDER = f"sender@{DOMAIN}"
RECIPIENT = f"user@{DOMAIN}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as peer:
                if peer.recv(512):
                    peer.sendall(b"QUIT\r\n")
                    return
        except OSError:
            pass
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended at once")
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer on {port}")


def wait_until(ready, process, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended at once")
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer")


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    name = "server"

    def __init__(self, area):
        self.area = area
        self.port = free_port()
        self.log = open(os.path.join(area, f"{self.name}.log"), "wb")
        self.cgroup = cpu.Cgroup(f"{self.name}-{self.port}")
        self.process = None

    def __enter__(self):
        try:
            self.start()
            wait_for_port(self.port, self.process)
        except RuntimeError as error:
            self.__exit__()
            with open(self.log.name, errors="replace") as log:
                said = log.read()[-300:].strip()
            raise RuntimeError(f"{error}: {said}") from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.stop()
        self.cgroup.remove()
        self.log.close()

    def spawn(self, command, **settings):
        return subprocess.Popen(command, stdout=self.log,
                                stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL,
                                preexec_fn=self.cgroup.join, **settings)

    def start(self):
        raise NotImplementedError

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class SmtpSink(Server):
    name = "smtp-sink"

    def start(self):
        self.process = self.spawn(
            ["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "1024"])


class Postfix(Server):
    """An instance of its own that holds everything it accepts, so that only
    intake costs: cleanup stores a message into the hold queue and the queue
    manager never touches it."""

    name = "postfix"
    libexec = "/usr/lib/postfix/sbin"
    directories = ("active bounce corrupt defer deferred flush hold incoming "
                   "private saved trace").split()

    def settings(self):
        return {
            "compatibility_level": "3.6",
            "queue_directory": f"{self.area}/queue",
            "data_directory": f"{self.area}/data",
            "command_directory": "/usr/sbin",
            "daemon_directory": self.libexec,
            "meta_directory": "/etc/postfix",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "myhostname": f"mx.{DOMAIN}",
            "mydestination": DOMAIN,
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "local_recipient_maps": "",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_recipient_restrictions":
                "static:HOLD, permit_mynetworks, reject",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_event_limit_exceptions": "127.0.0.0/8",
            "smtpd_tls_security_level": "none",
            "default_process_limit": "300",
            # Tokens come back from the queue manager, which sees nothing.
            "in_flow_delay": "0",
            "max_use": "1000000",
            "message_size_limit": "52428800",
            "queue_minfree": "0",
            "biff": "no",
        }

    def services(self):
        return f"""
127.0.0.1:{self.port} inet n - n - 300 smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
local     unix  - n n - - local
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

    def start(self):
        for name in ("etc", "queue", "data"):
            os.mkdir(f"{self.area}/{name}", 0o755)
        subprocess.run(["chown", "postfix", f"{self.area}/data"], check=True)
        with open(f"{self.area}/etc/main.cf", "w") as file:
            for name, value in self.settings().items():
                file.write(f"{name} = {value}\n")
        with open(f"{self.area}/etc/master.cf", "w") as file:
            file.write(self.services())
        self.process = self.spawn(
            ["postfix", "-c", f"{self.area}/etc", "start-fg"])

    def stop(self):
        subprocess.run(["postfix", "-c", f"{self.area}/etc", "stop"],
                       capture_output=True)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            super().stop()


class Elektrine(Server):
    """elektrine-smtpd with limits per address and checks off."""

    name = "elektrine"
    binaries = None  # folder of the release build, set by run

    def __init__(self, area, **settings):
        super().__init__(area)
        self.spool = os.path.join(area, "spool")
        self.extra = settings

    def environment(self):
        settings = {
            "SMTP_LISTEN": f"127.0.0.1:{self.port}",
            "SPOOL_DIR": self.spool,
            "SPOOL_MIN_FREE": "64M",
            "HARAKA_DOMAIN": f"mx.{DOMAIN}",
            "LOCAL_DOMAINS": DOMAIN,
            "SMTP_MAX_CONNECTIONS": "6000",
            "SMTP_MAX_CONNECTIONS_PER_IP": "0",
            "SMTP_MAX_RATE_PER_IP": "0",
            "EARLY_TALKER_MS": "0",
            "RUN_USER": "root",
            "PATH": os.environ["PATH"],
        }
        settings.update({f"CHECK_{check}": "off" for check in (
            "FCRDNS", "HELO", "SENDER_DOMAIN", "SPF", "DKIM", "DMARC",
            "ARC")})
        settings["SPF_PROTECT_LOCAL"] = "false"
        settings.update(self.extra)
        return settings

    def start(self):
        os.makedirs(self.spool, exist_ok=True)
        self.process = self.spawn([f"{self.binaries}/elektrine-smtpd"],
                                  env=self.environment())


class HttpApi(Server):
    """elektrine-httpapi on an Elektrine's spool, without a rate limit."""

    name = "httpapi"
    key = "bench"

    def __init__(self, area, spool):
        super().__init__(area)
        self.spool = spool

    def __enter__(self):
        self.start()
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        raise RuntimeError("elektrine-httpapi does not listen")

    def start(self):
        self.process = self.spawn(
            [f"{Elektrine.binaries}/elektrine-httpapi"],
            env={
                "SPOOL_DIR": self.spool,
                "HARAKA_HTTP_HOST": "127.0.0.1",
                "HARAKA_HTTP_PORT": str(self.port),
                "HARAKA_HTTP_API_KEY": self.key,
                "RATE_LIMIT_MAX_REQUESTS": "0",
                "HARAKA_DOMAIN": f"mx.{DOMAIN}",
                "LOCAL_DOMAINS": DOMAIN,
                "RUN_USER": "root",
                "PATH": os.environ["PATH"],
            })


class Deliver(Server):
    """elektrine-deliver, posting what an Elektrine's spool holds."""

    name = "deliver"

    def __init__(self, area, spool, webhook_port):
        super().__init__(area)
        self.spool = spool
        self.webhook = f"http://127.0.0.1:{webhook_port}/webhook"

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = self.spawn(
            [f"{Elektrine.binaries}/elektrine-deliver"],
            env={
                "SPOOL_DIR": self.spool,
                "DELIVER_LANES": "webhook",
                "PHOENIX_WEBHOOK_URL": self.webhook,
                "PHOENIX_API_KEY": "bench",
                "WEBHOOK_CONCURRENCY": "16",
                "WEBHOOK_MAX_PER_MINUTE": "0",
                "HARAKA_DOMAIN": f"mx.{DOMAIN}",
                "LOCAL_DOMAINS": DOMAIN,
                "RUN_USER": "root",
                "PATH": os.environ["PATH"],
            })


class Webhook:
    """The webhook that answers at once; ends by itself after COUNT."""

    def __init__(self, count=0, record=None):
        command = [f"{Elektrine.binaries}/webhook_sink", "--count", str(count)]
        command += ["--record", record] if record else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().partition("=")[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()

    def result(self, seconds):
        """Waits for the end; what it printed, as a dictionary."""
        self.process.wait(seconds)
        line = self.process.stdout.read()
        return {name: float(value) for name, _, value in
                (pair.partition("=") for pair in line.split())}

    def end(self):
        self.process.terminate()
        return self.result(10)
