"""The row about sending by HTTP: ours beside a Node.js handler that pushes to
Redis with appendfsync always."""

import json
import os
import re
import subprocess
import urllib.request

from . import servers
from .report import Result

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CONNECTIONS = 50
BODY = json.dumps({
    "from": f"Ada Lovelace <{servers.SENDER}>", "to": servers.RECIPIENT,
    "subject": "A letter of two kilobytes",
    "text_body": "The engine might act upon other things besides number.\n" * 33,
})


def http_answers(port, path, process, seconds=15):
    def ask():
        try:
            url = f"http://127.0.0.1:{port}{path}"
            return urllib.request.urlopen(url, timeout=1).status == 200
        except OSError:
            return False
    servers.wait_until(ask, process, seconds)


class Ours(servers.HttpApi):
    name = "elektrine"

    def __init__(self, area):
        super().__init__(area, os.path.join(area, "spool"))


class NodeLpush(servers.Server):
    name = "node+redis"

    def start(self):
        port = servers.free_port()
        self.redis = self.spawn(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1",
             "--dir", self.area, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always"])
        servers.wait_until(lambda: servers.is_open(port), self.redis)
        self.process = self.spawn(
            ["node", f"{HERE}/lpush.js", str(self.port), str(port)])

    def __enter__(self):
        self.start()
        http_answers(self.port, "/", self.process)
        return self

    def stop(self):
        super().stop()
        self.redis.terminate()
        self.redis.wait()


def drive(server, script, seconds):
    """Requests a second that were answered with 200."""
    user, system = server.cgroup.seconds()
    out = subprocess.run(
        ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s",
         "--timeout", "20s", "-s", script,
         f"http://127.0.0.1:{server.port}/api/v1/send"],
        check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(f"{server.name}: {out}")
    count = int(re.search(r"(\d+) requests in", out).group(1))
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))
    end = server.cgroup.seconds()
    return rate, (end[0] - user + end[1] - system) * 1e3 / count


def send(context):
    values, costs = {}, {}
    kinds = [Ours, NodeLpush]
    areas = [context.disk.area(kind.name) for kind in kinds]
    script = os.path.join(areas[0], "post.lua")
    with open(script, "w") as file:
        file.write('wrk.method = "POST"\nwrk.body = %s\n'
                   'wrk.headers["Content-Type"] = "application/json"\n'
                   'wrk.headers["X-API-Key"] = "%s"\n'
                   % (json.dumps(BODY).replace("\\/", "/"),
                      servers.HttpApi.key))
    with kinds[0](areas[0]) as ours, kinds[1](areas[1]) as theirs:
        for server in (ours, theirs):
            drive(server, script, 1)
        for _ in range(context.rounds):
            for server in (ours, theirs):
                rate, cost = drive(server, script, max(context.seconds, 2))
                values.setdefault(server.name, []).append(rate)
                costs.setdefault(server.name, []).append(cost)
    for area in areas:
        context.disk.drop(area)
    return [
        Result("durable sends by HTTP, 2 KB, 50 connections", "requests/s",
               "3 × Node.js and Redis, appendfsync always", values,
               "node+redis", 3),
        Result("server CPU per durable send", "ms", "", costs),
    ]
