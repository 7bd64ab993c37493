#!/usr/bin/python3
"""elektrine-smtpd as a program: what it refuses to start with, the sockets it
is given, and its end in the midst of work."""
import os
import re
import resource
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

from run import BIN, PATIENCE, Failed, Server, eventually, same

MAIL = ("a@b.example", ["u@example.com"], "Subject: x\r\n\r\nbody\r\n")


def run_with(**settings):
    """Exit code and output of a program that must not stay."""
    with tempfile.TemporaryDirectory(prefix="chat-") as folder:
        environment = dict(
            {"PATH": os.environ["PATH"], "SPOOL_DIR": folder + "/spool",
             "SMTP_LISTEN": "127.0.0.1:0"}, **settings)
        if os.geteuid() == 0:
            environment["RUN_USER"] = "root"
        done = subprocess.run(
            [BIN / "elektrine-smtpd"], env=environment, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode()


def what_it_cannot_be_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = "127.0.0.1:%d" % taken.getsockname()[1]
        for settings, code, word in (
                ({"HARAKA_ROLE": "submission", "PHOENIX_API_KEY": "k",
                  "PHOENIX_WEBHOOK_URL": "http://127.0.0.1/"},
                 78, "submission"),
                ({"SMTP_LISTEN": "tls:127.0.0.1:0"}, 78, "certificate"),
                ({"SMTP_LISTEN": "127.0.0.1"}, 78, "SMTP_LISTEN"),
                ({"SMTP_LISTEN": busy}, 75, "listen"),
                ({"SPOOL_DIR": "/sys/spool"}, 78, "/sys/spool")):
            got, output = run_with(**settings)
            same(got, code, "exit code with %s: %s" % (settings, output))
            if word not in output:
                raise Failed("no word of %s in %r" % (word, output))


def start_with_socket(given, folder, listen):
    """As systemd passes it: number 3, and named in the environment."""
    os.set_inheritable(given.fileno(), True)
    return subprocess.Popen(
        ["/bin/sh", "-c",
         "exec 3<&%d; LISTEN_FDS=1 LISTEN_PID=$$ exec %s" % (
             given.fileno(), (BIN / "elektrine-smtpd").resolve())],
        env={"PATH": os.environ["PATH"], "RUN_USER": "root"
             if os.geteuid() == 0 else "",
             "SPOOL_DIR": folder + "/spool", "SMTP_LISTEN": listen,
             "SPOOL_MIN_FREE": "1M"},
        pass_fds=[given.fileno()], stdout=subprocess.PIPE)


def inherited_sockets_are_served():
    with socket.create_server(("127.0.0.1", 0)) as given, \
            tempfile.TemporaryDirectory(prefix="chat-") as folder:
        program = start_with_socket(given, folder, "[::]:1")
        try:
            with smtplib.SMTP(*given.getsockname(),
                              timeout=PATIENCE) as client:
                client.sendmail(*MAIL)
        finally:
            program.terminate()
            program.communicate(timeout=PATIENCE)
        same(program.returncode, 0, "exit code")


def inherited_sockets_have_the_tls_of_their_port():
    with socket.create_server(("127.0.0.1", 0)) as given, \
            tempfile.TemporaryDirectory(prefix="chat-") as folder:
        program = start_with_socket(
            given, folder, "[::]:1,tls:[::]:%d" % given.getsockname()[1])
        output = program.communicate(timeout=PATIENCE)[0].decode()
        same(program.returncode, 78, "exit code")
        if "needs a certificate" not in output:
            raise Failed("no word of a certificate in %r" % output)


def send_until_told(server, ids, stopped):
    """Sends one message after the other, and notes each id that was said."""
    while not stopped.is_set():
        try:
            with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
                client.ehlo("x")
                while True:
                    client.mail("a@b.example")
                    client.rcpt("u@example.com")
                    code, text = client.data("A: b\r\n\r\nbody\r\n")
                    if code != 250:
                        return
                    ids.append(re.search(rb"queued as (\w+)", text)[1])
        except (OSError, smtplib.SMTPException):
            continue


def stored_ids(server):
    return {path.name.encode() for path in server.messages()}


def end_under_load(how):
    server = Server({"SMTP_IDLE_TIMEOUT": "5s"})
    ids, stopped = [], threading.Event()
    threads = [threading.Thread(target=send_until_told,
                                args=(server, ids, stopped))
               for _ in range(20)]
    try:
        for thread in threads:
            thread.start()
        eventually(lambda: len(ids) > 100, "mail is taken")
        begun = time.monotonic()
        stopped.set()
        server.process.send_signal(how)
        code = server.process.wait(PATIENCE)
        lasted = time.monotonic() - begun
        for thread in threads:
            thread.join()
        server.stopping = True
        same(code, -how if how == signal.SIGKILL else 0, "exit code")
        if lasted > 6:
            raise Failed("the end took %.1f s" % lasted)
        lost = set(ids) - stored_ids(server)
        if lost:
            raise Failed("lost after a 250: %s" % lost)
        if how == signal.SIGTERM and server.half_received():
            raise Failed("left behind: %s" % server.half_received())
    finally:
        stopped.set()
        server.remove()


def a_stop_under_load_loses_nothing():
    end_under_load(signal.SIGTERM)


def a_kill_under_load_loses_nothing():
    end_under_load(signal.SIGKILL)


def a_full_disk_is_for_later():
    server = Server({"SPOOL_MIN_FREE": "99%"})
    try:
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.ehlo("x")
            code, text = client.mail("a@b.example")
            same((code, text[:5]), (452, b"4.3.1"), "MAIL on a full disk")
        server.stop()
    finally:
        server.remove()


def chunks_behind_one_that_failed_are_no_message():
    """RFC 3030 section 2: they may be on their way already, and by the time
    they are read the host may be well again."""
    server = Server({})
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    try:
        with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
            client.ehlo("x")
            client.mail("a@b.example")
            client.rcpt("u@example.com")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
            client.send(b"BDAT 14\r\nSubject: x\r\n\r\n")
            code, _ = client.getreply()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            same(code, 451, "a chunk that cannot be kept")
            for chunk in (b"BDAT 3\r\nx\r\n", b"BDAT 3 LAST\r\ny\r\n"):
                client.send(chunk)
                same(client.getreply()[0], 451, "one behind it")
            same(client.mail("a@b.example")[0], 250, "the next MAIL")
        same(server.messages(), [], "messages")
        same(len(server.events("enqueue_failed")), 1, "words")
        server.stop()
    finally:
        server.remove()


STORIES = [what_it_cannot_be_is_named, inherited_sockets_are_served,
           inherited_sockets_have_the_tls_of_their_port,
           a_stop_under_load_loses_nothing, a_kill_under_load_loses_nothing,
           a_full_disk_is_for_later,
           chunks_behind_one_that_failed_are_no_message]


def main():
    failed = 0
    for story in STORIES:
        try:
            story()
        except Exception as error:
            failed += 1
            print("FAILED %s: %s" % (story.__name__, error))
    print("%d stories told, %d failed" % (len(STORIES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
