"""What operators see and do by HTTP: lists, one message, dead letters, status,
health and figures."""

import os
import urllib.parse

from api import KEY, LETTER, call, check, eventually, run, same, send
from figures import approve, samples

BOUNCE = {"error": "User not found", "bounce": True}
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
MESSAGES = "/api/v1/messages"
DEAD = "/api/v1/dead"


def get(api, path, status=200, **more):
    answer = call(api, "GET", path, **more)
    same(answer.status, status, "GET %s: %s" % (path, answer))
    return answer.json()


def do(api, path, method="POST", status=200):
    answer = call(api, method, path)
    same(answer.status, status, "%s %s: %s" % (method, path, answer))
    return answer.json()


def pages(api, path, limit):
    """All items, page by page."""
    items, cursor = [], None
    while True:
        query = {"limit": limit}
        if cursor:
            query["cursor"] = cursor
        join = "&" if "?" in path else "?"
        page = get(api, path + join + urllib.parse.urlencode(query))
        check(len(page["items"]) <= limit, "a page of %d" % limit)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def buried(stack, api, count=1):
    """Dead letters; the agent that buried them is gone."""
    phoenix = stack.phoenix()
    phoenix.control(status=404, body=BOUNCE)
    ids = [send(api, LETTER)["message_id"] for _ in range(count)]
    agent = stack.deliver()
    eventually(
        lambda: get(api, "/status")["queue"]["dead"] == count, "they die"
    )
    agent.stop()
    phoenix.reset()
    return phoenix, ids


def story_lists_have_pages_that_stay_right(stack):
    api = stack.httpapi()
    ids = [send(api, LETTER)["message_id"] for _ in range(7)]
    send(api, dict(LETTER, to="carol@example.com"))
    items = pages(api, MESSAGES + "?recipient=bob@example.com", 3)
    same([item["id"] for item in items], ids, "bob's, oldest first")
    entry = items[0]
    same(entry["state"], "queued", "state")
    same(entry["lane"], "webhook", "lane")
    same(entry["from"], "ada@example.com", "from")
    same(len(pages(api, MESSAGES, 3)), 8, "all")
    same(len(pages(api, MESSAGES + "?state=held", 3)), 0, "held ones")
    same(len(get(api, MESSAGES + "?since=2020-01-01")["items"]), 8, "since")
    same(get(api, MESSAGES + "?since=2099-01-01")["items"], [], "to come")
    page = get(api, MESSAGES + "?limit=3")
    for item in page["items"]:
        do(api, MESSAGES + "/%s/cancel" % item["id"])
    rest = get(api, MESSAGES + "?limit=100&cursor=" + page["next_cursor"])
    same(len(rest["items"]), 5, "behind what went away")


def story_what_makes_no_sense_is_told(stack):
    api = stack.httpapi()
    for query, field in [
        ("state=asleep", "state"),
        ("lane=air", "lane"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("since=yesterday", "since"),
        ("cursor=nonsense", "cursor"),
        ("recipient=a@b&cursor=00-0", "cursor"),
    ]:
        problem = get(api, MESSAGES + "?" + query, 400)
        same((problem["success"], problem["field"]), (False, field), query)
    for path in [MESSAGES, MESSAGES + "/" + UNKNOWN, DEAD]:
        get(api, path, 401, key=None)
        get(api, path, 401, key="wrong")
    get(api, MESSAGES + "/" + UNKNOWN, 404)
    get(api, MESSAGES + "/..%2f..%2fetc", 404)
    for verb in ["retry", "cancel", "hold", "release", "replay"]:
        do(api, MESSAGES + "/%s/%s" % (UNKNOWN, verb), status=404)
    do(api, DEAD + "/%s/requeue" % UNKNOWN, status=404)
    do(api, DEAD + "/" + UNKNOWN, "DELETE", 404)


def story_a_message_with_its_story(stack):
    api = stack.httpapi()
    both = dict(LETTER, to=["bob@example.com", "carol@example.com"])
    id = send(api, both)["message_id"]
    path = MESSAGES + "/" + id
    message = get(api, path)
    same(
        [d["recipient"] for d in message["deliveries"]],
        ["bob@example.com", "carol@example.com"],
        "deliveries",
    )
    done = do(api, path + "/hold?recipient=carol@example.com")
    same(
        [(r["recipient"], r["result"]) for r in done["results"]],
        [("carol@example.com", "done")],
        "what was held",
    )
    do(api, path + "/release?recipient=bob@example.com", status=409)
    phoenix = stack.phoenix()
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "bob gets it")
    do(api, path + "/release")
    eventually(lambda: phoenix.delivered() == 2, "carol gets it")
    stack.queue_empties()
    message = get(api, path)
    same(message["deliveries"], [], "deliveries of what is over")
    events = [event["event"] for event in message["events"]]
    same(events.count("delivered"), 2, "its story: %s" % events)
    check("held" in events and "released" in events, "its story: %s" % events)
    same(message["from"], "ada@example.com", "from")
    do(api, path + "/cancel", status=404)


def story_dead_letters_come_back_or_go(stack):
    api = stack.httpapi()
    phoenix, ids = buried(stack, api, 3)
    items = pages(api, DEAD, 2)
    # By their death, and they died together.
    same(sorted(item["id"] for item in items), sorted(ids), "dead letters")
    same(items[0]["reason"], "bounce", "reason")
    check(items[0]["died"] is not None, "time of death")
    same(len(get(api, DEAD + "?reason=expired")["items"]), 0, "by reason")
    do(api, MESSAGES + "/%s/retry" % ids[0], status=409)
    do(api, DEAD + "/%s/requeue" % ids[0])
    do(api, DEAD + "/%s/requeue" % ids[0], status=409)
    do(api, DEAD + "/" + ids[1], "DELETE")
    do(api, DEAD + "/" + ids[1], "DELETE", 404)
    stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    same([item["id"] for item in pages(api, DEAD, 2)], ids[2:], "the rest")


def story_replay(stack):
    stack.settings["KEEP_DELIVERED"] = "1h"
    api = stack.httpapi()
    id = send(api, LETTER)["message_id"]
    phoenix = stack.phoenix()
    do(api, MESSAGES + "/%s/replay" % id, status=404)
    agent = stack.deliver()
    eventually(lambda: phoenix.delivered() == 1, "delivery")
    stack.queue_empties()
    agent.stop()
    do(api, MESSAGES + "/%s/replay" % id)
    stack.deliver()
    eventually(lambda: phoenix.summary()["duplicates"] == 1, "again")
    keys = {post["headers"]["x-idempotency-key"] for post in phoenix.posts()}
    same(keys, {id + ":0"}, "idempotency keys")


def story_status_for_programs(stack):
    api = stack.httpapi()
    send(api, LETTER)
    status = get(api, "/status")
    same((status["ok"], status["role"]), (True, "http-api"), "who")
    check(status["started_at"].endswith("Z"), "started_at")
    same(status["queue"]["waiting"], 1, "waiting")
    same(status["queue"]["lanes"]["webhook"]["queued"], 1, "in the lane")
    same(status["totals"]["accepted"], 1, "accepted")
    same(status["agents"], 0, "agents")
    get(api, "/status", 401, key=None)
    get(api, "/status/live", 401, key=None)
    live = get(api, "/status/live?since=0")
    check("samples" in live and live["last_dead"] == [], "what the page asks")


def story_health_really_looks(stack):
    api = stack.httpapi()
    health = get(api, "/healthz")
    same(health["ok"], True, "health of an empty spool")
    send(api, LETTER)
    problem = get(api, "/healthz", 503)
    check("agent" in problem["error"], "nobody delivers: %s" % problem)
    get(api, "/readyz")
    phoenix = stack.phoenix()
    phoenix.control(key="another")
    agent = stack.deliver()
    agent.wait_event("circuit_open")
    problem = get(api, "/healthz", 503)
    check("webhook" in problem["error"], "the circuit: %s" % problem)
    phoenix.control(key=KEY)
    eventually(
        lambda: call(api, "GET", "/healthz").status == 200, "it is well again"
    )
    get(api, "/healthz", 401, key=None)
    same(call(api, "GET", "/livez", key=None).status, 200, "livez")


def story_no_room_is_neither_healthy_nor_ready(stack):
    api = stack.httpapi(SPOOL_MIN_FREE="99%")
    for path in ["/healthz", "/readyz"]:
        problem = get(api, path, 503)
        check("bytes free" in problem["error"], "%s: %s" % (path, problem))


def metrics(api):
    answer = call(api, "GET", "/metrics")
    same(answer.status, 200, "/metrics")
    return answer.body.decode()


def story_figures_of_all_programs(stack):
    api = stack.httpapi()
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    stack.send(smtpd, count=4)
    send(api, LETTER)
    call(api, "POST", "/api/v1/send", {"from": 1})
    call(api, "GET", "/status", key="wrong")
    eventually(lambda: phoenix.delivered() == 5, "delivery")

    def settled():
        found = samples(metrics(api))
        attempts = 'elektrine_deliver_attempts_total{outcome="delivered"}'
        return (
            found["elektrine_spool_delivered_total"] == 5
            and found.get(attempts) == 5
            and found["elektrine_smtpd_messages_accepted_total"] == 4
            and found
        )

    found = eventually(settled, "the figures of all programs")
    same(found["elektrine_spool_accepted_total"], 5, "accepted")
    same(found["elektrine_spool_commit_duration_seconds_count"], 5, "commits")
    same(found["elektrine_http_api_sent_ok_total"], 1, "sent_ok")
    same(found["elektrine_http_api_sent_error_total"], 1, "sent_error")
    same(found["elektrine_http_api_auth_failures_total"], 1, "auth_failures")
    for name in (
        "requests_total rate_limited_total dkim_sync_ok_total "
        "dkim_sync_error_total dkim_delete_ok_total dkim_delete_error_total "
        "uptime_seconds"
    ).split():
        value = found["elektrine_http_api_" + name]
        same(value, int(value), name)
    approve(metrics(api))
    same(call(api, "GET", "/metrics", key=None).status, 401, "without key")


def story_networks_that_may_look(stack):
    api = stack.httpapi(
        OPS_ALLOWED_CIDRS="127.0.0.0/8", METRICS_ALLOWED_CIDRS="192.0.2.0/24"
    )
    get(api, "/status", key=None)
    get(api, "/healthz", key=None)
    same(call(api, "GET", "/metrics", key=None).status, 401, "/metrics")
    same(
        call(
            api, "GET", "/metrics", key=None, X_Forwarded_For="192.0.2.7"
        ).status,
        200,
        "/metrics from its network",
    )
    get(api, MESSAGES, 401, key=None)


def story_the_dashboard_names_what_there_is(stack):
    """Every metric that the Grafana dashboard asks for exists."""
    import json
    import re

    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(
        here, "..", "..", "deployment", "grafana", "elektrine-spool.json"
    )
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    wanted = set()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            wanted |= set(re.findall(r"elektrine_\w+", target["expr"]))
    check(len(wanted) > 15, "metrics of the dashboard")
    api = stack.httpapi()
    smtpd = stack.smtpd()
    stack.phoenix().control(status=503, count=1)
    stack.deliver()
    stack.send(smtpd, rcpt=("bob@example.com",))
    send(api, LETTER)
    import smtplib

    with smtplib.SMTP("127.0.0.1", smtpd.port) as client:
        client.ehlo("remote.test")
        client.mail("a@remote.test")
        client.rcpt("b@elsewhere.test")
    # Redis is optional, and so are its figures; limits may never be met.
    optional = {
        "elektrine_redis_up",
        "elektrine_dns_questions_total",
        "elektrine_smtpd_connections_refused_total",
        "elektrine_smtpd_messages_rejected_total",
    }

    def missing():
        names = set(re.findall(r"^# TYPE (\w+) ", metrics(api), re.M))
        names |= {n + s for n in names for s in ("_bucket", "_sum", "_count")}
        return wanted - names - optional

    eventually(lambda: not missing(), "all of %s" % sorted(missing()))


run(globals())
