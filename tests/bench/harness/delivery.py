"""Rows about handing mail on to the webhook."""

import base64
import os
import random
import statistics
import subprocess
import time

from . import load, servers
from .report import Result

PLAIN = load.Load("plain 4 KB", 4096, 50)
ATTACHED = load.Load("with a 200 KB attachment", 200 << 10, 20)
PATIENCE = 120  # seconds for a drain before it counts as failed


def attachment_file(folder):
    """A multipart/mixed message with 200 KB of incompressible base64."""
    content = random.Random(1).randbytes(200 << 10)
    lines = [
        "From: Sender <sender@bench.test>", "To: <user@bench.test>",
        "Subject: with an attachment", "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="=_bench"', "",
        "--=_bench", "Content-Type: text/plain; charset=utf-8", "",
        "The report is attached.", "", "--=_bench",
        'Content-Type: application/pdf; name="report.pdf"',
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="report.pdf"', "",
        base64.encodebytes(content).decode().rstrip("\n"), "--=_bench--"]
    path = os.path.join(folder, "attachment.eml")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def drain(context, job, count, with_file):
    """Fills a spool, then lets the agent empty it: rate and CPU."""
    area = context.disk.area("drain")
    file = attachment_file(area) if with_file else None
    with servers.Elektrine(area) as intake:
        load.drive(job, intake, count, file)
        with servers.Webhook(count) as webhook, \
                servers.Deliver(area, intake.spool, webhook.port) as agent:
            got = webhook.result(PATIENCE)
            user, system = agent.cgroup.seconds()
    context.disk.drop(area)
    return got["rate"], (user + system) * 1e3 / count


def webhook_rate(context, job, count, least, with_file=False):
    rounds = [drain(context, job, count // context.shrink, with_file)
              for _ in range(context.rounds)]
    cpu = statistics.median(ms for _, ms in rounds)
    return Result(
        f"webhook deliveries, 16 at once, {job.name}", "messages/s",
        f"{least:,}", {"elektrine": [rate for rate, _ in rounds]},
        least=least,
        notes=[f"agent: {cpu:.3f} ms of CPU a message, its start included"])


def deliver(context):
    return [webhook_rate(context, PLAIN, 30000, 5000),
            webhook_rate(context, ATTACHED, 5000, 1000, with_file=True)]


def stamps(path):
    with open(path) as file:
        return dict((name, int(at)) for name, at in map(str.split, file))


def delays(context, count):
    """Milliseconds from each 250 to the arrival of its webhook request."""
    area = context.disk.area("wake")
    accepted, arrived = f"{area}/accepted", f"{area}/arrived"
    with servers.Elektrine(area) as intake, \
            servers.Webhook(count, arrived) as webhook, \
            servers.Deliver(area, intake.spool, webhook.port):
        time.sleep(1)
        subprocess.run(
            [f"{context.binaries}/smtp_latency", "--messages", str(count),
             "--interval", "40", "--record", accepted, str(intake.port)],
            check=True, stdout=subprocess.DEVNULL)
        webhook.result(PATIENCE)
    sent, came = stamps(accepted), stamps(arrived)
    context.disk.drop(area)
    return sorted((came[name] - at) / 1e6 for name, at in sent.items())


def wake(context):
    rounds = [delays(context, 200 // context.shrink)
              for _ in range(context.rounds)]
    what = "250 → webhook request arrives, idle system"
    return [
        Result(f"{what}, p50", "ms", "under 5 ms",
               {"elektrine": [times[len(times) // 2] for times in rounds]},
               most=5),
        Result(f"{what}, p99", "ms", "",
               {"elektrine": [times[len(times) * 99 // 100]
                              for times in rounds]})]


def together(context):
    """Intake while the agent delivers."""
    job = load.Load("4 KB, 100 sessions", 4096, 100)
    rates, delivered, server_cpu = [], [], []
    for _ in range(context.rounds):
        area = context.disk.area("together")
        with servers.Elektrine(area) as intake, \
                servers.Webhook() as webhook, \
                servers.Deliver(area, intake.spool, webhook.port):
            count = load.count_for(job, intake, context.seconds)
            figures = load.drive(job, intake, count)
            rates.append(figures.rate)
            server_cpu.append(figures.server)
            delivered.append(webhook.end()["rate"])
        context.disk.drop(area)
    return [Result(
        "durable intake, 4 KB, 100 sessions, delivery running", "messages/s",
        "", {"elektrine": rates},
        notes=["delivered meanwhile: "
               f"{statistics.median(delivered):,.0f}/s; server "
               f"{statistics.median(server_cpu):.3f} ms of CPU a message"])]
