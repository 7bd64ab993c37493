#!/usr/bin/python3
"""A scriptable stand-in for the Phoenix application.

It answers the five calls of the application (told apart by the last part of
the path), remembers what it was sent, counts what came twice, and does what a
test tells it to do:

  POST /_control   a JSON rule; the last one that fits a request decides:
      endpoint      webhook (default), verify, auth, domains, event
      for_rcpt      only requests for this recipient
      for_subject   only payloads with this subject
      over_bytes    only requests with a larger body
      count         how many requests, then the rule is gone (default: all)
      status, body  the answer; body is JSON, or text that is sent as it is
      retry_after   the value of a Retry-After field
      delay_ms      before the answer
      cut           "before" (no byte of an answer) or "half" (part of it)
      key           not a rule: the API key from now on
      keep_raw      not a rule: requests keep their body in base64 as `raw`
  POST /_reset     forgets rules and requests
  GET  /_requests  what came, as a JSON list; ?endpoint=webhook for one kind
  GET  /_summary   {"requests","delivered","duplicates","invalid",...}

  phoenix.py --port 4000 --key secret --print
"""

import argparse
import base64
import json
import signal
import socket
import sys
import threading
import time
import urllib.parse

SUCCESS = {"status": "success"}
TEXT_KEPT = 65536


class State:
    """What all connections share."""

    def __init__(self, options):
        self.lock = threading.Lock()
        self.options = options
        self.key = options.key
        self.reset()

    def reset(self):
        self.rules = []
        self.requests = []
        self.delivered = {}  # idempotency key -> how often it was taken
        self.duplicates = 0
        self.invalid = 0
        self.connections = 0
        self.keep_raw = False

    def add_rule(self, rule):
        with self.lock:
            if "key" in rule:
                self.key = rule["key"]
            elif "keep_raw" in rule:
                self.keep_raw = rule["keep_raw"]
            else:
                self.rules.append(dict(rule))

    def rule_for(self, request):
        with self.lock:
            for rule in reversed(self.rules):
                if fits(rule, request):
                    break
            else:
                return None
            if "count" in rule:
                rule["count"] -= 1
                if rule["count"] <= 0:
                    self.rules.remove(rule)
            return rule

    def remember(self, request, status, taken):
        with self.lock:
            request["status"] = status
            self.requests.append(request)
            key = request["headers"].get("x-idempotency-key")
            if request["endpoint"] != "webhook":
                return
            if not request["valid"]:
                self.invalid += 1
            if taken and key:
                times = self.delivered.get(key, 0) + 1
                self.delivered[key] = times
                if times > 1:
                    self.duplicates += 1

    def was_delivered(self, key):
        with self.lock:
            return key in self.delivered

    def summary(self):
        with self.lock:
            return {
                "requests": len(self.requests),
                "delivered": len(self.delivered),
                "duplicates": self.duplicates,
                "invalid": self.invalid,
                "connections": self.connections,
            }


def fits(rule, request):
    if rule.get("endpoint", "webhook") != request["endpoint"]:
        return False
    body = request["body"] if isinstance(request["body"], dict) else {}
    rcpt = body.get("rcpt_to") or body.get("email") or body.get("recipient")
    if "for_rcpt" in rule and rule["for_rcpt"] != rcpt:
        return False
    if "for_subject" in rule and rule["for_subject"] != body.get("subject"):
        return False
    return request["length"] > rule.get("over_bytes", -1)


def endpoint_of(path):
    last = path.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    for name in ("verify", "auth", "domains", "event"):
        if name in last:
            return name
    return "webhook"


def shorten(value):
    """Long strings as their length, so that memory stays small."""
    if isinstance(value, str) and len(value) > TEXT_KEPT:
        return value[:64] + "... (%d characters)" % len(value)
    if isinstance(value, list):
        return [shorten(item) for item in value]
    if isinstance(value, dict):
        return {name: shorten(item) for name, item in value.items()}
    return value


def reject_twins(pairs):
    """JSON objects of ours name nothing twice."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def read_json(data):
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=reject_twins)
    except ValueError:
        return None


# --- what Phoenix answers by itself ---------------------------------------


def answer_webhook(state, request):
    if request["headers"].get("x-api-key") != state.key:
        return 401, {"error": "Unauthorized"}
    if not request["valid"]:
        return 400, {"error": "Invalid JSON"}
    key = request["headers"].get("x-idempotency-key")
    if key and state.was_delivered(key):
        return 200, {"status": "queued", "enqueue_outcome": "duplicate"}
    return 200, SUCCESS


def answer_verify(state, request):
    if request["headers"].get("x-api-key") != state.key:
        return 401, {"error": "Unauthorized"}
    email = (request["body"] or {}).get("email", "")
    if email.split("@")[0] in state.options.missing:
        return 404, {"exists": False}
    return 200, {"exists": True}


def answer_auth(state, request):
    if request["headers"].get("x-api-key") != state.key:
        return 401, {"error": "Unauthorized"}
    body = request["body"] or {}
    login = "%s:%s" % (body.get("username"), body.get("password"))
    if login in state.options.user:
        return 200, {"authenticated": True}
    return 401, {"authenticated": False, "error": "Invalid credentials"}


def answer_domains(state, request):
    if request["headers"].get("x-api-key") != state.key:
        return 401, {"error": "Unauthorized"}
    return 200, {"domains": state.options.domains.split(",")}


def answer_event(state, request):
    if request["headers"].get("x-api-key") != state.key:
        return 401, {"error": "Unauthorized"}
    return 200, {"ok": True}


ANSWERS = {
    "webhook": answer_webhook,
    "verify": answer_verify,
    "auth": answer_auth,
    "domains": answer_domains,
    "event": answer_event,
}


def answer_control(state, request):
    path, _, query = request["path"].partition("?")
    if path == "/_control" and isinstance(request["body"], dict):
        state.add_rule(request["body"])
        return 200, {"ok": True}
    if path == "/_reset":
        with state.lock:
            state.reset()
        return 200, {"ok": True}
    if path == "/_summary":
        return 200, state.summary()
    if path == "/_requests":
        wanted = urllib.parse.parse_qs(query).get("endpoint")
        with state.lock:
            return 200, [
                r
                for r in state.requests
                if wanted is None or r["endpoint"] in wanted
            ]
    return 404, {"error": "no such control"}


# --- HTTP -----------------------------------------------------------------


def read_request(stream):
    """One request, or None at the end of the connection."""
    line = stream.readline(65536)
    if not line.strip():
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while True:
        line = stream.readline(65536)
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    data = stream.read(length)
    if len(data) < length:
        return None
    body = read_json(data) if data else None
    return {
        "raw": data,
        "at": time.time(),
        "method": method,
        "path": path,
        "endpoint": endpoint_of(path),
        "headers": headers,
        "length": length,
        "body": body,
        "valid": body is not None,
    }


def takes(status, body):
    """Whether this answer says that the message is Phoenix's now."""
    return (
        status == 200
        and isinstance(body, dict)
        and body.get("status") in ("success", "queued")
    )


def encode_answer(status, body, retry_after):
    text = body if isinstance(body, str) else json.dumps(body)
    data = text.encode("utf-8", "surrogatepass")
    head = "HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\n" % status
    if retry_after is not None:
        head += "Retry-After: %s\r\n" % retry_after
    head += "Content-Length: %d\r\n\r\n" % len(data)
    return head.encode("latin-1") + data


def serve_one(state, request):
    """The bytes of the answer, and whether the connection goes on."""
    raw = request.pop("raw")
    if state.keep_raw:
        request["raw"] = base64.b64encode(raw).decode("ascii")
    if request["path"].startswith("/_"):
        return encode_answer(*answer_control(state, request), None), True
    rule = state.rule_for(request)
    if rule is None or "status" not in rule:
        status, body = ANSWERS[request["endpoint"]](state, request)
    else:
        status, body = rule["status"], rule.get("body", {})
    rule = rule or {}
    if rule.get("delay_ms"):
        time.sleep(rule["delay_ms"] / 1000)
    cut = rule.get("cut")
    printed = request["body"] if state.options.print else None
    request["body"] = shorten(request["body"])
    state.remember(
        request, 0 if cut else status, not cut and takes(status, body)
    )
    if printed is not None and request["endpoint"] == "webhook":
        print_payload(printed, request, status)
    data = encode_answer(status, body, rule.get("retry_after"))
    if cut == "before":
        return b"", False
    if cut == "half":
        return data[:-3], False
    return data, True


def serve_connection(state, connection):
    with state.lock:
        state.connections += 1
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = connection.makefile("rb", 65536)
    try:
        goes_on = True
        while goes_on:
            request = read_request(stream)
            if request is None:
                break
            data, goes_on = serve_one(state, request)
            connection.sendall(data)
    except (OSError, ValueError):
        pass
    finally:
        stream.close()
        connection.close()


# --- --print --------------------------------------------------------------

PRINT_LOCK = threading.Lock()


def print_payload(payload, request, status):
    """The payload as it came, but for the middle of long strings."""
    line = "=== %s for %s (try %s, %d bytes, answered %d)" % (
        payload.get("message_id"),
        payload.get("rcpt_to"),
        request["headers"].get("x-delivery-attempt", "?"),
        request["length"],
        status,
    )
    text = json.dumps(shorten(payload), indent=2, ensure_ascii=False)
    with PRINT_LOCK:
        print(line, text, sep="\n", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4000, help="0: any")
    parser.add_argument("--key", default="secret")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--domains", default="example.com")
    parser.add_argument(
        "--user", action="append", default=["user@example.com:password"]
    )
    parser.add_argument(
        "--missing",
        action="append",
        default=["nobody"],
        help="a local part that does not exist",
    )
    options = parser.parse_args()
    state = State(options)
    listener = socket.create_server((options.host, options.port), backlog=256)
    print(
        "listening on http://%s:%d" % listener.getsockname()[:2], flush=True
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            connection, _ = listener.accept()
            threading.Thread(
                target=serve_connection,
                args=(state, connection),
                daemon=True,
            ).start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
