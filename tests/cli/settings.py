#!/usr/bin/python3
"""--check-config of all programs: what it accepts starts, and what does not
start it refuses, with all that is wrong."""

import os
import resource
import subprocess

from tool import BIN, PATIENCE, check, run, same

DESCRIPTORS = 1000


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def run_program(stack, name, *options, few=False, **settings):
    """Of a program that ends by itself."""
    return subprocess.run(
        [os.path.join(BIN, "elektrine-" + name), *options],
        env=stack.environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=few_descriptors if few else None,
    )


def refused(stack, name, *faults, **settings):
    """As it is started and as it is checked; each fault has one line."""
    started = run_program(stack, name, **settings)
    same(started.returncode, 78, "start: " + started.stderr)
    checked = run_program(stack, name, "--check-config", **settings)
    same(checked.returncode, 78, "check: " + checked.stderr)
    same(checked.stdout, "", "settings that are not in effect")
    lines = checked.stderr.splitlines()
    same(len(lines), len(faults), "lines of " + checked.stderr)
    for line, fault in zip(lines, faults):
        check(fault in line, "%r is not in %r" % (fault, line))


def story_files_of_networks(stack):
    path = os.path.join(stack.dir, "deny")
    with open(path, "w", encoding="ascii") as file:
        file.write("192.0.2.1\nnot-an-ip\n\n192.0.2.0/33 # too long\n")
    refused(
        stack,
        "smtpd",
        "ACCESS_ALLOW: @/no/such: cannot open",
        'ACCESS_DENY: @%s line 2: "not-an-ip"' % path,
        'ACCESS_DENY: @%s line 4: "192.0.2.0/33"' % path,
        ACCESS_ALLOW="192.0.2.1,@/no/such",
        ACCESS_DENY="@" + path,
    )
    # Who does not use them need not have them.
    checked = run_program(
        stack, "spool", "--check-config", ACCESS_DENY="@/no/such"
    )
    same(checked.returncode, 0, checked.stderr)


def story_roles_and_certificates(stack):
    refused(
        stack,
        "smtpd",
        "HARAKA_ROLE: submission is not served",
        "TLS_CERT_FILE: a tls: address of SMTP_LISTEN needs it: cannot open "
        "/no/such.crt",
        "TLS_CERT_FILE: a tls: address of SMTP_LISTEN needs it: cannot open "
        "/nor/this.crt",
        HARAKA_ROLE="submission",
        PHOENIX_API_KEY="k",
        PHOENIX_WEBHOOK_URL="http://127.0.0.1:1/",
        SMTP_LISTEN="127.0.0.1:0,tls:127.0.0.1:0",
        TLS_CERT_FILE="/no/such.crt,/nor/this.crt",
        TLS_KEY_FILE="/no/such.key,/nor/this.key",
    )
    # STARTTLS is not worth an end.
    checked = run_program(
        stack,
        "smtpd",
        "--check-config",
        SMTP_LISTEN="127.0.0.1:0",
        TLS_CERT_FILE="/no/such.crt",
    )
    same(checked.returncode, 0, checked.stderr)
    check("STARTTLS will not be offered" in checked.stderr, checked.stderr)
    check("\nSMTP_LISTEN=127.0.0.1:0" in checked.stdout, checked.stdout)


def story_hosts(stack):
    # A name that never is one (RFC 6761 section 6.4).
    refused(
        stack,
        "httpapi",
        "HARAKA_HTTP_HOST: no-such-host.invalid: ",
        HARAKA_HTTP_HOST="no-such-host.invalid",
        HARAKA_HTTP_API_KEY="k",
    )


def story_descriptors(stack):
    settings = {
        "HARAKA_API_KEY": "k",
        "PHOENIX_WEBHOOK_URL": "http://127.0.0.1:1/",
        "SMTP_LISTEN": "127.0.0.1:0",
        "HARAKA_HTTP_HOST": "127.0.0.1",
        "WEBHOOK_CONCURRENCY": "1000",
    }
    for name in ("smtpd", "deliver", "httpapi"):
        for options in ([], ["--check-config"]):
            done = run_program(stack, name, *options, few=True, **settings)
            same(done.returncode, 78, "%s: %s" % (name, done.stderr))
            check("open descriptors" in done.stderr, done.stderr)


run(globals())
