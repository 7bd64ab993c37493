"""Each program shows its figures where METRICS_LISTEN says, as Prometheus
reads them, and they outlive a kill."""

import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import check, eventually, free_port, run, same

from figures import approve, samples


def get(port, path, method="GET"):
    request = urllib.request.Request(
        "http://127.0.0.1:%d%s" % (port, path), method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def metrics(port):
    """The samples, by what stands before the value."""
    status, text = get(port, "/metrics")
    same(status, 200, "status of /metrics")
    return samples(text)


def story_prometheus_reads_what_each_program_shows(stack):
    phoenix = stack.phoenix()
    phoenix.control(status=503, count=1)
    ports = [free_port(), free_port(), free_port()]
    smtpd = stack.smtpd(METRICS_LISTEN="127.0.0.1:%d" % ports[0])
    stack.deliver(METRICS_LISTEN="127.0.0.1:%d" % ports[1])
    stack.httpapi(METRICS_LISTEN="127.0.0.1:%d" % ports[2])
    for port in ports:
        same(get(port, "/livez")[0], 200, "livez")
        same(get(port, "/readyz")[0], 200, "readyz")
        same(get(port, "/metrics", "POST")[0], 405, "POST")
        same(get(port, "/elsewhere")[0], 404, "another path")
    stack.send(smtpd, count=5)
    eventually(lambda: phoenix.delivered() == 5, "delivery")
    stack.queue_empties()
    for port in ports:
        approve(get(port, "/metrics")[1])
    smtp = eventually(
        lambda: metrics(ports[0])["elektrine_smtpd_connections"] == 0
        and metrics(ports[0]),
        "the session ends",
    )
    same(smtp["elektrine_smtpd_messages_accepted_total"], 5, "accepted")
    same(smtp["elektrine_smtpd_connections_total"], 1, "connections")
    same(smtp["elektrine_smtpd_session_duration_seconds_count"], 1, "sessions")
    same(smtp["elektrine_spool_commit_duration_seconds_count"], 5, "commits")
    same(smtp["elektrine_spool_group_messages_sum"], 5, "in groups")
    same(smtp["elektrine_spool_healthy"], 1, "healthy")
    deliver = metrics(ports[1])
    attempts = "elektrine_deliver_attempts_total{outcome=\"%s\"}"
    same(deliver[attempts % "delivered"], 5, "delivered")
    same(deliver[attempts % "deferred"], 1, "deferred")
    same(
        deliver['elektrine_deliver_failures_total{reason="http_503"}'],
        1,
        "failures by reason",
    )
    same(deliver["elektrine_deliver_webhook_duration_seconds_count"], 6, "calls")
    same(deliver["elektrine_spool_queue_wait_seconds_count"], 5, "waits")
    check(deliver["elektrine_deliver_workers"] > 0, "there are workers")


def story_refusals_are_counted_by_reason(stack):
    port = free_port()
    smtpd = stack.smtpd(METRICS_LISTEN="127.0.0.1:%d" % port)
    import smtplib

    with smtplib.SMTP("127.0.0.1", smtpd.port) as client:
        client.ehlo("remote.test")
        client.mail("a@remote.test")
        same(client.rcpt("b@elsewhere.test")[0], 550, "relaying")
    reasons = [
        name
        for name, value in metrics(port).items()
        if name.startswith("elektrine_smtpd_refused_total{")
        and value == 1
    ]
    same(len(reasons), 1, "reasons of refusals")


def story_counters_go_on_after_a_kill(stack):
    port = free_port()
    settings = {"METRICS_LISTEN": "127.0.0.1:%d" % port}
    name = "elektrine_smtpd_messages_accepted_total"
    smtpd = stack.smtpd(**settings)
    stack.send(smtpd, count=3)
    same(metrics(port)[name], 3, "accepted")
    smtpd.kill()
    smtpd = stack.smtpd(**settings)
    same(metrics(port)[name], 3, "accepted before the kill")
    stack.send(smtpd, count=2)
    same(metrics(port)[name], 5, "accepted in all")
    smtpd.stop()


def story_a_full_disk_is_not_ready(stack):
    port = free_port()
    stack.smtpd(
        METRICS_LISTEN="127.0.0.1:%d" % port, SPOOL_MIN_FREE="99%"
    )
    status, text = get(port, "/readyz")
    same(status, 503, "readyz")
    check("bytes free" in text, "why: " + text)
    same(get(port, "/livez")[0], 200, "livez")


run(globals())
