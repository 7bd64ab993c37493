"""openapi.json is a valid OpenAPI 3.1 document, describes exactly the calls
that there are, and every example in it is what the server does."""

import json
import os
import re
import subprocess

from api import HERE, KEY, LETTER, call, check, eventually, run, same, send

try:
    import jsonschema
except ImportError:
    jsonschema = None

ROUTES = os.path.join(HERE, "..", "..", "httpapi", "routes.c")
DKIM = "/api/v1/dkim/domains/{domain}"
BOUNCE = {"error": "User not found", "bounce": True}
ACTIONS = {
    "retry": "waiting",
    "cancel": "waiting",
    "hold": "waiting",
    "release": "held",
    "replay": "kept",
    "requeue": "dead",
    None: "dead",
}


def document(api):
    answer = call(api, "GET", "/openapi.json", key=None)
    same(answer.status, 200, "openapi.json")
    return answer.json()


def validator(doc, schema):
    """Of a schema of the document, which may refer to others in it."""
    return jsonschema.Draft202012Validator(
        {"$ref": "#/$defs/it", "$defs": {"it": schema}, **parts(doc)},
        format_checker=jsonschema.FormatChecker(),
    )


def parts(doc):
    return {"components": doc["components"]}


def resolved(doc, value):
    while "$ref" in value:
        at = doc
        for name in value["$ref"][2:].split("/"):
            at = at[name]
        value = at
    return value


def is_described(doc, operation, answer, what):
    """The answer is one that the operation has, and fits its schema."""
    responses = operation["responses"]
    check(str(answer.status) in responses, "%s: %s" % (what, answer))
    content = resolved(doc, responses[str(answer.status)])["content"]
    type = answer.headers["content-type"].split(";")[0]
    check(type in content, "%s: %s is not described" % (what, type))
    if type.endswith("json"):
        validator(doc, content[type]["schema"]).validate(answer.json())


def fits(got, example, what):
    """What the example says, but for the id of the message."""
    for name, value in example.items():
        if name in ("message_id", "id"):
            check(re.fullmatch("[0-9A-Z]{26}", got[name]), what)
        else:
            same(got[name], value, "%s: %s" % (what, name))


def story_the_document_is_valid(stack):
    api = stack.httpapi()
    doc = document(api)
    with open(
        os.path.join(HERE, "openapi-3.1.schema.json"), encoding="utf-8"
    ) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator(schema).validate(doc)
    for schema in doc["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [
        operation["operationId"]
        for path in doc["paths"].values()
        for operation in path.values()
    ]
    same(len(set(ids)), len(ids), "operation ids")
    # References lead somewhere.
    for target in re.findall(r'"\$ref": "([^"]*)"', json.dumps(doc)):
        resolved(doc, {"$ref": target})


def story_it_describes_the_calls_that_there_are(stack):
    doc = document(stack.httpapi())
    with open(ROUTES, encoding="ascii") as file:
        table = file.read()
    table = table[table.index("const struct route routes[]") :]
    table = re.sub(r'DKIM "', '"' + DKIM, table).replace("DKIM", '"%s"' % DKIM)
    paths = set(re.findall(r'"(/[^"]*)"', table))
    same(paths ^ set(doc["paths"]), set(), "paths of one and not the other")
    count = sum(len(path) for path in doc["paths"].values())
    rows = len(re.findall(r'\.path = "|KEYED\(|WATCHED\(|FILE_OF_PAGE\(', table))
    same(count, rows, "operations")


def story_examples_of_sending_are_what_happens(stack):
    api = stack.httpapi()
    doc = document(api)
    operation = doc["paths"]["/api/v1/send"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    schema = validator(doc, content["schema"])
    expected = {}
    for status, response in operation["responses"].items():
        for body in resolved(doc, response)["content"].values():
            for name, example in body.get("examples", {}).items():
                expected[name] = (int(status), example["value"])
    same(set(expected), set(content["examples"]), "names of the examples")
    for name, example in content["examples"].items():
        schema.validate(example["value"])
        answer = call(api, "POST", "/api/v1/send", example["value"])
        status, value = expected[name]
        same(answer.status, status, name)
        is_described(doc, operation, answer, name)
        fits(answer.json(), value, name)
    # And what has no body to show.
    for headers, status in (
        ({"Content_Type": "text/plain"}, 415),
        ({"X_API_Key": "wrong"}, 401),
    ):
        answer = call(api, "POST", "/api/v1/send", LETTER, **headers)
        same(answer.status, status, headers)
        is_described(doc, operation, answer, headers)
    send(api, LETTER, Idempotency_Key="a")
    answer = call(
        api, "POST", "/api/v1/send", dict(LETTER, to="c@d.e"), Idempotency_Key="a"
    )
    same(answer.status, 422, answer)
    is_described(doc, operation, answer, "another body")


def messages(stack, api):
    """One in each state that an action wants."""
    phoenix = stack.phoenix()
    kept = send(api, LETTER)["message_id"]
    agent = stack.deliver(KEEP_DELIVERED="1d")
    eventually(lambda: phoenix.delivered() == 1, "one is kept")
    phoenix.control(status=404, body=BOUNCE)
    dead = [send(api, LETTER)["message_id"] for _ in range(2)]
    eventually(
        lambda: len(stack.files("dead")) == 2 and not stack.files("queue"),
        "two are dead",
    )
    agent.stop()
    waiting = [send(api, LETTER)["message_id"] for _ in range(3)]
    held = send(api, LETTER)["message_id"]
    same(
        call(api, "POST", "/api/v1/messages/%s/hold" % held).status, 200, "hold"
    )
    return {"kept": [kept], "dead": dead, "waiting": waiting, "held": [held]}


def story_the_other_calls_answer_as_described(stack):
    api = stack.httpapi()
    doc = document(api)
    there = messages(stack, api)
    some = there["waiting"][0]
    for path, operations in doc["paths"].items():
        for method, operation in operations.items():
            if path == "/api/v1/send" or path.startswith(DKIM):
                continue
            act = "Acted" in json.dumps(operation)
            last = path.rsplit("/", 1)[-1]
            id = some
            if act:
                id = there[ACTIONS[last if last in ACTIONS else None]].pop()
            where = path.replace("{id}", id)
            answer = call(api, method.upper(), where)
            check(answer.status in (200, 503), "%s: %s" % (where, answer))
            check(answer.status == 200 or path == "/healthz", str(answer))
            is_described(doc, operation, answer, where)
            if act:
                same(answer.json()["results"][0]["result"], "done", where)
            if act or path == "/api/v1/messages/{id}":
                other = path.replace("{id}", "0" * 26)
                answer = call(api, method.upper(), other)
                same(answer.status, 404, other)
                is_described(doc, operation, answer, other)
            if operation["security"]:
                answer = call(api, method.upper(), where, key=None)
                same(answer.status, 401, where)
                is_described(doc, operation, answer, where)
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ("limit", "cursor", "state", "lane"):
                    answer = call(
                        api, "GET", where + "?%s=-" % parameter["name"]
                    )
                    same(answer.status, 400, parameter["name"])
                    same(answer.json()["field"], parameter["name"], "field")
                    is_described(doc, operation, answer, where)


def story_the_keys_of_domains_are_as_described(stack):
    # Nobody answers there: the record is not known to be in the DNS.
    api = stack.httpapi(DNS_SERVERS="127.0.0.1@9")
    doc = document(api)
    private = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519"],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()

    def ask(method, status, body=None, path=DKIM):
        where = path.replace("{domain}", "example.com")
        answer = call(api, method, where, body)
        same(answer.status, status, "%s %s: %s" % (method, where, answer))
        is_described(doc, doc["paths"][path][method.lower()], answer, where)
        return answer.json()

    ask("GET", 404)
    ask("PUT", 400, {"selector": "s1", "private_key": "x"})
    stored = ask("PUT", 200, {"selector": "s1", "private_key": private})
    same(ask("GET", 200)["value"], stored["value"], "value")
    ask("POST", 200, {"type": "ed25519"}, DKIM + "/rotate")
    ask("POST", 409, {"activate": True}, DKIM + "/rotate")
    same(ask("DELETE", 200)["deleted"], True, "deleted")
    ask("DELETE", 404)


if __name__ == "__main__":
    if jsonschema is None:
        raise SystemExit(77)
    run(globals())
